package layout

import (
	"math"
	"slices"
)

// place returns the middle of each node across (U. Brandes, B. Köpf, "Fast and
// simple horizontal coordinate assignment", GD 2001): nodes are aligned with
// their median neighbours into blocks, four times, from above and below and
// preferring left and right; each is made compact, and a node stands in the
// middle of its four places. The distances that one of the four keeps, their
// middle keeps too.
//
// Lines stay straight where they pass layers, and boxes prefer to stand in
// line with boxes rather than with lines that pass.
func (n *net) place(o Options) []float64 {
	p := &placer{net: n, gap: o.Across, pad: o.Pad}
	p.choose()
	p.markConflicts()
	var four [4][]float64
	narrow := 0
	var left, right [4]float64
	for k := range four {
		p.right = k%2 == 1
		four[k] = p.compact(p.align(k/2 == 1))
		left[k], right[k] = p.extent(four[k])
		if right[k]-left[k] < right[narrow]-left[narrow] {
			narrow = k
		}
	}
	x := make([]float64, len(n.layer))
	for k := range four {
		shift := left[narrow] - left[k]
		if k%2 == 1 {
			shift = right[narrow] - right[k]
		}
		for v := range four[k] {
			four[k][v] += shift
		}
	}
	for v := range x {
		s := [4]float64{four[0][v], four[1][v], four[2][v], four[3][v]}
		slices.Sort(s[:])
		x[v] = (s[1] + s[2]) / 2
	}
	return x
}

// A placer computes one of the four.
type placer struct {
	*net
	gap, pad float64
	right    bool   // seen in a mirror: right is left
	barred   []bool // segments along which nothing is aligned
}

// extent returns where the nodes begin and end.
func (p *placer) extent(x []float64) (left, right float64) {
	left, right = math.Inf(1), math.Inf(-1)
	for _, layer := range p.order {
		for _, v := range layer {
			left = min(left, x[v]-p.width[v]/2)
			right = max(right, x[v]+p.width[v]/2)
		}
	}
	return left, right
}

// choose bars segments between a box and a bend if the box has a box next to
// it on that side.
func (p *placer) choose() {
	p.barred = make([]bool, len(p.from))
	for v := range int32(p.boxes) {
		for _, side := range []*links{&p.up, &p.down} {
			near := side.of(v)
			if !slices.ContainsFunc(near, p.isBox) {
				continue
			}
			for k, s := range side.segs(v) {
				p.barred[s] = p.barred[s] || !p.isBox(near[k])
			}
		}
	}
}

// markConflicts bars segments that cross one between two bends: those are to
// be straight.
func (p *placer) markConflicts() {
	for l := 1; l < len(p.order); l++ {
		above, layer := p.order[l-1], p.order[l]
		left, from := int32(0), 0
		for k, v := range layer {
			right := int32(len(above) - 1)
			if p.isBend(v) && p.isBend(p.up.of(v)[0]) {
				right = p.pos[p.up.of(v)[0]]
			} else if k < len(layer)-1 {
				continue
			}
			for _, w := range layer[from : k+1] {
				for i, u := range p.up.of(w) {
					inner := p.isBend(u) && p.isBend(w)
					if at := p.pos[u]; !inner && (at < left || at > right) {
						p.barred[p.up.segs(w)[i]] = true
					}
				}
			}
			left, from = right, k+1
		}
	}
}

// align returns the block of each node, named by one of its nodes. Blocks have
// at most one node of a layer and do not cross.
func (p *placer) align(fromBelow bool) []int32 {
	block := make([]int32, len(p.layer))
	taken := make([]bool, len(p.layer)) // aligned with one of the layer behind
	for v := range block {
		block[v] = int32(v)
	}
	side := &p.up
	if fromBelow {
		side = &p.down
	}
	var free []int32
	for i := range len(p.order) - 1 {
		l := i + 1
		if fromBelow {
			l = len(p.order) - 2 - i
		}
		last := int32(-1) // as far as the layer before is used up
		for k := range p.order[l] {
			v := p.order[l][p.mirrored(k, l)]
			free = free[:0]
			for i, u := range side.of(v) {
				if !p.barred[side.segs(v)[i]] {
					free = append(free, u)
				}
			}
			if len(free) == 0 {
				continue
			}
			before := l - 1
			if fromBelow {
				before = l + 1
			}
			place := func(u int32) int32 { return int32(p.mirrored(int(p.pos[u]), before)) }
			slices.SortFunc(free, func(a, b int32) int { return int(place(a) - place(b)) })
			for _, m := range [2]int{(len(free) - 1) / 2, len(free) / 2} {
				if u := free[m]; !taken[u] && place(u) > last {
					taken[u] = true
					block[v] = block[u]
					last = place(u)
					break
				}
			}
		}
	}
	return block
}

// mirrored returns the place that stands k-th when the layer is looked at from
// the placer's side.
func (p *placer) mirrored(k, l int) int {
	if p.right {
		return len(p.order[l]) - 1 - k
	}
	return k
}
