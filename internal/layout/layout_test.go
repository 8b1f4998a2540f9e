package layout

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawGraph draws a graph with long and parallel edges, boxes without edges,
// and clusters in clusters.
func drawGraph(t *rapid.T) Graph {
	var g Graph
	n := rapid.IntRange(0, 30).Draw(t, "boxes")
	clusters := rapid.SampledFrom([]int{0, 0, 1, 2, 5}).Draw(t, "clusters")
	for c := range clusters {
		g.Clusters = append(g.Clusters, Cluster{
			Parent: rapid.IntRange(-1, c-1).Draw(t, "parent"),
			Title:  float64(rapid.IntRange(0, 20).Draw(t, "title")),
		})
	}
	for range n {
		g.Boxes = append(g.Boxes, Box{
			W:       float64(rapid.IntRange(1, 200).Draw(t, "w")),
			H:       float64(rapid.IntRange(1, 60).Draw(t, "h")),
			Cluster: rapid.IntRange(-1, clusters-1).Draw(t, "cluster"),
		})
	}
	if n > 1 {
		places := rapid.Permutation(slices.Collect(rangeOf(n))).Draw(t, "places")
		for range rapid.IntRange(0, 3*n).Draw(t, "edges") {
			a := rapid.IntRange(0, n-2).Draw(t, "from")
			b := rapid.IntRange(a+1, min(n-1, a+9)).Draw(t, "to")
			g.Edges = append(g.Edges, [2]int{places[a], places[b]})
		}
	}
	return g
}

func rangeOf(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

const tiny = 1e-6

func (r Rect) within(o Rect) bool {
	return r.X >= o.X-tiny && r.Y >= o.Y-tiny && r.X+r.W <= o.X+o.W+tiny && r.Y+r.H <= o.Y+o.H+tiny
}

func (r Rect) overlaps(o Rect) bool {
	return r.X+r.W > o.X+tiny && o.X+o.W > r.X+tiny && r.Y+r.H > o.Y+tiny && o.Y+o.H > r.Y+tiny
}

func TestEverythingHasItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		o := Options{Across: 10, Down: 20, Pad: 5}
		l := Compute(g, o)
		layerOf := make([]int, len(g.Boxes))
		met := 0
		below := 0.0
		for k, layer := range l.Layers {
			right, bottom := math.Inf(-1), below
			for _, i := range layer {
				r := l.Boxes[i]
				if r.X < right {
					t.Fatalf("box %d begins at %v, the gap ends at %v", i, r.X, right)
				}
				if r.Y < below {
					t.Fatalf("box %d of layer %d begins at %v, above %v", i, k, r.Y, below)
				}
				if r.W != g.Boxes[i].W || r.H != g.Boxes[i].H {
					t.Fatalf("box %d is %v, want the size of %v", i, r, g.Boxes[i])
				}
				right = r.X + r.W + o.Across - tiny
				bottom = max(bottom, r.Y+r.H)
				layerOf[i] = k
				met++
			}
			below = bottom + o.Down - tiny
		}
		if met != len(g.Boxes) {
			t.Fatalf("%d boxes in layers, want %d", met, len(g.Boxes))
		}
		page := Rect{0, 0, l.W, l.H}
		for i, r := range l.Boxes {
			if !r.within(page) {
				t.Fatalf("box %d at %v is not within %v", i, r, page)
			}
		}
		for e, line := range l.Edges {
			checkLine(t, g, l, e, line, layerOf, page)
		}
		checkClusters(t, g, l, page)
		if again := Compute(g, o); !reflect.DeepEqual(l, again) {
			t.Fatal("the same graph was laid out in two ways")
		}
	})
}

