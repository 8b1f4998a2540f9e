package runnel

import (
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// job is an attempt at a unit for a worker. cause asks for its fallback.
func (r *remote) job(u unit, attempt int, cause error) (*broker.Job, error) {
	x := r.x
	node := &x.plan.nodes[u.node]
	d := node.task
	index := x.index(u)
	j := &broker.Job{
		Run: x.runID(), Pipeline: x.name(), Task: d.Name(), Element: int(u.elem), Index: index, Attempt: attempt,
		Fingerprint: r.offers[u.node].Fingerprint, Queue: d.config.queue, Priority: d.config.priority,
	}
	j.Key = idempotencyKey(j.Run, j.Task, index)
	if cause != nil {
		j.Cause = failureOf(cause)
	}
	if m := x.mapped(u.node); m != nil && m.ragged != nil {
		if err := m.ragged.broken(u.elem); err != nil {
			return nil, Permanent(err)
		}
	}
	j.Inputs = make([]broker.Input, len(d.inputs))
	to := &jobInputs{inputs: j.Inputs, whole: u.elem == whole, node: node}
	for i := range j.Inputs {
		in := &d.inputs[i]
		j.Inputs[i].Name = withAxes(in.name, in.axes)
		var err error
		if u.elem == whole {
			err = x.fill(to, i, &x.plan.from(node)[i])
		} else {
			err = x.mapped(u.node).set(to, i, u.elem)
		}
		if err != nil {
			return nil, x.mismatch(node, i, err)
		}
	}
	return j, nil
}

// jobInputs fills the inputs of a job like the fields of a frame.
type jobInputs struct {
	inputs []broker.Input
	whole  bool // the job is no element
	node   *node
}

// Set implements filler.
func (j *jobInputs) Set(i int, from binding.Reader, at int) error {
	j.inputs[i].Value = broker.Go{V: from.Load(at)}
	j.inputs[i].Whole = j.whole || j.node.task.inputs[i].axes == nil
	return nil
}

// Field implements filler: it is asked for inputs that are a Partial.
func (j *jobInputs) Field(i int) any {
	return &partialInput{&j.inputs[i], j.node.task.inputs[i].typ}
}

// partialInput takes what a Partial would.
type partialInput struct {
	to  *broker.Input
	typ reflect.Type
}

func (p *partialInput) elements() reflect.Type { return p.typ }

func (p *partialInput) fill(values any, errs map[int]error) error {
	p.to.Value, p.to.Whole = broker.Go{V: values}, true
	for i, err := range errs {
		if p.to.Holes == nil {
			p.to.Holes = make(map[int]*broker.Failure, len(errs))
		}
		p.to.Holes[i] = failureOf(err)
	}
	return nil
}

// keep stores the outputs of a job where an attempt here would.
func (x *execution) keep(u unit, outputs []broker.Value) error {
	node := &x.plan.nodes[u.node]
	if len(outputs) != len(node.task.outputs) {
		return fmt.Errorf("a worker returned %d outputs instead of %d", len(outputs), len(node.task.outputs))
	}
	for k := range outputs {
		o := &node.task.outputs[k]
		into := reflect.New(node.task.sent(o))
		if err := outputs[k].Decode(into.Interface()); err != nil {
			return fmt.Errorf("output %q of a worker: %w", o.name, err)
		}
		if u.elem != whole {
			columns, at := x.mapped(u.node).place(u.elem)
			columns[k].CopyFrom(at, into.Interface())
			continue
		}
		at := x.plan.into(node)[k]
		x.slabs[at.slab].CopyFrom(int(at.index), into.Interface())
	}
	return nil
}
