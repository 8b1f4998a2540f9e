package graph

// Sort returns a topological order and the level of each node: the number of
// edges on the longest path that leads to it, so that roots are at level 0.
// The order is Kahn's with a first-in, first-out queue (A. B. Kahn,
// "Topological sorting of large networks", CACM 5(11), 1962): levels never
// fall along it, roots come by number, and nodes that become ready together
// come by number.
//
// ok is false when there is a cycle. The order then holds only the nodes that
// are on no cycle and behind none; the level of the others is -1.
func (g *Graph) Sort() (order, level []int32, ok bool) {
	missing := make([]int32, g.n) // predecessors not yet placed
	level = make([]int32, g.n)
	order = make([]int32, 0, g.n)
	for i := range int32(g.n) {
		missing[i] = g.InDegree(i)
		if missing[i] == 0 {
			order = append(order, i)
		}
	}
	// order is its own queue: what lies behind next is waiting.
	for next := 0; next < len(order); next++ {
		i := order[next]
		// Nodes leave the queue by ascending level, so the predecessor that
		// frees a node is at the highest level of all its predecessors.
		l := level[i] + 1
		for _, s := range g.Succ(i) {
			missing[s]--
			if missing[s] == 0 {
				level[s] = l
				order = append(order, s)
			}
		}
	}
	if len(order) == g.n {
		return order, level, true
	}
	for i, m := range missing {
		if m > 0 {
			level[i] = -1
		}
	}
	return order, level, false
}

// Reach returns, for every node, whether a path leads to it from one of the
// given nodes; a given node always counts as reached. With backwards the edges
// are followed against their direction, which finds ancestors instead of
// descendants.
func (g *Graph) Reach(from []int32, backwards bool) []bool {
	seen := make([]bool, g.n)
	stack := make([]int32, 0, len(from))
	for _, i := range from {
		if !seen[i] {
			seen[i] = true
			stack = append(stack, i)
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		next := g.Succ(i)
		if backwards {
			next = g.Pred(i)
		}
		for _, s := range next {
			if !seen[s] {
				seen[s] = true
				stack = append(stack, s)
			}
		}
	}
	return seen
}
