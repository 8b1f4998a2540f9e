package runnel

import (
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/binding"
)

// mapRun is a mapped task in a run. It is opened when its length can be known,
// launched right after, and over when its last element is.
type mapRun struct {
	x    *execution
	plan *mapPlan

	// Set when it is opened, and not changed after.
	dims    []int // length of each axis, or binding.Ragged
	inputs  []elementSource
	broken  error       // why it could not be opened
	ready   bool        // it could
	taken   atomic.Bool // some worker opens it, or has
	opening atomic.Bool // a worker is at it, which may call a sequence
	reason  string      // why it is skipped as a whole

	// ragged has the elements when the axes have no lengths; then what follows,
	// down to flows, is of no use but for flows themselves.
	ragged  *ragged
	columns []binding.Slab // of each output, one value an element
	status  []uint32       // of each element, as in record
	// holds, of a run with targets, are those of each output; nil when it is kept, or
	// let go as a whole.
	holds  []*holds
	shared []atomic.Pointer[any] // of such an output, what is given to those who take the whole
	lets   []int                 // inputs whose elements are let go when those of this task have ended
	// needs counts what each element still waits for; nil when that is nothing, or
	// a single aligned feed.
	needs []int32
	flows []flow // one for each feed of the plan

	// subscribers are flows of other mapped tasks that take elements from this one.
	subscribers atomic.Pointer[[]*flow]
	left        atomic.Int64 // elements that have not ended

	failed, skipped atomic.Int32
	stopped         atomic.Bool // some element was cancelled

	window window
	items  itemFlow // in the place of inputs, flows and the window: of a batch helper
}

// elementSource is where an element gets one of its inputs.
type elementSource struct {
	from    binding.Reader // nil for a whole input, which is read like that of a plain task
	strides []int          // along each axis of the task, in from
	aligned bool           // element k is at k
	output  int32          // of feed: which of its outputs
	feed    *mapRun        // the mapped task that produces it element by element
	width   int            // how many of its elements make one of these: more than 1 for rows

	lengths []int // along each of its own axes, or binding.NoRow or binding.Ragged
	// outer is how many of its axes are those of a dense array or of the producer.
	// The others are inside ragged data, or inside the producer's elements.
	outer int
	rows  *binding.Row // ragged data that no mapped task produces

	lets  bool   // elements are let go after their last use
	holds *holds // of such, when their axes have lengths
}

// isRagged reports whether some axis has rows that differ in length.
func (e *elementSource) isRagged() bool { return slices.Contains(e.lengths, binding.Ragged) }

// there reports whether what is at a position succeeded.
func (e *elementSource) there(at int) bool {
	switch {
	case e.feed == nil:
		return true
	case e.feed.ragged != nil:
		return e.feed.ragged.rowSucceeded(e.lengths, at)
	}
	return e.feed.succeeded(at, e.width)
}

// story says what became of the first element that is not there at a position.
func (e *elementSource) story(at int) (text string, cause error) {
	if e.feed.ragged != nil {
		return e.feed.ragged.rowStory(e.lengths, at)
	}
	return e.feed.story(at, e.width)
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
	case x.config.limited:
		return math.MaxInt
	}
	return defaultWindow
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
		e, err := m.source(i, source)
		if err != nil {
			return err
		}
		m.inputs[i] = e
		in := node.task.inputs[i]
		if e.isRagged() && !slices.IsSorted(p.axes) {
			return fmt.Errorf("%s", outOfOrder(node.task, &in))
		}
		for k, axis := range p.axes {
			any[axis] = true
			switch n := e.lengths[k]; {
			case n == binding.NoRow:
			case by[axis] == "":
				by[axis], m.dims[axis] = in.name, n
			case n == binding.Ragged || m.dims[axis] == binding.Ragged:
				m.dims[axis] = binding.Ragged
			case m.dims[axis] != n:
				return fmt.Errorf("inputs on one axis must have the same length, but on axis %s %q has %d elements and %q has %d", node.task.axes[axis], by[axis], m.dims[axis], in.name, n)
			}
		}
	}
	total, even := 1, true
	for axis, n := range m.dims {
		if !any[axis] {
			return fmt.Errorf("axis %s has no length: all inputs that have it are optional, and absent", node.task.axes[axis])
		}
		// Rows without elements count too: the whole has a slice for each.
		if even = even && n != binding.Ragged; even && n > 0 && total > math.MaxInt32/n {
			return fmt.Errorf("axes of %v make more rows and elements than the %d that a task can have", m.dims, math.MaxInt32)
		}
		total *= n
	}
	if !even {
		m.ragged = newRagged(m)
	}
	for i := range m.inputs {
		if m.inputs[i].lets {
			m.lets = append(m.lets, i)
		}
	}
	m.align()
	return nil
}

// outOfOrder says that an input's rows differ in length, so that its axes cannot
// change places.
func outOfOrder(d *declaration, in *input) string {
	return fmt.Sprintf("output %q has the axes of input %q (%s) in another order, but its rows may differ in length: write them in the order of the input", withAxes(d.outputs[0].name, d.outputs[0].axes), withAxes(in.name, in.axes), in.label)
}

// absent reports whether an optional input taken by elements is not there at all.
func (m *mapRun) absent(i int, from *source) bool {
	if m.plan.inputs[i].from >= 0 {
		return !m.x.opened(from.node)
	}
	return m.x.absent(from)
}

