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
	if it, found := r.watch(); it != None || found {
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
	if it, found := r.watch(); it != 7 || !found {
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
	if it, found := r.watch(); it != None || !found {
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
			it, _ := r.watch()
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

// giveTo gives an item to the first who watches, until over.
func giveTo(r *Run, it Item) (over func()) {
	var stop atomic.Bool
	var giver sync.WaitGroup
	giver.Go(func() {
		for !stop.Load() && !r.give(it) {
			runtime.Gosched()
		}
	})
	return func() {
		stop.Store(true)
		giver.Wait()
	}
}

// TestWhoRunsDryIsGivenBeforeItSearches: what every worker writes is as it was, and watching
// is worth more. Whether somebody gives in that moment is up to the scheduler: now and then
// it is so.
func TestWhoRunsDryIsGivenBeforeItSearches(t *testing.T) {
	within(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))) // a glance lets nobody else run
	for given := false; !given; {
		r := newIdle() // with one node, which this worker has finished
		r.procs = 2
		r.spare.Add(-2)
		r.spins.Store(3)
		w := &Worker{run: r, Clock: 5, finished: 1}
		over := giveTo(r, 7)
		it := w.next()
		over()
		if given = it == 7; !given {
			continue // the run is over
		}
		if w.finished != 1 || r.rest.Load() != 1 || r.searching.Load() != 0 || w.found {
			t.Errorf("%d finished, %d rest, %d search, found %v; want 1, 1, 0 and false", w.finished, r.rest.Load(), r.searching.Load(), w.found)
		}
		if w.Clock != 5 || r.spins.Load() != 4 {
			t.Errorf("clock %d, %d rounds; want 5, the time at which it ran dry, and 4", w.Clock, r.spins.Load())
		}
	}
}

func TestMayGlance(t *testing.T) {
	for name, c := range map[string]struct {
		up, spins int32
		announces bool
		want      bool
	}{
		"beside another worker":        {up: 2, spins: 1, want: true},
		"alone":                        {up: 1, spins: 1},
		"where watching was in vain":   {up: 2},
		"where all have to be counted": {up: 2, spins: 1, announces: true},
	} {
		r := newIdle()
		r.Announces = c.announces
		r.spare.Add(-c.up)
		r.spins.Store(c.spins)
		if got := r.mayGlance(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
