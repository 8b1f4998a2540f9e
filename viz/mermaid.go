package viz

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// Mermaid writes a graph as a Mermaid flowchart without colours, for a page that
// has its own: nested pipelines as subgraphs, mapped tasks as subroutines (with
// a double border), dotted edges for order alone, thick ones for the critical
// path of a report. With [WithReport] each node says what became of its task.
//
// No name is part of the syntax: identifiers are numbers, and in labels all
// characters that mean something to Mermaid or HTML are entities.
func Mermaid(w io.Writer, g *dag.Graph, opts ...Option) error { return mermaid(w, g, opts, false) }

// MermaidStyled is [Mermaid] with colours: by kind and level, or with
// [WithReport] by state.
func MermaidStyled(w io.Writer, g *dag.Graph, opts ...Option) error { return mermaid(w, g, opts, true) }

func mermaid(w io.Writer, g *dag.Graph, opts []Option, styled bool) error {
	m := mermaidWriter{picture: newPicture(g, configure(opts)), out: bufio.NewWriter(w)}
	m.out.WriteString("flowchart TD\n")
	m.cluster(-1, "  ")
	for k := range m.edges {
		m.edge(&m.edges[k])
	}
	if styled {
		m.styles()
	}
	return m.out.Flush()
}

type mermaidWriter struct {
	*picture
	out *bufio.Writer
}

// mermaidShapes are the brackets of each kind.
var mermaidShapes = map[kind][2]string{
	taskKind: {"[", "]"}, mappedKind: {"[[", "]]"}, inputKind: {"([", "])"}, groupKind: {"[[", "]]"}, pipelineKind: {"{{", "}}"},
}

// cluster writes what is directly in a cluster, -1 for what is in none.
func (m *mermaidWriter) cluster(of int, indent string) {
	for k := range m.boxes {
		x := &m.boxes[k]
		if x.cluster != of {
			continue
		}
		lines := x.texts()
		for k, line := range lines {
			lines[k] = mermaidText(line)
		}
		shape := mermaidShapes[x.kind]
		fmt.Fprintf(m.out, "%s%s%s\"%s\"%s\n", indent, x.id, shape[0], strings.Join(lines, "<br>"), shape[1])
	}
	for k := range m.clusters {
		if c := &m.clusters[k]; c.parent == of {
			fmt.Fprintf(m.out, "%ssubgraph %s[\"%s\"]\n", indent, c.id, mermaidText(c.label))
			m.cluster(k, indent+"  ")
			fmt.Fprintf(m.out, "%send\n", indent)
		}
	}
}

func (m *mermaidWriter) edge(e *edge) {
	arrow := "-->"
	switch {
	case e.critical:
		arrow = "==>"
	case len(e.data) == 0:
		arrow = "-.->"
	}
	label := ""
	if text := m.edgeText(e); text != "" {
		label = `|"` + mermaidText(text) + `"|`
	}
	fmt.Fprintf(m.out, "  %s %s%s %s\n", m.boxes[e.from].id, arrow, label, m.boxes[e.to].id)
}

// levelFills shade levels; deeper ones begin again.
var levelFills = []string{"#ffffff", "#f6f8fa", "#ddf4ff", "#b6e3ff", "#dafbe1", "#fff8c5"}

func (m *mermaidWriter) styles() {
	of, paints := map[string][]string{}, map[string]paint{}
	var order []string
	add := func(class, id string) {
		if of[class] == nil {
			order = append(order, class)
		}
		of[class] = append(of[class], id)
	}
	for k := range m.boxes {
		x := &m.boxes[k]
		add(x.style(), x.id)
		paints[x.style()] = x.paint()
		if m.report == nil && x.level >= 0 {
			add(fmt.Sprint("level", x.level%len(levelFills)), x.id)
		}
		if x.run != nil && x.run.critical {
			add("critical", x.id)
		}
	}
	slices.Sort(order)
	for _, class := range order {
		fmt.Fprintf(m.out, "  classDef %s %s\n", class, m.classDef(class, paints[class]))
	}
	for _, class := range order {
		fmt.Fprintf(m.out, "  class %s %s\n", strings.Join(of[class], ","), class)
	}
}

func (m *mermaidWriter) classDef(class string, p paint) string {
	if level, ok := strings.CutPrefix(class, "level"); ok {
		k, _ := strconv.Atoi(level)
		return "fill:" + levelFills[k] + ",color:" + hex(ink)
	}
	switch {
	case class == "critical":
		return "stroke-width:4px"
	case m.report == nil && class != string(inputKind):
		return "stroke:" + hex(p.line) + ",stroke-width:2px"
	case class == runnel.Skipped.String(), class == runnel.Cancelled.String():
		return fmt.Sprintf("fill:%s,stroke:%s,color:%s,stroke-dasharray:4 3", hex(p.fill), hex(p.line), hex(ink))
	}
	return fmt.Sprintf("fill:%s,stroke:%s,color:%s", hex(p.fill), hex(p.line), hex(ink))
}

// mermaidText makes a text part of a quoted label. Mermaid looks for entities,
// directives, comments, icons, Markdown and HTML in it, and each of these begins
// with a character that is written as an entity here.
func mermaidText(s string) string {
	var b strings.Builder
	runes := []rune(oneLine(s))
	for i, r := range runes {
		last := i+1 == len(runes) || runes[i+1] == ' ' // a list in Markdown: "1. x", "- x"
		switch {
		case r > unicode.MaxASCII, unicode.IsLetter(r), unicode.IsDigit(r),
			strings.ContainsRune(" _,'!?=/", r), (r == '.' || r == '-') && !last:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
