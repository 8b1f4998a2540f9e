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
// data of an axis may be a slice, an array or an iter.Seq, which is read to its
// end first.
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
	out := output{name: name, label: name, typ: nested(elem, len(axes)), elem: elem}
	d := declare(&function[In, Out]{shape: mapper[In, Out]{len(axes)}, sig: sig, fn: fn}, sig.inputs, []output{out}, opts)
	d.axes = axes
	if err := checkDataName(name); err != nil {
		d.problem("output: %v", err)
	}
	d.checkInput(sig, reflect.TypeFor[In]())
	d.checkAxes()
	if fn == nil {
		d.problem("the function is nil: give one")
	}
	return d
}

// checkAxes holds the axes of a mapped task's inputs against its own.
func (d *declaration) checkAxes() {
	if d.axes == nil {
		return
	}
	carried := map[string]bool{}
	for _, in := range d.inputs {
		for _, axis := range in.axes {
			carried[axis] = true
			if !slices.Contains(d.axes, axis) {
				d.problem("input %q (%s) has axis %s, which output %q lacks: add it there, or take the whole of the data by a name without it", withAxes(in.name, in.axes), in.label, axis, withAxes(d.outputs[0].name, d.axes))
			}
		}
	}
	for _, axis := range d.axes {
		if !carried[axis] {
			d.problem("output %q has axis %s, which no input carries: tag an input with it, as in `runnel:\"items[%s]\"`", withAxes(d.outputs[0].name, d.axes), axis, axis)
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
	return &MapTask[In, Out]{withWhen[In, Out](t.declaration, condition)}
}

// Fallback is a copy that has another way to make an element whose last attempt
// has failed; see [Task.Fallback].
func (t *MapTask[In, Out]) Fallback(fn func(context.Context, In, error) (Out, error)) *MapTask[In, Out] {
	return &MapTask[In, Out]{withFallback(t.declaration, fn)}
}

// mapper is the shape of a task that runs once an element.
type mapper[In, Out any] struct{ rank int }

func (mapper[In, Out]) fill(s *scratch, n *node, sig *signature) (*binding.Frame[In], error) {
	m := s.run.maps[n.mapped]
	f, _ := s.frames[n.frame].(*binding.Frame[In])
	if f == nil {
		f = frame[In](s, n.frame, sig)
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
	s.run.maps[n.mapped].values.(binding.Values[Out])[s.elem] = out
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

func (mapper[In, Out]) elements(n int) binding.Slab { return binding.NewValues[Out](n) }

func (mapper[In, Out]) flat(elements binding.Slab) any { return []Out(elements.(binding.Values[Out])) }

// elementStore is the part of a mapped task's shape that knows its type.
type elementStore interface {
	// elements makes room for n of them.
	elements(n int) binding.Slab
	// flat is such a slab as a slice.
	flat(elements binding.Slab) any
}
