package runnel

import (
	"context"
	"reflect"
)

// Task is a declared function from an input struct to an output. It is
// immutable and safe for concurrent use.
type Task[In, Out any] struct{ handle }

// NewTask declares a task that produces data under the given name.
//
// In is a struct: each exported field is an input. Its data name is the field's
// name in snake case (UserID takes "user_id"), or that of a `runnel:"name"` tag.
// An input is optional with the tag option `,optional` (absent is zero), with
// `,default=…` (numbers, strings, booleans, durations), or with a field of type
// [Opt]. The tag `-` leaves a field out, embedded structs count as their fields,
// and struct{} has no inputs.
//
// Mistakes in the declaration are reported when a pipeline is built.
func NewTask[In, Out any](output string, fn func(context.Context, In) (Out, error), opts ...TaskOption) *Task[In, Out] {
	return &Task[In, Out]{handle{declareTask(output, signatureOf(reflect.TypeFor[In]()), reflect.TypeFor[Out](), plainOf[Out](), bodyOf(fn), opts)}}
}

// declareTask declares a task of whole values with one output.
func declareTask(name string, sig *signature, out reflect.Type, shape shape, fn body, opts []TaskOption) *declaration {
	d := declare(fn, sig.inputs, []output{{name: name, label: name, typ: out}}, opts)
	d.sig, d.shape = sig, shape
	d.checkInput()
	if err := checkDataName(name); err != nil {
		d.problem("output: %v", err)
	}
	return d.require("the function", fn != nil)
}

// checkInput reports what is wrong with the input struct.
func (d *declaration) checkInput() {
	if d.sig.notStruct {
		d.problem("the input must be a struct with a field for each input, got %s: use struct{ … }, or Func for plain parameters", d.sig.typ)
	}
	for _, text := range d.sig.problems {
		d.problem("%s", text)
	}
	if d.axes != nil || len(d.outputs) > 0 && d.outputs[0].axes != nil {
		return
	}
	for _, in := range d.inputs {
		if in.axes != nil {
			d.problem("input %q (%s) names an axis, along which a mapped task runs once for each element: declare it with NewMapTask, or drop the brackets", withAxes(in.name, in.axes), in.label)
		}
	}
}

// As is a copy that produces its data under another name.
func (t *Task[In, Out]) As(output string) *Task[In, Out] {
	return &Task[In, Out]{handle{t.d.as(output)}}
}

// Bind is a copy that takes the named input from other data.
func (t *Task[In, Out]) Bind(input, data string) *Task[In, Out] {
	return &Task[In, Out]{handle{t.d.bind(input, data)}}
}

// Get is the task's output in a result. The error says why it is not there:
// [ErrSkipped] or [ErrNotProduced].
func (t *Task[In, Out]) Get(r *Result) (Out, error) {
	var out, none Out
	if err := t.d.read(r, &out); err != nil {
		return none, err
	}
	return out, nil
}

// read sets what into points to, to the output of a task of whole values.
func (d *declaration) read(r *Result, into any) error {
	if d.outs != nil {
		return d.readStruct(r, into)
	}
	return r.read(d.outputs[0].name, into)
}

// When is a copy that runs only if the condition holds for its inputs. Otherwise
// it is skipped, which is no failure: so are the tasks that need its output, and
// those for which it is optional run without it. The condition must be safe for
// concurrent use.
func (t *Task[In, Out]) When(condition func(In) bool) *Task[In, Out] {
	return &Task[In, Out]{handle{t.d.with("When: the condition", condition != nil, condition, nil)}}
}

// Fallback is a copy that has another way to make its output: when its last
// attempt has failed, the function is called with the inputs and the error. What
// it returns is the task's output; its error, joined to the other, fails the
// task. It is not called when the run is cancelled.
func (t *Task[In, Out]) Fallback(fn func(context.Context, In, error) (Out, error)) *Task[In, Out] {
	return &Task[In, Out]{handle{t.d.with("Fallback: the function", fn != nil, nil, fn)}}
}
