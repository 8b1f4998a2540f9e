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
	return &Task[In, Out]{handle{newMultiTask(signatureOf(reflect.TypeFor[In]()), signatureOf(reflect.TypeFor[Out]()), bodyOf(fn), opts)}}
}

func newMultiTask(in, out *signature, fn body, opts []TaskOption) *declaration {
	outputs := make([]output, len(out.inputs))
	for i, o := range out.inputs {
		outputs[i] = output{name: o.name, label: o.name, typ: o.typ}
	}
	d := declare(fn, in.inputs, outputs, opts)
	d.sig, d.outs, d.shape = in, out, multi{out}
	d.checkInput()
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
		d.problem("the output must be a struct with a field for each output, got %s: use NewTask for a single value", out.typ)
	case len(outputs) == 0 && len(out.problems) == 0:
		d.problem("%s has no exported field, so the task would have no output: export a field for each output, or use NewTask", out.typ)
	}
	return d.require("the function", fn != nil)
}

// readStruct puts an output struct together again, which into points to.
func (d *declaration) readStruct(r *Result, into any) error {
	v := reflect.ValueOf(into).Elem()
	for i, o := range d.outputs {
		value, err := r.value(o.name)
		if err != nil {
			return err
		}
		if err := binding.Assign(v.FieldByIndex(d.outs.fields[i].Index).Addr().Interface(), value); err != nil {
			return fmt.Errorf("runnel: data %q: %w", o.name, err)
		}
	}
	return nil
}

// multi is the shape of a task of whole values with several outputs.
type multi struct{ out *signature }

func (multi) fill(s *scratch, n *node) (*binding.Frame, error) { return s.fill(n) }

func (multi) place(*scratch, *node) (binding.Slab, int) { return nil, 0 }

func (m multi) slab(k, n int) binding.Slab { return binding.NewReflected(m.out.inputs[k].typ, n) }

func (multi) compiled() bool { return false }
