package runnel

import (
	"context"
	"errors"
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// function is the body of a task whose types the compiler knows.
type function[In, Out any] struct {
	shape[In, Out]
	sig      *signature
	fn       func(context.Context, In) (Out, error)
	when     func(In) bool                                 // nil: always
	fallback func(context.Context, In, error) (Out, error) // nil: none
}

// shape is what kinds of tasks differ in: where inputs come from, and where
// outputs go.
type shape[In, Out any] interface {
	// fill puts the inputs into the worker's frame, nil when there are none.
	fill(s *scratch, n *node) (*binding.Frame[In], error)
	// keep stores what the function returned.
	keep(s *scratch, n *node, out Out)

	frames(sig *signature) (in, out reflect.Type)
	slab(k, n int) binding.Slab
	compiled() bool
}

// errCondition is the error of an attempt whose condition does not hold.
var errCondition = errors.New("its condition does not hold")

func (f *function[In, Out]) call(ctx context.Context, s *scratch, n *node) error {
	frame, err := f.fill(s, n)
	if err != nil {
		return err
	}
	in := frame.Take()
	if f.when != nil && !f.when(in) {
		return errCondition
	}
	out, err := f.fn(ctx, in)
	if err != nil {
		return err
	}
	f.keep(s, n, out)
	return nil
}

// direct is what attempts call of the most frequent kind of task, of a plain shape and
// without a condition: the function alone. An interface holds a function as it is, so that
// such a call reads no memory between the node and what the function itself keeps.
type direct[In, Out any] func(context.Context, In) (Out, error)

func (d direct[In, Out]) call(ctx context.Context, s *scratch, n *node) error {
	frame, err := fill[In](s, n)
	if err != nil {
		return err
	}
	out, err := d(ctx, frame.Take())
	if err != nil {
		return err
	}
	keepOutput(s.run, n, out)
	return nil
}

// invoker is direct where it can be.
func (f *function[In, Out]) invoker() invoker {
	if _, ok := f.shape.(plain[In, Out]); ok && f.when == nil {
		return direct[In, Out](f.fn)
	}
	return f
}

func (f *function[In, Out]) signature() *signature { return f.sig }

// holds implements conditional.
func (f *function[In, Out]) holds(s *scratch, n *node) (bool, error) {
	if f.when == nil {
		return true, nil
	}
	frame, err := f.fill(s, n)
	if err != nil {
		return false, err
	}
	return f.when(frame.Take()), nil
}

// rescue makes the fallback's attempt at a task that has failed.
func (f *function[In, Out]) rescue(ctx context.Context, s *scratch, n *node, cause error) error {
	frame, err := f.fill(s, n)
	if err != nil {
		return err
	}
	out, err := f.fallback(ctx, frame.Take(), cause)
	if err != nil {
		return err
	}
	f.keep(s, n, out)
	return nil
}

// store is the part of a mapped task's shape that knows its type.
func (f *function[In, Out]) store() elementStore { return f.shape.(elementStore) }

func (f *function[In, Out]) rescues() bool { return f.fallback != nil }

func (f *function[In, Out]) frames() (in, out reflect.Type) { return f.shape.frames(f.sig) }

// withWhen is a copy of a declaration that runs only under a condition.
func withWhen[In, Out any](d *declaration, condition func(In) bool) *declaration {
	c, f := withFunction[In, Out](d)
	if f.when = condition; condition == nil {
		c.problem("When: the condition is nil: give one")
	}
	return c
}

// withFallback is a copy of a declaration that has a fallback.
func withFallback[In, Out any](d *declaration, fallback func(context.Context, In, error) (Out, error)) *declaration {
	c, f := withFunction[In, Out](d)
	if f.fallback = fallback; fallback == nil {
		c.problem("Fallback: the function is nil: give one")
	}
	return c
}

// withFunction is a copy of a declaration, and its function to change.
func withFunction[In, Out any](d *declaration) (*declaration, *function[In, Out]) {
	c := d.copy()
	if d.nest != nil {
		c.problem("a nested pipeline as a whole has no condition and no fallback: give them to its tasks")
		return &c, &function[In, Out]{}
	}
	f := *d.body.(*function[In, Out])
	c.body = &f
	return &c, &f
}

// rescuer is a body that may have a fallback.
type rescuer interface {
	rescues() bool
	rescue(ctx context.Context, s *scratch, n *node, cause error) error
}
