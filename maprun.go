package runnel

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/engine"
)

// mapRun is a mapped task in a run. It is opened when its length can be known,
// launched right after, and over when its last element is.
type mapRun struct {
	x    *execution
	plan *mapPlan

	// Set when it is opened, and not changed after.
	dims   []int
	inputs []elementSource
	values binding.Slab // one an element
	broken error        // why it could not be opened
	reason string       // why it is skipped as a whole

	status []uint32 // of each element, as in record
	// needs counts what each element still waits for; nil when that is nothing, or
	// a single aligned feed.
	needs []int32
	flows []flow // one for each feed of the plan

	// subscribers are flows of other mapped tasks that take elements from this one.
	subscribers atomic.Pointer[[]*flow]
	left        atomic.Int64 // elements that have not ended

	failed, skipped atomic.Int32

	window window
	items  itemFlow // in the place of inputs, flows and the window: of a batch helper
}

// elementSource is where an element gets one of its inputs.
type elementSource struct {
	from    binding.Reader // nil for a whole input, which is read like that of a plain task
	strides []int          // along each axis of the task, in from
	aligned bool           // element k is at k
	feed    *mapRun        // the mapped task that produces it element by element
	width   int            // how many of its elements make one of these: more than 1 for rows
}

func newMapRun(x *execution, p *mapPlan) *mapRun {
	m := &mapRun{x: x, plan: p}
	m.subscribers.Store(new([]*flow))
	m.window.m = m
	m.window.size = x.windowOf(p)
	return m
}

// defaultWindow is how many elements of a task may be under way at once.
const defaultWindow = 1024

func (x *execution) windowOf(p *mapPlan) int {
	c := x.plan.nodes[p.node].task.config
	switch {
	case c.limited && c.limit == 0:
		return math.MaxInt
	case c.limited:
		return c.limit
	case x.config.limit > 0:
		return x.config.limit
	}
	return defaultWindow
}

// open finds out how many elements there are and where they get their inputs.
func (x *execution) open(w *engine.Worker, m *mapRun) engine.Item {
	if x.ctx.Err() != nil {
		return engine.None
	}
	if x.uneven.Load() || x.broken.Load() {
		m.reason = m.blocked(whole)
	}
	if m.reason != "" {
		return m.opened(w, nil)
	}
	err := m.measure()
	if x.ctx.Err() != nil {
		return engine.None
	}
	return m.opened(w, err)
}

// opened follows from the opening of a task, with the error that it ended with.
func (m *mapRun) opened(w *engine.Worker, err error) engine.Item {
	x := m.x
	if m.broken = err; m.reason == "" && err == nil {
		m.prepare()
	} else {
		x.broken.Store(true)
	}
	w.Clock = 0 // it may have taken its time
	// Openers have the higher numbers: the consumers are open when the elements
	// begin to flow.
	return w.FinishLast(int32(len(x.plan.nodes)) + x.plan.nodes[m.plan.node].mapped)
}

// measure works out the lengths of the axes. Reading an iter.Seq calls code that
// is not ours.
func (m *mapRun) measure() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	x, node := m.x, &m.x.plan.nodes[m.plan.node]
	m.dims = make([]int, m.plan.rank)
	by := make([]string, m.plan.rank) // the input that gave each length
	any := make([]bool, m.plan.rank)  // some input has the axis, though perhaps no row to tell its length
	for i, p := range m.plan.inputs {
		source := &x.plan.from(node)[i]
		m.inputs = append(m.inputs, elementSource{})
		if p.axes == nil || source.optional && m.absent(i, source) {
			continue
		}
		lengths, err := m.source(i, source)
		if err != nil {
			return err
		}
		in := node.task.inputs[i]
		for k, axis := range p.axes {
			any[axis] = true
			switch {
			case lengths[k] < 0:
			case by[axis] == "":
				by[axis], m.dims[axis] = in.name, lengths[k]
			case m.dims[axis] != lengths[k]:
				return fmt.Errorf("inputs on one axis must have the same length, but on axis %s %q has %d elements and %q has %d", node.task.axes[axis], by[axis], m.dims[axis], in.name, lengths[k])
			}
		}
	}
	total := 1
	for axis, n := range m.dims {
		if !any[axis] {
			return fmt.Errorf("axis %s has no length: all inputs that have it are optional, and absent", node.task.axes[axis])
		}
		if n > 0 && total > math.MaxInt32/n {
			return fmt.Errorf("%v elements are more than the %d that a task can have", m.dims, math.MaxInt32)
		}
		total *= n
	}
	m.align()
	return nil
}

