package runnel

import "reflect"

// partHolds are the holds of a part of a ragged output, see holds: of a branch, and
// of its elements on the last level. They are guarded by the lock.
type partHolds struct {
	count int32
	row   any     // that was given away
	each  []int32 // of the elements
}

// hold holds a part of an output: a branch or, on the last level, an element.
func (r *ragged) hold(output int32, level int, at, n int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if level < len(r.m.dims) {
		r.branches.at(at).held[output].count += n
		return
	}
	b := r.of(at)
	b.held[output].each[at-b.first] += n
}

// drop ends a hold.
func (r *ragged) drop(output int32, level int, at int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropPart(output, level, at)
}

// dropPart is drop while r.mu is held.
func (r *ragged) dropPart(output int32, level int, at int32) {
	if level == len(r.m.dims) {
		b := r.of(at)
		count := &b.held[output].each[at-b.first]
		if *count--; *count == 0 {
			b.columns[output].Clear(int(at - b.first))
		}
		return
	}
	b := r.branches.at(at)
	held := &b.held[output]
	if held.count--; held.count > 0 {
		return
	}
	held.row = nil
	if b.n == notKnown || b.gone != nil {
		return
	}
	for k := range b.n {
		r.dropPart(output, level+1, b.first+k)
	}
}

// holdBranch makes the holds of a branch: the part around it holds it if that is
// held itself. r.mu is held.
func (r *ragged) holdBranch(b *branch) {
	if r.m.plan.holds == nil {
		return
	}
	b.held = make([]partHolds, len(r.m.plan.holds))
	for k := range b.held {
		switch {
		case b.parent < 0:
			b.held[k].count = r.m.plan.holds[k] + 1 // and the one that opens it, as long as it does
		case r.branches.at(b.parent).held[k].count > 0:
			b.held[k].count = 1
		}
	}
}

// holdElements makes the holds of a branch's elements. r.mu is held.
func (r *ragged) holdElements(b *branch) {
	for k := range b.held {
		if !r.m.letsGo(int32(k)) {
			continue
		}
		b.held[k].each = make([]int32, b.n)
		for e := range b.held[k].each {
			b.held[k].each[e] = 1 // itself
			if b.held[k].count > 0 {
				b.held[k].each[e] = 2
			}
		}
	}
}

// row is output k of all that is below a branch, for those who hold it.
func (r *ragged) row(id int32, output int) (any, error) {
	if !r.m.letsGo(int32(output)) {
		return r.nested(id, output)
	}
	given := &r.branches.at(id).held[output].row
	r.mu.Lock()
	row := *given
	r.mu.Unlock()
	if row != nil {
		return row, nil
	}
	row, err := r.nested(id, output)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if *given == nil {
		*given = row
	}
	return *given, nil
}

// forget lets go of all of an output.
func (r *ragged) forget(output int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.branches.n {
		if b := r.branches.at(id); b.columns != nil {
			b.columns[output] = nil
		}
	}
}

// node is the part of its producer's elements that a branch of a level is at in an
// input; ok is false inside an element, and inside data that is there.
func (r *ragged) node(i, level int, c cursor) (on int, at int32, ok bool) {
	e := &r.m.inputs[i]
	on = r.fixed(i, level)
	switch {
	case c.at == absent || on > e.outer:
		return 0, 0, false
	case e.feed != nil && e.feed.ragged != nil:
		return on, c.at, true
	}
	if below := product(e.lengths[on:e.outer]); below > 0 {
		return on, c.at / int32(below), true
	}
	return on, 0, true
}

// fixed is how many of an input's first axes are fixed on a level.
func (r *ragged) fixed(i, level int) (n int) {
	for _, axis := range r.m.plan.inputs[i].axes {
		if axis >= level {
			break
		}
		n++
	}
	return n
}

// takes reports whether the children on a level take parts of what their branch has of an
// input, rather than that.
func (r *ragged) takes(i, level int) bool { return r.fixed(i, level+1) > r.fixed(i, level) }

func (r *ragged) holdNode(i, level int, c cursor) {
	if on, at, ok := r.node(i, level, c); ok {
		r.m.inputs[i].hold(on, at, 1)
	}
}

func (r *ragged) dropNode(i, level int, c cursor) {
	if on, at, ok := r.node(i, level, c); ok {
		r.m.inputs[i].drop(on, at)
	}
}

// handDown holds what the elements of a branch take, in the place of what the branch
// has of it. Of rows that nobody else holds, the branch gets its own copy. r.mu is held.
func (r *ragged) handDown(b *branch) {
	for _, i := range r.m.lets {
		if !r.takes(i, b.level) {
			continue
		}
		c := b.cursors[i]
		if c.at == absent {
			continue
		}
		for k := range b.n {
			r.holdNode(i, b.level+1, r.step(i, b.level, c, k))
		}
		r.dropNode(i, b.level, c)
		if c.row != nil {
			b.cursors[i].row = c.row.Copy()
		}
	}
}

// dropElement lets go of what an element took that has ended, and of the element
// itself when nobody takes it. r.mu is held.
func (r *ragged) dropElement(elem int32) {
	b := r.of(elem)
	if b.gone != nil {
		return
	}
	for _, i := range r.m.lets {
		c := b.cursors[i]
		if c.at == absent || !r.takes(i, b.level) {
			continue
		}
		k := elem - b.first
		r.dropNode(i, b.level+1, r.step(i, b.level, c, k))
		if c.row != nil {
			c.row.Clear(int(k))
		}
	}
	for k := range b.held {
		if r.m.letsGo(int32(k)) {
			r.dropPart(int32(k), len(r.m.dims), elem)
		}
	}
}

// dropBranch lets go of what a branch that has ended still holds. r.mu is held.
func (r *ragged) dropBranch(b *branch) {
	if b.cursors == nil {
		return
	}
	handed := b.level == r.last() && b.gone == nil // to its elements
	for _, i := range r.m.lets {
		if !handed || !r.takes(i, b.level) {
			r.dropNode(i, b.level, b.cursors[i])
		}
	}
	b.forgetCursors()
}

// forgetCursors lets go of the rows that a branch is in. Its cursors are in one array
// with those of the branches beside it.
func (b *branch) forgetCursors() {
	clear(b.cursors)
	b.cursors = nil
}

// copied is a slice with the same elements, in runs whose elements go one by one.
func (r *ragged) copied(row reflect.Value, output int) reflect.Value {
	if !r.m.letsGo(int32(output)) {
		return row
	}
	return reflect.AppendSlice(reflect.MakeSlice(row.Type(), 0, row.Len()), row)
}
