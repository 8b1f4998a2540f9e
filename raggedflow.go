package runnel

// hear takes in that more is known of an input at an index of its first axes: of
// the lengths below it, or that all that is there has ended.
func (r *ragged) hear(v *wave, input int, index []int) {
	var n news
	r.mu.Lock()
	if r.branches.n > 0 { // else it looks for itself when it opens
		r.touch(0, input, index, &n)
	}
	r.mu.Unlock()
	r.tell(v, &n)
}

// touch looks again at all that takes from an input at an index: the input's axes
// are fixed, the others run. r.mu is held.
func (r *ragged) touch(id int32, input int, index []int, n *news) {
	b := r.branches.at(id)
	switch {
	case b.n == notKnown:
		r.grow(id, n)
		return
	case b.gone != nil:
		return
	}
	from, to := int32(0), b.n
	if p := r.axisOf(input, b.level); p >= 0 && p < len(index) {
		from = int32(index[p])
		to = min(b.n, from+1)
	}
	for k := from; k < to; k++ {
		if b.level == r.last() {
			r.check(b, k, n)
		} else {
			r.touch(b.first+k, input, index, n)
		}
	}
}

// elementOver follows from an element that has ended.
func (r *ragged) elementOver(v *wave, elem int32) {
	at := r.elements.at(elem)
	var n news
	r.mu.Lock()
	r.dropElement(elem)
	r.childEnded(at.branch, stateOf(&at.status) != Succeeded, &n)
	r.mu.Unlock()
	if r.branches.at(at.branch).gone == nil {
		for _, f := range *r.m.subscribers.Load() {
			if f.takes() >= len(r.m.dims) {
				f.tell(v, r.coordinates(elem))
			}
		}
	}
	r.tell(v, &n)
}

// tell starts elements that became ready, tells the consumers what they may wait
// for, and ends the task if that is due.
func (r *ragged) tell(v *wave, n *news) {
	for _, e := range r.m.window.admit(n.ready) {
		v.push(unit{r.m.plan.node, e}.item())
	}
	for _, f := range *r.m.subscribers.Load() {
		takes := f.takes()
		for _, id := range n.grown {
			if r.branches.at(id).level < takes {
				f.tell(v, r.path(id))
			}
		}
		for _, id := range n.ended {
			if r.branches.at(id).level == takes {
				f.tell(v, r.path(id))
			}
		}
	}
	r.mu.Lock()
	over := r.over()
	r.mu.Unlock()
	if over {
		v.push(r.m.finish(v.w))
	}
}

// tell says that more is known of the input at an index.
func (f *flow) tell(v *wave, index []int) {
	if f.to.ragged != nil {
		f.to.ragged.hear(v, f.feed.input, index)
		return
	}
	if at := f.to.inputs[f.feed.input]; len(index) == len(at.lengths) {
		var some [8]int32
		f.admit(v, f.rowEnded(at.position(index), some[:0]))
	}
}
