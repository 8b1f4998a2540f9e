package engine

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
)

// TestResumedGoFirst: at limit 1 a resumed item is the next to run, before what
// the worker has in its deque, before its inline successor, and before roots. It finds no
// clock: it may have been due only after that was read.
func TestResumedGoFirst(t *testing.T) {
	within(t)
	shapes := map[string]*graph.Graph{
		"roots": graph.New(50, nil, nil),
		"chain": chainGraph(50),
		"deque": layeredGraph(1, 49),
	}
	for name, g := range shapes {
		t.Run(name, func(t *testing.T) {
			const first, second = Item(1000), Item(1001)
			var r *Run
			var order []Item
			r = New(g, Config{Limit: 1, Exec: func(w *Worker, it Item) Item {
				order = append(order, it)
				if it >= first {
					if w.Clock != 0 {
						t.Errorf("item %d finds a clock of %d", it, w.Clock)
					}
					return None // comes from outside the graph
				}
				w.Clock = 7
				if it == 3 {
					r.Resume(first)
					r.Resume(second)
				}
				return w.Finish(int32(it))
			}})
			r.Start()
			<-r.Done()
			if len(order) != g.N()+2 {
				t.Fatalf("%d items ran, want %d", len(order), g.N()+2)
			}
			for i, it := range order {
				if it == 3 && (order[i+1] != first || order[i+2] != second) {
					t.Errorf("after the resumption at 3 the order is %v, want %d, %d first", order[i:i+3], first, second)
				}
			}
		})
	}
}

// TestPutOffItems: an item that Exec puts off holds no slot, comes back as
// often as it is put off, and the run waits for it, even when every worker is
// parked.
func TestPutOffItems(t *testing.T) {
	within(t)
	const items, times = 60, 3
	for _, limit := range limits {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := layeredGraph(items/3, items/3, items/3)
				p := newProbe(g)
				attempts := make([]int, g.N())
				var r *Run
				r = New(g, Config{Limit: limit, Exec: func(w *Worker, it Item) Item {
					n := it
					if attempts[n]++; attempts[n] <= times {
						time.AfterFunc(time.Minute, func() { r.Resume(n) })
						return None
					}
					return p.exec(w, it)
				}})
				start := time.Now()
				r.Start()
				<-r.Done()
				p.check(t, limit)
				if took, want := time.Since(start), 3*times*time.Minute; took != want {
					t.Errorf("three layers of items that wait %d minutes each took %v, want %v: the wait holds no slot", times, took, want)
				}
			})
		})
	}
}

// TestResumeAfterStopDoesNothing: the item does not run, the run ends.
func TestResumeAfterStopDoesNothing(t *testing.T) {
	within(t)
	var ran atomic.Int32
	var r *Run
	r = New(graph.New(2, nil, nil), Config{Limit: 1, Exec: func(w *Worker, it Item) Item {
		ran.Add(1)
		r.Stop()
		r.Resume(it)
		return None
	}})
	r.Start()
	<-r.Done()
	r.Resume(0)
	if ran.Load() != 1 {
		t.Errorf("%d items ran, want one: the first stops the run", ran.Load())
	}
}

// TestResumeFromManySides: whoever resumes, and whenever, no item is lost.
func TestResumeFromManySides(t *testing.T) {
	within(t)
	const items = 200
	for _, limit := range limits {
		for range 50 {
			p := newProbe(graph.New(items, nil, nil))
			var put [items]bool
			var others sync.WaitGroup
			var r *Run
			r = New(p.graph, Config{Limit: limit, Exec: func(w *Worker, it Item) Item {
				if !put[it] {
					put[it] = true
					others.Go(func() { r.Resume(it) })
					return None
				}
				return p.exec(w, it)
			}})
			r.Start()
			<-r.Done()
			others.Wait()
			p.check(t, limit)
		}
	}
}

// TestGoexitInExec: an item that ends its goroutine is settled by Unwound, on a
// worker that keeps what it has, within the limit, whatever item it is.
func TestGoexitInExec(t *testing.T) {
	within(t)
	const items = 300
	shapes := map[string]*graph.Graph{"roots": graph.New(items, nil, nil), "chain": chainGraph(items), "fan": fanGraph(items)}
	for name, g := range shapes {
		for k, limit := range limits {
			announces := k%2 == 0
			t.Run(fmt.Sprintf("%s limit %d announces %v", name, limit, announces), func(t *testing.T) {
				p := newProbe(g)
				unwound := make([]int32, g.N())
				r := New(g, Config{
					Limit:     limit,
					Announces: announces,
					Exec: func(w *Worker, it Item) Item {
						w.Local = it
						w.Clock = 1 + int64(it) // as if the work had read the time at its start
						if it%3 == 0 {
							runtime.Goexit()
						}
						return p.exec(w, it)
					},
					Unwound: func(w *Worker, it Item, _ *Panic) Item {
						if w.Local != it || w.Clock != 0 {
							t.Errorf("item %d unwound on a worker with Local %v and Clock %d", it, w.Local, w.Clock)
						}
						unwound[it]++
						return p.exec(w, it)
					},
				})
				r.Start()
				<-r.Done()
				p.check(t, limit)
				checkUnwound(t, r, unwound, func(n int) int32 { return int32(1 - min(n%3, 1)) })
			})
		}
	}
}

// checkUnwound looks at how often each item was unwound, and who searches at the end.
func checkUnwound(t *testing.T, r *Run, unwound []int32, want func(n int) int32) {
	t.Helper()
	if n := r.searching.Load(); n != 0 {
		t.Errorf("%d workers are counted as searching at the end", n)
	}
	for n, times := range unwound {
		if times != want(n) {
			t.Fatalf("item %d was unwound %d times, want %d", n, times, want(n))
		}
	}
}

// TestGoexitAndStop: a run that is stopped by the item which ends its goroutine
// still ends.
func TestGoexitAndStop(t *testing.T) {
	within(t)
	var r *Run
	var settled atomic.Int32
	r = New(chainGraph(10), Config{
		Limit: 1,
		Exec: func(*Worker, Item) Item {
			r.Stop()
			runtime.Goexit()
			return None
		},
		Unwound: func(w *Worker, it Item, _ *Panic) Item {
			settled.Add(1)
			return w.Finish(int32(it))
		},
	})
	r.Start()
	<-r.Done()
	if settled.Load() != 1 {
		t.Errorf("%d items were settled, want the one that was running", settled.Load())
	}
}