func checkLine(t *rapid.T, g Graph, l Layout, e int, line []Point, layerOf []int, page Rect) {
	a, b := g.Edges[e][0], g.Edges[e][1]
	if layerOf[a] >= layerOf[b] {
		t.Fatalf("edge %v leads from layer %d to %d", g.Edges[e], layerOf[a], layerOf[b])
	}
	if len(line) < 2 {
		t.Fatalf("edge %v has %d points", g.Edges[e], len(line))
	}
	from, to := line[0], line[len(line)-1]
	p, c := l.Boxes[a], l.Boxes[b]
	if from.Y != p.Y+p.H || from.X <= p.X || from.X >= p.X+p.W {
		t.Fatalf("edge %v leaves %v at %v", g.Edges[e], p, from)
	}
	if to.Y != c.Y || to.X <= c.X || to.X >= c.X+c.W {
		t.Fatalf("edge %v enters %v at %v", g.Edges[e], c, to)
	}
	for k, at := range line {
		if !(Rect{at.X, at.Y, 0, 0}).within(page) {
			t.Fatalf("edge %v goes through %v, not within %v", g.Edges[e], at, page)
		}
		if k > 0 && at.Y < line[k-1].Y {
			t.Fatalf("edge %v goes up: %v", g.Edges[e], line)
		}
		// The points between the ends lie on the sides of rows, so it is enough
		// that straight lines down meet no box.
		if k > 0 && at.X == line[k-1].X {
			run := Rect{at.X, line[k-1].Y, 0, at.Y - line[k-1].Y}
			for i, r := range l.Boxes {
				if i != a && i != b && run.overlaps(Rect{r.X + tiny, r.Y, r.W - 2*tiny, r.H}) {
					t.Fatalf("edge %v runs through box %d: %v", g.Edges[e], i, line)
				}
			}
		}
	}
	// All edges between the same two boxes, and those that leave one box, have
	// points of their own.
	for f := range e {
		if g.Edges[f][0] == a && l.Edges[f][0] == from {
			t.Fatalf("edges %d and %d leave box %d at the same point", f, e, a)
		}
		if g.Edges[f][1] == b && l.Edges[f][len(l.Edges[f])-1] == to {
			t.Fatalf("edges %d and %d enter box %d at the same point", f, e, b)
		}
	}
}

func checkClusters(t *rapid.T, g Graph, l Layout, page Rect) {
	inside := func(c, of int) bool {
		for ; c >= 0; c = g.Clusters[c].Parent {
			if c == of {
				return true
			}
		}
		return false
	}
	for c, frame := range l.Clusters {
		if frame == (Rect{}) {
			continue
		}
		if !frame.within(page) {
			t.Fatalf("cluster %d at %v is not within %v", c, frame, page)
		}
		for i, r := range l.Boxes {
			if inside(g.Boxes[i].Cluster, c) {
				if !r.within(frame) {
					t.Fatalf("box %d at %v is not within its cluster %d at %v", i, r, c, frame)
				}
			} else if r.overlaps(frame) {
				t.Fatalf("box %d at %v overlaps cluster %d at %v", i, r, c, frame)
			}
		}
		for d, other := range l.Clusters {
			switch {
			case d == c || other == (Rect{}):
			case inside(d, c):
				if !other.within(frame) {
					t.Fatalf("cluster %d at %v is not within its parent %d at %v", d, other, c, frame)
				}
			case !inside(c, d) && other.overlaps(frame):
				t.Fatalf("clusters %d at %v and %d at %v overlap", c, frame, d, other)
			}
		}
	}
	for i, b := range g.Boxes {
		if b.Cluster >= 0 && l.Clusters[b.Cluster] == (Rect{}) {
			t.Fatalf("box %d is in cluster %d, which has no frame", i, b.Cluster)
		}
	}
}

func TestOrderingGetsNoWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := cleaned(drawGraph(t))
		n, o := ordered(g)
		if got := naive(n); got != o.best {
			t.Fatalf("the order kept has %d crossings, counted as %d", got, o.best)
		}
		if o.best > o.initial {
			t.Fatalf("%d crossings, and %d before", o.best, o.initial)
		}
		if round := 8 * len(n.from); o.work > max(2*round, maxWork) {
			t.Fatalf("looked at %d segments, the budget is %d", o.work, maxWork)
		}
	})
}

func ordered(g Graph) (*net, *ordering) {
	tree := newTree(g.Clusters)
	layer, drawn := layers(len(g.Boxes), g.Edges)
	n := newNet(g, tree, layer, drawn, make([]bool, len(g.Boxes)))
	return n, n.reduceCrossings()
}

// naive counts crossings pair by pair.
func naive(n *net) int {
	total := 0
	for s := range n.from {
		for r := range s {
			if n.layer[n.from[s]] == n.layer[n.from[r]] {
				upper := n.pos[n.from[s]] - n.pos[n.from[r]]
				lower := n.pos[n.to[s]] - n.pos[n.to[r]]
				if upper > 0 && lower < 0 || upper < 0 && lower > 0 {
					total++
				}
			}
		}
	}
	return total
}

