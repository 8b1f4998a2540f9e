package engine

// Run.active lists the workers that may have something to steal. A worker
// enters it with its first push. Most of a thousand blocked workers have an
// empty deque, so when the list has grown, those leave it: a thief's look round
// costs in proportion to what can be stolen, not to what is running.

// minPrune is the length from which pruning is worth it.
const minPrune = 32

// list enters a worker that has just pushed.
func (r *Run) list(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.listed.Load() {
		return
	}
	if len(*r.active.Load()) >= r.pruneAt {
		r.prune()
	}
	w.listed.Store(true)
	// Readers of the old slice never look past its length, so the array is shared.
	next := append(*r.active.Load(), w)
	r.active.Store(&next)
}

// prune drops the workers with an empty deque. r.mu is held.
func (r *Run) prune() {
	var keep []*Worker
	for _, w := range *r.active.Load() {
		if w.deque.empty() {
			w.listed.Store(false)
			// Its owner looks at listed after a push, this looks at the deque after
			// changing listed: one of the two sees the other.
			if w.deque.empty() {
				continue
			}
			w.listed.Store(true)
		}
		keep = append(keep, w)
	}
	r.active.Store(&keep)
	r.pruneAt = max(minPrune, 2*len(keep))
}

// steal takes an item from another worker, or None.
func (w *Worker) steal() Item {
	r := w.run
	victims := *r.active.Load()
	n := len(victims)
	if n == 0 {
		return None
	}
	// xorshift: a different place to start for every worker and every look.
	w.seed ^= w.seed << 13
	w.seed ^= w.seed >> 17
	w.seed ^= w.seed << 5
	at := int(uint64(w.seed) * uint64(n) >> 32)
	for looked := range n {
		if v := victims[at]; v != w {
			if it := v.deque.steal(); it != None {
				w.stealMore(v)
				return it
			}
		}
		if at++; at == n {
			at = 0
		}
		if looked == minPrune {
			r.tidy(len(victims))
		}
	}
	return None
}

// mostStolen bounds how many items a thief takes at once.
const mostStolen = 64

// stealMore takes half of what a victim has left, so that the two get out of
// each other's way: a thief that comes back for every item makes its victim's
// every pop wait for the memory that both write.
func (w *Worker) stealMore(v *Worker) {
	for range min(v.deque.size()/2, mostStolen) {
		it := v.deque.steal()
		if it == None {
			return
		}
		w.put(it)
	}
}

// tidy prunes a list in which a thief met many empty deques in a row, unless
// somebody has done so already.
func (r *Run) tidy(length int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(*r.active.Load()) >= length {
		r.prune()
	}
}
