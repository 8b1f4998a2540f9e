package shape

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Chain is 0 → 1 → … → n-1: no parallelism at all, only the cost of a step.
func Chain(n int) *Graph {
	b := newBuilder(fmt.Sprintf("chain %d", n), n, n)
	b.node()
	for i := 1; i < n; i++ {
		b.node(i - 1)
	}
	return b.graph()
}

// Fan is one node, n nodes that need it, and one that needs all n: n+2 nodes.
func Fan(n int) *Graph {
	b := newBuilder(fmt.Sprintf("fan %d", n), n+2, 2*n)
	b.node()
	all := make([]int, n)
	for i := range all {
		b.node(0)
		all[i] = i + 1
	}
	b.node(all...)
	return b.graph()
}

// Tree is a binary reduction of the given number of leaves (a power of two):
// 2·leaves-1 nodes, of which the last is the result.
func Tree(leaves int) *Graph {
	n := 2*leaves - 1
	b := newBuilder(fmt.Sprintf("tree %d", n), n, n)
	for range leaves {
		b.node()
	}
	for i := range leaves - 1 {
		b.node(2*i, 2*i+1)
	}
	return b.graph()
}

// Random has layers of width nodes. Every node after the first layer needs
// three distinct nodes of the three layers before its own (fewer when there
// are not three). The seed is fixed: a size is always the same graph.
func Random(layers, width int) *Graph {
	n := layers * width
	b := newBuilder(fmt.Sprintf("random %d", n), n, 3*n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		first, end := max(0, i/width-3)*width, i/width*width
		var deps []int
		for len(deps) < min(3, end-first) {
			d := first + random.IntN(end-first)
			if !slices.Contains(deps, d) {
				deps = append(deps, d)
			}
		}
		b.node(deps...)
	}
	return b.graph()
}
