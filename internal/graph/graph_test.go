package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// edges is a drawn graph: few nodes, so that cycles, loops and parallel edges
// are common.
type edges struct {
	n        int
	from, to []int32
}

func drawEdges(t *rapid.T, acyclic bool) edges {
	e := edges{n: rapid.IntRange(0, 12).Draw(t, "n")}
	if e.n == 0 {
		return e
	}
	node := rapid.Int32Range(0, int32(e.n-1))
	perm := rapid.Permutation(upTo(e.n)).Draw(t, "numbering")
	for range rapid.IntRange(0, 30).Draw(t, "edges") {
		a, b := node.Draw(t, "from"), node.Draw(t, "to")
		if acyclic {
			if a == b {
				continue
			}
			a, b = perm[min(a, b)], perm[max(a, b)]
		}
		e.from, e.to = append(e.from, a), append(e.to, b)
	}
	return e
}

func upTo(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

// matrix is the naive form: has[a][b] says that a → b is an edge.
func (e edges) matrix() [][]bool {
	has := make([][]bool, e.n)
	for i := range has {
		has[i] = make([]bool, e.n)
	}
	for k := range e.from {
		has[e.from[k]][e.to[k]] = true
	}
	return has
}

// closure says which nodes a path of one or more edges leads to.
func (e edges) closure() [][]bool {
	r := e.matrix()
	for k := range e.n {
		for i := range e.n {
			for j := range e.n {
				r[i][j] = r[i][j] || r[i][k] && r[k][j]
			}
		}
	}
	return r
}

func TestNewAgainstMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEdges(t, false)
		g := New(e.n, e.from, e.to)
		has := e.matrix()
		count := 0
		var roots []int32
		for i := range int32(e.n) {
			var succ, pred []int32
			for j := range int32(e.n) {
				if has[i][j] {
					succ = append(succ, j)
				}
				if has[j][i] {
					pred = append(pred, j)
				}
			}
			count += len(succ)
			if len(pred) == 0 {
				roots = append(roots, i)
			}
			if !slices.Equal(g.Succ(i), succ) || !slices.Equal(g.Pred(i), pred) {
				t.Fatalf("node %d: succ %v, want %v; pred %v, want %v", i, g.Succ(i), succ, g.Pred(i), pred)
			}
			if int(g.InDegree(i)) != len(pred) {
				t.Fatalf("node %d: in-degree %d, want %d", i, g.InDegree(i), len(pred))
			}
		}
		if g.N() != e.n || g.Edges() != count || !slices.Equal(g.Roots(), roots) {
			t.Fatalf("n %d, edges %d (want %d), roots %v (want %v)", g.N(), g.Edges(), count, g.Roots(), roots)
		}
	})
}

func TestNewLeavesItsArgumentsAlone(t *testing.T) {
	from, to := []int32{2, 0, 0, 1}, []int32{0, 1, 1, 2}
	New(3, from, to)
	if !slices.Equal(from, []int32{2, 0, 0, 1}) || !slices.Equal(to, []int32{0, 1, 1, 2}) {
		t.Fatalf("changed to %v, %v", from, to)
	}
}

func TestNewRefusesUnequalSlices(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	New(2, []int32{0, 1}, []int32{1})
}

// The order is checked step by step against its definition, and the level
// against the longest path.
func TestSortAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEdges(t, rapid.Bool().Draw(t, "acyclic"))
		g := New(e.n, e.from, e.to)
		order, level, ok := g.Sort()
		reach := e.closure()
		has := e.matrix()

		cyclic := false
		behind := make([]bool, e.n) // on a cycle or behind one
		for i := range e.n {
			if reach[i][i] {
				cyclic = true
				behind[i] = true
				for j := range e.n {
					behind[j] = behind[j] || reach[i][j]
				}
			}
		}
		if ok == cyclic {
			t.Fatalf("ok %v, cyclic %v", ok, cyclic)
		}

		want := make([]int32, e.n)
		for range e.n { // Bellman-Ford, the long way round
			for i := range e.n {
				for j := range e.n {
					if has[i][j] && !behind[j] {
						want[j] = max(want[j], want[i]+1)
					}
				}
			}
		}
		at := make([]int, e.n)
		for i := range at {
			at[i] = -1
			if behind[i] {
				want[i] = -1
			}
		}
		if !slices.Equal(level, want) {
			t.Fatalf("level %v, want %v", level, want)
		}
		for k, i := range order {
			if at[i] >= 0 || behind[i] {
				t.Fatalf("node %d twice in, or unfit for, order %v", i, order)
			}
			at[i] = k
		}
		// freed is the place of the predecessor that makes a node ready; the
		// order must be ascending by (freed, node).
		freed := func(i int32) int {
			last := -1
			for j := range e.n {
				if has[j][i] {
					last = max(last, at[j])
				}
			}
			return last
		}
		for i := range e.n {
			if at[i] < 0 && !behind[i] {
				t.Fatalf("node %d is missing from order %v", i, order)
			}
		}
		for k, i := range order {
			if freed(i) >= k {
				t.Fatalf("node %d stands before a predecessor in %v", i, order)
			}
			if k > 0 {
				p := order[k-1]
				if freed(p) > freed(i) || freed(p) == freed(i) && p > i {
					t.Fatalf("%d before %d in %v breaks first-in, first-out", p, i, order)
				}
			}
		}
	})
}

