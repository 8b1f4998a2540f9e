package runnel

import (
	"context"
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// NewMultiTask declares a task with several outputs: each exported field of the
// struct Out is one, and its data is named like that of a field of an input
// struct. The first is the primary output: it names the task unless [Name] does,
// and it is the one that As renames.
func NewMultiTask[In, Out any](fn func(context.Context, In) (Out, error), opts ...TaskOption) *Task[In, Out] {
	return &Task[In, Out]{newMultiTask(fn, opts), getOutputs[Out]}
}

func newMultiTask[In, Out any](fn func(context.Context, In) (Out, error), opts []TaskOption) *declaration {
	in, out := signatureOf(reflect.TypeFor[In]()), signatureOf(reflect.TypeFor[Out]())
	outputs := make([]output, len(out.inputs))
	for i, o := range out.inputs {
		outputs[i] = output{name: o.name, label: o.name, typ: o.typ}
	}
	d := declare(&function[In, Out]{shape: multi[In, Out]{out}, sig: in, fn: fn}, in.inputs, outputs, opts)
	d.checkInput(in, reflect.TypeFor[In]())
	for _, text := range out.problems {
		d.problem("outputs: %s", text)
	}
	for _, o := range out.inputs {
		if o.axes != nil {
			d.problem("output %q names an axis, but this task works on whole values: drop the brackets, or declare it with NewMultiMapTask", withAxes(o.name, o.axes))
		}
		if o.optional {
			d.problem("output %q cannot be optional or have a default: a task always produces its outputs", o.name)
		}
	}
	switch {
	case out.notStruct:
		d.problem("the output must be a struct with a field for each output, got %s: use NewTask for a single value", reflect.TypeFor[Out]())
	case len(outputs) == 0 && len(out.problems) == 0:
		d.problem("%s has no exported field, so the task would have no output: export a field for each output, or use NewTask", reflect.TypeFor[Out]())
	}
	if fn == nil {
		d.problem("the function is nil: give one")
	}
	return d
}

// getOutputs puts an output struct together again.
func getOutputs[Out any](r *Result, d *declaration) (Out, error) {
	var out Out
	sig := signatureOf(reflect.TypeFor[Out]())
	v := reflect.ValueOf(&out).Elem()
	for i, o := range d.outputs {
		value, err := r.value(o.name)
		if err != nil {
			return *new(Out), err
		}
		if err := binding.Assign(v.FieldByIndex(sig.fields[i].Index).Addr().Interface(), value); err != nil {
			return *new(Out), fmt.Errorf("runnel: data %q: %w", o.name, err)
		}
	}
	return out, nil
}

// multi is the shape of a task of whole values with several outputs.
type multi[In, Out any] struct{ out *signature }

func (multi[In, Out]) fill(s *scratch, n *node) (*binding.Frame[In], error) {
	return fill[In](s, n)
}

func (m multi[In, Out]) keep(s *scratch, n *node, out Out) {
	f, _ := s.frames[n.outFrame].(*binding.Frame[Out])
	if f == nil {
		f = frame[Out](s, n.outFrame, m.out)
	}
	f.Put(out)
	for i, at := range s.run.plan.into(n) {
		f.Get(i, s.run.slabs[at.slab], int(at.index))
	}
	f.Take()
}

func (multi[In, Out]) frames(sig *signature) (in, out reflect.Type) {
	return frameType[In](sig), reflect.TypeFor[Out]()
}

func (m multi[In, Out]) slab(k, n int) binding.Slab {
	return binding.NewReflected(m.out.inputs[k].typ, n)
}

func (multi[In, Out]) compiled() bool { return false }
