// Package boxes draws graphs with the characters of a terminal. It knows texts and
// numbers only; package layout places the boxes across, and this package the rows.
package boxes

import (
	"math"
	"slices"

	"github.com/runnelflow/runnel/internal/layout"
)

// Border is how a box looks.
type Border int

const (
	Plain   Border = iota
	Rounded        // external inputs
	Stacked        // several of a kind behind each other
	Double         // a nested pipeline, folded
)

// A Box has lines of text, which are printable; Color is an SGR parameter, as in
// "32", or empty.
type Box struct {
	Lines  []string
	Border Border
	Color  string
}

// An Edge joins two boxes, by number. Light ones have another head.
type Edge struct {
	From, To int
	Light    bool
}

// A Graph is what to draw.
type Graph struct {
	Boxes []Box
	Edges []Edge
}

// Style is how to draw it. Width is the most columns that the drawing may have.
type Style struct {
	Width int
	ASCII bool
	Color bool
}

// mostBoxes keeps drawings to what a reader can follow.
const mostBoxes = 400

// Draw returns the drawing, with a line break at the end; ok is false when it is
// wider than the style allows or has too many boxes to be read.
func Draw(g Graph, s Style) (drawing string, ok bool) {
	if len(g.Boxes) == 0 || len(g.Boxes) > mostBoxes {
		return "", false
	}
	d := drawer{Graph: g, at: make([]spot, len(g.Boxes))}
	l := layout.Compute(d.sizes(), layout.Options{Across: 4, Down: 4})
	if int(l.W)+2 > s.Width {
		return "", false
	}
	d.place(l)
	d.route(l)
	if d.wide > s.Width {
		return "", false
	}
	d.paint()
	return d.canvas.text(s), true
}

type drawer struct {
	Graph
	at     []spot // of the boxes
	layers []layer
	wide   int
	canvas *canvas
}

// spot is where a box stands; h counts the stack behind it.
type spot struct{ x, y, w, h, layer int }

// layer is a row of boxes, and the channel below it in which lines run.
type layer struct {
	middle float64 // in the layout
	boxes  []int
	high   int
	y      int
	nets   []*net
	tracks int
}

func (b *Box) size() (w, h int) {
	for _, line := range b.Lines {
		w = max(w, Columns(line))
	}
	w, h = w+4, len(b.Lines)+2
	if b.Border == Stacked {
		w, h = w+1, h+1
	}
	return w, h
}

func (d *drawer) sizes() layout.Graph {
	g := layout.Graph{}
	for k := range d.Boxes {
		w, h := d.Boxes[k].size()
		g.Boxes = append(g.Boxes, layout.Box{W: float64(w), H: float64(h), Cluster: -1})
	}
	for _, e := range d.Edges {
		g.Edges = append(g.Edges, [2]int{e.From, e.To})
	}
	return g
}

// place gives each box its column, and each layer its boxes. Boxes without lines
// stand in rows of their own, which the layers of the layout may leave out.
func (d *drawer) place(l layout.Layout) {
	rows := map[float64][]int{} // by the middle of the row
	for k, r := range l.Boxes {
		w, h := d.Boxes[k].size()
		d.at[k] = spot{x: int(math.Floor(r.X + 0.5)), w: w, h: h}
		d.wide = max(d.wide, d.at[k].x+w)
		middle := math.Round((r.Y+r.H/2)*16) / 16
		rows[middle] = append(rows[middle], k)
	}
	for middle := range rows {
		d.layers = append(d.layers, layer{middle: middle})
	}
	slices.SortFunc(d.layers, func(a, b layer) int {
		if a.middle < b.middle {
			return -1
		}
		return 1
	})
	for l := range d.layers {
		row := &d.layers[l]
		row.boxes = rows[row.middle]
		for _, k := range row.boxes {
			d.at[k].layer = l
			row.high = max(row.high, d.at[k].h)
		}
	}
}

// middle is the column in which lines leave and enter a box.
func (d *drawer) middle(k int) int {
	w := d.at[k].w
	if d.Boxes[k].Border == Stacked {
		w--
	}
	return d.at[k].x + w/2
}

// paint draws the lines, and the boxes over them.
func (d *drawer) paint() {
	y := 0
	for l := range d.layers {
		row := &d.layers[l]
		row.y = y
		for _, k := range row.boxes {
			d.at[k].y = y + (row.high-d.at[k].h)/2
		}
		y += row.high
		if len(row.nets) > 0 {
			y += row.tracks + 2 // a stub above, heads below
		}
	}
	d.canvas = newCanvas(d.wide, y)
	d.lines()
	for k := range d.Boxes {
		d.box(k)
	}
}

func (d *drawer) box(k int) {
	b, at := &d.Boxes[k], d.at[k]
	x, y, w, h := at.x, at.y, at.w, at.h
	if b.Border == Stacked {
		w, h = w-1, h-1
		d.canvas.frame(x+1, y+1, w, h, Plain, b.Color)
	}
	d.canvas.frame(x, y, w, h, b.Border, b.Color)
	if b.Border == Stacked {
		d.canvas.at(x+w-1, y+1).text = "├"
		d.canvas.at(x+1, y+h-1).text = "┬"
	}
	for i, line := range b.Lines {
		d.canvas.write(x+(w-Columns(line))/2, y+1+i, line, b.Color)
	}
}
