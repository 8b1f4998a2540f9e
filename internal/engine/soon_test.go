package engine

import (
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// TestSoonIsToldOfWhoWaitsForOneMore: once, and of no node that has one predecessor or none.
// A single worker tells before it runs the node.
func TestSoonIsToldOfWhoWaitsForOneMore(t *testing.T) {
	within(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t, 60)
		for _, limit := range limits {
			told := make([]atomic.Int32, g.N())
			want := func(n int) int32 {
				if len(g.Pred(int32(n))) > 1 {
					return 1
				}
				return 0
			}
			var late, strange atomic.Int32
			r := New(g, Config{
				Limit: limit,
				Soon: func(w *Worker, n int32) {
					told[n].Add(1)
					if w.Local != w {
						strange.Add(1)
					}
				},
				Exec: func(w *Worker, it Item) Item {
					w.Local = w
					if limit == 1 && told[it].Load() != want(int(it)) {
						late.Add(1)
					}
					return w.Finish(int32(it))
				},
			})
			r.Start()
			<-r.Done()
			for n := range told {
				if told[n].Load() != want(n) {
					t.Fatalf("limit %d: node %d, with predecessors %v: told of %d times, want %d", limit, n, g.Pred(int32(n)), told[n].Load(), want(n))
				}
			}
			if late.Load() > 0 {
				t.Fatalf("limit 1: told of %d nodes too late", late.Load())
			}
			if strange.Load() > 0 {
				t.Fatalf("limit %d: told %d times with a worker that runs nothing", limit, strange.Load())
			}
		}
	})
}

// TestFinishAllTellsSoon as Finish does.
func TestFinishAllTellsSoon(t *testing.T) {
	within(t)
	var told []int32
	g := layeredGraph(3, 1)
	r := New(g, Config{
		Limit: 1,
		Soon:  func(_ *Worker, n int32) { told = append(told, n) },
		Exec: func(w *Worker, it Item) Item {
			for _, next := range w.FinishAll(int32(it), nil) {
				w.Push(next)
			}
			return None
		},
	})
	r.Start()
	<-r.Done()
	if last := int32(g.N() - 1); !slices.Equal(told, []int32{last}) {
		t.Errorf("told of %v, want node %d once", told, last)
	}
}
