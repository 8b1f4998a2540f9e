package runnel

import (
	"errors"
	"fmt"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/engine"
)

// blocked says why an element, or the whole of a mapped task, cannot run, or is
// empty.
func (m *mapRun) blocked(elem int32) string {
	x := m.x
	node := &x.plan.nodes[m.plan.node]
	if elem == whole {
		return x.blockedNode(node)
	}
	for _, f := range m.plan.feeds {
		e := &m.inputs[f.input]
		if x.plan.from(node)[f.input].optional || e.feed.succeeded(m.at(e, elem), e.width) {
			continue
		}
		in, producer := node.task.inputs[f.input], &x.plan.nodes[e.feed.plan.node]
		return fmt.Sprintf("its input %q is missing: %s", in.name, e.feed.story(producer.task.Name(), m.at(e, elem), e.width))
	}
	return ""
}

// story says what became of the first element, of those that make up one of an
// input, that is not there.
func (m *mapRun) story(task string, at, width int) string {
	for k := at * width; k < (at+1)*width; k++ {
		if s := stateOf(&m.status[k]); s != Succeeded {
			return fmt.Sprintf("task %q %s", label(task, m.coordinates(int32(k))), outcome(s))
		}
	}
	return ""
}

// ended counts the end of an element.
func (m *mapRun) ended(s State) {
	switch s {
	case Failed:
		m.failed.Add(1)
	case Skipped:
		m.skipped.Add(1)
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
	for k := range m.status {
		t.count(stateOf(&m.status[k]), attemptsOf(&m.status[k]))
	}
	return t
}

// nested is the whole output, one level of slices for each axis.
func (m *mapRun) nested() any { return binding.Nest(m.plan.store.flat(m.values), m.dims) }

// clear lets go of all elements. Nobody takes them any more.
func (m *mapRun) clear() {
	for e := range m.status {
		m.values.Clear(e)
	}
}

// errs says why elements are missing, by their place in the flat output.
func (m *mapRun) errs() map[int]error {
	var errs map[int]error
	m.x.mu.Lock()
	defer m.x.mu.Unlock()
	for k := range m.status {
		s := stateOf(&m.status[k])
		if s == Succeeded {
			continue
		}
		if errs == nil {
			errs = map[int]error{}
		}
		u := unit{m.plan.node, int32(k)}
		switch err := m.x.causes[u]; {
		case err != nil:
			errs[k] = err
		case s == Skipped:
			errs[k] = fmt.Errorf("%w: %s", ErrSkipped, m.x.reasons[u])
		default:
			errs[k] = errors.New(m.x.reasons[u])
		}
	}
	return errs
}

// inputValues are the values that an element is called with.
func (m *mapRun) inputValues(elem int32) Values {
	x, node := m.x, &m.x.plan.nodes[m.plan.node]
	in := make(Values, len(m.inputs))
	for i := range m.inputs {
		e, from := &m.inputs[i], &x.plan.from(node)[i]
		name := withAxes(node.task.inputs[i].name, node.task.inputs[i].axes)
		switch {
		case e.from == nil && (m.plan.inputs[i].axes != nil || from.optional && x.absent(from)):
		case e.feed != nil && !e.feed.succeeded(m.at(e, elem), e.width):
		case e.from == nil:
			in[name] = x.slabs[from.slab].Load(int(from.index))
		default:
			in[name] = e.from.Load(m.at(e, elem))
		}
	}
	return in
}

// partial fills a Partial with the output of a task: with holes when it is a
// mapped one, some of whose elements failed.
func (x *execution) partial(p partial, node int32, at slot) error {
	if m := x.mapped(node); m != nil && m.values != nil {
		return p.fill(m.plan.store.flat(m.values), m.errs())
	}
	values := x.slabs[at.slab].Load(int(at.index))
	if axes := len(x.plan.nodes[node].task.axes); axes > 1 { // from a data cache
		values = binding.Flat(values, axes)
	}
	return p.fill(values, nil)
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
		return p.fill(x.slabs[from.slab].Load(int(from.index)), x.holes[from.slot])
	}
	return x.partial(p, from.node, from.slot)
}

// opened reports whether a task is a mapped one that has elements, so that a
// Partial of it can be had whatever became of them.
func (x *execution) opened(node int32) bool {
	m := x.mapped(node)
	return m != nil && m.values != nil
}
