// Package shape makes the graphs that are measured: nodes are numbers and
// nothing else, so that every executor starts from the same thing.
package shape

// A Graph is a directed acyclic graph over the nodes 0 to N()-1, whose numbers
// are a topological order. It is immutable and safe for concurrent use.
//
// Both directions are kept as compressed lists: a graph of a million nodes must
// not itself be the memory that a measurement of a million tasks reports.
type Graph struct {
	name             string
	depEnd, depList  []int32
	succEnd, succAll []int32
}

// Name is the shape and the number of tasks that its maker was asked for.
func (g *Graph) Name() string { return g.name }

// N is the number of nodes.
func (g *Graph) N() int { return len(g.depEnd) - 1 }

// Edges is the number of edges.
func (g *Graph) Edges() int { return len(g.depList) }

// Deps are the nodes that i waits for. The caller must not change them.
func (g *Graph) Deps(i int) []int32 { return g.depList[g.depEnd[i]:g.depEnd[i+1]] }

// Succ are the nodes that wait for i, in ascending order. The caller must not
// change them.
func (g *Graph) Succ(i int) []int32 { return g.succAll[g.succEnd[i]:g.succEnd[i+1]] }

// Of makes a graph of the dependencies of each node, which come before it.
func Of(name string, deps [][]int) *Graph {
	edges := 0
	for _, d := range deps {
		edges += len(d)
	}
	b := newBuilder(name, len(deps), edges)
	for _, d := range deps {
		b.node(d...)
	}
	return b.graph()
}

// builder takes the dependencies of one node after the other.
type builder struct{ g *Graph }

func newBuilder(name string, nodes, edges int) builder {
	g := &Graph{name: name, depEnd: make([]int32, 1, nodes+1), depList: make([]int32, 0, edges)}
	return builder{g}
}

// node appends the next node; deps must be nodes appended before it.
func (b builder) node(deps ...int) {
	for _, d := range deps {
		b.g.depList = append(b.g.depList, int32(d))
	}
	b.g.depEnd = append(b.g.depEnd, int32(len(b.g.depList)))
}

// graph derives the successor lists by a counting sort over the edges.
func (b builder) graph() *Graph {
	g := b.g
	n := g.N()
	g.succEnd = make([]int32, n+1)
	g.succAll = make([]int32, len(g.depList))
	for _, d := range g.depList {
		g.succEnd[d+1]++
	}
	for i := range n {
		g.succEnd[i+1] += g.succEnd[i]
	}
	fill := make([]int32, n)
	for i := range n {
		for _, d := range g.Deps(i) {
			g.succAll[g.succEnd[d]+fill[d]] = int32(i)
			fill[d]++
		}
	}
	return g
}
