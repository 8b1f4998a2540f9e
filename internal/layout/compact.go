package layout

// A rule holds two variables apart: the second is at least sep beyond the first.
type rule struct {
	a, b int32
	sep  float64
}

// compact gives every block the least place that the gaps allow, then moves
// blocks up to what follows them as far as there is slack. The frames of
// clusters are variables like the blocks: what is in a cluster stands between
// its two sides and what is not beside them.
func (p *placer) compact(block []int32) []float64 {
	s := system{
		n:     len(p.layer) + 2*len(p.tree.parent),
		rules: p.rules(block),
	}
	order := s.sort()
	if len(order) < s.n {
		// Blocks that pass a cluster on different sides in different layers can
		// form a cycle. Without such blocks there is none.
		done := make([]bool, s.n)
		for _, v := range order {
			done[v] = true
		}
		for v, b := range block {
			if !done[b] {
				block[v] = int32(v)
			}
		}
		s.rules = p.rules(block)
		order = s.sort()
	}
	at := s.least(order)
	s.pull(at, order, len(p.layer)+len(p.tree.parent))
	x := make([]float64, len(p.layer))
	for v := range x {
		x[v] = at[block[v]]
		if p.right {
			x[v] = -x[v]
		}
	}
	return x
}

// rules walks through the layers and states what holds between neighbours.
// The variables are the nodes that name blocks, then the sides at which the
// walk enters each cluster, then those at which it leaves.
func (p *placer) rules(block []int32) []rule {
	rules := make([]rule, 0, len(p.layer)+4*len(p.tree.parent))
	enter := int32(len(p.layer))
	leave := enter + int32(len(p.tree.parent))
	var inward []int32
	for l := range p.order {
		prev, cluster := int32(-1), int32(-1) // the variable and where it lies
		half, sep := 0.0, 0.0
		line := false
		step := func(to int32, sep float64) {
			if prev >= 0 {
				rules = append(rules, rule{prev, to, sep})
			}
			prev = to
		}
		for k := range p.order[l] {
			v := p.order[l][p.mirrored(k, l)]
			common := p.tree.common(cluster, p.cluster[v])
			for ; cluster != common; cluster = p.tree.parent[cluster] {
				step(leave+cluster, p.pad+half)
				half, line = 0, false
			}
			sep = p.gap
			inward = inward[:0]
			for c := p.cluster[v]; c != common; c = p.tree.parent[c] {
				inward = append(inward, c)
			}
			for i := len(inward) - 1; i >= 0; i-- {
				step(enter+inward[i], sep+half)
				half, sep = 0, p.pad
			}
			if len(inward) == 0 && (line || !p.isBox(v)) {
				sep /= 2
			}
			step(block[v], sep+half+p.width[v]/2)
			half, line, cluster = p.width[v]/2, !p.isBox(v), p.cluster[v]
		}
		for ; cluster >= 0; cluster = p.tree.parent[cluster] {
			step(leave+cluster, p.pad+half)
			half = 0
		}
	}
	return rules
}

// A system is variables and the rules between them.
type system struct {
	n     int
	rules []rule
	out   links
}

// sort returns the variables so that rules lead forward, without those that
// lie on cycles or behind them.
func (s *system) sort() []int32 {
	missing := make([]int32, s.n)
	s.out = newLinks(s.n, len(s.rules), func(k int32) (int32, int32, bool) {
		return s.rules[k].a, s.rules[k].b, true
	})
	for _, r := range s.rules {
		missing[r.b]++
	}
	order := make([]int32, 0, s.n)
	for v := range int32(s.n) {
		if missing[v] == 0 {
			order = append(order, v)
		}
	}
	for k := 0; k < len(order); k++ {
		for _, w := range s.out.of(order[k]) {
			if missing[w]--; missing[w] == 0 {
				order = append(order, w)
			}
		}
	}
	return order
}

// least returns the least places, from 0 on.
func (s *system) least(order []int32) []float64 {
	at := make([]float64, s.n)
	for _, v := range order {
		for _, k := range s.out.segs(v) {
			w := s.rules[k].b
			at[w] = max(at[w], at[v]+s.rules[k].sep)
		}
	}
	return at
}

// pull moves variables up to what follows them, except those from fixed on.
func (s *system) pull(at []float64, order []int32, fixed int) {
	for k := len(order) - 1; k >= 0; k-- {
		v := order[k]
		segs := s.out.segs(v)
		if len(segs) == 0 || int(v) >= fixed {
			continue
		}
		room := at[s.rules[segs[0]].b] - s.rules[segs[0]].sep
		for _, k := range segs[1:] {
			room = min(room, at[s.rules[k].b]-s.rules[k].sep)
		}
		at[v] = max(at[v], room)
	}
}
