package engine

import "github.com/runnelflow/runnel/internal/cpuhint"

// One worker that has nothing to do watches for work for a moment before it sleeps, and
// another that has an item to spare gives it to that one: the item, and the word that
// there is one, are a single write to a single cache line. By way of a deque they are
// several, each of which goes from processor to processor.
//
// Any searcher may take what was given, the giver too: the system may have taken the
// processor away from the one that watched. Whoever watches, counted as a searcher or not,
// takes what is there when it ends, so that an item that was given always has a worker.

// watched in Run.handoff says that somebody watches. None says that nobody does, or that
// the item was taken.
const watched = None - 1

// give hands an item to a worker that watches, and reports whether one did.
func (r *Run) give(it Item) bool {
	return Item(r.handoff.Load()) == watched && r.handoff.CompareAndSwap(uint64(watched), uint64(it))
}

// takeGiven takes the item that was given, or None.
func (r *Run) takeGiven() Item {
	it := Item(r.handoff.Load())
	if it >= watched || !r.handoff.CompareAndSwap(uint64(it), uint64(None)) {
		return None
	}
	return it
}

// beginWatch reports whether the caller is the one to watch: none is yet.
func (r *Run) beginWatch() bool {
	return r.handoff.CompareAndSwap(uint64(None), uint64(watched))
}

// glance watches for a moment before the worker counts itself a searcher, and returns the
// item if it was given one. In a graph whose tasks meet at each step, the worker that it is
// to meet is about to finish. Who is given an item here has no searcher to take back in
// Found, and keeps its Clock: to read the time anew takes as long as a good part of the
// way from worker to worker.
func (w *Worker) glance() Item {
	r := w.run
	if !r.mayGlance() || !r.beginWatch() {
		return None
	}
	it, _ := r.watch()
	if it != None {
		r.watchMore()
	}
	return it
}

// mayGlance reports whether there may be something to be given: another worker is up. In a
// run that announces, whoever has not begun with an item must count as searching.
func (r *Run) mayGlance() bool {
	up := r.Limit - int(r.spare.Load())
	return up > 1 && !r.Announces && r.mayWatch()
}

// mayWatch reports whether watching is worth it: it was not in vain of late, and to look
// around takes little.
func (r *Run) mayWatch() bool {
	return r.spins.Load() > 0 && len(*r.active.Load()) <= minPrune
}

// watchLooks is how often a worker looks in one watch, which takes it one or two
// microseconds: as long as a short task.
const watchLooks = 40

// watch waits for an item for so many looks, after beginWatch, and ends the watch. It
// returns the item if one was given, and reports whether it was or there may be something
// else to find.
func (r *Run) watch() (it Item, found bool) {
	for k := 0; k < watchLooks && !found; k++ {
		if found = Item(r.handoff.Load()) != watched || r.hasWork(); !found {
			cpuhint.Pause()
		}
	}
	if r.handoff.CompareAndSwap(uint64(watched), uint64(None)) {
		return None, found
	}
	return r.takeGiven(), true
}
