package engine

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
	"pgregory.net/rapid"
)

func TestEveryNodeOnceAfterItsPredecessors(t *testing.T) {
	within(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t, 60)
		yields := rapid.SliceOfN(rapid.Bool(), g.N(), g.N()).Draw(t, "yields")
		for _, limit := range limits {
			p := newProbe(g)
			p.during = func(n int32) {
				if yields[n] {
					runtime.Gosched()
				}
			}
			p.run(limit)
			p.check(t, limit)
		}
	})
}

func TestEmptyGraphEndsAtOnce(t *testing.T) {
	within(t)
	for _, limit := range limits {
		newProbe(graph.New(0, nil, nil)).run(limit)
	}
}

func TestRootsOnly(t *testing.T) {
	within(t)
	// Around the sizes at which workers take roots in shares.
	for _, n := range []int{1, 2, 7, 8, 9, 63, 64, 65, 511, 512, 513, 10_000} {
		for _, limit := range limits {
			p := newProbe(graph.New(n, nil, nil))
			p.run(limit)
			p.check(t, limit)
		}
	}
}

// TestLimitIsExact: as many at once as the limit allows, never more.
func TestLimitIsExact(t *testing.T) {
	within(t)
	const items = 100
	shapes := map[string]*graph.Graph{"roots": graph.New(items, nil, nil), "fan": fanGraph(items)}
	for name, g := range shapes {
		for _, limit := range []int{1, 2, 3, 7, 99, 100, 101, 0} {
			t.Run(fmt.Sprintf("%s limit %d", name, limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newProbe(g)
					p.during = func(n int32) {
						if len(g.Pred(n)) > 0 && len(g.Succ(n)) > 0 || g.Edges() == 0 {
							time.Sleep(time.Second)
						}
					}
					start := time.Now()
					p.run(limit)
					p.check(t, limit)
					at := min(limit, items)
					if limit == 0 {
						at = items
					}
					if want := time.Duration((items+at-1)/at) * time.Second; time.Since(start) != want {
						t.Errorf("%d seconds of work took %v, want %v", items, time.Since(start), want)
					}
					if got := int(p.peak.Load()); got != at {
						t.Errorf("%d ran at once, want exactly %d", got, at)
					}
				})
			})
		}
	}
}

// TestBlockedItemsStarveNobody: without a limit, items that wait for each other
// all start, however many they are.
func TestBlockedItemsStarveNobody(t *testing.T) {
	within(t)
	const items = 10_000
	for name, g := range map[string]*graph.Graph{"roots": graph.New(items, nil, nil), "fan": fanGraph(items)} {
		t.Run(name, func(t *testing.T) {
			var started atomic.Int32
			all := make(chan struct{})
			p := newProbe(g)
			p.during = func(n int32) {
				if g.Edges() > 0 && (len(g.Pred(n)) == 0 || len(g.Succ(n)) == 0) {
					return
				}
				if started.Add(1) == items {
					close(all)
				}
				<-all
			}
			p.run(0)
			p.check(t, 0)
		})
	}
}

// TestMillion: size changes nothing but the time, and needs no stack.
func TestMillion(t *testing.T) {
	within(t)
	const nodes = 1_000_000
	for name, g := range map[string]*graph.Graph{"chain": chainGraph(nodes), "fan": fanGraph(nodes - 2)} {
		t.Run(name, func(t *testing.T) {
			p := newProbe(g)
			p.run(0)
			p.check(t, 0)
		})
	}
}

// TestWorkersAreAsManyAsNeeded: nodes that do not block are done by few
// goroutines, though there is no limit.
func TestWorkersAreAsManyAsNeeded(t *testing.T) {
	within(t)
	g := fanGraph(100_000)
	before := runtime.NumGoroutine()
	var most atomic.Int64
	p := newProbe(g)
	p.during = func(n int32) {
		if n%64 == 0 {
			most.Store(max(most.Load(), int64(runtime.NumGoroutine()-before)))
		}
	}
	p.run(0)
	p.check(t, 0)
	// A worker is started when another one found work and left some, so that a
	// processor that is taken away now and then brings a few more.
	if bound := int64(64 * runtime.GOMAXPROCS(0)); most.Load() > bound {
		t.Errorf("%d goroutines for %d nodes that never block, want at most %d", most.Load(), g.N(), bound)
	}
	t.Logf("at most %d goroutines", most.Load())
}

// TestFirstReadySuccessorRunsInline: on one worker a chain never goes through
// the deque, so that its nodes come right after each other.
func TestFirstReadySuccessorRunsInline(t *testing.T) {
	within(t)
	// Two chains of three from one root: 0→1→2→3 and 0→4→5→6.
	g := graph.New(7, []int32{0, 1, 2, 0, 4, 5}, []int32{1, 2, 3, 4, 5, 6})
	var order []int32
	p := newProbe(g)
	p.during = func(n int32) { order = append(order, n) }
	p.run(1)
	if got := fmt.Sprint(order); got != "[0 1 2 3 4 5 6]" {
		t.Errorf("order %s, want each chain in one go", got)
	}
}

// TestFinishAllLeavesTheChoice: what became ready is handed to the caller, in order,
// and is nobody else's.
func TestFinishAllLeavesTheChoice(t *testing.T) {
	within(t)
	// 0 → 1, 2, 3; 3 → 4, 5; 2 → 6
	g := graph.New(7, []int32{0, 0, 0, 3, 3, 2}, []int32{1, 2, 3, 4, 5, 6})
	var order []int32
	r := New(g, Config{Limit: 1, Exec: func(w *Worker, it Item) Item {
		order = append(order, int32(it))
		ready := w.FinishAll(int32(it), nil)
		for len(ready) > 1 {
			w.Push(ready[0])
			ready = ready[1:]
		}
		if len(ready) == 0 {
			return None
		}
		return ready[0]
	}})
	r.Start()
	<-r.Done()
	if got, want := fmt.Sprint(order), "[0 3 5 4 2 6 1]"; got != want {
		t.Errorf("nodes ran in the order %s, want %s", got, want)
	}
}
