package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchingIsLearned has two workers, one of which waits in every step for the item
// of the other: when that takes long the run gives up watching, and when it is short it
// goes on.
func TestWatchingIsLearned(t *testing.T) {
	const steps = 20
	widths := []int{1}
	for range steps {
		widths = append(widths, 2, 1)
	}
	g := layeredGraph(widths...)
	// after tells what is left of the watching after so many steps.
	after := func(takes time.Duration) (spins int32) {
		synctest.Test(t, func(*testing.T) {
			r := New(g, Config{Limit: 2, Exec: func(w *Worker, it Item) Item {
				if it%3 == 1 { // one of the two of a step
					time.Sleep(takes)
				}
				return w.Finish(int32(it))
			}})
			r.procs = 2 // on one processor too
			r.spins.Store(mostSpins)
			r.Start()
			<-r.Done()
			spins = r.spins.Load()
		})
		return spins
	}
	if got := after(time.Second); got != 0 {
		t.Errorf("after %d waits of a second a searcher watches for %d rounds, want none", steps, got)
	}
	if got := after(shortSleep / 2); got < mostSpins/2 {
		t.Errorf("after %d short waits a searcher watches for %d rounds, want %d, or half of that after the last wait", steps, got, mostSpins)
	}
}
