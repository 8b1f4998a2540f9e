package runnel

import (
	"reflect"
	"sync/atomic"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// holds counts, in a run with targets, who may still take what of an output of a
// mapped task, or of data that one has taken apart. A part of it is the whole, on
// level 0, a row, with as many axes fixed as its level, or an element. It is held by
//
//   - each element of a consumer that takes it,
//   - each consumer, or row of one, that will take something of it and does not know
//     yet what: when it does, it holds that instead,
//   - the part that it belongs to, as long as that is held, and
//   - an element by itself, until it has ended.
//
// What nobody holds is let go. Each part is looked at when it is taken, and when the
// one around it is let go.
//
// Who was given a row or the whole may keep it, so these are copies: what they share
// with the elements stays when an element goes.
type holds struct {
	dims   []int
	values binding.Slab
	counts [][]atomic.Int32        // of the parts, by their level and place
	rows   [][]atomic.Pointer[any] // the same: the rows that were given away
}

// newHolds holds the whole as often as said, and each element as often.
func newHolds(dims []int, values binding.Slab, whole, each int32) *holds {
	h := &holds{dims: dims, values: values, counts: make([][]atomic.Int32, len(dims)+1), rows: make([][]atomic.Pointer[any], len(dims))}
	n := 1
	for level := range h.counts {
		first := whole
		switch level {
		case 0:
		case len(dims):
			first = 1 + each
		default:
			first, h.rows[level] = 1, make([]atomic.Pointer[any], n)
		}
		h.counts[level] = make([]atomic.Int32, n)
		for at := range n {
			h.counts[level][at].Store(first)
		}
		if level < len(dims) {
			n *= dims[level]
		}
	}
	return h
}

func (h *holds) hold(level, at int, n int32) { h.counts[level][at].Add(n) }

// drop ends a hold.
func (h *holds) drop(level, at int) {
	switch {
	case h.counts[level][at].Add(-1) > 0:
		return
	case level == len(h.dims):
		h.values.Clear(at)
		return
	case level > 0:
		h.rows[level][at].Store(nil)
	}
	n := h.dims[level]
	for k := range n {
		h.drop(level+1, at*n+k)
	}
}

// heldRows reads the rows of a level, for those who hold them.
type heldRows struct {
	*holds
	level int
}

// CopyTo implements binding.Reader.
func (r heldRows) CopyTo(at int, dst any) error { return copyFrom(r, at, dst) }

// Load implements binding.Reader.
func (r heldRows) Load(at int) (any, error) {
	given := &r.rows[r.level][at]
	if row := given.Load(); row != nil {
		return *row, nil
	}
	dims := r.dims[r.level:]
	width := product(dims)
	part, err := binding.Part(r.values, at*width, (at+1)*width)
	if err != nil {
		return nil, err
	}
	row := binding.Nest(part, dims)
	if !given.CompareAndSwap(nil, &row) {
		return *given.Load(), nil // somebody else was given it meanwhile, and has not ended
	}
	return row, nil
}

// forward implements forwarder.
func (r heldRows) forward(at int, t reflect.Type) broker.Value {
	return forwardRow(r.values, at, r.dims[r.level:], t)
}

// copyFrom is CopyTo by way of Load.
func copyFrom(r binding.Reader, at int, dst any) error {
	v, err := r.Load(at)
	if err != nil {
		return err
	}
	return binding.Assign(dst, v)
}

func product(lengths []int) int {
	n := 1
	for _, length := range lengths {
		n *= max(0, length)
	}
	return n
}

// letsGo reports whether the elements of an output are let go one by one.
func (m *mapRun) letsGo(output int32) bool {
	return m.plan.holds != nil && m.plan.holds[output] != kept
}

// hold holds a part of an input: on the level of its producer's elements or below.
func (e *elementSource) hold(level int, at, n int32) {
	switch {
	case e.holds != nil:
		e.holds.hold(level, int(at), n)
	case e.feed != nil && e.feed.ragged != nil:
		e.feed.ragged.hold(e.output, level, at, n)
	}
}

// drop ends a hold.
func (e *elementSource) drop(level int, at int32) {
	switch {
	case e.holds != nil:
		e.holds.drop(level, int(at))
	case e.feed != nil && e.feed.ragged != nil:
		e.feed.ragged.drop(e.output, level, at)
	}
}

// part is what of an input its place stands for, all of whose outer axes are fixed.
func (e *elementSource) part(at int) int32 {
	if e.holds == nil && e.feed != nil && e.feed.ragged != nil {
		return e.feed.ragged.find(indexAt(e.lengths, at))
	}
	return int32(at)
}

// holdParts holds what each element of the task takes, in the place of the whole.
func (m *mapRun) holdParts() {
	n := m.count()
	for _, i := range m.lets {
		e := &m.inputs[i]
		if n > 0 {
			parts := product(e.lengths[:e.outer])
			for at := range parts {
				e.hold(e.outer, e.part(at), int32(n/parts))
			}
		}
		e.drop(0, 0)
	}
}

// dropParts lets go of what an element took that has ended, and of the element
// itself when nobody takes it.
func (m *mapRun) dropParts(elem int32) {
	for _, i := range m.lets {
		e := &m.inputs[i]
		e.drop(e.outer, e.part(m.at(e, elem)))
	}
	for _, h := range m.holds {
		if h != nil {
			h.drop(len(m.dims), int(elem))
		}
	}
}

// makeHolds counts who holds the elements that were just made room for.
func (m *mapRun) makeHolds() {
	m.holds = make([]*holds, len(m.columns))
	for k, whole := range m.plan.holds {
		if whole != kept {
			m.holds[k] = newHolds(m.dims, m.columns[k], whole+1, 1)
			m.holds[k].drop(0, 0) // what nobody takes goes with its end
		}
	}
}

// dropWhole ends a hold of the whole of an output.
func (m *mapRun) dropWhole(output int32) {
	switch {
	case !m.ready || !m.letsGo(output):
	case m.ragged != nil:
		m.ragged.drop(output, 0, 0)
	default:
		m.holds[output].drop(0, 0)
	}
}

// forget lets go of an output whose elements nobody took one by one, nor keeps any
// more.
func (m *mapRun) forget(output int32) {
	switch {
	case !m.ready:
	case m.ragged != nil:
		m.ragged.forget(output)
	default:
		m.columns[output] = nil
	}
}

// share is a flat slice of an output for those who take the whole.
func (m *mapRun) share(output int) (any, error) {
	if !m.letsGo(int32(output)) {
		return m.columns[output].Slice(0, len(m.status))
	}
	given := &m.shared[output]
	if given.Load() == nil {
		part, err := binding.Part(m.columns[output], 0, len(m.status))
		if err != nil {
			return nil, err
		}
		given.CompareAndSwap(nil, &part)
	}
	return *given.Load(), nil
}
