package runnel

import (
	"context"
	"reflect"
	"strings"
)

// NewExpandTask declares a task that fans out: it runs once for each element of its
// inputs, as one made by [NewMapTask] does, and returns a slice each time, whose
// elements are taken one by one. The last axis of the output is that of the slices,
// which no input has:
//
//	NewExpandTask("pages[i,k]", func(ctx context.Context, in struct {
//		Doc Doc `runnel:"docs[i]"`
//	}) ([]Page, error) { … })
//
// produces data "pages", a [][]Page whose rows have a length each. A mapped task
// takes a page by "pages[i,k]", the pages of a document, a []Page, by "pages[i]", and
// what else has the axis i beside them; any task takes the whole by plain "pages". An
// expand task may take "pages[i,k]" and fan out again, to any depth. As soon as a
// document has been expanded, its pages are worked on, whether the others have been
// or not. Rows keep the order of the axes, since their lengths depend on those before.
//
// With one axis, as in "lines[k]" from plain "text", it is a plain task whose slice
// is taken by elements.
//
// The index of a failure is that of the row. The elements of a row that could not be
// made do not exist: for each task that would take them there is one skipped element
// in their place, with the row's index.
func NewExpandTask[In, Out any](output string, fn func(context.Context, In) ([]Out, error), opts ...TaskOption) *MapTask[In, Out] {
	var fan func(context.Context, In) ([]Out, error)
	if fn != nil {
		fan = notNil(fn)
	}
	return &MapTask[In, Out]{handle{declareExpand(output, signatureOf(reflect.TypeFor[In]()), reflect.TypeFor[Out](), mapperOf[[]Out](), bodyOf(fan), opts)}}
}

func declareExpand(text string, sig *signature, elem reflect.Type, rows mapper, fn body, opts []TaskOption) *declaration {
	name, axes, err := splitAxes(text)
	named := axes != nil
	if !named { // hold the inputs against themselves: one mistake is one problem
		name, _, _ = strings.Cut(text, "[")
		axes = append(sig.axes(), "")
	}
	out := output{name: name, label: name, typ: nested(elem, len(axes)), elem: elem, axes: axes}
	d := declare(fn, sig.inputs, []output{out}, opts)
	d.sig = sig
	if rows.rank = len(axes) - 1; rows.rank > 0 {
		d.axes, d.shape = axes[:rows.rank], rows
	} else {
		d.shape = plain{rows.values}
	}
	d.checkMapped()
	switch {
	case err != nil:
		d.problem("output: %v", err)
	case !named:
		d.problem("output %q names no axis to fan out along: write %q, with the axes of the inputs and one of its own behind them, or declare it with NewTask", name, withAxes(name, append(sig.axes(), "k")))
	}
	return d
}

// notNil is a function that returns an empty slice for none: nil is that of a row
// which is missing.
func notNil[In, Out any](fn func(context.Context, In) ([]Out, error)) func(context.Context, In) ([]Out, error) {
	return func(ctx context.Context, in In) ([]Out, error) {
		out, err := fn(ctx, in)
		if out == nil && err == nil {
			out = []Out{}
		}
		return out, err
	}
}

// oneRow makes a row of a value.
func oneRow[In, Out any](fn func(context.Context, In, error) (Out, error)) func(context.Context, In, error) ([]Out, error) {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, in In, cause error) ([]Out, error) {
		out, err := fn(ctx, in, cause)
		return []Out{out}, err
	}
}

// expands reports whether the task was made by NewExpandTask.
func (d *declaration) expands() bool {
	return len(d.outputs) > 0 && len(d.outputs[0].axes) > len(d.axes)
}
