package layout

import (
	"cmp"
	"math"
	"slices"
)

// A router places the rows, the lines and the frames.
type router struct {
	Layout
	g   Graph
	o   Options
	net *net
	x   []float64 // the middle of each node

	top, bottom []float64 // of each layer
	first, last []int32   // layers of each cluster
}

func newRouter(g Graph, o Options, n *net, x []float64) *router {
	r := &router{g: g, o: o, net: n, x: x}
	r.Boxes = make([]Rect, len(g.Boxes))
	r.Edges = make([][]Point, len(g.Edges))
	r.Clusters = make([]Rect, len(g.Clusters))
	r.first, r.last = n.tree.spans(n.layer[:n.boxes], n.cluster[:n.boxes])
	return r
}

// rows places the layers below one another, with room for the frames that
// begin and end between them, and the boxes in the middle of their rows.
func (r *router) rows() {
	depth := len(r.net.order)
	r.top, r.bottom = make([]float64, depth), make([]float64, depth)
	above, below := r.rims()
	y := 0.0
	for l, layer := range r.net.order {
		y += above[l]
		high := 0.0
		boxes := []int{}
		for _, v := range layer {
			if r.net.isBox(v) {
				boxes = append(boxes, int(v))
				high = max(high, r.g.Boxes[v].H)
			}
		}
		r.Layers = append(r.Layers, boxes)
		r.top[l], r.bottom[l] = y, y+high
		for _, i := range boxes {
			b := r.g.Boxes[i]
			r.Boxes[i] = Rect{r.x[i] - b.W/2, y + (high-b.H)/2, b.W, b.H}
		}
		y += high + below[l] + r.o.Down
	}
}

// rims returns the room that frames need above and below each layer.
func (r *router) rims() (above, below []float64) {
	t := r.net.tree
	above, below = make([]float64, len(r.net.order)), make([]float64, len(r.net.order))
	up, down := make([]float64, len(t.parent)), make([]float64, len(t.parent))
	for _, c := range t.deep {
		a, b := r.first[c], r.last[c]
		if a > b {
			continue
		}
		up[c] += r.o.Pad + r.g.Clusters[c].Title
		down[c] += r.o.Pad
		above[a], below[b] = max(above[a], up[c]), max(below[b], down[c])
		if p := t.parent[c]; p >= 0 {
			if r.first[p] == a {
				up[p] = max(up[p], up[c])
			}
			if r.last[p] == b {
				down[p] = max(down[p], down[c])
			}
		}
	}
	return above, below
}

// lines draws the edges: out of the bottom of a box, straight through the
// layers, into the top of a box.
func (r *router) lines() {
	out, in := r.ports()
	for e, ends := range r.g.Edges {
		if !r.net.drawn[e] {
			continue
		}
		a, b := r.Boxes[ends[0]], r.Boxes[ends[1]]
		la, lb := r.net.layer[ends[0]], r.net.layer[ends[1]]
		line := pen{{out[e], a.Y + a.H}}
		line.to(out[e], r.bottom[la])
		if v := r.net.bend[e]; v >= 0 {
			for l := la + 1; l < lb; l++ {
				line.to(r.x[v], r.top[l])
				line.to(r.x[v], r.bottom[l])
				v++
			}
		}
		line.to(in[e], r.top[lb])
		line.to(in[e], b.Y)
		r.Edges[e] = line
	}
}

// A pen draws a line; points on the way between two others are left out.
type pen []Point

func (p *pen) to(x, y float64) {
	const close = 1e-6
	line := *p
	end := line[len(line)-1]
	if math.Abs(end.X-x) < close && math.Abs(end.Y-y) < close {
		return
	}
	if n := len(line); n > 1 {
		a := line[n-2]
		if math.Abs((end.X-a.X)*(y-a.Y)-(end.Y-a.Y)*(x-a.X)) < close {
			line[n-1] = Point{x, y}
			return
		}
	}
	*p = append(line, Point{x, y})
}

// A port is where an edge meets its box; other is the place it goes to.
type port struct {
	edge  int
	other float64
}

// ports returns where each edge leaves and enters. The edges of a box are
// spread over its width in the order of where they go. One that goes straight
// up or down keeps the middle, and the others share the sides.
func (r *router) ports() (out, in []float64) {
	out, in = make([]float64, len(r.g.Edges)), make([]float64, len(r.g.Edges))
	leave := make([][]port, len(r.g.Boxes))
	enter := make([][]port, len(r.g.Boxes))
	for e, ends := range r.g.Edges {
		if !r.net.drawn[e] {
			continue
		}
		a, b := ends[0], ends[1]
		after, before := r.x[b], r.x[a]
		if v := r.net.bend[e]; v >= 0 {
			after = r.x[v]
			before = r.x[v+r.net.layer[b]-r.net.layer[a]-2]
		}
		leave[a] = append(leave[a], port{e, after})
		enter[b] = append(enter[b], port{e, before})
	}
	for i := range r.g.Boxes {
		r.spread(i, leave[i], out)
		r.spread(i, enter[i], in)
	}
	return out, in
}

func (r *router) spread(box int, ports []port, at []float64) {
	slices.SortStableFunc(ports, func(a, b port) int { return cmp.Compare(a.other, b.other) })
	rect, middle := r.Boxes[box], r.x[box]
	straight := slices.IndexFunc(ports, func(p port) bool { return math.Abs(p.other-middle) < 1e-6 })
	if straight < 0 {
		share(ports, rect.X, rect.W, at)
		return
	}
	at[ports[straight].edge] = middle
	share(ports[:straight], rect.X, rect.W/2, at)
	share(ports[straight+1:], middle, rect.W/2, at)
}

func share(ports []port, from, width float64, at []float64) {
	for k, p := range ports {
		at[p.edge] = from + width*float64(k+1)/float64(len(ports)+1)
	}
}
