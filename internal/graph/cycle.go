package graph

import "slices"

// Cycles returns one cycle of every strongly connected component that has one,
// each as the nodes along it without repeating the first. A cycle starts with
// its smallest node, and the cycles come in the order of their first nodes. A
// node that is its own successor is a cycle of one.
//
// Each cycle is the shortest of its component as long as a linear effort finds
// it; in a large tangled component it is the shortest of those that were tried.
func (g *Graph) Cycles() [][]int32 {
	comp, count := g.components()
	size := make([]int32, count)
	for _, c := range comp {
		size[c]++
	}
	members := make([][]int32, count)
	loop := make([]int32, count) // the first node with an edge to itself
	for c := range loop {
		loop[c] = -1
	}
	for i := range int32(g.n) {
		c := comp[i]
		if loop[c] < 0 {
			if _, self := slices.BinarySearch(g.Succ(i), i); self {
				loop[c] = i
			}
		}
		if size[c] > 1 {
			members[c] = append(members[c], i)
		}
	}
	search := cycleSearch{g: g, comp: comp}
	var cycles [][]int32
	for c := range count {
		switch {
		case loop[c] >= 0:
			cycles = append(cycles, []int32{loop[c]})
		case size[c] > 1:
			cycles = append(cycles, search.shortest(members[c]))
		}
	}
	slices.SortFunc(cycles, func(a, b []int32) int { return int(a[0] - b[0]) })
	return cycles
}

// components numbers the strongly connected components and returns the number
// of each node's (R. Tarjan, "Depth-first search and linear graph algorithms",
// SIAM J. Comput. 1(2), 1972, with the call stack as a slice).
func (g *Graph) components() (comp []int32, count int) {
	var (
		index = make([]int32, g.n) // order of discovery from 1; 0: not yet seen
		low   = make([]int32, g.n)
		next  = make([]int32, g.n) // successors already followed
		open  []int32              // nodes whose component is not yet closed
		path  []int32              // the depth-first path
		clock int32
	)
	comp = make([]int32, g.n)
	for i := range comp {
		comp[i] = -1
	}
	enter := func(i int32) {
		clock++
		index[i], low[i] = clock, clock
		open = append(open, i)
		path = append(path, i)
	}
	for root := range int32(g.n) {
		if index[root] != 0 {
			continue
		}
		enter(root)
		for len(path) > 0 {
			i := path[len(path)-1]
			if succ := g.Succ(i); int(next[i]) < len(succ) {
				s := succ[next[i]]
				next[i]++
				if index[s] == 0 {
					enter(s)
				} else if comp[s] < 0 {
					low[i] = min(low[i], index[s])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				up := path[len(path)-1]
				low[up] = min(low[up], low[i])
			}
			if low[i] != index[i] {
				continue
			}
			for {
				s := open[len(open)-1]
				open = open[:len(open)-1]
				comp[s] = int32(count)
				if s == i {
					break
				}
			}
			count++
		}
	}
	return comp, count
}

// cycleSearch looks for short cycles inside components by breadth-first
// search. Its slices serve all searches on one graph.
type cycleSearch struct {
	g     *Graph
	comp  []int32
	seen  []int32 // the round in which a node was reached
	from  []int32 // the node it was reached from
	round int32
	queue []int32
	steps int // edges followed in the current component
}

// shortest returns a short cycle of the component with the given nodes, which
// are ascending and two or more. It tries every node as a start until the
// effort reaches a small multiple of the component's size, and stops at a
// cycle of two, which nothing can beat.
func (s *cycleSearch) shortest(members []int32) []int32 {
	if s.seen == nil {
		s.seen = make([]int32, s.g.n)
		s.from = make([]int32, s.g.n)
	}
	budget := 4096
	for _, i := range members {
		budget += 4 * len(s.g.Succ(i))
	}
	s.steps = 0
	var best []int32
	for _, start := range members {
		if found := s.through(start, len(best)); found != nil {
			best = found
		}
		if len(best) == 2 || s.steps > budget {
			break
		}
	}
	first := slices.Index(best, slices.Min(best))
	return slices.Concat(best[first:], best[:first])
}

// through returns the shortest cycle through start, or nil when none is
// shorter than limit nodes. A limit of 0 is no limit.
func (s *cycleSearch) through(start int32, limit int) []int32 {
	s.round++
	s.seen[start] = s.round
	s.queue = append(s.queue[:0], start)
	depth, levelEnd := 1, 1 // nodes on the path to the queue's current level
	for next := 0; next < len(s.queue); next++ {
		if next == levelEnd {
			depth, levelEnd = depth+1, len(s.queue)
		}
		if limit > 0 && depth >= limit {
			return nil
		}
		i := s.queue[next]
		for _, t := range s.g.Succ(i) {
			s.steps++
			if t == start {
				cycle := make([]int32, 0, depth)
				for ; i != start; i = s.from[i] {
					cycle = append(cycle, i)
				}
				cycle = append(cycle, start)
				slices.Reverse(cycle)
				return cycle
			}
			if s.seen[t] != s.round && s.comp[t] == s.comp[start] {
				s.seen[t] = s.round
				s.from[t] = i
				s.queue = append(s.queue, t)
			}
		}
	}
	return nil
}
