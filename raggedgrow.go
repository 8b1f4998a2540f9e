package runnel

import (
	"cmp"
	"fmt"
	"math"

	"github.com/runnelflow/runnel/internal/binding"
)

// news is what happened while the lock of a ragged task was held: others are told
// afterwards.
type news struct {
	ready []int32 // elements
	grown []int32 // branches
	ended []int32 // branches
}

// grow gives a branch its children, if their number can be known by now. r.mu is
// held.
func (r *ragged) grow(id int32, n *news) {
	b := r.branches.at(id)
	length, why := r.length(b)
	if length == notKnown {
		return
	}
	n.grown = append(n.grown, id)
	b.n, b.left = length, length
	switch {
	case why != nil:
		b.gone = why
		b.first = r.addElements(id, 1)
		r.elements.at(b.first).queued = true
		n.ready = append(n.ready, b.first)
		if why.err == nil {
			r.m.x.uneven.Store(true)
		}
	case b.level == r.last():
		b.first, b.columns = r.addElements(id, length), r.m.makeColumns(int(length))
		r.holdElements(b)
		r.handDown(b)
		for k := range length {
			r.check(b, k, n)
		}
	case length > 0:
		b.first = r.branches.add(length)
		cursors := make([]cursor, int(length)*len(b.cursors))
		for k := range length {
			own := cursors[:len(b.cursors):len(b.cursors)]
			cursors = cursors[len(own):]
			for i := range own {
				own[i] = r.step(i, b.level, b.cursors[i], k)
			}
			child := r.branches.at(b.first + k)
			*child = branch{parent: id, place: k, level: b.level + 1, n: notKnown, left: 1, cursors: own}
			r.holdBranch(child)
			for _, i := range r.m.lets {
				r.holdNode(i, child.level, own[i])
			}
		}
		for _, i := range r.m.lets {
			r.dropNode(i, b.level, b.cursors[i])
		}
		b.forgetCursors()
		for k := range length {
			r.grow(b.first+k, n)
		}
	}
	if length == 0 {
		r.end(id, n)
	}
}

func (r *ragged) addElements(id, length int32) int32 {
	first := r.elements.add(length)
	for k := range length {
		r.elements.at(first + k).branch = id
	}
	return first
}

// childEnded counts the end of a child of a branch. r.mu is held.
func (r *ragged) childEnded(id int32, hole bool, n *news) {
	b := r.branches.at(id)
	b.holes = b.holes || hole
	if b.left--; b.left == 0 {
		r.end(id, n)
	}
}

// end ends a branch without anything left below it.
func (r *ragged) end(id int32, n *news) {
	n.ended = append(n.ended, id)
	b := r.branches.at(id)
	r.dropBranch(b)
	if b.parent >= 0 {
		r.childEnded(b.parent, b.holes, n)
	}
}

// length is how many children a branch has, notKnown as long as an input has to be
// waited for; or it is gone, and has a single one.
func (r *ragged) length(b *branch) (int32, *gone) {
	task := r.m.x.plan.nodes[r.m.plan.node].task
	n, by := int32(notKnown), -1
	for _, i := range r.carriers[b.level] {
		in, optional := &task.inputs[i], task.inputs[i].optional
		k, missing, err := r.below(i, b)
		switch {
		case err != nil:
			return 1, &gone{err: fmt.Errorf("input %q (%s): %w", withAxes(in.name, in.axes), in.label, err)}
		case missing != "" && optional:
			if r.m.inputs[i].lets {
				r.dropNode(i, b.level, b.cursors[i])
			}
			b.cursors[i].at = absent
		case missing != "":
			return 1, &gone{reason: fmt.Sprintf("its input %q is missing: %s", in.name, missing), cause: r.causeOf(i, b)}
		case k == notKnown:
			return notKnown, nil
		case by < 0:
			n, by = k, i
		case k != n:
			return 1, &gone{err: fmt.Errorf("inputs on one axis must have the same length, but in this row on axis %s %q has %d elements and %q has %d", task.axes[b.level], task.inputs[by].name, n, in.name, k)}
		}
	}
	switch {
	case by < 0:
		return 1, &gone{reason: fmt.Sprintf("axis %s has no length in this row: all inputs that have it are optional, and absent", task.axes[b.level])}
	case r.elements.n > math.MaxInt32-n || r.branches.n > math.MaxInt32-n:
		return 1, &gone{err: fmt.Errorf("a row of %d elements after %d is more than the %d that a task can have", n, r.elements.n, math.MaxInt32)}
	}
	return n, nil
}

