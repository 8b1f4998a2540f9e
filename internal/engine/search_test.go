package engine

import (
	"runtime"
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

// searches has a new worker of r search, and returns what it will have found.
func searches(r *Run) <-chan Item {
	found := make(chan Item, 1)
	w := &Worker{run: r}
	r.spare.Add(-1)
	r.searching.Add(1)
	go func() { found <- w.search() }()
	return found
}

// TestFindingSoonMakesUpForWatchingInVain: a searcher that has looked in vain and then
// finds something adds a round. Whether it looks before there is something is up to the
// scheduler: it does now and then.
func TestFindingSoonMakesUpForWatchingInVain(t *testing.T) {
	within(t)
	for spins := int32(0); spins != 4; {
		r := newIdle()
		r.procs = 2 // on one processor too
		r.spins.Store(3)
		found := searches(r)
		runtime.Gosched()
		r.Resume(7)
		if it := <-found; it != 7 {
			t.Fatalf("%v is found, want 7", it)
		}
		spins = r.spins.Load()
	}
	for procs, want := range map[int]int32{1: 0, 2: mostSpins} {
		r := newIdle()
		r.procs = procs
		r.spins.Store(want)
		if r.watchMore(); r.spins.Load() != want {
			t.Errorf("on %d processors %d rounds became %d", procs, want, r.spins.Load())
		}
	}
}

// TestOneWatchesWhileAnotherIsOnItsWay: who was woken counts as searching for a while
// before it runs, and may not keep the others from watching.
func TestOneWatchesWhileAnotherIsOnItsWay(t *testing.T) {
	within(t)
	r := newIdle()
	r.procs = 2
	r.spins.Store(8)
	r.searching.Add(1) // is on its way
	found := searches(r)
	for idle := 0; idle == 0; idle, _ = r.counts() {
		runtime.Gosched()
	}
	if got := r.spins.Load(); got != 4 {
		t.Errorf("a searcher that has watched in vain for 8 rounds is to do so for %d, want 4", got)
	}
	r.searching.Add(-1)
	r.Resume(7)
	if it := <-found; it != 7 {
		t.Errorf("%v is found, want 7", it)
	}
}
