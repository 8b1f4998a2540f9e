package runnel

import (
	"errors"
	"fmt"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/engine"
)

// blocked says why an element, or the whole of a mapped task, cannot run, or is
// empty; and the error of the element that is missing.
func (m *mapRun) blocked(elem int32) (reason string, cause error) {
	x := m.x
	node := &x.plan.nodes[m.plan.node]
	if elem == whole {
		return x.blockedNode(node), nil
	}
	if m.ragged != nil {
		return m.ragged.blocked(elem)
	}
	for _, f := range m.plan.feeds {
		e := &m.inputs[f.input]
		if x.plan.from(node)[f.input].optional || e.there(m.at(e, elem)) {
			continue
		}
		story, cause := e.story(m.at(e, elem))
		return fmt.Sprintf("its input %q is missing: %s", node.task.inputs[f.input].name, story), cause
	}
	return "", nil
}

// name is that of the task.
func (m *mapRun) name() string { return m.x.plan.nodes[m.plan.node].task.Name() }

// story says what became of the first element, of those that make up one of an
// input, that is not there.
func (m *mapRun) story(at, width int) (text string, cause error) {
	for k := at * width; k < (at+1)*width; k++ {
		if stateOf(&m.status[k]) != Succeeded {
			return m.fate(int32(k)), m.errorOf(int32(k))
		}
	}
	return "", nil
}

// fate says what became of an element that has no value.
func (m *mapRun) fate(elem int32) string {
	return fmt.Sprintf("task %q %s", label(m.name(), m.coordinates(elem)), outcome(stateOf(m.statusOf(elem))))
}

// errorOf is the error of an element that has no value.
func (m *mapRun) errorOf(elem int32) error {
	m.x.mu.Lock()
	defer m.x.mu.Unlock()
	return m.why(elem, stateOf(m.statusOf(elem)))
}

// skippedElement is the error of an element that is skipped since another one is
// missing.
type skippedElement struct {
	reason string
	cause  error // the error of that
}

func (e *skippedElement) Error() string   { return fmt.Sprintf("%v: %s", ErrSkipped, e.reason) }
func (e *skippedElement) Unwrap() []error { return []error{ErrSkipped, e.cause} }

// ended counts the end of an element.
func (m *mapRun) ended(s State) {
	switch s {
	case Failed:
		m.failed.Add(1)
	case Skipped:
		m.skipped.Add(1)
	case Cancelled:
		m.stopped.Store(true)
	}
}

// again hands back an element whose next attempt is due, once it has a slot.
func (m *mapRun) again(elem int32) {
	if m.window.readmit(elem) {
		m.x.engine.Resume(unit{m.plan.node, elem}.item())
	}
}

// putOff frees the slot of an element that waits for its next attempt.
func (m *mapRun) putOff(w *engine.Worker, elem int32) engine.Item {
	if m.items != nil {
		return m.items.putOff(w, elem)
	}
	if e, ok := m.window.next(); ok {
		return unit{m.plan.node, e}.item()
	}
	return engine.None
}

// feedsFrom reports whether a task's elements come one by one from a node.
func (m *mapRun) feedsFrom(node int32) bool {
	for _, f := range m.plan.feeds {
		if m.x.plan.maps[f.from].node == node {
			return true
		}
	}
	return false
}

// totals counts the elements.
func (m *mapRun) totals() *Totals {
	t := &Totals{}
	for e := range m.total() {
		status := m.statusOf(int32(e))
		t.count(stateOf(status), attemptsOf(status))
	}
	return t
}

// nested is the whole of output k, one level of slices for each axis.
func (m *mapRun) nested(k int) (any, error) {
	if m.ragged != nil {
		return m.ragged.nested(0, k)
	}
	flat, err := m.share(k)
	if err != nil {
		return nil, err
	}
	return binding.Nest(flat, m.dims), nil
}

