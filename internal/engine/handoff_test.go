package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// newIdle is a run without anything to find.
func newIdle() *Run {
	r := New(chainGraph(1), Config{})
	r.nextRoot.Store(1)
	return r
}

func TestGiveNeedsSomebodyWhoWatches(t *testing.T) {
	r := newIdle()
	if r.give(7) {
		t.Fatal("an item is given while nobody watches")
	}
	if !r.beginWatch() {
		t.Fatal("nobody watches, and nobody may")
	}
	if r.beginWatch() {
		t.Fatal("a second one watches")
	}
	if it, found := r.watch(spinLooks); it != None || found {
		t.Fatalf("watching finds %v, %v where there is nothing", it, found)
	}
	if r.give(7) {
		t.Fatal("an item is given to a watch that is over")
	}
	r.beginWatch()
	if it := r.takeGiven(); it != None {
		t.Fatalf("%v is taken before it was given", it)
	}
	if !r.give(7) {
		t.Fatal("who watches is given nothing")
	}
	if r.give(8) {
		t.Fatal("a second item is given in place of the first")
	}
	if r.beginWatch() {
		t.Fatal("another one watches before the item was taken")
	}
	if it, found := r.watch(spinLooks); it != 7 || !found {
		t.Fatalf("who watches is given %v, %v; want 7", it, found)
	}
	if it := r.takeGiven(); it != None {
		t.Fatalf("%v is taken after the only one", it)
	}
}

// TestWhoWatchesIsGiven: by a finished node and by a push, and the deque stays empty.
func TestWhoWatchesIsGiven(t *testing.T) {
	r := New(layeredGraph(1, 2), Config{})
	w := &Worker{run: r}
	r.beginWatch()
	if next := w.Finish(0); next != 1 {
		t.Errorf("the next item is %v, want 1", next)
	}
	if it := r.takeGiven(); it != 2 {
		t.Errorf("a finished node gives %v, want 2", it)
	}
	r.beginWatch()
	w.Push(7)
	if it := r.takeGiven(); it != 7 {
		t.Errorf("a push gives %v, want 7", it)
	}
	if n := w.deque.size(); n != 0 {
		t.Errorf("%d items are in the deque too", n)
	}
}

func TestWatchEndsForOtherWork(t *testing.T) {
	r := newIdle()
	r.attention.Add(1) // a resumed item
	r.beginWatch()
	if it, found := r.watch(spinLooks); it != None || !found {
		t.Errorf("watching finds %v, %v", it, found)
	}
}

// TestWhatIsGivenIsTakenOnce has some watch, some give and some look in only, all at once.
func TestWhatIsGivenIsTakenOnce(t *testing.T) {
	within(t)
	const givers, each = 3, 2000
	r := newIdle()
	taken := make([]atomic.Int32, givers*each)
	var given atomic.Int32
	var over atomic.Bool
	var giving, taking sync.WaitGroup
	for g := range givers {
		giving.Go(func() {
			for k := range each {
				for !r.give(Item(g*each + k)) {
					runtime.Gosched()
				}
				given.Add(1)
			}
		})
	}
	take := func(look func() Item) {
		taking.Go(func() {
			for !over.Load() {
				if it := look(); it != None {
					taken[it].Add(1)
				}
			}
		})
	}
	for range 2 {
		take(func() Item {
			watches := r.beginWatch()
			runtime.Gosched() // on one processor too the others come to it meanwhile
			if !watches {
				return None
			}
			it, _ := r.watch(spinLooks)
			return it
		})
	}
	take(func() Item { runtime.Gosched(); return r.takeGiven() })
	giving.Wait()
	over.Store(true)
	taking.Wait()
	if Item(r.handoff.Load()) != None {
		t.Errorf("%v is left when nobody watches", Item(r.handoff.Load()))
	}
	for it := range taken {
		if n := taken[it].Load(); n != 1 {
			t.Errorf("item %d was taken %d times", it, n)
		}
	}
	if n := given.Load(); n != givers*each {
		t.Errorf("%d items were given, want %d", n, givers*each)
	}
}

// TestGlance: who has just run dry is given what another worker has to spare, and was never
// counted as searching. Alone, or where watching was in vain, it does not watch.
func TestGlance(t *testing.T) {
	within(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))) // a glance lets nobody else run
	// glances has a worker glance while another one gives, until it was given or has done so
	// often enough.
	glances := func(r *Run, often int) Item {
		var over atomic.Bool
		var giver sync.WaitGroup
		giver.Go(func() {
			for !over.Load() && !r.give(7) {
				runtime.Gosched()
			}
		})
		defer giver.Wait()
		defer over.Store(true)
		w := &Worker{run: r, Clock: 5}
		for range often {
			if it := w.glance(); it != None {
				if w.Clock != 0 || w.found || r.searching.Load() != 0 {
					t.Errorf("clock %d, found %v, %d search; want 0, false and none: it has waited, and not searched", w.Clock, w.found, r.searching.Load())
				}
				return it
			}
			runtime.Gosched()
		}
		return None
	}
	up := func(workers, spins int32) *Run {
		r := newIdle()
		r.spare.Add(-workers)
		r.spins.Store(spins)
		return r
	}
	if it := glances(up(2, 1), 1<<30); it != 7 {
		t.Errorf("beside another worker %v is given, want 7", it)
	}
	if it := glances(up(1, 1), 1000); it != None {
		t.Errorf("a worker that is alone is given %v", it)
	}
	if it := glances(up(2, 0), 1000); it != None {
		t.Errorf("where watching was in vain %v is given", it)
	}
}
