package runnel

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/internal/binding"
)

// MapTask is a declared function that runs once for each element of its inputs.
// It is immutable and safe for concurrent use.
type MapTask[In, Out any] struct{ *declaration }

// NewMapTask declares a task that runs once for each element of data that comes
// as a slice, and produces a slice in the same order. The output names the axes
// in brackets, and so do the tags of the inputs that are taken element by
// element:
//
//	NewMapTask("features[i]", func(ctx context.Context, in struct {
//		Track  Track `runnel:"tracks[i]"`
//		Config Config
//	}) (Features, error) { … })
//
// takes data "tracks", a []Track, and "config", and produces data "features", a
// []Features. An element starts as soon as what it needs is there: where another
// mapped task takes "features[i]", its element 7 starts when element 7 is ready.
// A task that takes plain "features" gets the whole slice.
//
// Inputs on the same axis are zipped, and must have the same length. With several
// axes the task runs for every combination: "score[i,j]" from "lr[i]" and
// "batch[j]" is a [][]float64. An input with fewer axes than its data has gets a
// row: "score[i]" of type []float64. Axis names are local to one declaration. The
// data of an axis may be a slice, an array or, on the first, an iter.Seq, which is
// read to its end first.
//
// Retries, Timeout and state belong to each element. At most 1,024 elements of a
// task, or as many as [MaxParallel] says, are under way at once.
func NewMapTask[In, Out any](output string, fn func(context.Context, In) (Out, error), opts ...TaskOption) *MapTask[In, Out] {
	name, axes, err := splitAxes(output)
	named, sig := axes != nil, signatureOf(reflect.TypeFor[In]())
	if !named { // hold the inputs against themselves: one mistake is one problem
		name, _, _ = strings.Cut(output, "[")
		axes = sig.axes()
	}
	d := declareMap(name, axes, sig, fn, opts)
	switch {
	case err != nil:
		d.problem("output: %v", err)
	case !named:
		d.problem("output %q names no axis to map over: write %q, with the axes of the inputs, or declare it with NewTask", name, name+"[i]")
	}
	return &MapTask[In, Out]{d}
}

// declareMap declares a task that runs once for each element along the axes.
func declareMap[In, Out any](name string, axes []string, sig *signature, fn func(context.Context, In) (Out, error), opts []TaskOption) *declaration {
	elem := reflect.TypeFor[Out]()
	out := output{name: name, label: name, typ: nested(elem, len(axes)), elem: elem, axes: axes}
	d := declare(&function[In, Out]{shape: mapper[In, Out]{len(axes)}, sig: sig, fn: fn}, sig.inputs, []output{out}, opts)
	d.axes = axes
	d.checkMapped(sig, reflect.TypeFor[In](), fn == nil)
	return d
}

// checkMapped holds the declaration of a mapped task against itself.
func (d *declaration) checkMapped(sig *signature, in reflect.Type, noFunction bool) {
	for _, out := range d.outputs {
		if err := checkDataName(out.name); err != nil {
			d.problem("output: %v", err)
		}
	}
	d.checkInput(sig, in)
	if len(d.outputs) > 0 && d.outputs[0].axes != nil {
		d.checkAxes(d.outputs[0])
	}
	if noFunction {
		d.problem("the function is nil: give one")
	}
}

// checkAxes holds the axes of a mapped task's inputs against those of its outputs.
// The last axis of an expanding task is none of the task's.
func (d *declaration) checkAxes(out output) {
	label := withAxes(out.name, out.axes)
	carried := map[string]bool{}
	for _, in := range d.inputs {
		for _, axis := range in.axes {
			carried[axis] = true
			switch {
			case slices.Contains(d.axes, axis):
			case slices.Contains(out.axes, axis):
				d.problem("input %q (%s) has axis %s, the last one of output %q, which is that of the slices which the task returns: give the output one more, or declare it with NewMapTask", withAxes(in.name, in.axes), in.label, axis, label)
			default:
				d.problem("input %q (%s) has axis %s, which output %q lacks: add it there, or take the whole of the data by a name without it", withAxes(in.name, in.axes), in.label, axis, label)
			}
		}
	}
	for _, axis := range d.axes {
		if carried[axis] {
			continue
		}
		if len(d.axes) < len(out.axes) {
			d.problem("output %q has axis %s, which no input carries: only the last one, that of the slices, is the task's own, so tag an input with it, as in `runnel:\"items[%s]\"`", label, axis, axis)
		} else {
			d.problem("output %q has axis %s, which no input carries: tag an input with it, as in `runnel:\"items[%s]\"`", label, axis, axis)
		}
	}
}