func TestBadInput(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	l := Compute(Graph{
		Boxes:    []Box{{nan, -1, 7}, {inf, 10, 0}, {10, inf, -9}},
		Edges:    [][2]int{{0, 1}, {1, 2}, {2, 0}, {1, 1}, {0, 9}, {-1, 0}},
		Clusters: []Cluster{{Parent: 1, Title: nan}, {Parent: 0}, {Parent: 2}, {Parent: 99}},
	}, Options{Across: -1, Down: nan, Pad: inf})
	for e, want := range []bool{true, true, false, false, false, false} {
		if got := l.Edges[e] != nil; got != want {
			t.Errorf("edge %d drawn: %v, want %v", e, got, want)
		}
	}
	if !(l.W > 0 && l.H > 0) || math.IsInf(l.W+l.H, 0) {
		t.Errorf("the layout is %v × %v, want finite sizes", l.W, l.H)
	}
	if l := Compute(Graph{}, Options{}); l.W != 0 || len(l.Boxes) != 0 {
		t.Errorf("an empty graph gave %v", l)
	}
}

// chain of four, and an edge past the two in the middle.
func TestLongEdgeBesideChain(t *testing.T) {
	b := Box{W: 100, H: 30, Cluster: -1}
	l := Compute(Graph{Boxes: []Box{b, b, b, b}, Edges: [][2]int{{0, 1}, {1, 2}, {2, 3}, {0, 3}}}, Options{})
	for i, r := range l.Boxes {
		if r.X != l.Boxes[0].X {
			t.Errorf("box %d begins at %v, want the chain in one line", i, r.X)
		}
	}
	for e := range 3 {
		if len(l.Edges[e]) != 2 || l.Edges[e][0].X != l.Edges[e][1].X {
			t.Errorf("edge %d of the chain is %v, want one line straight down", e, l.Edges[e])
		}
	}
	if len(l.Edges[3]) != 4 {
		t.Errorf("the long edge is %v, want it to go out, down and in", l.Edges[3])
	}
}

func TestRootsStandNearTheirConsumers(t *testing.T) {
	b := Box{W: 10, H: 10, Cluster: -1}
	l := Compute(Graph{
		Boxes: []Box{b, b, b, b, b},
		Edges: [][2]int{{0, 1}, {1, 2}, {3, 2}},
	}, Options{})
	if want := [][]int{{0}, {1, 3}, {2}, {4}}; !reflect.DeepEqual(l.Layers, want) {
		t.Errorf("layers are %v, want %v: 3 above its consumer, 4 in a row of its own", l.Layers, want)
	}
}

func TestManyBoxesAlone(t *testing.T) {
	g := Graph{Boxes: make([]Box, 100)}
	for i := range g.Boxes {
		g.Boxes[i] = Box{W: 80, H: 30, Cluster: -1}
	}
	l := Compute(g, Options{})
	if n := len(l.Layers); n < 5 || n > 20 {
		t.Errorf("100 boxes alone stand in %d rows", n)
	}
}

// ladder returns n boxes and m edges, none of which spans more than reach.
func ladder(n, m, reach int) Graph {
	var g Graph
	seed := uint32(1)
	next := func(below int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % below
	}
	for range n {
		g.Boxes = append(g.Boxes, Box{W: float64(60 + next(80)), H: 30, Cluster: -1})
	}
	for range m {
		a := next(n - 1)
		g.Edges = append(g.Edges, [2]int{a, a + 1 + next(min(reach, n-1-a))})
	}
	return g
}

// TestLargeGraphsKeepTheBudget counts instead of taking the time.
func TestLargeGraphsKeepTheBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("large")
	}
	g := ladder(20_000, 60_000, 20_000)
	n, o := ordered(g)
	if n.bends > maxBends {
		t.Errorf("%d bends, want at most %d", n.bends, maxBends)
	}
	if !slices.Contains(n.straight, true) {
		t.Error("no edge is drawn straight; the graph is too small for this test")
	}
	if round := 8 * len(n.from); o.work > max(2*round, maxWork) {
		t.Errorf("looked at %d segments, the budget is %d and a round %d", o.work, maxWork, round)
	}
	l := Compute(g, Options{})
	for e, line := range l.Edges {
		if len(line) < 2 {
			t.Fatalf("edge %d has no line", e)
		}
	}
}

func BenchmarkCompute1000(b *testing.B) {
	g := ladder(1000, 3000, 60)
	for b.Loop() {
		Compute(g, Options{})
	}
}

func BenchmarkComputeAnywhere1000(b *testing.B) {
	g := ladder(1000, 3000, 1000)
	for b.Loop() {
		Compute(g, Options{})
	}
}

func BenchmarkCompute100000(b *testing.B) {
	g := ladder(100_000, 300_000, 100_000)
	for b.Loop() {
		Compute(g, Options{})
	}
}
