package runnel

import (
	"errors"
	"fmt"
	"maps"
)

// Result is what a run produced, whether it succeeded or not. It is safe for
// concurrent use.
type Result struct{ x *execution }

// Get is the named output as a T. The error matches [ErrSkipped] when its task
// was skipped, [ErrNotProduced] when it is not there for another reason, and
// otherwise names both types. An output fits a T that it can be assigned to.
func Get[T any](r *Result, name string) (T, error) {
	var v T
	err := r.read(name, &v)
	return v, err
}

// read sets what into points to, to an output. On an error it leaves it as it is.
func (r *Result) read(name string, into any) error {
	if p, ok := into.(partial); ok {
		return r.partial(name, p)
	}
	n, at, err := r.find(name)
	if err != nil {
		return err
	}
	if err := r.x.slabs[at.slab].CopyTo(int(at.index), into); err != nil {
		return misread(name, n, err)
	}
	return nil
}

// misread is the error of who reads an output of a node as what it is not, or who finds
// that it could not be had from the worker that made it.
func misread(name string, n *node, err error) error {
	if unread, ok := errors.AsType[*unreadError](err); ok {
		return fmt.Errorf("runnel: data %q: %w", name, unread)
	}
	return fmt.Errorf("runnel: output %q of task %q: %w: give Get the type that the task produces", name, n.task.Name(), err)
}

// Outputs are all outputs that are there, by name: those of tasks that
// succeeded, and in a run with targets only the targets. The map is the
// caller's, the values are not copies.
func (r *Result) Outputs() map[string]any {
	out := map[string]any{}
	if r == nil || r.x == nil {
		return out
	}
	for n := range r.x.plan.nodes {
		node := &r.x.plan.nodes[n]
		if r.x.records[n].state() != Succeeded {
			continue
		}
		for k, o := range node.task.outputs {
			if !r.x.letGo(int32(n), k) {
				at := r.x.plan.into(node)[k]
				if v, err := r.x.slabs[at.slab].Load(int(at.index)); err == nil { // else the run's error says so
					out[o.name] = v
				}
			}
		}
	}
	return out
}

// Report tells what became of each task, and when. It is nil where there is no
// result, and a nil report has no tasks.
func (r *Result) Report() *Report {
	if r == nil || r.x == nil {
		return nil
	}
	return r.x.report()
}

// partial fills a Partial with an output.
func (r *Result) partial(name string, p partial) error {
	if r == nil || r.x == nil {
		_, _, err := r.find(name)
		return err
	}
	x := r.x
	from, ok := x.plan.of.producers[name]
	n, at := int32(-1), slot{}
	if ok {
		n = x.plan.at(from.task)
	}
	if n < 0 || !x.opened(n) || x.letGo(n, int(from.output)) {
		_, place, err := r.find(name)
		if err != nil {
			return err
		}
		at = place
	}
	if err := x.partial(p, n, int(from.output), at); err != nil {
		return misread(name, &x.plan.nodes[n], err)
	}
	return nil
}

func (r *Result) value(name string) (any, error) {
	n, at, err := r.find(name)
	if err != nil {
		return nil, err
	}
	v, err := r.x.slabs[at.slab].Load(int(at.index))
	if err != nil {
		return nil, misread(name, n, err)
	}
	return v, nil
}

// find is where an output is.
func (r *Result) find(name string) (*node, slot, error) {
	if r == nil || r.x == nil {
		return nil, slot{}, fmt.Errorf("runnel: data %q is %w: there is no result: look at the error that Run or Wait returned with it", name, ErrNotProduced)
	}
	x := r.x
	g := x.plan.of
	from, ok := g.producers[name]
	if !ok {
		if _, input := g.externals[name]; input {
			return nil, slot{}, fmt.Errorf("runnel: data %q is %w: it is an input of the run", name, ErrNotProduced)
		}
		return nil, slot{}, fmt.Errorf("runnel: data %q is %w: no task of %s has that output%s", name, ErrNotProduced, pipelineLabel(x.name()), didYouMean(name, maps.Keys(g.producers)))
	}
	i := x.plan.at(from.task)
	if i < 0 {
		return nil, slot{}, fmt.Errorf("runnel: data %q is %w: the run's targets do not need it", name, ErrNotProduced)
	}
	n := &x.plan.nodes[i]
	switch s := x.records[i].state(); {
	case s == Skipped:
		x.mu.Lock()
		defer x.mu.Unlock()
		return nil, slot{}, fmt.Errorf("runnel: data %q: task %q was %w: %s", name, n.task.Name(), ErrSkipped, x.reasons[unit{i, whole}])
	case s != Succeeded:
		return nil, slot{}, fmt.Errorf("runnel: data %q is %w: task %q %s", name, ErrNotProduced, n.task.Name(), outcome(s))
	case x.letGo(i, int(from.output)):
		return nil, slot{}, fmt.Errorf("runnel: data %q is %w any more: a run with targets lets go of what is not one after its last use, so add it to Targets", name, ErrNotProduced)
	}
	return n, x.plan.into(n)[from.output], nil
}

// letGo reports whether a run with targets has let go of an output, or will.
func (x *execution) letGo(n int32, k int) bool {
	return x.uses != nil && x.plan.uses[x.plan.nodes[n].outputs.start+int32(k)] != kept
}