// As is a copy that produces its data under another name, given without axes.
func (t *MapTask[In, Out]) As(output string) *MapTask[In, Out] {
	return &MapTask[In, Out]{t.as(output)}
}

// Bind is a copy that takes the named input from other data. Both names are given
// without axes.
func (t *MapTask[In, Out]) Bind(input, data string) *MapTask[In, Out] {
	return &MapTask[In, Out]{t.bind(input, data)}
}

// Get is the task's output in a result: one value an element, in input order.
// With several axes it is flat, the last axis running fastest; [Get] of a slice
// of slices gives the nested form. The error says why it is not there. What there
// is in spite of failed elements is had by Get[Partial[Out]].
func (t *MapTask[In, Out]) Get(r *Result) ([]Out, error) {
	if f, ok := t.body.(*function[In, Out]); ok {
		if s, ok := f.shape.(multiMapper[In, Out]); ok {
			return s.collect(r, t.declaration)
		}
	}
	p, err := Get[Partial[Out]](r, t.outputs[0].name)
	if err == nil && len(p.Errs) > 0 {
		_, _, err = r.find(t.outputs[0].name)
	}
	if err != nil {
		return nil, err
	}
	return p.Values, nil
}

// When is a copy that runs only for elements for which the condition holds. The
// others are skipped, like elements of a task that needs them; see [Task.When].
func (t *MapTask[In, Out]) When(condition func(In) bool) *MapTask[In, Out] {
	if t.expands() {
		return &MapTask[In, Out]{withWhen[In, []Out](t.declaration, condition)}
	}
	return &MapTask[In, Out]{withWhen[In, Out](t.declaration, condition)}
}

// Fallback is a copy that has another way to make an element whose last attempt
// has failed; see [Task.Fallback]. Of a task made by [NewExpandTask] it makes the
// only element of a row.
func (t *MapTask[In, Out]) Fallback(fn func(context.Context, In, error) (Out, error)) *MapTask[In, Out] {
	if t.expands() {
		return &MapTask[In, Out]{withFallback(t.declaration, oneRow(fn))}
	}
	return &MapTask[In, Out]{withFallback(t.declaration, fn)}
}

// mapper is the shape of a task that runs once an element.
type mapper[In, Out any] struct{ rank int }

func (mapper[In, Out]) fill(s *scratch, n *node) (*binding.Frame[In], error) {
	return fillElement[In](s, n)
}

// fillElement puts the inputs of an element into the worker's frame.
func fillElement[In any](s *scratch, n *node) (*binding.Frame[In], error) {
	m := s.run.maps[n.mapped]
	if m.ragged != nil {
		if err := m.ragged.broken(s.elem); err != nil {
			return nil, Permanent(err)
		}
	}
	f, _ := s.frames[n.frame].(*binding.Frame[In])
	if f == nil {
		f = frame[In](s, n.frame, n.task.body.(hasSignature).signature())
	}
	for i := range m.inputs {
		if err := m.set(f, i, s.elem); err != nil {
			f.Take()
			return nil, s.run.mismatch(n, i, err)
		}
	}
	return f, nil
}

func (mapper[In, Out]) keep(s *scratch, n *node, out Out) {
	m := s.run.maps[n.mapped]
	if m.ragged == nil {
		(*m.columns[0].(*binding.Values[Out]))[s.elem] = out
		return
	}
	columns, at := m.ragged.place(s.elem)
	(*columns[0].(*binding.Values[Out]))[at] = out
}

func (mapper[In, Out]) frames(sig *signature) (in, out reflect.Type) { return frameType[In](sig), nil }

// slab makes room for n whole outputs.
func (b mapper[In, Out]) slab(_, n int) binding.Slab {
	if b.rank == 1 {
		return binding.NewValues[[]Out](n)
	}
	return binding.NewReflected(nested(reflect.TypeFor[Out](), b.rank), n)
}

func (b mapper[In, Out]) compiled() bool { return b.rank == 1 }

func (mapper[In, Out]) elements(_, n int) binding.Slab { return binding.NewValues[Out](n) }

// elementStore is the part of a mapped task's shape that knows its types.
type elementStore interface {
	// elements makes room for n elements of output k.
	elements(k, n int) binding.Slab
}
