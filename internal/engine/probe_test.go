package engine

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
	"pgregory.net/rapid"
)

// limits are those that most tests try: the smallest, odd and even ones, one
// above the processors of most machines, and none.
var limits = []int{1, 2, 3, 8, 0}

// patience is how long a test may take outside of a bubble, which tells a
// deadlock by itself. The slowest takes a few seconds under the race detector.
const patience = 30 * time.Second

// within ends the test binary with a reason, and the stacks of all goroutines,
// when the runs of a test do not end.
func within(t *testing.T) {
	timer := time.AfterFunc(patience, func() {
		panic(fmt.Sprintf("%s: a run has not ended after %v: an item or a wake-up was lost, or Done is not closed", t.Name(), patience))
	})
	t.Cleanup(func() { timer.Stop() })
}

// A probe is the work of a run, and remembers what the engine made of it.
//
// Its arrays are plain memory on purpose: under the race detector they show any
// node that starts before the engine has ordered it after its predecessors, and
// any node that is started twice.
type probe struct {
	graph  *graph.Graph
	values []uint64 // what each node computes from its predecessors
	runs   []int32
	during func(node int32) // what a node does besides, or nil

	announces bool // it tells the engine when it has begun

	running, peak atomic.Int32
}

func newProbe(g *graph.Graph) *probe {
	return &probe{graph: g, values: make([]uint64, g.N()), runs: make([]int32, g.N())}
}

func (p *probe) exec(w *Worker, it Item) Item {
	n := int32(it)
	p.enter()
	p.values[n] = p.value(n)
	p.runs[n]++
	if p.announces {
		w.Found()
	}
	if p.during != nil {
		p.during(n)
	}
	p.running.Add(-1)
	return w.Finish(n)
}

func (p *probe) enter() {
	now := p.running.Add(1)
	for {
		peak := p.peak.Load()
		if now <= peak || p.peak.CompareAndSwap(peak, now) {
			return
		}
	}
}

// value differs for any two histories: a predecessor that has not run yet
// counts as 0, which no node computes.
func (p *probe) value(n int32) uint64 {
	v := uint64(n) + 1
	for _, pred := range p.graph.Pred(n) {
		v = v*31 + p.values[pred]
	}
	return v | 1
}

// run runs the graph to its end.
func (p *probe) run(limit int) {
	r := New(p.graph, Config{Limit: limit, Exec: p.exec, Announces: p.announces})
	r.Start()
	<-r.Done()
}

// check holds a finished run against a sequential one.
func (p *probe) check(t rapid.TB, limit int) {
	t.Helper()
	order, _, ok := p.graph.Sort()
	if !ok {
		t.Fatal("the test's own graph has a cycle")
	}
	want := newProbe(p.graph)
	for _, n := range order {
		want.values[n] = want.value(n)
	}
	for n := range p.runs {
		if p.runs[n] != 1 {
			t.Fatalf("limit %d: node %d ran %d times, every node runs exactly once", limit, n, p.runs[n])
		}
		if p.values[n] != want.values[n] {
			t.Fatalf("limit %d: node %d saw other values of its predecessors %v than a sequential run", limit, n, p.graph.Pred(int32(n)))
		}
	}
	if peak := int(p.peak.Load()); limit > 0 && peak > limit {
		t.Fatalf("limit %d: %d nodes ran at once", limit, peak)
	}
}

// drawGraph draws an acyclic graph whose numbers say nothing about its order.
func drawGraph(t *rapid.T, most int) *graph.Graph {
	n := rapid.IntRange(0, most).Draw(t, "nodes")
	numbers := make([]int32, n)
	for i := range numbers {
		numbers[i] = int32(i)
	}
	numbers = rapid.Permutation(numbers).Draw(t, "numbers")
	var from, to []int32
	if n > 1 {
		for range rapid.IntRange(0, 3*n).Draw(t, "edges") {
			b := rapid.IntRange(1, n-1).Draw(t, "to")
			a := rapid.IntRange(0, b-1).Draw(t, "from")
			from, to = append(from, numbers[a]), append(to, numbers[b])
		}
	}
	return graph.New(n, from, to)
}

// chainGraph is n nodes in a row.
func chainGraph(n int) *graph.Graph {
	from, to := make([]int32, n-1), make([]int32, n-1)
	for i := range from {
		from[i], to[i] = int32(i), int32(i+1)
	}
	return graph.New(n, from, to)
}

// fanGraph is one node, n that need it, and one that needs those.
func fanGraph(n int) *graph.Graph { return layeredGraph(1, n, 1) }

// layeredGraph has layers of the given widths; each node needs the whole layer
// before.
func layeredGraph(widths ...int) *graph.Graph {
	var from, to []int32
	start, next := 0, widths[0]
	for _, width := range widths[1:] {
		for b := next; b < next+width; b++ {
			for a := start; a < next; a++ {
				from, to = append(from, int32(a)), append(to, int32(b))
			}
		}
		start, next = next, next+width
	}
	return graph.New(next, from, to)
}
