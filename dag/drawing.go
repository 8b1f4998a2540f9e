package dag

import (
	"slices"
	"strings"

	"github.com/runnelflow/runnel/internal/boxes"
)

// Limits of what String draws: what is read at a glance, on any terminal.
const (
	mostDrawn   = 40
	mostColumns = 80
)

// drawing is the graph as boxes and lines; ok is false when it is too large.
func (g *Graph) drawing() (text string, ok bool) {
	inputs := g.ExternalInputs()
	if len(g.nodes)+len(inputs) > mostDrawn {
		return "", false
	}
	var d boxes.Graph
	at := make(map[*Node]int, len(g.nodes))
	for _, n := range g.Nodes() {
		at[n] = len(d.Boxes)
		d.Boxes = append(d.Boxes, n.box())
	}
	for _, name := range inputs {
		data, _ := g.Data(name)
		label := shown(name)
		if data.Optional {
			label += "?"
		}
		for _, n := range data.Consumers {
			d.Edges = append(d.Edges, boxes.Edge{From: len(d.Boxes), To: at[n]})
		}
		d.Boxes = append(d.Boxes, boxes.Box{Lines: []string{label}, Border: boxes.Rounded})
	}
	for _, e := range g.Edges() {
		d.Edges = append(d.Edges, boxes.Edge{From: at[e.From], To: at[e.To], Light: len(e.Data) == 0})
	}
	text, ok = boxes.Draw(d, boxes.Style{Width: mostColumns})
	return strings.TrimSuffix(text, "\n"), ok
}

func (n *Node) box() boxes.Box {
	b := boxes.Box{Lines: []string{shown(n.Name)}}
	var outputs []string
	for _, p := range n.OutputPorts() {
		outputs = append(outputs, shown(p.Name)+axesText(p))
		if len(p.Axes) > 0 {
			b.Border = boxes.Stacked
		}
	}
	if slices.ContainsFunc(n.InputPorts(), func(p Port) bool { return len(p.Axes) > 0 }) {
		// What is taken whole, and what element by element, no line shows.
		var inputs []string
		for _, p := range n.InputPorts() {
			inputs = append(inputs, shown(p.Name)+axesText(p))
		}
		b.Lines = append(b.Lines, strings.Join(inputs, ", ")+" → "+strings.Join(outputs, ", "))
		return b
	}
	if len(outputs) > 0 && !slices.Equal(outputs, b.Lines) {
		b.Lines = append(b.Lines, strings.Join(outputs, ", "))
	}
	return b
}
