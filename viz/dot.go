package viz

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/runnelflow/runnel/dag"
)

// DOT writes a graph in the language of Graphviz: a node for each box, with its
// whole name as tooltip, a cluster for each nested pipeline, solid edges for data
// and dashed ones for order alone. Mapped tasks and groups have a double border,
// external inputs are ellipses. Colours go by kind, or with [WithReport] by state;
// nodes and edges of the critical path are then bold. Every node and edge has
// its kind, and its state, as a class for style sheets.
//
// Names stand in labels alone; characters that do not print are replaced.
func DOT(w io.Writer, g *dag.Graph, opts ...Option) error {
	d := dotWriter{picture: newPicture(g, configure(opts)), out: bufio.NewWriter(w)}
	d.out.WriteString("digraph {\n" +
		"  graph [charset=\"UTF-8\", rankdir=TB, fontname=\"Helvetica\", fontsize=11, nodesep=0.35, ranksep=0.5];\n" +
		"  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11, margin=\"0.15,0.08\"];\n" +
		"  edge [fontname=\"Helvetica\", fontsize=9, color=\"#8c959f\", arrowsize=0.7];\n")
	d.cluster(-1, "  ")
	for k := range d.edges {
		d.edge(&d.edges[k])
	}
	d.out.WriteString("}\n")
	return d.out.Flush()
}

type dotWriter struct {
	*picture
	out *bufio.Writer
}

// cluster writes what is directly in a cluster, -1 for what is in none.
func (d *dotWriter) cluster(of int, indent string) {
	for k := range d.boxes {
		if d.boxes[k].cluster == of {
			d.node(&d.boxes[k], indent)
		}
	}
	for k := range d.clusters {
		if c := &d.clusters[k]; c.parent == of {
			fmt.Fprintf(d.out, "%ssubgraph cluster_%s {\n%[1]s  label=%[3]s; tooltip=%[4]s; style=rounded; color=\"#8c959f\";\n",
				indent, c.id, dotLabel(c.label), dotString(c.path))
			d.cluster(k, indent+"  ")
			fmt.Fprintf(d.out, "%s}\n", indent)
		}
	}
}

func (d *dotWriter) node(x *box, indent string) {
	c := x.paint()
	extra := ""
	switch x.kind {
	case mappedKind, groupKind:
		extra = ", peripheries=2"
	case inputKind:
		extra = ", shape=ellipse"
	case pipelineKind:
		extra = ", shape=folder"
	}
	if x.run != nil && x.run.critical {
		extra += ", penwidth=2.5"
	}
	fmt.Fprintf(d.out, "%s%s [label=%s, tooltip=%s, class=\"%s\", fillcolor=\"%s\", color=\"%s\", fontcolor=\"%s\"%s];\n",
		indent, x.id, dotLabel(x.texts()...), dotString(x.name), strings.Join(x.classes(), " "), hex(c.fill), hex(c.line), hex(ink), extra)
}

func (d *dotWriter) edge(e *edge) {
	attributes := []string{"class=\"" + e.class() + "\""}
	if len(e.data) == 0 {
		attributes = append(attributes, "style=dashed")
	}
	if text := d.edgeText(e); text != "" {
		attributes = append(attributes, "label="+dotLabel(text))
	}
	if e.critical {
		attributes = append(attributes, fmt.Sprintf("color=%q, penwidth=2", hex(hot)))
	}
	fmt.Fprintf(d.out, "  %s -> %s [%s];\n", d.boxes[e.from].id, d.boxes[e.to].id, strings.Join(attributes, ", "))
}

// dotLine is how many characters a line of a label has at most.
const dotLine = 40

// dotLabel is a label of several lines, long ones broken.
func dotLabel(lines ...string) string {
	var broken []string
	for _, line := range lines {
		for utf8.RuneCountInString(line) > dotLine {
			head := string([]rune(line)[:dotLine])
			broken, line = append(broken, dotEscape(head)), string([]rune(line)[dotLine:])
		}
		broken = append(broken, dotEscape(line))
	}
	return `"` + strings.Join(broken, `\n`) + `"`
}

func dotString(s string) string { return `"` + dotEscape(s) + `"` }

// dotEscape makes a text part of a quoted string: a quote would end it,
// Graphviz reads backslashes and entities in labels, and what does not print
// would break the pictures that it draws.
func dotEscape(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '&':
			b.WriteString("&amp;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
