package runnel

import (
	"fmt"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/engine"
)

// flow tells a mapped task of the elements that another one has ended.
type flow struct {
	to   *mapRun
	from *mapRun
	feed feed
	// told has a bit for each element of from that to was told of: one that ends
	// while to catches up is seen twice.
	told []atomic.Uint32
	rows []atomic.Int32 // of an input that takes rows: elements of each that ended
}

// join makes the flow known to its producer.
func (f *flow) join(to *mapRun, d feed) {
	f.to, f.feed, f.from = to, d, to.inputs[d.input].feed
	f.told = make([]atomic.Uint32, (len(f.from.status)+31)/32)
	if width := to.inputs[d.input].width; width != 1 {
		rows := 1
		for _, axis := range to.plan.inputs[d.input].axes {
			rows *= to.dims[axis]
		}
		f.rows = make([]atomic.Int32, rows)
	}
	for {
		old := f.from.subscribers.Load()
		list := append((*old)[:len(*old):len(*old)], f)
		if f.from.subscribers.CompareAndSwap(old, &list) {
			return
		}
	}
}

// catchUp goes through the elements that have ended before the flow joined, and
// appends those of the consumer that became ready.
func (f *flow) catchUp(ready []int32) []int32 {
	if f.to.inputs[f.feed.input].width == 0 {
		// Rows without elements are there from the start.
		for row := range f.rows {
			ready = f.satisfy(row, ready)
		}
		return ready
	}
	for e := range f.from.status {
		if stateOf(&f.from.status[e]).Ended() {
			ready = f.ended(int32(e), ready)
		}
	}
	return ready
}

// ended tells the consumer that an element has ended, once.
func (f *flow) ended(e int32, ready []int32) []int32 {
	bit := uint32(1) << (e % 32)
	if f.told[e/32].Or(bit)&bit != 0 {
		return ready
	}
	at := int(e)
	if f.rows != nil {
		width := f.to.inputs[f.feed.input].width
		at /= width
		if f.rows[at].Add(1) < int32(width) {
			return ready
		}
	}
	if f.feed.aligned && f.rows == nil {
		return f.to.need(e, ready)
	}
	return f.satisfy(at, ready)
}

// satisfy goes through all elements of the consumer that take element at of the
// input: the input's axes are fixed, the others run.
func (f *flow) satisfy(at int, ready []int32) []int32 {
	m := f.to
	source := &m.inputs[f.feed.input]
	base, step := 0, make([]int, len(m.dims))
	stride := 1
	for d := len(m.dims) - 1; d >= 0; d-- {
		step[d] = stride
		stride *= m.dims[d]
	}
	if stride == 0 {
		return ready
	}
	var free []int
	for d, s := range source.strides {
		if s == 0 && !m.carries(f.feed.input, d) {
			free = append(free, d)
			continue
		}
		base += at / s % m.dims[d] * step[d]
	}
	index := make([]int, len(free))
	for {
		e := base
		for k, d := range free {
			e += index[k] * step[d]
		}
		ready = m.need(int32(e), ready)
		k := len(free) - 1
		for ; k >= 0; k-- {
			if index[k]++; index[k] < m.dims[free[k]] {
				break
			}
			index[k] = 0
		}
		if k < 0 {
			return ready
		}
	}
}

func (m *mapRun) carries(input, axis int) bool {
	for _, a := range m.plan.inputs[input].axes {
		if a == axis {
			return true
		}
	}
	return false
}

// need counts one thing that an element waited for, and appends it when that was
// the last.
func (m *mapRun) need(e int32, ready []int32) []int32 {
	if m.needs != nil && atomic.AddInt32(&m.needs[e], -1) > 0 {
		return ready
	}
	return append(ready, e)
}

// launch starts the elements that are ready.
func (m *mapRun) launch(w *engine.Worker) engine.Item {
	if m.items != nil {
		return m.items.launch(w)
	}
	x, u := m.x, unit{m.plan.node, whole}
	if x.ctx.Err() != nil {
		return engine.None
	}
	switch {
	case m.reason != "":
		x.ended(u, Skipped, 0, nil, m.reason)
		return x.done(w, u.node)
	case m.broken != nil:
		return x.conclude(w, u, 0, verdict{err: m.broken})
	}
	if x.log != nil {
		w.Clock = x.log.add(entry{kind: taskStarted, unit: u, attempt: 1}, nil)
	}
	if x.timed {
		x.records[u.node].started = x.now(w)
	}
	x.set(u, Running, 1)
	if m.count() == 0 {
		return m.finish(w)
	}
	return m.start(w, m.window.launch())
}

// start returns the first of the elements and pushes the others.
func (m *mapRun) start(w *engine.Worker, elems []int32) engine.Item {
	if len(elems) == 0 {
		return engine.None
	}
	for k := len(elems) - 1; k > 0; k-- {
		w.Push(unit{m.plan.node, elems[k]}.item())
	}
	return unit{m.plan.node, elems[0]}.item()
}

// over follows from an element that has ended. Those further down the stream go
// first, so that values do not pile up between tasks.
func (m *mapRun) over(w *engine.Worker, e int32) engine.Item {
	if m.items != nil {
		return m.items.over(w, e)
	}
	next := engine.None
	push := func(it engine.Item) {
		if next != engine.None {
			w.Push(next)
		}
		next = it
	}
	if own, ok := m.window.next(); ok {
		push(unit{m.plan.node, own}.item())
	}
	for _, f := range *m.subscribers.Load() {
		var some [8]int32
		ready := f.ended(e, some[:0])
		if len(ready) == 0 {
			continue
		}
		for _, r := range f.to.window.admit(ready) {
			push(unit{f.to.plan.node, r}.item())
		}
	}
	if m.left.Add(-1) == 0 {
		push(m.finish(w))
	}
	return next
}

// finish ends the task when all its elements have.
func (m *mapRun) finish(w *engine.Worker) engine.Item {
	x, u := m.x, unit{m.plan.node, whole}
	state, reason := m.outcome()
	at := x.plan.into(&x.plan.nodes[u.node])[0]
	x.slabs[at.slab].Store(int(at.index), m.nested())
	w.Clock = x.ended(u, state, 1, nil, reason)
	if state == Succeeded && x.config.cache != nil {
		x.store(u.node)
	}
	return x.done(w, u.node)
}

// outcome is how the task ends by what became of its elements.
func (m *mapRun) outcome() (state State, reason string) {
	failed, skipped := m.failed.Load(), m.skipped.Load()
	switch {
	case failed > 0 && skipped > 0:
		return Failed, fmt.Sprintf("%d of %d elements failed, %d were skipped", failed, len(m.status), skipped)
	case failed > 0:
		return Failed, fmt.Sprintf("%d of %d elements failed", failed, len(m.status))
	case skipped > 0:
		return Skipped, fmt.Sprintf("%d of %d elements were skipped", skipped, len(m.status))
	}
	return Succeeded, ""
}
