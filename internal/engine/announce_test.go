package engine

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
)

// TestOneBeginsAtATime: who has found an item and not begun with it keeps others from
// being started, and all of them run in the end, however many they are.
func TestOneBeginsAtATime(t *testing.T) {
	within(t)
	const items = 200
	synctest.Test(t, func(t *testing.T) {
		var beginning, running, peak atomic.Int32
		r := New(graph.New(items, nil, nil), Config{Announces: true, Exec: func(w *Worker, it Item) Item {
			if now := beginning.Add(1); now > 1 {
				t.Errorf("%d workers begin at once", now)
			}
			time.Sleep(time.Second)
			beginning.Add(-1)
			w.Found()
			peak.Store(max(peak.Load(), running.Add(1)))
			time.Sleep(time.Hour)
			running.Add(-1)
			return w.Finish(int32(it))
		}})
		r.Start()
		<-r.Done()
		if peak.Load() != items {
			t.Errorf("%d ran at once, want %d", peak.Load(), items)
		}
	})
}

// TestWhoDoesNotAnnounce has found its item by the end of Exec.
func TestWhoDoesNotAnnounce(t *testing.T) {
	within(t)
	for _, limit := range limits {
		p := newProbe(layeredGraph(1, 50, 3, 50, 1))
		r := New(p.graph, Config{Limit: limit, Exec: p.exec, Announces: true})
		r.Start()
		<-r.Done()
		p.check(t, limit)
	}
}
