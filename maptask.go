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
type MapTask[In, Out any] struct{ handle }

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
	sig := signatureOf(reflect.TypeFor[In]())
	name, axes, err := splitAxes(output)
	named := axes != nil
	if !named { // hold the inputs against themselves: one mistake is one problem
		name, _, _ = strings.Cut(output, "[")
		axes = sig.axes()
	}
	d := declareMap(name, axes, sig, mapperOf[Out](), bodyOf(fn), opts)
	switch {
	case err != nil:
		d.problem("output: %v", err)
	case !named:
		d.problem("output %q names no axis to map over: write %q, with the axes of the inputs, or declare it with NewTask", name, name+"[i]")
	}
	return &MapTask[In, Out]{handle{d}}
}

// declareMap declares a task that runs once for each element along the axes.
func declareMap(name string, axes []string, sig *signature, shape mapper, fn body, opts []TaskOption) *declaration {
	shape.rank = len(axes)
	out := output{name: name, label: name, typ: nested(shape.elem, len(axes)), elem: shape.elem, axes: axes}
	d := declare(fn, sig.inputs, []output{out}, opts)
	d.axes, d.sig, d.shape = axes, sig, shape
	d.checkMapped()
	return d
}

// checkMapped holds the declaration of a mapped task against itself.
func (d *declaration) checkMapped() {
	for _, out := range d.outputs {
		if err := checkDataName(out.name); err != nil {
			d.problem("output: %v", err)
		}
	}
	d.checkInput()
	if len(d.outputs) > 0 && d.outputs[0].axes != nil {
		d.checkAxes(d.outputs[0])
	}
	d.require("the function", d.body != nil)
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
	return &MapTask[In, Out]{handle{t.d.as(output)}}
}

// Bind is a copy that takes the named input from other data. Both names are given
// without axes.
func (t *MapTask[In, Out]) Bind(input, data string) *MapTask[In, Out] {
	return &MapTask[In, Out]{handle{t.d.bind(input, data)}}
}

// Get is the task's output in a result: one value an element, in input order.
// With several axes it is flat, the last axis running fastest; [Get] of a slice
// of slices gives the nested form. The error says why it is not there. What there
// is in spite of failed elements is had by Get[Partial[Out]].
func (t *MapTask[In, Out]) Get(r *Result) ([]Out, error) {
	var p Partial[Out]
	if err := t.d.readElements(r, &p, &p.Values, &p.Errs); err != nil {
		return nil, err
	}
	return p.Values, nil
}

// readElements fills a Partial, given with pointers to its parts, with the elements of a
// mapped task's output, or its values with its output structs. Missing ones are an error.
func (d *declaration) readElements(r *Result, p partial, values any, errs *map[int]error) error {
	if d.outs != nil {
		return d.readStructs(r, values)
	}
	name := d.outputs[0].name
	err := r.partial(name, p)
	if err == nil && len(*errs) > 0 {
		_, _, err = r.find(name)
	}
	return err
}

// When is a copy that runs only for elements for which the condition holds. The
// others are skipped, like elements of a task that needs them; see [Task.When].
func (t *MapTask[In, Out]) When(condition func(In) bool) *MapTask[In, Out] {
	return &MapTask[In, Out]{handle{t.d.with("When: the condition", condition != nil, condition, nil)}}
}

// Fallback is a copy that has another way to make an element whose last attempt
// has failed; see [Task.Fallback]. Of a task made by [NewExpandTask] it makes the
// only element of a row.
func (t *MapTask[In, Out]) Fallback(fn func(context.Context, In, error) (Out, error)) *MapTask[In, Out] {
	fallback := any(fn)
	if t.d.expands() {
		fallback = oneRow(fn)
	}
	return &MapTask[In, Out]{handle{t.d.with("Fallback: the function", fn != nil, nil, fallback)}}
}

// mapper is the shape of a task that runs once an element.
type mapper struct {
	rank         int // how many axes
	elem         reflect.Type
	values, rows func(n int) binding.Slab // of elements, and of slices of them
}

func mapperOf[Out any]() mapper {
	return mapper{elem: reflect.TypeFor[Out](), values: binding.NewValues[Out], rows: binding.NewValues[[]Out]}
}

func (mapper) fill(s *scratch, n *node) (*binding.Frame, error) { return s.fillElement(n) }

func (mapper) place(s *scratch, n *node) (binding.Slab, int) {
	columns, at := s.run.maps[n.mapped].place(s.elem)
	return columns[0], at
}

// slab makes room for n whole outputs.
func (m mapper) slab(_, n int) binding.Slab {
	if m.rank == 1 {
		return m.rows(n)
	}
	return binding.NewReflected(nested(m.elem, m.rank), n)
}

func (m mapper) compiled() bool { return m.rank == 1 }

func (m mapper) elements(_, n int) binding.Slab { return m.values(n) }

// fillElement puts the inputs of an element into the worker's frame.
func (s *scratch) fillElement(n *node) (*binding.Frame, error) {
	m := s.run.maps[n.mapped]
	if m.ragged != nil {
		if err := m.ragged.broken(s.elem); err != nil {
			return nil, Permanent(err)
		}
	}
	f := s.frame(n.frame, n.task.sig)
	for i := range m.inputs {
		if err := m.set(f, i, s.elem); err != nil {
			f.Clear()
			return nil, s.run.mismatch(n, i, err)
		}
	}
	return f, nil
}

// elementStore is the part of a mapped task's shape that makes room for elements.
type elementStore interface {
	// elements makes room for n elements of output k.
	elements(k, n int) binding.Slab
}
