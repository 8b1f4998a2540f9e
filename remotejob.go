package runnel

import (
	"fmt"
	"reflect"
	"time"

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
	j.Key, j.Once = idempotencyKey(j.Run, j.Task, index), x.config.id == ""
	j.Direct = x.config.direct
	if at, ok := x.ctx.Deadline(); ok {
		j.Left = max(1, time.Until(at))
	}
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
		if err := x.fillJob(to, i, u); err != nil {
			return nil, x.mismatch(node, i, err)
		}
		if in.asks && j.Inputs[i].Value == nil {
			j.Inputs[i].Holes = map[int]*broker.Failure{0: failureOf(x.whyAbsent(&x.plan.from(node)[i]))}
		}
	}
	return j, nil
}

// fillJob fills an input of a unit's job.
func (x *execution) fillJob(to *jobInputs, i int, u unit) error {
	if u.elem == whole {
		return x.fill(to, i, &x.plan.from(to.node)[i])
	}
	return x.mapped(u.node).set(to, i, u.elem)
}

// jobInputs fills the inputs of a job like the fields of a frame.
type jobInputs struct {
	inputs []broker.Input
	whole  bool // the job is no element
	reads  bool // the values are wanted here, each as it is
	node   *node
}

// Set implements filler. The value is of the type that the task takes, or is refused
// here, where it is known who made it. What another worker has made goes on unread.
func (j *jobInputs) Set(i int, from binding.Reader, at int) error {
	in := &j.node.task.inputs[i]
	j.inputs[i].Whole = j.whole || in.axes == nil
	if f, ok := from.(forwarder); ok && !j.reads {
		if j.inputs[i].Value = f.forward(at, in.typ); j.inputs[i].Value != nil {
			return nil
		}
	}
	v, err := from.Load(at)
	if err != nil {
		return err
	}
	if reflect.TypeOf(v) != in.typ {
		as := reflect.New(in.typ)
		if err := from.CopyTo(at, as.Interface()); err != nil {
			return err
		}
		v = as.Elem().Interface()
	}
	j.inputs[i].Value = broker.Go{V: v}
	return nil
}

// Field implements filler: it is asked for inputs that are a Partial.
func (j *jobInputs) Field(i int) any {
	return &partialInput{&j.inputs[i], j.node.task.inputs[i].typ, j.reads}
}

// partialInput takes what a Partial would.
type partialInput struct {
	to    *broker.Input
	typ   reflect.Type
	reads bool // as in jobInputs
}

func (p *partialInput) elements() reflect.Type { return p.typ }

func (p *partialInput) fill(values any, errs map[int]error) error {
	as := reflect.New(p.typ)
	if err := binding.Assign(as.Interface(), values); err != nil {
		return err
	}
	p.put(broker.Go{V: as.Elem().Interface()}, errs)
	return nil
}

// forward is fill with what workers have made, if there is any.
func (p *partialInput) forward(from binding.Slab, n int, errs map[int]error) bool {
	v := forwardRow(from, 0, []int{n}, p.typ)
	if v == nil || p.reads {
		return false
	}
	p.put(v, errs)
	return true
}

func (p *partialInput) put(v broker.Value, errs map[int]error) {
	p.to.Value, p.to.Whole = v, true
	for i, err := range errs {
		if p.to.Holes == nil {
			p.to.Holes = make(map[int]*broker.Failure, len(errs))
		}
		p.to.Holes[i] = failureOf(err)
	}
}

// keep stores outputs that were made elsewhere where an attempt here would. Those that
// came by workers, and may go on to others, stay as they are.
func (x *execution) keep(u unit, outputs []broker.Value, by *remote) error {
	node := &x.plan.nodes[u.node]
	if len(outputs) != len(node.task.outputs) {
		return fmt.Errorf("there are %d outputs instead of %d", len(outputs), len(node.task.outputs))
	}
	for k := range outputs {
		slab, at := x.placeOf(u, k)
		if s, ok := slab.(*sealed); ok && by.carries(u.node, k) && !isHere(outputs[k]) {
			s.put(at, u, k, outputs[k])
			continue
		}
		o := &node.task.outputs[k]
		into := reflect.New(node.task.sent(o))
		if err := by.decode(outputs[k], into.Interface()); err != nil {
			return fmt.Errorf("output %q: %w", o.name, err)
		}
		slab.CopyFrom(at, into.Interface())
	}
	return nil
}

// isHere reports whether a value is one of this process.
func isHere(v broker.Value) bool {
	_, is := v.(broker.Go)
	return is
}

// placeOf is where output k of a unit is kept.
func (x *execution) placeOf(u unit, k int) (binding.Slab, int) {
	if u.elem != whole {
		columns, at := x.mapped(u.node).place(u.elem)
		return columns[k], at
	}
	at := x.plan.into(&x.plan.nodes[u.node])[k]
	return x.slabs[at.slab], int(at.index)
}
