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
	// told has a bit for each element of from, or each row when it is ragged, that
	// to was told of: one that ends while to catches up is seen twice. A ragged task
	// looks for itself, and may be told twice.
	told []atomic.Uint32
	rows []atomic.Int32 // of an input that takes rows: elements of each that ended
}

// join makes the flow known to its producer.
func (f *flow) join(to *mapRun, d feed) {
	f.to, f.feed, f.from = to, d, to.inputs[d.input].feed
	e := &to.inputs[d.input]
	rows := 1 // parts of the input, as far as their number is known
	for _, n := range e.lengths[:e.outer] {
		rows *= max(0, n)
	}
	switch {
	case f.from.ragged == nil:
		f.told = make([]atomic.Uint32, (len(f.from.status)+31)/32)
		if e.width != 1 {
			f.rows = make([]atomic.Int32, rows)
		}
	case to.ragged == nil:
		f.told = make([]atomic.Uint32, (rows+31)/32)
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
	e := &f.to.inputs[f.feed.input]
	switch {
	case f.from.ragged != nil:
		for _, index := range f.from.ragged.ended(len(e.lengths)) {
			ready = f.rowEnded(e.position(index), ready)
		}
		return ready
	case e.width == 0:
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

// recount is catchUp for a consumer that asks for itself what has ended: only the
// elements of rows are counted for it.
func (f *flow) recount() {
	if f.rows == nil {
		return
	}
	for e := range f.from.status {
		if stateOf(&f.from.status[e]).Ended() {
			f.arrived(int32(e))
		}
	}
}

// arrived notes that an element of the producer has ended. It returns what part of
// the input that is, and whether the whole of it has ended now, which it says once.
func (f *flow) arrived(e int32) (at int, all bool) {
	if f.tells(e) {
		return 0, false
	}
	if f.rows == nil {
		return int(e), true
	}
	width := f.to.inputs[f.feed.input].width
	at = int(e) / width
	return at, f.rows[at].Add(1) == int32(width)
}

// tells marks what the consumer is told of, and reports whether it was told before.
func (f *flow) tells(k int32) (before bool) {
	bit := uint32(1) << (k % 32)
	return f.told[k/32].Or(bit)&bit != 0
}

// ended tells the consumer that an element has ended, once.
func (f *flow) ended(e int32, ready []int32) []int32 {
	at, all := f.arrived(e)
	switch {
	case !all:
		return ready
	case f.feed.aligned && f.rows == nil:
		return f.to.need(e, ready)
	}
	return f.satisfy(at, ready)
}

// rowEnded tells the consumer that a row of a ragged producer has ended, once.
func (f *flow) rowEnded(at int, ready []int32) []int32 {
	if f.tells(int32(at)) {
		return ready
	}
	return f.satisfy(at, ready)
}

// takes is how many of the producer's axes, or levels inside its elements, the
// consumer takes one by one.
func (f *flow) takes() int { return len(f.to.inputs[f.feed.input].lengths) }

// position is where the part with an index is among all, row by row.
func (e *elementSource) position(index []int) int {
	at := 0
	for k, i := range index {
		at = at*e.lengths[k] + i
	}
	return at
}

// index is the inverse of position.
func (e *elementSource) index(at int) []int { return indexAt(e.lengths[:e.outer], at) }

// indexAt is the index at a place in a dense array.
func indexAt(lengths []int, at int) []int {
	index := make([]int, len(lengths))
	for k := len(index) - 1; k >= 0; k-- {
		index[k] = at % lengths[k]
		at /= lengths[k]
	}
	return index
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
		x.skip(u, m.reason)
		return x.done(w, u.node)
	case m.broken != nil:
		return x.conclude(w, u, 0, verdict{err: m.broken})
	}
	if x.log != nil {
		w.Clock = x.log.add(entry{kind: taskStarted, unit: u, attempt: 1}, nil, nil)
	}
	if x.timed {
		x.records[u.node].started = x.now(w)
	}
	x.set(u, Running, 1)
	started := m.window.launch()
	if m.ragged != nil && m.ragged.launch() || m.ragged == nil && m.count() == 0 {
		return m.finish(w)
	}
	return m.start(w, started)
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
	v := wave{w: w, next: engine.None}
	if own, ok := m.window.next(); ok {
		v.push(unit{m.plan.node, own}.item())
	}
	if m.ragged != nil {
		m.ragged.elementOver(&v, e)
		return v.next
	}
	if m.lets != nil || m.holds != nil {
		m.dropParts(e)
	}
	for _, f := range *m.subscribers.Load() {
		if f.to.ragged != nil {
			if at, all := f.arrived(e); all {
				f.to.ragged.hear(&v, f.feed.input, f.to.inputs[f.feed.input].index(at))
			}
			continue
		}
		var some [8]int32
		f.admit(&v, f.ended(e, some[:0]))
	}
	if m.left.Add(-1) == 0 {
		v.push(m.finish(w))
	}
	return v.next
}

// wave is what follows from one end: the last item that was pushed is the next one
// on this worker.
type wave struct {
	w    *engine.Worker
	next engine.Item
}

func (v *wave) push(it engine.Item) {
	if it == engine.None {
		return
	}
	if v.next != engine.None {
		v.w.Push(v.next)
	}
	v.next = it
}

// admit starts those of a consumer's elements that get a slot.
func (f *flow) admit(v *wave, ready []int32) {
	if len(ready) == 0 {
		return
	}
	for _, r := range f.to.window.admit(ready) {
		v.push(unit{f.to.plan.node, r}.item())
	}
}

// finish ends the task when all its elements have.
func (m *mapRun) finish(w *engine.Worker) engine.Item {
	x, u := m.x, unit{m.plan.node, whole}
	state, reason := m.outcome()
	for k, at := range x.plan.into(&x.plan.nodes[u.node]) {
		if x.takenWhole(m, k) {
			m.keepWhole(k, at)
		}
	}
	w.Clock = x.ended(u, state, 1, nil, reason)
	if state == Succeeded && x.config.cache != nil {
		x.store(u.node)
	}
	return x.done(w, u.node)
}

// keepWhole puts the whole of output k where those find it who take it.
func (m *mapRun) keepWhole(k int, at slot) {
	if s, ok := m.x.slabs[at.slab].(*sealed); ok && m.x.remote.carries(m.plan.node, k) {
		s.put(int(at.index), unit{m.plan.node, whole}, k, nil)
		return
	}
	v, _ := m.nested(k) // of values that are here
	m.x.slabs[at.slab].Store(int(at.index), v)
}

// outcome is how the task ends by what became of its elements.
func (m *mapRun) outcome() (state State, reason string) {
	failed, skipped := m.failed.Load(), m.skipped.Load()
	switch {
	case failed == 0 && m.stopped.Load():
		return Cancelled, m.x.stopReason()
	case failed > 0 && skipped > 0:
		return Failed, fmt.Sprintf("%d of %d elements failed, %d were skipped", failed, m.total(), skipped)
	case failed > 0:
		return Failed, fmt.Sprintf("%d of %d elements failed", failed, m.total())
	case skipped > 0:
		return Skipped, fmt.Sprintf("%d of %d elements were skipped", skipped, m.total())
	}
	return Succeeded, ""
}
