package layout

import (
	"cmp"
	"slices"
)

const (
	// maxWork bounds the segments that the sweeps look at. The first round is
	// always made.
	maxWork = 600_000
	// maxRounds bounds the sweeps down and up, maxStall those in a row that
	// bring nothing.
	maxRounds = 24
	maxStall  = 4
)

// An ordering looks for an order of each layer with few crossings: sweeps down
// and up put each node at the mean of its neighbours in the layer before, then
// neighbours within a layer change places where that helps.
type ordering struct {
	*net
	key     []float64
	count   counter
	swap    swapper
	arrange arranger
	work    int // segments looked at
	rounds  int
	initial int // crossings of the order that depth-first search gives
	best    int
}

func (n *net) reduceCrossings() *ordering {
	o := &ordering{net: n, key: make([]float64, len(n.layer))}
	o.arrange.tree = n.tree
	o.start()
	o.initial = o.count.all(n)
	o.best = o.initial
	kept := o.copied(nil)
	if len(n.tree.parent) > 0 {
		kept = o.rerank(kept)
	}
	kept = o.sweeps(kept)
	for l := range kept {
		copy(n.order[l], kept[l])
		n.number(l)
	}
	return o
}

// start orders the layers by a depth-first search, which keeps together what
// hangs together.
func (o *ordering) start() {
	seen := make([]bool, len(o.layer))
	clock := 0.0
	var stack []int32
	for _, layer := range o.order {
		for _, root := range layer {
			stack = append(stack, root)
			for len(stack) > 0 {
				v := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				if seen[v] {
					continue
				}
				seen[v] = true
				o.key[v] = clock
				clock++
				for _, w := range slices.Backward(o.up.of(v)) {
					stack = append(stack, w)
				}
				for _, w := range slices.Backward(o.down.of(v)) {
					stack = append(stack, w)
				}
			}
		}
	}
	o.tree.rankBy(o.cluster, o.key)
	for l := range o.order {
		o.number(l)
		o.sorted(l, false)
	}
}

// rerank orders the clusters by where their boxes would like to stand if there
// were no clusters, and keeps that if it makes for fewer crossings.
func (o *ordering) rerank(kept [][]int32) [][]int32 {
	ranks := slices.Clone(o.tree.rank)
	free := o.arrange.tree
	o.arrange.tree = &tree{}
	o.round(false)
	o.arrange.tree = free
	for _, layer := range o.order {
		for k, v := range layer {
			o.key[v] = (float64(k) + 0.5) / float64(len(layer))
		}
	}
	o.tree.rankBy(o.cluster, o.key)
	for l := range o.order {
		o.sorted(l, false)
	}
	if c := o.count.all(o.net); c < o.best {
		o.best = c
		return o.copied(kept)
	}
	copy(o.tree.rank, ranks)
	for l := range kept {
		copy(o.order[l], kept[l])
		o.number(l)
	}
	return kept
}

// sweeps makes rounds as long as they bring something and the budget lasts,
// and returns the best order met.
func (o *ordering) sweeps(kept [][]int32) [][]int32 {
	stall := 0
	for o.best > 0 && o.rounds < maxRounds && stall < maxStall {
		before := o.work
		if !o.round(o.rounds%2 == 1) {
			break
		}
		stall++
		if c := o.count.all(o.net); c < o.best {
			o.best, stall = c, 0
			kept = o.copied(kept)
		}
		o.rounds++
		if o.work+(o.work-before) > maxWork {
			break
		}
	}
	return kept
}

// round sweeps down and up once, and tells whether anything moved.
func (o *ordering) round(reverse bool) bool {
	moved := false
	for l := 1; l < len(o.order); l++ {
		o.means(l, &o.up)
		moved = o.sorted(l, reverse) || moved
	}
	for l := len(o.order) - 2; l >= 0; l-- {
		o.means(l, &o.down)
		moved = o.sorted(l, reverse) || moved
	}
	for l := range o.order {
		moved = o.swap.layer(o.net, l) || moved
	}
	o.work += 8 * len(o.from)
	return moved
}

// means sets the keys of a layer to the mean places of the neighbours. A node
// without any stays beside its left one.
func (o *ordering) means(l int, side *links) {
	last := 0.0
	for _, v := range o.order[l] {
		if near := side.of(v); len(near) > 0 {
			sum := 0.0
			for _, w := range near {
				sum += float64(o.pos[w])
			}
			last = sum / float64(len(near))
		}
		o.key[v] = last
	}
}

// sorted orders a layer by key, equal ones as they stood or in reverse, and
// tells whether that changed anything. Clusters stay together.
func (o *ordering) sorted(l int, reverse bool) bool {
	layer := o.order[l]
	slices.SortFunc(layer, func(a, b int32) int {
		if c := cmp.Compare(o.key[a], o.key[b]); c != 0 {
			return c
		}
		if reverse {
			a, b = b, a
		}
		return int(o.pos[a] - o.pos[b])
	})
	o.arrange.layer(layer, o.cluster, o.key)
	moved := false
	for k, v := range layer {
		moved = moved || o.pos[v] != int32(k)
		o.pos[v] = int32(k)
	}
	return moved
}

// copied returns the order, in the slices of an older copy if there is one.
func (o *ordering) copied(to [][]int32) [][]int32 {
	if to == nil {
		to = make([][]int32, len(o.order))
	}
	for l := range o.order {
		to[l] = append(to[l][:0], o.order[l]...)
	}
	return to
}