// absent reports whether an optional input taken by elements is not there at all.
func (m *mapRun) absent(i int, from *source) bool {
	if m.plan.inputs[i].from >= 0 {
		return !m.x.opened(from.node)
	}
	return m.x.absent(from)
}

// source finds the elements of an input, and how many there are along its axes.
func (m *mapRun) source(i int, from *source) ([]int, error) {
	x, p := m.x, m.plan.inputs[i]
	rank := len(p.axes)
	if p.from < 0 {
		v, err := x.indexable(from)
		if err != nil {
			return nil, err
		}
		reader, lengths, err := binding.Elements(v, rank)
		if err != nil {
			in := x.plan.nodes[m.plan.node].task.inputs[i]
			return nil, fmt.Errorf("input %q (%s): %w", withAxes(in.name, in.axes), in.label, err)
		}
		m.inputs[i] = elementSource{from: reader, width: 1}
		return lengths, nil
	}
	feed := x.maps[p.from]
	e := elementSource{from: feed.values, feed: feed, width: 1}
	if rank < len(feed.dims) {
		e.from = binding.Rows(feed.plan.store.flat(feed.values), feed.dims[rank:])
		for _, n := range feed.dims[rank:] {
			e.width *= n
		}
	}
	m.inputs[i] = e
	return feed.dims[:rank], nil
}

// align works out where the elements of each input are.
func (m *mapRun) align() {
	for i, p := range m.plan.inputs {
		e := &m.inputs[i]
		if e.from == nil {
			continue
		}
		e.strides = make([]int, m.plan.rank)
		stride := 1
		e.aligned = len(p.axes) == m.plan.rank
		for k := len(p.axes) - 1; k >= 0; k-- {
			e.strides[p.axes[k]] = stride
			stride *= m.dims[p.axes[k]]
			e.aligned = e.aligned && p.axes[k] == k
		}
	}
}

// count is how many elements there are.
func (m *mapRun) count() int {
	n := 1
	for _, d := range m.dims {
		n *= d
	}
	return n
}

// at is where an element of the task is in an input.
func (m *mapRun) at(e *elementSource, elem int32) int {
	if e.aligned {
		return int(elem)
	}
	rest, at := int(elem), 0
	for d := len(m.dims) - 1; d >= 0; d-- {
		at += rest % m.dims[d] * e.strides[d]
		rest /= m.dims[d]
	}
	return at
}

// coordinates are the indices of an element along the axes.
func (m *mapRun) coordinates(elem int32) []int {
	if m.items != nil {
		return m.items.index(elem)
	}
	index, rest := make([]int, len(m.dims)), int(elem)
	for d := len(m.dims) - 1; d >= 0; d-- {
		index[d] = rest % m.dims[d]
		rest /= m.dims[d]
	}
	return index
}

// prepare makes room for the elements and asks to be told of what they wait for.
func (m *mapRun) prepare() {
	n := m.count()
	m.status = make([]uint32, n)
	m.values = m.plan.store.elements(n)
	m.left.Store(int64(n))
	m.window.end = n
	var feeds []feed
	for _, f := range m.plan.feeds {
		if m.inputs[f.input].feed != nil {
			feeds = append(feeds, f)
		}
	}
	if len(feeds) == 0 {
		return
	}
	m.window.fed = true
	if len(feeds) > 1 || !feeds[0].aligned {
		m.needs = make([]int32, n)
		for e := range m.needs {
			m.needs[e] = int32(len(feeds))
		}
	}
	m.flows = make([]flow, len(feeds))
	var ready []int32
	for k, f := range feeds {
		m.flows[k].join(m, f)
	}
	for k := range m.flows {
		ready = m.flows[k].catchUp(ready)
	}
	m.window.add(ready)
}

// set fills in one input of an element.
func (m *mapRun) set(f filler, i int, elem int32) error {
	x, e := m.x, &m.inputs[i]
	if e.from == nil {
		if m.plan.inputs[i].axes != nil {
			return nil // absent since the opening: its producer may still be ending
		}
		from := &x.plan.from(&x.plan.nodes[m.plan.node])[i]
		return x.fill(f, i, from)
	}
	at := m.at(e, elem)
	if e.feed != nil && x.uneven.Load() && !e.feed.succeeded(at, e.width) {
		return nil // optional, or the element would be skipped
	}
	return f.Set(i, e.from, at)
}

// succeeded reports whether the elements that make up one of an input are there.
func (m *mapRun) succeeded(at, width int) bool {
	for k := at * width; k < (at+1)*width; k++ {
		if stateOf(&m.status[k]) != Succeeded {
			return false
		}
	}
	return true
}

// filler is the part of a frame that takes inputs.
type filler interface {
	Set(field int, from binding.Reader, i int) error
	Field(field int) any
}