func TestReachAgainstClosure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEdges(t, false)
		if e.n == 0 {
			return
		}
		g := New(e.n, e.from, e.to)
		from := rapid.SliceOfN(rapid.Int32Range(0, int32(e.n-1)), 0, 4).Draw(t, "from set")
		reach := e.closure()
		down, up := make([]bool, e.n), make([]bool, e.n)
		for _, f := range from {
			down[f], up[f] = true, true
			for i := range e.n {
				down[i] = down[i] || reach[f][i]
				up[i] = up[i] || reach[i][f]
			}
		}
		if got := g.Reach(from, false); !slices.Equal(got, down) {
			t.Fatalf("forwards %v, want %v", got, down)
		}
		if got := g.Reach(from, true); !slices.Equal(got, up) {
			t.Fatalf("backwards %v, want %v", got, up)
		}
	})
}

func TestCyclesAgainstClosure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEdges(t, false)
		g := New(e.n, e.from, e.to)
		reach := e.closure()
		has := e.matrix()
		covered := make([]bool, e.n)
		last := int32(-1)
		for _, c := range g.Cycles() {
			if c[0] != slices.Min(c) || c[0] <= last {
				t.Fatalf("cycle %v: not from its smallest node, or out of order", c)
			}
			last = c[0]
			if covered[c[0]] {
				t.Fatalf("cycle %v is the second of its component", c)
			}
			for k, i := range c {
				if !has[i][c[(k+1)%len(c)]] {
					t.Fatalf("cycle %v: no edge from %d", c, i)
				}
				if slices.Contains(c[:k], i) {
					t.Fatalf("cycle %v repeats %d", c, i)
				}
			}
			if want := shortestIn(e.n, has, reach, int(c[0])); len(c) != want {
				t.Fatalf("cycle %v, but one of %d nodes exists", c, want)
			}
			for i := range e.n {
				covered[i] = covered[i] || reach[c[0]][i] && reach[i][c[0]]
			}
		}
		for i := range e.n {
			if reach[i][i] && !covered[i] {
				t.Fatalf("no cycle for the component of %d: %v", i, g.Cycles())
			}
		}
	})
}

// shortestIn is the least number of steps in which some node of the component
// of i comes back to itself, by powers of the matrix.
func shortestIn(n int, has, reach [][]bool, i int) int {
	walk := has
	for length := 1; ; length++ {
		for j := range n {
			if walk[j][j] && reach[i][j] && reach[j][i] {
				return length
			}
		}
		next := make([][]bool, n)
		for a := range n {
			next[a] = make([]bool, n)
			for b := range n {
				for c := range n {
					next[a][b] = next[a][b] || walk[a][c] && has[c][b]
				}
			}
		}
		walk = next
	}
}

func TestMillionChain(t *testing.T) {
	const n = 1_000_000
	all := upTo(n)
	g := New(n, all[:n-1], all[1:])
	order, level, ok := g.Sort()
	if !ok || !slices.Equal(order, all) || !slices.Equal(level, all) {
		t.Fatal("a chain is its own order and its own levels")
	}
	if slices.Contains(g.Reach([]int32{n - 1}, true), false) {
		t.Fatal("the end of a chain has every node as an ancestor")
	}
	if c := g.Cycles(); len(c) != 0 {
		t.Fatalf("%d cycles in a chain", len(c))
	}

	ring := New(n, all, append(all[1:n:n], 0))
	if _, _, ok := ring.Sort(); ok {
		t.Fatal("a ring was sorted")
	}
	if c := ring.Cycles(); len(c) != 1 || !slices.Equal(c[0], all) {
		t.Fatal("a ring is one cycle through all nodes")
	}
}

// A large component must not cost a search from each of its nodes: a ring with
// long chords has no short cycle to stop at early.
func TestCyclesOfLargeComponent(t *testing.T) {
	const n = 200_000
	var from, to []int32
	for i := range int32(n) {
		from, to = append(from, i), append(to, (i+1)%n)
		if i%100 == 0 && i+90 < n {
			from, to = append(from, i), append(to, i+90)
		}
	}
	g := New(n, from, to)
	s := cycleSearch{g: g, comp: make([]int32, n)}
	cycle := s.shortest(upTo(n))
	if limit := 6*g.Edges() + 4096; s.steps > limit {
		t.Fatalf("%d steps, limit %d", s.steps, limit)
	}
	if want := n - n/100*89; len(cycle) != want {
		t.Fatalf("%d nodes, want %d", len(cycle), want)
	}
}

// The edges of a built graph mostly come from near by; those of the second
// graph come from anywhere, so that every step misses the processor's caches.
func BenchmarkNewAndSort(b *testing.B) {
	for _, reach := range []int32{100, 1_000_000} {
		b.Run(fmt.Sprintf("reach=%d", reach), func(b *testing.B) {
			const n = 1_000_000
			rng := rand.New(rand.NewPCG(1, 2))
			var from, to []int32
			for i := int32(1); i < n; i++ {
				for range 1 + rng.IntN(3) {
					from, to = append(from, i-1-rng.Int32N(min(i, reach))), append(to, i)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				g := New(n, from, to)
				if _, _, ok := g.Sort(); !ok {
					b.Fatal("cycle")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/node")
		})
	}
}
