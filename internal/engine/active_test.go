package engine

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
)

// TestThousandsOfBlockedPushers: workers that have pushed, and then block, keep
// nothing from the others, though they come and go in the list.
func TestThousandsOfBlockedPushers(t *testing.T) {
	within(t)
	// Each head pushes the second of its two followers and goes on with the first;
	// the first ones of all heads wait for each other.
	const heads = 5_000
	from, to := make([]int32, 0, 2*heads), make([]int32, 0, 2*heads)
	for h := range int32(heads) {
		from, to = append(from, h, h), append(to, heads+2*h, heads+2*h+1)
	}
	p := newProbe(graph.New(3*heads, from, to))
	var together sync.WaitGroup
	together.Add(heads)
	p.during = func(n int32) {
		if n >= heads && (n-heads)%2 == 0 {
			together.Done()
			together.Wait()
		}
	}
	p.run(0)
	p.check(t, 0)
	if peak := p.peak.Load(); peak < heads {
		t.Errorf("%d items ran at once, want the %d that wait for each other", peak, heads)
	}
}

// TestListGrowsWithWhatCanBeStolen: however many workers have pushed, the list
// is at most about twice as long as those that still have something, so that a
// thief's look round stays short.
func TestListGrowsWithWhatCanBeStolen(t *testing.T) {
	for _, every := range []int{1, 2, 100, 10_000} { // of so many workers one keeps its item
		r := New(graph.New(0, nil, nil), Config{})
		full := 0
		for i := range 10_000 {
			w := &Worker{run: r}
			w.put(Item(i))
			if i%every != 0 {
				w.deque.pop()
			} else {
				full++
			}
			if got, most := len(*r.active.Load()), max(minPrune, 2*full+1); got > most {
				t.Fatalf("%d workers in the list, want at most %d: only %d have something to steal", got, most, full)
			}
		}
	}
}

// TestPrune drops exactly the workers with nothing to steal, and lets them in
// again with their next push.
func TestPrune(t *testing.T) {
	r := New(graph.New(0, nil, nil), Config{})
	var workers []*Worker
	for i := range 3 * minPrune {
		w := &Worker{run: r}
		workers = append(workers, w)
		w.put(Item(i))
		if i%3 != 0 {
			w.deque.pop()
		}
	}
	r.tidy(0)
	if got := len(*r.active.Load()); got != minPrune {
		t.Fatalf("%d workers in the list, want the %d that have an item", got, minPrune)
	}
	for i, w := range workers {
		if w.listed.Load() != (i%3 == 0) {
			t.Fatalf("worker %d: listed %v, it has %d items", i, w.listed.Load(), w.deque.size())
		}
		w.put(Item(i))
		w.put(Item(i))
	}
	seen := map[*Worker]int{}
	for _, w := range *r.active.Load() {
		seen[w]++
	}
	for i, w := range workers {
		if seen[w] != 1 {
			t.Fatalf("worker %d stands %d times in the list after a push, want once", i, seen[w])
		}
	}
}

// TestThiefTakesHalf of what it finds, so that it comes back rarely: a look round
// at a victim with n items is followed by about log n others, not by n.
func TestThiefTakesHalf(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 2 * mostStolen, 10 * mostStolen} {
		r := New(graph.New(0, nil, nil), Config{})
		victim, thief := &Worker{run: r}, &Worker{run: r, seed: 1}
		for i := range n {
			victim.put(Item(i))
		}
		if got := thief.steal(); got != 0 {
			t.Errorf("of %d items a thief got %d, want the oldest", n, got)
		}
		more := min((n-1)/2, mostStolen)
		if got := int(thief.deque.size()); got != more {
			t.Errorf("of %d items a thief took %d besides its own, want %d", n, got, more)
		}
		if got := int(victim.deque.size()); got != n-1-more {
			t.Errorf("of %d items %d are left, want %d", n, got, n-1-more)
		}
	}
	r := New(graph.New(0, nil, nil), Config{})
	victim, thief := &Worker{run: r}, &Worker{run: r, seed: 1}
	const items = 1 << 6
	for i := range items {
		victim.put(Item(i))
	}
	visits, taken := 0, 0
	for ; thief.steal() != None; visits++ {
		for taken++; thief.deque.pop() != None; taken++ {
		}
	}
	if taken != items || visits > 7 {
		t.Errorf("a thief came %d times for %d of %d items, want at most 7 times for all", visits, taken, items)
	}
}

// TestPushAgainstPrune: a worker that pushes while it is being dropped from the
// list stands in it afterwards, so that thieves find the item. The two meet in
// every round, one of them a little later each time; on a busy machine, where a
// meeting takes long, there are fewer rounds.
func TestPushAgainstPrune(t *testing.T) {
	within(t)
	const rounds, skews, budget = 300_000, 150, time.Second
	r := New(graph.New(0, nil, nil), Config{})
	w := &Worker{run: r}
	w.put(0)
	w.deque.pop()
	var began, pruned atomic.Int64
	var over atomic.Bool
	await := func(n *atomic.Int64, least int64) {
		for spin := 1; n.Load() < least; spin++ {
			if spin%1000 == 0 {
				runtime.Gosched()
			}
		}
	}
	var pruner sync.WaitGroup
	pruner.Go(func() {
		for round := int64(1); round <= rounds; round++ {
			if await(&began, round); over.Load() {
				return
			}
			for range round / skews % skews {
				began.Load()
			}
			r.tidy(0)
			pruned.Store(round)
		}
	})
	lost := 0
	for start, round := time.Now(), int64(1); round <= rounds; round++ {
		if round%100 == 0 && time.Since(start) > budget {
			over.Store(true)
			began.Store(round)
			break
		}
		began.Store(round)
		for range round % skews {
			pruned.Load()
		}
		w.put(Item(round))
		await(&pruned, round)
		if !slices.Contains(*r.active.Load(), w) {
			lost++
		}
		w.deque.pop()
		if !w.listed.Load() || lost > 0 {
			r.list(w)
		}
	}
	pruner.Wait()
	if lost > 0 {
		t.Errorf("after %d pushes the worker was not in the list", lost)
	}
}