// missing says which elements have no value, and why, in their order.
func (m *mapRun) missing() (holes []hole) {
	note := func(e int32) {
		if s := stateOf(m.statusOf(e)); s != Succeeded {
			holes = append(holes, hole{m.coordinates(e), m.why(e, s)})
		}
	}
	m.x.mu.Lock()
	defer m.x.mu.Unlock()
	if m.ragged != nil {
		m.ragged.inOrder(0, note, func(branch int32) {
			holes = append(holes, hole{m.ragged.path(branch), errors.New(m.x.reasons[unit{m.plan.node, whole}])})
		})
		return holes
	}
	for e := range m.status {
		note(int32(e))
	}
	return holes
}

// why is the error of an element without a value. x.mu is held.
func (m *mapRun) why(e int32, s State) error {
	u := unit{m.plan.node, e}
	switch err := m.x.causes[u]; {
	case err != nil:
		return err
	case s == Skipped:
		return fmt.Errorf("%w: %s", ErrSkipped, m.x.reasons[u])
	}
	return errors.New(m.x.reasons[u])
}

// inputValues are the values that an element is called with.
func (m *mapRun) inputValues(elem int32) Values {
	x, node := m.x, &m.x.plan.nodes[m.plan.node]
	in := make(Values, len(m.inputs))
	load := func(name string, from binding.Reader, at int) {
		if v, err := from.Load(at); err == nil { // else the attempt fails with it
			in[name] = v
		}
	}
	for i := range m.inputs {
		e, from := &m.inputs[i], &x.plan.from(node)[i]
		name := withAxes(node.task.inputs[i].name, node.task.inputs[i].axes)
		switch {
		case e.lengths == nil && (m.plan.inputs[i].axes != nil || from.optional && x.absent(from)):
		case e.lengths == nil:
			load(name, x.slabs[from.slab], int(from.index))
		case m.ragged != nil:
			if values, at := m.ragged.reader(i, elem); values != nil {
				load(name, values, at)
			}
		case !e.there(m.at(e, elem)):
		default:
			load(name, e.from, m.at(e, elem))
		}
	}
	return in
}

// partial fills a Partial with an output of a task: with holes when it is a
// mapped one, some of whose elements failed.
func (x *execution) partial(p partial, node int32, k int, at slot) error {
	m, out := x.mapped(node), &x.plan.nodes[node].task.outputs[k]
	axes := max(1, len(out.axes)-levels(p.elements().Elem(), out))
	if m == nil || !m.ready {
		v, err := x.slabs[at.slab].Load(int(at.index))
		if err != nil {
			return err
		}
		return fillPartial(p, v, axes, nil)
	}
	holes := m.missing()
	if m.ragged != nil || axes < len(out.axes) || len(m.dims) < len(out.axes) {
		v, err := m.nested(k)
		if err != nil {
			return err
		}
		return fillPartial(p, v, axes, holes)
	}
	errs := make(map[int]error, len(holes)) // the plain case: the values are flat
	for _, h := range holes {
		errs[m.flat(h.index)] = h.err
	}
	if len(errs) == 0 {
		errs = nil
	}
	if f, ok := p.(*partialInput); ok && f.forward(m.columns[k], len(m.status), errs) {
		return nil
	}
	v, err := m.share(k)
	if err != nil {
		return err
	}
	return p.fill(v, errs)
}

// fill fills an input that is not just a value: one that may be absent, or a
// Partial.
func (x *execution) fill(f filler, i int, from *source) error {
	holes := from.partial && from.node >= 0 && x.opened(from.node)
	if from.optional && !holes && x.absent(from) {
		return nil
	}
	if !from.partial {
		return f.Set(i, x.slabs[from.slab], int(from.index))
	}
	p := f.Field(i).(partial)
	if from.node < 0 {
		v, err := x.slabs[from.slab].Load(int(from.index))
		if err != nil {
			return err
		}
		return p.fill(v, x.holes[from.slot])
	}
	return x.partial(p, from.node, int(from.output-x.plan.nodes[from.node].outputs.start), from.slot)
}

// opened reports whether a task is a mapped one that has elements, so that a
// Partial of it can be had whatever became of them.
func (x *execution) opened(node int32) bool {
	m := x.mapped(node)
	return m != nil && m.ready
}
