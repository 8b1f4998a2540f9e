package engine

import (
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// TestSoonIsToldOfWhoWaitsForOneMore: once, before the node runs, and of no node that has
// one predecessor or none.
func TestSoonIsToldOfWhoWaitsForOneMore(t *testing.T) {
	within(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t, 60)
		for _, limit := range limits {
			told, late := make([]atomic.Int32, g.N()), make([]atomic.Bool, g.N())
			r := New(g, Config{
				Limit: limit,
				Soon:  func(n int32) { told[n].Add(1) },
				Exec: func(w *Worker, it Item) Item {
					want := int32(0)
					if len(g.Pred(int32(it))) > 1 {
						want = 1
					}
					late[it].Store(told[it].Load() != want)
					return w.Finish(int32(it))
				},
			})
			r.Start()
			<-r.Done()
			for n := range told {
				if late[n].Load() || told[n].Load() > 1 {
					t.Fatalf("limit %d: node %d, with predecessors %v: told of %d times, or not before it ran", limit, n, g.Pred(int32(n)), told[n].Load())
				}
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
		Soon:  func(n int32) { told = append(told, n) },
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
