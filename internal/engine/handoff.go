package engine

// One searcher watches for work for a moment before it sleeps, and a worker that has an item to spare gives it to that one: the item, and the word that there is
// one, are a single write to a single cache line. By way of a deque they are several,
// each of which goes from processor to processor.
//
// Any searcher may take what was given, the giver too: the system may have taken the
// processor away from the one that watched. Whoever watches takes what is there when it
// ends, so that an item that was given always has a searcher.

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

// watch waits for an item for a while, after beginWatch, and ends the watch. It returns
// the item if one was given, and reports whether it was or there may be something else to
// find.
func (r *Run) watch() (it Item, found bool) {
	for k := 0; k < spinLooks && !found; k++ {
		found = Item(r.handoff.Load()) != watched || r.hasWork()
	}
	if r.handoff.CompareAndSwap(uint64(watched), uint64(None)) {
		return None, found
	}
	return r.takeGiven(), true
}
