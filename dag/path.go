package dag

import "slices"

// CriticalPath returns the path on which the costs of the tasks add up to
// most, from a root on, and that sum. With unlimited parallelism no run can
// end sooner than the tasks of this path take one after another.
//
// cost is called once for each task and may return any unit; nil makes every
// task cost 1, so that the path is the longest chain. A negative cost or NaN
// counts as 0. Of equally long paths, the one whose last task comes first by
// name is returned, and so on backwards from there. An empty graph has an
// empty path.
func (g *Graph) CriticalPath(cost func(*Node) float64) (path []*Node, total float64) {
	if len(g.nodes) == 0 {
		return nil, 0
	}
	sum := make([]float64, len(g.nodes)) // of the longest path up to and with each task
	before := make([]int32, len(g.nodes))
	better := func(i, than int32) bool {
		return than < 0 || sum[i] > sum[than] || sum[i] == sum[than] && g.nodes[i].Name < g.nodes[than].Name
	}
	end := int32(-1)
	for k := range g.nodes {
		i := int32(k) // ascending numbers are a topological order
		before[i] = -1
		for _, p := range g.links.Pred(i) {
			if better(p, before[i]) {
				before[i] = p
			}
		}
		sum[i] = costOf(cost, &g.nodes[i])
		if before[i] >= 0 {
			sum[i] += sum[before[i]]
		}
		if better(i, end) {
			end = i
		}
	}
	for i := end; i >= 0; i = before[i] {
		path = append(path, &g.nodes[i])
	}
	slices.Reverse(path)
	return path, sum[end]
}

// costOf reads a cost: negative ones and NaN are 0.
func costOf(cost func(*Node) float64, n *Node) float64 {
	if cost == nil {
		return 1
	}
	if c := cost(n); c > 0 {
		return c
	}
	return 0
}
