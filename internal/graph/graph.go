// Package graph is the integer core of every graph in this module: nodes are
// the numbers 0..N-1, edges are compressed lists. It knows neither tasks nor
// data; package dag and the engine give the numbers their meaning.
//
// Everything here takes time linear in nodes and edges and uses no recursion,
// so that a chain of a million nodes is as safe as a short one.
package graph

import "slices"

// Graph is an immutable directed graph over the nodes 0..N-1. Successors and
// predecessors are both kept as compressed lists: the list of node i is one
// stretch of a slice shared by all nodes. It is safe for concurrent use.
type Graph struct {
	n                int
	succ, pred       []int32
	succOff, predOff []int32 // n+1 offsets each
	degrees, roots   []int32 // what each run of the graph begins with
}

// New makes a graph of n nodes with an edge from[k] → to[k] for each k.
// Parallel edges are merged, so that the in-degree of a node counts its
// distinct predecessors. A node may be its own successor.
//
// The two slices must have the same length (at most math.MaxInt32) and hold
// numbers in 0..n-1; New panics otherwise, because only a mistake in the
// calling package can bring that about. The slices are not kept. Edges that
// come grouped by ascending to are built fastest.
func New(n int, from, to []int32) *Graph {
	if len(from) != len(to) {
		panic("graph: from and to differ in length")
	}
	g := &Graph{n: n}

	// Two stable distributions make sorted lists without a comparison sort:
	// taking the edges by ascending to leaves every successor list ascending,
	// with parallel edges side by side, where they are easily merged. Taking
	// the merged lists by ascending from does the same for the predecessors.
	if !ascending(to) {
		from, to = sortedByTarget(n, from, to)
	}
	off := offsets(n, from)
	list := make([]int32, len(from))
	for k, f := range from {
		list[off[f]] = to[k]
		off[f]++
	}
	// off[i] is now the end of list i, which is the start of list i+1.
	g.succ, g.succOff = merge(n, list, off)

	off = offsets(n, g.succ)
	g.pred = make([]int32, len(g.succ))
	for i := range n {
		for _, s := range g.Succ(int32(i)) {
			g.pred[off[s]] = int32(i)
			off[s]++
		}
	}
	copy(off[1:], off[:n])
	off[0] = 0
	g.predOff = off
	g.degrees = make([]int32, n)
	for i := range int32(n) {
		if g.degrees[i] = g.InDegree(i); g.degrees[i] == 0 {
			g.roots = append(g.roots, i)
		}
	}
	return g
}

// offsets counts how often each node occurs in keys and returns, for each, the
// place where its list starts; the last of the n+1 entries is len(keys).
func offsets(n int, keys []int32) []int32 {
	off := make([]int32, n+1)
	for _, k := range keys {
		off[k]++
	}
	sum := int32(0)
	for i, c := range off {
		off[i] = sum
		sum += c
	}
	return off
}

// merge drops repeated entries from each ascending list, in place. ends[i] is
// where list i ends; it is reused for the offsets that merge returns.
func merge(n int, list, ends []int32) (merged, off []int32) {
	w, start := int32(0), int32(0)
	for i := range n {
		end, first := ends[i], w
		for _, s := range list[start:end] {
			if w > first && list[w-1] == s {
				continue
			}
			list[w] = s
			w++
		}
		start = end
		ends[i] = first
	}
	ends[n] = w
	return list[:w:w], ends
}

func ascending(s []int32) bool {
	for k := 1; k < len(s); k++ {
		if s[k] < s[k-1] {
			return false
		}
	}
	return true
}

func sortedByTarget(n int, from, to []int32) (f, t []int32) {
	off := offsets(n, to)
	both := make([]int32, 2*len(from))
	f, t = both[:len(from)], both[len(from):]
	for k, target := range to {
		f[off[target]] = from[k]
		t[off[target]] = target
		off[target]++
	}
	return f, t
}

// N returns the number of nodes.
func (g *Graph) N() int { return g.n }

// Edges returns the number of edges, parallel ones counted once.
func (g *Graph) Edges() int { return len(g.succ) }

// Succ returns the successors of node i in ascending order. The slice belongs
// to the graph and must not be changed.
func (g *Graph) Succ(i int32) []int32 {
	a, b := g.succOff[i], g.succOff[i+1]
	return g.succ[a:b:b]
}

// Pred returns the predecessors of node i in ascending order. The slice
// belongs to the graph and must not be changed.
func (g *Graph) Pred(i int32) []int32 {
	a, b := g.predOff[i], g.predOff[i+1]
	return g.pred[a:b:b]
}

// InDegree returns the number of distinct predecessors of node i.
func (g *Graph) InDegree(i int32) int32 { return g.predOff[i+1] - g.predOff[i] }

// InDegrees returns the in-degree of every node, in a slice that is the
// caller's.
func (g *Graph) InDegrees() []int32 { return slices.Clone(g.degrees) }

// Roots returns the nodes without predecessors, in ascending order. The slice
// belongs to the graph and must not be changed.
func (g *Graph) Roots() []int32 { return g.roots }
