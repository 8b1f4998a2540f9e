package layout

import "math"

// frames draws each cluster around its boxes, its lines and its clusters.
func (r *router) frames() {
	t := r.net.tree
	if len(t.parent) == 0 {
		return
	}
	left, right := make([]float64, len(t.parent)), make([]float64, len(t.parent))
	top, bottom := make([]float64, len(t.parent)), make([]float64, len(t.parent))
	for c := range left {
		left[c], right[c] = math.Inf(1), math.Inf(-1)
		if r.first[c] <= r.last[c] {
			top[c], bottom[c] = r.top[r.first[c]], r.bottom[r.last[c]]
		}
	}
	for v, c := range r.net.cluster[:r.net.boxes+r.net.bends] {
		if c >= 0 {
			left[c] = min(left[c], r.x[v]-r.net.width[v]/2)
			right[c] = max(right[c], r.x[v]+r.net.width[v]/2)
		}
	}
	for _, c := range t.deep {
		if r.first[c] > r.last[c] {
			continue
		}
		left[c], right[c] = left[c]-r.o.Pad, right[c]+r.o.Pad
		top[c] -= r.o.Pad + r.g.Clusters[c].Title
		bottom[c] += r.o.Pad
		r.Clusters[c] = Rect{left[c], top[c], right[c] - left[c], bottom[c] - top[c]}
		if p := t.parent[c]; p >= 0 {
			left[p], right[p] = min(left[p], left[c]), max(right[p], right[c])
			top[p], bottom[p] = min(top[p], top[c]), max(bottom[p], bottom[c])
		}
	}
}

// shelve puts the boxes that have neither edge nor cluster into rows below the
// rest, about as wide as it, or as makes them a block twice as wide as high.
func (r *router) shelve(alone []bool) {
	width := r.normalize()
	area := 0.0
	for i, b := range r.g.Boxes {
		if alone[i] {
			area += (b.W + r.o.Across) * (b.H + r.o.Down)
		}
	}
	width = max(width, math.Sqrt(2*area))
	y, high, x := r.H, 0.0, 0.0
	for i, b := range r.g.Boxes {
		if !alone[i] {
			continue
		}
		last := len(r.Layers) - 1
		if x == 0 || x+b.W > width {
			if y += high; y > 0 {
				y += r.o.Down
			}
			x, high = 0, 0
			r.Layers = append(r.Layers, nil)
			last++
		}
		r.Boxes[i] = Rect{x, y, b.W, b.H}
		r.Layers[last] = append(r.Layers[last], i)
		r.W, r.H = max(r.W, x+b.W), max(r.H, y+b.H)
		x, high = x+b.W+r.o.Across, max(high, b.H)
	}
}

// normalize moves what is drawn to the left edge, sets the size and returns
// the width.
func (r *router) normalize() float64 {
	left, right := math.Inf(1), math.Inf(-1)
	bound := func(a, b, y float64) {
		left, right, r.H = min(left, a), max(right, b), max(r.H, y)
	}
	for _, layer := range r.Layers {
		for _, i := range layer {
			b := r.Boxes[i]
			bound(b.X, b.X+b.W, b.Y+b.H)
		}
	}
	for c, k := range r.Clusters {
		if r.first[c] <= r.last[c] {
			bound(k.X, k.X+k.W, k.Y+k.H)
		}
	}
	for _, line := range r.Edges {
		for _, p := range line {
			bound(p.X, p.X, p.Y)
		}
	}
	if left > right {
		return 0
	}
	for _, layer := range r.Layers {
		for _, i := range layer {
			r.Boxes[i].X -= left
		}
	}
	for c := range r.Clusters {
		if r.first[c] <= r.last[c] {
			r.Clusters[c].X -= left
		}
	}
	for _, line := range r.Edges {
		for k := range line {
			line[k].X -= left
		}
	}
	r.W = right - left
	return r.W
}
