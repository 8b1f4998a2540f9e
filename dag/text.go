package dag

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// String draws the graph as plain text: a headline, then a box for each task and a
// rounded one for each external input, with a question mark where every consumer can
// do without it. Under a task's name are its outputs, where it has others than one
// of that name; mapped tasks are stacked, and a light head ends an edge of After:
//
//	3 tasks in 2 levels
//	   ╭──────╮
//	   │ path │
//	   ╰──────╯
//	       │
//	       ▼
//	   ┌───────┐     ╭─────────╮
//	   │ load  │     │ config? │
//	   │ audio │     ╰─────────╯
//	   └───────┘          │
//	       │              │
//	       ├──────────────┤
//	       ▼              ▼
//	┌────────────┐    ┌──────┐
//	│   tempo    │    │ tag  │
//	│ bpm, beats │    │ tags │
//	└────────────┘    └──────┘
//
// A graph with more than 40 boxes or wider than 80 columns is a list instead, level
// by level, each task with what it consumes and produces. An asterisk marks external
// inputs there, and a question mark inputs that the task can do without:
//
//	tempo: audio, config*? → bpm, beats
//
// Names with spaces at their ends or with characters that do not print are quoted.
func (g *Graph) String() string {
	if drawing, ok := g.drawing(); ok {
		return g.headline() + "\n" + drawing
	}
	return g.list()
}

func (g *Graph) headline() string {
	return counted(len(g.nodes), "task") + " in " + counted(len(g.Levels()), "level")
}

func (g *Graph) list() string {
	w := textWriter{graph: g}
	w.out.WriteString(g.headline())
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
