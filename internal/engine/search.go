package engine

import (
	"runtime"
	"time"
)

// search finds an item elsewhere, or waits for one; None means that the run is
// over. The worker is counted as searching on entry.
func (w *Worker) search() Item {
	r := w.run
	w.Clock = 0
	for {
		for round, again := int32(1), true; again; round++ {
			a := r.attention.Load()
			if a >= stopped {
				r.searching.Add(-1)
				return None
			}
			it, waited := w.look(a > 0), round > 1
			if it == None {
				it, again = w.linger(round)
				waited = true
			}
			if it != None {
				if waited {
					r.watchMore()
				}
				w.found = true
				if !r.Announces {
					w.Found()
				}
				return it
			}
		}
		w.park()
	}
}

// look takes an item from wherever there is one, or None.
func (w *Worker) look(urgent bool) Item {
	if urgent {
		if it := w.run.takeUrgent(); it != None {
			return it
		}
	}
	if it := w.takeRoots(); it != None {
		return it
	}
	if it := w.steal(); it != None {
		return it
	}
	return w.run.takeGiven()
}

// Found says that the worker is at work on what it has found, and searches no more. Exec
// calls it where [Config].Announces says so, and may do so for any item.
func (w *Worker) Found() {
	if w.found { // apart, so that the rest is inlined
		w.searchNoMore()
	}
}

func (w *Worker) searchNoMore() {
	w.found = false
	// The last searcher sees to it that what else there is gets found.
	if r := w.run; r.searching.Add(-1) == 0 && r.spare.Load() > 0 && r.hasWork() {
		r.signal()
	}
}

// A worker that finds nothing looks again a few times, with others let run in between,
// since that is cheaper than being woken at once. One of them, which need not share its
// processor, watches for work a while longer, whoever else was woken and is on the way. A
// thread that sleeps takes microseconds to wake, on a virtual machine tens of them, and in
// a graph of tasks that are no longer than that every step would wait for it. How much
// longer is learned: a run in which watching was in vain does half as much of it the next
// time, down to none, a round more each time that there was something to find, and all of
// it once a worker was woken that had slept for less. The bound is a number of rounds and
// no time, so that it holds in virtual time too.
const (
	searchRounds = 4
	mostSpins    = 64                     // rounds
	shortSleep   = 100 * time.Microsecond // about what all of that takes
)

// watchMore is told that a searcher has found something soon.
func (r *Run) watchMore() {
	if spins := r.spins.Load(); spins < mostSpins && r.procs > 1 {
		r.spins.CompareAndSwap(spins, spins+1)
	}
}

// linger lets some time pass after so many looks around. It returns an item if it was
// given one, and reports whether there is to be another look.
func (w *Worker) linger(round int32) (Item, bool) {
	r := w.run
	if !r.mayWatch() || !r.beginWatch() {
		runtime.Gosched()
		return None, round < searchRounds
	}
	spins := r.spins.Load()
	if it, found := r.watch(); found {
		return it, true
	}
	if round >= searchRounds+spins {
		r.spins.CompareAndSwap(spins, spins/2)
		return None, false
	}
	runtime.Gosched()
	return None, true
}

// park blocks until the worker is told to search again.
func (w *Worker) park() {
	r := w.run
	if w.wake == nil {
		w.wake = make(chan struct{}, 1)
	}
	r.mu.Lock()
	r.idle = append(r.idle, w)
	r.spare.Add(1)
	r.searching.Add(-1)
	// Work that came after the last look was told to nobody if this was the only
	// searcher. Whoever pushes looks at searching after the push, this looks for
	// work after it has changed searching: one of the two sees the other.
	if r.hasWork() {
		r.idle = r.idle[:len(r.idle)-1]
		r.spare.Add(-1)
		r.searching.Add(1)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	began := time.Now()
	<-w.wake
	if r.procs > 1 && w.woken.Sub(began) < shortSleep {
		r.spins.Store(mostSpins)
	}
}

// rouse ends the sleep of a parked worker. How long it takes from here until it runs is
// no part of that sleep.
func (w *Worker) rouse() {
	w.woken = time.Now()
	w.wake <- struct{}{}
}

// rootBatch bounds how many roots a worker takes at once.
const rootBatch = 64

// takeRoots takes a share of the roots that are left: it returns the first and
// keeps the others in the deque, in their order.
func (w *Worker) takeRoots() Item {
	r := w.run
	n := int64(len(r.roots))
	left := n - r.nextRoot.Load()
	if left <= 0 {
		return None
	}
	share := min(max(left/8, 1), rootBatch)
	end := r.nextRoot.Add(share)
	start := end - share
	if start >= n {
		return None
	}
	for i := min(end, n) - 1; i > start; i-- {
		w.deque.stage(Item(r.roots[i]))
	}
	w.deque.publish()
	w.list()
	return Item(r.roots[start])
}
