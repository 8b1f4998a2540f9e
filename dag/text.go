package dag

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// String writes the graph as plain text: a headline, then the tasks level by
// level, each with what it consumes and produces. An asterisk marks external
// inputs, a question mark inputs that the task can do without:
//
//	3 tasks in 2 levels
//	level 0
//	  load: path* → audio
//	level 1
//	  tag: audio, config*? → tags
//	  tempo: audio → bpm, beats
//	* external input, ? optional
//
// Names with spaces at their ends or with characters that do not print are
// quoted.
func (g *Graph) String() string {
	w := textWriter{graph: g}
	fmt.Fprintf(&w.out, "%s in %s", counted(len(g.nodes), "task"), counted(len(g.Levels()), "level"))
	for l, level := range g.Levels() {
		fmt.Fprintf(&w.out, "\nlevel %d", l)
		for _, n := range level {
			w.task(n)
		}
	}
	w.legend()
	return w.out.String()
}

type textWriter struct {
	graph              *Graph
	out                strings.Builder
	external, optional bool // the marks in use, for the legend
}

func (w *textWriter) task(n *Node) {
	w.out.WriteString("\n  ")
	w.out.WriteString(shown(n.Name))
	w.out.WriteByte(':')
	required := make(map[string]bool, len(n.Inputs))
	axes := map[string]string{}
	for _, p := range n.ports {
		required[p.Name] = required[p.Name] || !p.Optional
		if len(p.Axes) > 0 {
			axes[p.Name] = axesText(p)
		}
	}
	for k, name := range n.Inputs {
		w.item(k, name)
		w.out.WriteString(axes[name])
		if w.graph.data[n.inputIDs[k]].producer < 0 {
			w.out.WriteByte('*')
			w.external = true
		}
		if !required[name] {
			w.out.WriteByte('?')
			w.optional = true
		}
	}
	if len(n.Outputs) > 0 {
		w.out.WriteString(" →")
		for k, name := range n.Outputs {
			w.item(k, name)
			w.out.WriteString(axes[name])
		}
	}
	if len(n.After) > 0 {
		w.out.WriteString(" (after")
		for k, name := range n.After {
			w.item(k, name)
		}
		w.out.WriteByte(')')
	}
}

// axesText is what stands behind the name of a port with axes.
func axesText(p Port) string {
	if len(p.Axes) == 0 {
		return ""
	}
	return "[" + strings.Join(p.Axes, ",") + "]"
}

// item writes the k-th name of a list.
func (w *textWriter) item(k int, name string) {
	if k > 0 {
		w.out.WriteByte(',')
	}
	w.out.WriteByte(' ')
	w.out.WriteString(shown(name))
}

func (w *textWriter) legend() {
	switch {
	case w.external && w.optional:
		w.out.WriteString("\n* external input, ? optional")
	case w.external:
		w.out.WriteString("\n* external input")
	case w.optional:
		w.out.WriteString("\n? optional")
	}
}

// shown returns the name as it is, or quoted when it would not be read as it is.
func shown(name string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, hidden) {
		return strconv.Quote(name)
	}
	return name
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
