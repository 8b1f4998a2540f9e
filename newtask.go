package runnel

import (
	"context"
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// Task is a declared function from an input struct to an output. It is
// immutable and safe for concurrent use.
type Task[In, Out any] struct {
	*declaration
	get func(*Result, *declaration) (Out, error)
}

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
	d := declareTask(output, signatureOf(reflect.TypeFor[In]()), fn, opts)
	return &Task[In, Out]{d, getOutput[Out]}
}

// declareTask declares a task of whole values with one output.
func declareTask[In, Out any](name string, sig *signature, fn func(context.Context, In) (Out, error), opts []TaskOption) *declaration {
	d := declare(&function[In, Out]{shape: plain[In, Out]{}, sig: sig, fn: fn}, sig.inputs, []output{{name: name, label: name, typ: reflect.TypeFor[Out]()}}, opts)
	d.checkInput(sig, reflect.TypeFor[In]())
	if err := checkDataName(name); err != nil {
		d.problem("output: %v", err)
	}
	if fn == nil {
		d.problem("the function is nil: give one")
	}
	return d
}

// checkInput reports what is wrong with the input struct.
func (d *declaration) checkInput(sig *signature, t reflect.Type) {
	if sig.notStruct {
		d.problem("the input must be a struct with a field for each input, got %s: use struct{ … }, or Func for plain parameters", t)
	}
	for _, text := range sig.problems {
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
	return &Task[In, Out]{t.as(output), t.get}
}

// Bind is a copy that takes the named input from other data.
func (t *Task[In, Out]) Bind(input, data string) *Task[In, Out] {
	return &Task[In, Out]{t.bind(input, data), t.get}
}

// Get is the task's output in a result. The error says why it is not there:
// [ErrSkipped] or [ErrNotProduced].
func (t *Task[In, Out]) Get(r *Result) (Out, error) {
	return t.get(r, t.declaration)
}

func getOutput[Out any](r *Result, d *declaration) (Out, error) {
	return Get[Out](r, d.outputs[0].name)
}

// When is a copy that runs only if the condition holds for its inputs. Otherwise
// it is skipped, which is no failure: so are the tasks that need its output, and
// those for which it is optional run without it. The condition must be safe for
// concurrent use.
func (t *Task[In, Out]) When(condition func(In) bool) *Task[In, Out] {
	return &Task[In, Out]{withWhen[In, Out](t.declaration, condition), t.get}
}

// Fallback is a copy that has another way to make its output: when its last
// attempt has failed, the function is called with the inputs and the error. What
// it returns is the task's output; its error, joined to the other, fails the
// task. It is not called when the run is cancelled.
func (t *Task[In, Out]) Fallback(fn func(context.Context, In, error) (Out, error)) *Task[In, Out] {
	return &Task[In, Out]{withFallback(t.declaration, fn), t.get}
}

// plain is the shape of a task of whole values with one output.
type plain[In, Out any] struct{}

func (plain[In, Out]) fill(s *scratch, n *node) (*binding.Frame[In], error) {
	return fill[In](s, n)
}

func (plain[In, Out]) keep(s *scratch, n *node, out Out) {
	keepOutput(s.run, n, out)
}

// keepOutput stores the only output of a node.
func keepOutput[Out any](x *execution, n *node, out Out) {
	at := x.plan.outputs[n.outputs.start]
	if values, ok := x.slabs[at.slab].(*binding.Values[Out]); ok {
		(*values)[at.index] = out
		return
	}
	x.slabs[at.slab].Store(int(at.index), out) // beside what workers make
}

func (plain[In, Out]) frames(sig *signature) (in, out reflect.Type) { return frameType[In](sig), nil }

func (plain[In, Out]) slab(_, n int) binding.Slab { return binding.NewValues[Out](n) }

func (plain[In, Out]) compiled() bool { return true }

// fill puts the inputs of a node into the worker's frame; nil when it has none.
func fill[In any](s *scratch, n *node) (*binding.Frame[In], error) {
	if n.frame < 0 {
		return nil, nil
	}
	f, _ := s.frames[n.frame].(*binding.Frame[In])
	if f == nil {
		f = frame[In](s, n.frame, n.task.body.(hasSignature).signature())
	}
	run := s.run
	for i, at := range run.plan.readsOf(n) {
		var err error
		if at.slab >= 0 {
			// As Set does, which would have to make a Reader of the Slab each time.
			err = run.slabs[at.slab].CopyTo(int(at.index), f.Target(i))
		} else {
			err = run.fill(f, i, &run.plan.from(n)[i])
		}
		if err != nil {
			f.Take()
			return nil, run.mismatch(n, i, err)
		}
	}
	return f, nil
}

// hasSignature is a body with an input struct: a function.
type hasSignature interface{ signature() *signature }

// frame gets this worker a frame of its own.
func frame[T any](s *scratch, i int32, sig *signature) *binding.Frame[T] {
	f, _ := s.run.plan.frames[i].Get().(*binding.Frame[T])
	if f == nil {
		template, _ := sig.template.Interface().(T)
		f = binding.NewFrame(sig.fields, template)
	}
	s.frames[i] = f
	return f
}

// frameType is the type that a worker keeps one frame for; nil when there is
// nothing to fill.
func frameType[In any](sig *signature) reflect.Type {
	if len(sig.inputs) == 0 {
		return nil
	}
	return reflect.TypeFor[In]()
}
