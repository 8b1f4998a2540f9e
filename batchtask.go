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
	call := failing(errUndeclared)
	if t != nil && t.d != nil {
		call = t.d.alone()
	}
	return func(ctx context.Context, in In) (Out, error) {
		out := make(binding.Values[Out], 1)
		if err := call(ctx, &in, &out, &out[0]); err != nil {
			var none Out
			return none, err
		}
		return out[0], nil
	}
}

// A call of a task alone gets a pointer to its input struct, and one to its output, which
// is also the value of a slab.
type aloneCall func(ctx context.Context, in any, slab binding.Slab, out any) error

func failing(err error) aloneCall {
	return func(context.Context, any, binding.Slab, any) error { return err }
}

var errUndeclared = errors.New("runnel: Func of a task that was never declared: make it with NewTask, NewMultiTask or Nest")

// alone prepares calls of the task by itself, which fail if it is declared wrongly.
func (d *declaration) alone() aloneCall {
	var problems []Problem
	for _, text := range slices.Concat(d.problems, d.config.problems) {
		problems = append(problems, Problem{Task: d.Name(), Location: d.Location(), Text: text})
	}
	switch {
	case len(problems) > 0:
		return failing(&BuildError{Problems: problems})
	case d.nest != nil:
		return d.nested()
	}
	return func(ctx context.Context, in any, slab binding.Slab, _ any) error {
		if ctx == nil {
			return &InputError{Problems: []Problem{{Text: nilContext}}, caller: fmt.Sprintf("task %q", d.Name())}
		}
		one := *d
		one.shape = called{binding.NewFrame(nil, reflect.ValueOf(in).Elem()), slab}
		return one.runAlone(ctx)
	}
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
type called struct {
	in  *binding.Frame // empty, it is the input
	out binding.Slab   // of one
}

func (c called) fill(*scratch, *node) (*binding.Frame, error) { return c.in, nil }

func (c called) place(*scratch, *node) (binding.Slab, int) { return c.out, 0 }

func (called) slab(int, int) binding.Slab { return nil }

func (called) compiled() bool { return false }

// nested prepares calls of a pipeline as a task.
func (d *declaration) nested() aloneCall {
	one := d.copy()
	config := *one.config
	config.after = nil
	one.config, one.opts = &config, []TaskOption{Name(one.Name())}
	p := NewPipeline().Add(&one)
	return func(ctx context.Context, in any, _ binding.Slab, out any) error {
		values := Values{}
		v := reflect.ValueOf(in).Elem()
		for i, f := range d.sig.fields {
			field := v.FieldByIndex(f.Index)
			if f.Optional {
				if !field.FieldByName("Ok").Bool() {
					continue
				}
				field = field.FieldByName("Value")
			}
			if d.inputs[i].partial {
				field = field.FieldByName("Values")
			}
			values[d.inputs[i].name] = field.Interface()
		}
		res, err := p.Run(ctx, values)
		if err != nil {
			return err
		}
		return one.read(res, out)
	}
}
