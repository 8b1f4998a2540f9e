package dag

import (
	"cmp"
	"math"
	"slices"
)

// Analysis says what the costs of the tasks mean for the whole. Costs, and all
// that follows from them, are in the unit of the cost function. It is a
// snapshot: read it only. The zero value is the analysis of an empty graph.
type Analysis struct {
	Tasks        []TaskAnalysis // by level, then name
	CriticalPath []*Node        // as Graph.CriticalPath returns it
	// Total is the cost of the critical path. With unlimited parallelism it is
	// the makespan: the time from the first start to the last end.
	Total float64
	Work  float64 // the costs of all tasks together: the makespan of one worker

	graph *Graph
	tail  []float64 // of the longest path from each task on, the task counted
}

// TaskAnalysis says what the cost of one task means for the whole.
type TaskAnalysis struct {
	Node  *Node
	Cost  float64
	Start float64 // the earliest: the cost of the longest path that leads to it
	// Slack is how much more the task could cost, alone, without the total
	// becoming more (the total float of the critical path method). It is 0 on a
	// critical path.
	Slack float64
	// Gain is how much less the total would be if the task cost nothing, and so
	// the most that speeding up this task alone can bring. It is 0 for a task
	// that some critical path goes round, and at most the task's cost.
	Gain float64
}

// Analyze works out slack, gain and makespans under a cost function, which is
// read as by [Graph.CriticalPath]: nil makes every task cost 1, and a negative
// cost or NaN counts as 0. The time grows with the edges, times the logarithm
// of their number.
//
// What the rounding of floating-point sums alone could make of 0 is 0.
func (g *Graph) Analyze(cost func(*Node) float64) *Analysis {
	n := len(g.nodes)
	a := &Analysis{Tasks: make([]TaskAnalysis, n), graph: g, tail: make([]float64, n)}
	if n == 0 {
		return a
	}
	costs := make([]float64, n)
	head := make([]float64, n) // of the longest path up to each task, the task counted
	for i := range g.nodes {
		node := &g.nodes[i]
		costs[i] = costOf(cost, node)
		start := 0.0
		for _, p := range g.links.Pred(node.number) {
			start = max(start, head[p])
		}
		head[i] = start + costs[i]
		a.Tasks[i] = TaskAnalysis{Node: node, Cost: costs[i], Start: start}
		a.Work += costs[i]
	}
	a.CriticalPath, a.Total = g.CriticalPath(func(node *Node) float64 { return costs[node.number] })

	after := make([]float64, n) // of the longest path behind each task
	for i := n - 1; i >= 0; i-- {
		for _, s := range g.links.Succ(int32(i)) {
			after[i] = max(after[i], a.tail[s])
		}
		a.tail[i] = after[i] + costs[i]
	}
	around := g.longestAround(head, a.tail)
	noise := float64(len(g.levelStart)) * 0x1p-51 * a.Total
	for i := range a.Tasks {
		t := &a.Tasks[i]
		t.Slack = above(a.Total, head[i]+after[i], noise)
		t.Gain = min(above(a.Total, max(around[i], t.Start+after[i]), noise), t.Cost)
	}
	return a
}

// above is by how much a is above b. An infinite sum is not above another one,
// and what is within the noise is nothing.
func above(a, b, noise float64) float64 {
	if a == b || !(a-b > noise) && !math.IsInf(a, 1) {
		return 0
	}
	return a - b
}

// longestAround returns, for each task, the cost of the longest path that it is
// not on. Numbers are a topological order, so such a path lies on one side of
// the task's number, or has one edge that leaps over it.
func (g *Graph) longestAround(head, tail []float64) []float64 {
	n := int32(len(head))
	around := make([]float64, n)
	before := 0.0 // the longest path among the numbers so far
	for i := range n {
		around[i] = before
		before = max(before, head[i])
	}
	behind := 0.0
	for i := n - 1; i >= 0; i-- {
		around[i] = max(around[i], behind)
		behind = max(behind, tail[i])
	}
	// The longest path over each leaping edge, the longest first: each number
	// takes the first that leaps over it, and is then passed by.
	type leap struct {
		from, to int32
		sum      float64
	}
	var leaps []leap
	for i := range n {
		for _, s := range g.links.Succ(i) {
			if s > i+1 {
				leaps = append(leaps, leap{i, s, head[i] + tail[s]})
			}
		}
	}
	slices.SortFunc(leaps, func(a, b leap) int { return cmp.Compare(b.sum, a.sum) })
	next := make([]int32, n+1) // a number at or behind this one that has taken none
	for i := range next {
		next[i] = int32(i)
	}
	free := func(i int32) int32 {
		for next[i] != i {
			next[i] = next[next[i]]
			i = next[i]
		}
		return i
	}
	for _, l := range leaps {
		for i := free(l.from + 1); i < l.to; i = free(i) {
			around[i] = max(around[i], l.sum)
			next[i] = i + 1
		}
	}
	return around
}

// Bottlenecks returns the tasks whose speeding-up shortens the whole, the one to
// speed up first in front: by gain, then cost, both descending, then name. The
// gains of several tasks do not add up. It is empty when the longest paths have
// no task in common.
func (a *Analysis) Bottlenecks() []TaskAnalysis {
	var tasks []TaskAnalysis
	for _, t := range a.Tasks {
		if t.Gain > 0 {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(s, t TaskAnalysis) int {
		return cmp.Or(cmp.Compare(t.Gain, s.Gain), cmp.Compare(t.Cost, s.Cost), cmp.Compare(s.Node.Name, t.Node.Name))
	})
	return tasks
}