// source finds the elements of an input, and how many there are along its axes.
func (m *mapRun) source(i int, from *source) (elementSource, error) {
	x, p := m.x, m.plan.inputs[i]
	rank := len(p.axes)
	if p.from < 0 {
		v, err := x.indexable(from)
		if err != nil {
			return elementSource{}, err
		}
		rows, lengths, err := binding.Elements(v, rank)
		if err != nil {
			in := x.plan.nodes[m.plan.node].task.inputs[i]
			return elementSource{}, fmt.Errorf("input %q (%s): %w", withAxes(in.name, in.axes), in.label, err)
		}
		e := elementSource{lengths: lengths, width: 1, lets: x.ownsElements(from)}
		switch {
		case e.isRagged():
			e.rows = rows
		case e.lets:
			dims := make([]int, rank)
			for k, n := range lengths {
				dims[k] = max(0, n)
			}
			e.holds = newHolds(dims, rows.Values(dims), 1, 0)
			e.from, e.outer = e.holds.values, rank
		default:
			e.from, e.outer = rows.Flat(lengths), rank
		}
		return e, nil
	}
	feed := x.maps[p.from]
	e := elementSource{feed: feed, output: p.output, width: 1, outer: min(rank, len(feed.dims)), lets: feed.letsGo(p.output)}
	if e.lets && feed.ragged == nil {
		e.holds = feed.holds[p.output]
	}
	e.lengths = append(e.lengths, feed.dims[:e.outer]...)
	for range rank - e.outer { // inside the elements: rows of any length
		e.lengths = append(e.lengths, binding.Ragged)
	}
	switch {
	case feed.ragged != nil:
		e.from = &raggedRows{feed.ragged, int(p.output), e.lengths}
	case rank < len(feed.dims):
		e.width = product(feed.dims[rank:])
		if e.lets {
			e.from = heldRows{e.holds, rank}
		} else {
			e.from = denseRows{binding.Rows(feed.columns[p.output], feed.dims[rank:]), feed.columns[p.output], feed.dims[rank:]}
		}
	default:
		e.from = feed.columns[p.output]
	}
	return e, nil
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
		for k := e.outer - 1; k >= 0; k-- {
			e.strides[p.axes[k]] = stride
			stride *= max(0, e.lengths[k])
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
	switch {
	case m.items != nil:
		return m.items.index(elem)
	case m.ragged != nil:
		return m.ragged.coordinates(elem)
	}
	index, rest := make([]int, len(m.dims)), int(elem)
	for d := len(m.dims) - 1; d >= 0; d-- {
		index[d] = rest % m.dims[d]
		rest /= m.dims[d]
	}
	return index
}

// statusOf is where the state of an element stands.
func (m *mapRun) statusOf(elem int32) *uint32 {
	if m.ragged != nil {
		return &m.ragged.elements.at(elem).status
	}
	return &m.status[elem]
}

// total is how many elements are known.
func (m *mapRun) total() int {
	if m.ragged != nil {
		return m.ragged.total()
	}
	return len(m.status)
}

// place is where the outputs of an element are kept.
func (m *mapRun) place(elem int32) ([]binding.Slab, int) {
	if m.ragged != nil {
		return m.ragged.place(elem)
	}
	return m.columns, int(elem)
}

// makeColumns makes room for the outputs of n elements.
func (m *mapRun) makeColumns(n int) []binding.Slab {
	columns := make([]binding.Slab, len(m.x.plan.into(&m.x.plan.nodes[m.plan.node])))
	for k := range columns {
		columns[k] = m.x.remote.column(m.plan.store.elements(k, n), m.plan.node, k, n)
	}
	return columns
}

// flat is the inverse of coordinates.
func (m *mapRun) flat(index []int) int {
	at := 0
	for d, i := range index {
		at = at*m.dims[d] + i
	}
	return at
}

// prepare makes room for the elements and asks to be told of what they wait for.
func (m *mapRun) prepare() {
	var feeds []feed
	for _, f := range m.plan.feeds {
		if m.inputs[f.input].feed != nil {
			feeds = append(feeds, f)
		}
	}
	m.flows = make([]flow, len(feeds))
	m.window.fed = len(feeds) > 0 || m.ragged != nil
	m.x.takenApart(m)
	if m.plan.holds != nil {
		m.shared = make([]atomic.Pointer[any], len(m.plan.holds))
	}
	if m.ragged != nil {
		for k, f := range feeds {
			m.flows[k].join(m, f)
			m.flows[k].recount()
		}
		m.window.add(m.ragged.open())
		return
	}
	n := m.count()
	m.status = make([]uint32, n)
	m.columns = m.makeColumns(n)
	m.left.Store(int64(n))
	m.window.end = n
	if m.plan.holds != nil {
		m.makeHolds()
	}
	m.holdParts()
	if len(feeds) == 0 {
		return
	}
	if len(feeds) > 1 || !feeds[0].aligned {
		m.needs = make([]int32, n)
		for e := range m.needs {
			m.needs[e] = int32(len(feeds))
		}
	}
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
	if e.lengths == nil {
		if m.plan.inputs[i].axes != nil {
			return nil // absent since the opening: its producer may still be ending
		}
		from := &x.plan.from(&x.plan.nodes[m.plan.node])[i]
		return x.fill(f, i, from)
	}
	if m.ragged != nil {
		return m.ragged.set(f, i, elem)
	}
	at := m.at(e, elem)
	if e.feed != nil && x.uneven.Load() && !e.there(at) {
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
