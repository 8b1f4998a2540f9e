package runnel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
)

// Func is the task as a function, for [Map] and the other batch helpers, or to be
// called by itself:
//
//	Map(ctx, inputs, Extract.Func())
//
// A call is a run of this task alone, with its own retries, timeout, condition and
// fallback; [After] has no meaning in it. The input is taken as it is: defaults of
// its fields do not apply. The error is a [*TaskError] when the task fails, matches
// [ErrSkipped] when its condition does not hold, is the cause of ctx when that ends
// it, and a [*BuildError] when the declaration is wrong. In a batch the call holds a
// slot until it returns, also while it waits for the task's next attempt.
func (t *Task[In, Out]) Func() func(context.Context, In) (Out, error) {
	var none Out
	if t == nil || t.declaration == nil {
		return func(context.Context, In) (Out, error) { return none, errUndeclared }
	}
	d := t.declaration
	if err := d.alone(); err != nil {
		return func(context.Context, In) (Out, error) { return none, err }
	}
	if d.nest != nil {
		return t.nested()
	}
	return func(ctx context.Context, in In) (Out, error) {
		var out Out
		if ctx == nil {
			return none, &InputError{Problems: []Problem{{Text: nilContext}}, caller: fmt.Sprintf("task %q", d.Name())}
		}
		one := *d
		f := *d.body.(*function[In, Out])
		f.shape = called[In, Out]{in, &out}
		one.body = &f
		if err := one.runAlone(ctx); err != nil {
			return none, err
		}
		return out, nil
	}
}

var errUndeclared = errors.New("runnel: Func of a task that was never declared: make it with NewTask, NewMultiTask or Nest")

// alone says what is wrong with the declaration by itself.
func (d *declaration) alone() error {
	var problems []Problem
	for _, text := range slices.Concat(d.problems, d.config.problems) {
		problems = append(problems, Problem{Task: d.Name(), Location: d.Location(), Text: text})
	}
	if len(problems) == 0 {
		return nil
	}
	return &BuildError{Problems: problems}
}

// runAlone runs a task whose body brings its inputs.
func (d *declaration) runAlone(ctx context.Context) error {
	x := newBatch(ctx, &batchConfig{}, d, 1)
	f := &aloneFlow{handOut{x: x}}
	f.init(chunking{}, 1)
	f.left.Store(1)
	x.maps[0].items = f
	out := &batchOutcome{items: 1, status: x.maps[0].status}
	x.runBatch(out, 1)
	defer x.cancel(nil)
	switch {
	case len(out.failed) > 0:
		return x.failed[0]
	case out.stopped != nil:
		return fmt.Errorf("runnel: task %q was stopped: %w", d.Name(), out.stopped)
	case stateOf(&out.status[0]) == Skipped:
		return fmt.Errorf("runnel: task %q was %w: %w", d.Name(), ErrSkipped, errCondition)
	}
	return nil
}

// aloneFlow is that of a single task, which is no element.
type aloneFlow struct{ handOut }

func (*aloneFlow) index(int32) []int { return nil }

// called is the shape of a task that is called with its input.
type called[In, Out any] struct {
	in  In
	out *Out
}

func (c called[In, Out]) fill(*scratch, *node) (*binding.Frame[In], error) {
	return binding.NewFrame(nil, c.in), nil
}

func (c called[In, Out]) keep(_ *scratch, _ *node, out Out) { *c.out = out }

func (called[In, Out]) frames(*signature) (in, out reflect.Type) { return nil, nil }

func (called[In, Out]) slab(int, int) binding.Slab { return nil }

func (called[In, Out]) compiled() bool { return false }

// nested is Func of a pipeline as a task.
func (t *Task[In, Out]) nested() func(context.Context, In) (Out, error) {
	sig := signatureOf(reflect.TypeFor[In]())
	alone := *t.declaration
	copied := *alone.config
	copied.after = nil
	alone.config, alone.opts = &copied, []TaskOption{Name(alone.Name())}
	p := NewPipeline().Add(&Task[In, Out]{&alone, t.get})
	return func(ctx context.Context, in In) (Out, error) {
		values := Values{}
		v := reflect.ValueOf(in)
		for i, f := range sig.fields {
			field := v.FieldByIndex(f.Index)
			if f.Optional {
				if !field.FieldByName("Ok").Bool() {
					continue
				}
				field = field.FieldByName("Value")
			}
			if t.inputs[i].partial {
				field = field.FieldByName("Values")
			}
			values[t.inputs[i].name] = field.Interface()
		}
		res, err := p.Run(ctx, values)
		if err != nil {
			var none Out
			return none, err
		}
		return t.Get(res)
	}
}
