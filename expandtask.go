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
	return &MapTask[In, Out]{declareExpand(output, fn, opts)}
}

func declareExpand[In, Out any](text string, fn func(context.Context, In) ([]Out, error), opts []TaskOption) *declaration {
	name, axes, err := splitAxes(text)
	sig := signatureOf(reflect.TypeFor[In]())
	named := axes != nil
	if !named { // hold the inputs against themselves: one mistake is one problem
		name, _, _ = strings.Cut(text, "[")
		axes = append(sig.axes(), "")
	}
	out := output{name: name, label: name, typ: nested(reflect.TypeFor[Out](), len(axes)), elem: reflect.TypeFor[Out](), axes: axes}
	body := &function[In, []Out]{sig: sig, fn: notNil(fn)}
	if along := axes[:len(axes)-1]; len(along) > 0 {
		body.shape = mapper[In, []Out]{len(along)}
	} else {
		body.shape = plain[In, []Out]{}
	}
	d := declare(body, sig.inputs, []output{out}, opts)
	if len(axes) > 1 {
		d.axes = axes[:len(axes)-1]
	}
	d.checkMapped(sig, reflect.TypeFor[In](), fn == nil)
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
func (t *MapTask[In, Out]) expands() bool {
	return len(t.outputs[0].axes) > len(t.axes)
}
