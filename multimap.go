package runnel

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
)

// NewMultiMapTask declares a mapped task with several outputs: each exported field
// of the struct Out is one, as in [NewMultiTask], and its tag names the axes, the
// same ones for all:
//
//	NewMultiMapTask(func(ctx context.Context, in struct {
//		Clip Clip `runnel:"clips[i]"`
//	}) (out struct {
//		Left  Channel `runnel:"left[i]"`
//		Right Channel `runnel:"right[i]"`
//	}, err error) { … })
//
// produces data "left" and "right", a []Channel each. The tag "[i]" keeps the name of
// the field. The task runs once for each element, like one made by [NewMapTask], and
// an element has all outputs or none. Get returns a slice of the structs.
func NewMultiMapTask[In, Out any](fn func(context.Context, In) (Out, error), opts ...TaskOption) *MapTask[In, Out] {
	return &MapTask[In, Out]{handle{declareMultiMap(signatureOf(reflect.TypeFor[In]()), signatureOf(reflect.TypeFor[Out]()), bodyOf(fn), opts)}}
}

func declareMultiMap(in, out *signature, fn body, opts []TaskOption) *declaration {
	axes := in.axes() // in the place of those that no output names
	if len(out.inputs) > 0 && out.inputs[0].axes != nil {
		axes = out.inputs[0].axes
	}
	outputs := make([]output, len(out.inputs))
	for i, o := range out.inputs {
		outputs[i] = output{name: o.name, label: o.name, typ: nested(o.typ, len(axes)), elem: o.typ, axes: axes}
	}
	d := declare(fn, in.inputs, outputs, opts)
	d.axes, d.sig, d.outs, d.shape = axes, in, out, multiMapper{out, len(axes)}
	for _, text := range out.problems {
		d.problem("outputs: %s", text)
	}
	for _, o := range out.inputs {
		switch {
		case o.axes == nil:
			d.problem("output %q names no axis to map over: tag it as in `runnel:\"%s\"`, or declare the task with NewMultiTask", o.name, withAxes(o.name, orOne(axes)))
		case !slices.Equal(o.axes, axes):
			d.problem("output %q has other axes than output %q: one call makes an element of each, so give all the same, in one order", withAxes(o.name, o.axes), withAxes(outputs[0].name, axes))
		case o.optional || o.partial:
			d.problem("output %q cannot be optional, have a default or be a Partial: a task always produces its outputs", o.name)
		}
	}
	switch {
	case out.notStruct:
		d.problem("the output must be a struct with a field for each output, got %s: use NewMapTask for a single value", out.typ)
	case len(outputs) == 0 && len(out.problems) == 0:
		d.problem("%s has no exported field, so the task would have no output: export a field for each output, or use NewMapTask", out.typ)
	}
	d.checkMapped()
	return d
}

func orOne(axes []string) []string {
	if len(axes) == 0 {
		return []string{"i"}
	}
	return axes
}

// multiMapper is the shape of a task that runs once an element and has several
// outputs.
type multiMapper struct {
	out  *signature
	rank int
}

func (multiMapper) fill(s *scratch, n *node) (*binding.Frame, error) { return s.fillElement(n) }

func (multiMapper) place(*scratch, *node) (binding.Slab, int) { return nil, 0 }

func (m multiMapper) slab(k, n int) binding.Slab {
	return binding.NewReflected(nested(m.out.inputs[k].typ, m.rank), n)
}

func (multiMapper) compiled() bool { return false }

func (m multiMapper) elements(k, n int) binding.Slab {
	return binding.NewReflected(m.out.inputs[k].typ, n)
}

// readStructs puts the output structs together again, in the slice that into points to.
func (d *declaration) readStructs(r *Result, into any) error {
	structs := reflect.ValueOf(into).Elem()
	for k, o := range d.outputs {
		whole, err := r.value(o.name)
		if err != nil {
			return err
		}
		elems := (&unnester{axes: len(o.axes), flat: reflect.MakeSlice(reflect.SliceOf(o.elem), 0, 0)}).all(whole)
		if k == 0 {
			structs.Set(reflect.MakeSlice(structs.Type(), elems.Len(), elems.Len()))
		}
		for i := range structs.Len() {
			field := structs.Index(i).FieldByIndex(d.outs.fields[k].Index)
			if err := binding.Assign(field.Addr().Interface(), elems.Index(i).Interface()); err != nil {
				return fmt.Errorf("runnel: data %q: %w", o.name, err)
			}
		}
	}
	return nil
}