// below is how many rows or elements an input has below a branch, notKnown yet, or
// what became of that which should have made them.
func (r *ragged) below(i int, b *branch) (n int32, missing string, err error) {
	e, c, p := &r.m.inputs[i], &b.cursors[i], r.axisOf(i, b.level)
	switch {
	case c.at == absent:
		return 0, "it is absent", nil
	case c.row != nil:
		return int32(c.row.Len()), "", nil
	case p < e.outer && e.feed != nil && e.feed.ragged != nil:
		return e.feed.ragged.children(c.at)
	case p < e.outer:
		return int32(max(0, e.lengths[p])), "", nil
	}
	switch s := stateOf(e.feed.statusOf(c.at)); {
	case !s.Ended():
		return notKnown, "", nil
	case s != Succeeded:
		return 0, e.feed.fate(c.at), nil
	}
	columns, at := e.feed.place(c.at)
	v, err := columns[r.m.plan.inputs[i].output].Load(at)
	if err != nil {
		return 0, "", err
	}
	if c.row, _, err = binding.Elements(v, len(e.lengths)-e.outer); err != nil {
		return 0, "", err
	}
	return int32(c.row.Len()), "", nil
}

// causeOf is the error of what should have made the rows of an input below a branch.
func (r *ragged) causeOf(i int, b *branch) error {
	e, at := &r.m.inputs[i], b.cursors[i].at
	switch {
	case at == absent || e.feed == nil:
		return nil
	case e.feed.ragged != nil && r.axisOf(i, b.level) < e.outer:
		g := e.feed.ragged.branches.at(at).gone
		return cmp.Or(g.cause, g.err)
	}
	return e.feed.errorOf(at)
}

// children is how many a branch has, notKnown yet, or what became of it.
func (r *ragged) children(id int32) (n int32, missing string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.branches.at(id)
	if b.gone == nil {
		return b.n, "", nil
	}
	return 0, fmt.Sprintf("row %q could not be made", label(r.m.name(), r.path(id))), nil
}

// step is where child k of a branch is in an input.
func (r *ragged) step(i, axis int, c cursor, k int32) cursor {
	e, p := &r.m.inputs[i], r.axisOf(i, axis)
	switch {
	case p < 0 || e.lengths == nil || c.at == absent:
	case c.row != nil && p == len(e.lengths)-1 && e.lets && axis < r.last():
		c.row, c.at = c.row.Only(int(k)), 0
	case c.row != nil && p == len(e.lengths)-1:
		c.at = k
	case c.row != nil && e.lets:
		c.row = c.row.Below(int(k)).Alone()
	case c.row != nil:
		c.row = c.row.Below(int(k))
	case e.feed != nil && e.feed.ragged != nil:
		c.at = e.feed.ragged.branches.at(c.at).first + k
	default:
		c.at += k * int32(e.strides[axis])
	}
	return c
}

// check queues child k of a branch, an element, if all that it waits for has ended.
// r.mu is held.
func (r *ragged) check(b *branch, k int32, n *news) {
	elem := b.first + k
	if r.elements.at(elem).queued {
		return
	}
	for i, f := range r.flowOf {
		if f != nil && !r.hasEnded(f, r.step(i, b.level, b.cursors[i], k)) {
			return
		}
	}
	r.elements.at(elem).queued = true
	n.ready = append(n.ready, elem)
}

// hasEnded reports whether what an element takes of an input has.
func (r *ragged) hasEnded(f *flow, c cursor) bool {
	switch {
	case c.at == absent || c.row != nil:
		return true
	case f.from.ragged != nil && f.takes() < len(f.from.dims):
		return f.from.ragged.closed(c.at)
	case f.rows != nil:
		return int(f.rows[c.at].Load()) >= f.to.inputs[f.feed.input].width
	}
	return stateOf(f.from.statusOf(c.at)).Ended()
}
