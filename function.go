package runnel

import (
	"context"
	"errors"

	"github.com/runnelflow/runnel/internal/binding"
)

// function is the body of a task whose types the compiler knows. The compiler makes a copy
// of all that is generic for each pair of types, of which a program may have hundreds: what
// need not know them is done by the task's shape.
type function[In, Out any] struct {
	fn       func(context.Context, In) (Out, error)
	when     func(In) bool                                 // nil: always
	fallback func(context.Context, In, error) (Out, error) // nil: none
}

// bodyOf is the body of a task that calls a function, nil for none.
func bodyOf[In, Out any](fn func(context.Context, In) (Out, error)) body {
	if fn == nil {
		return nil
	}
	return &function[In, Out]{fn: fn}
}

// errCondition is the error of an attempt whose condition does not hold.
var errCondition = errors.New("its condition does not hold")

func (f *function[In, Out]) call(ctx context.Context, s *scratch, n *node) error {
	frame, err := n.task.shape.fill(s, n)
	if err != nil {
		return err
	}
	in := binding.Take[In](frame)
	if f.when != nil && !f.when(in) {
		return errCondition
	}
	out, err := f.fn(ctx, in)
	if err != nil {
		return err
	}
	keep(s, n, out)
	return nil
}

// keep stores what a function returned.
func keep[Out any](s *scratch, n *node, out Out) {
	slab, i := n.task.shape.place(s, n)
	if slab == nil {
		f := s.frame(n.outFrame, n.task.outs)
		binding.Put(f, out)
		s.spread(n, f)
		return
	}
	if values, ok := slab.(*binding.Values[Out]); ok {
		(*values)[i] = out
		return
	}
	slab.Store(i, out) // beside what workers make
}

// direct is what attempts call of the most frequent kind of task, of a plain shape and
// without a condition: the function alone. An interface holds a function as it is, so that
// such a call reads no memory between the node and what the function itself keeps.
type direct[In, Out any] func(context.Context, In) (Out, error)

func (d direct[In, Out]) call(ctx context.Context, s *scratch, n *node) error {
	frame, err := s.fill(n)
	if err != nil {
		return err
	}
	out, err := d(ctx, binding.Take[In](frame))
	if err != nil {
		return err
	}
	at := s.run.plan.outputs[n.outputs.start]
	slab := s.run.slabs[at.slab]
	if values, ok := slab.(*binding.Values[Out]); ok { // as keep does, without its two calls
		(*values)[at.index] = out
		return nil
	}
	slab.Store(int(at.index), out)
	return nil
}

// direct is what attempts at a task of a plain shape call.
func (f *function[In, Out]) direct() body {
	if f.when == nil {
		return direct[In, Out](f.fn)
	}
	return f
}

// holds implements conditional.
func (f *function[In, Out]) holds(s *scratch, n *node) (bool, error) {
	if f.when == nil {
		return true, nil
	}
	frame, err := n.task.shape.fill(s, n)
	if err != nil {
		return false, err
	}
	return f.when(binding.Take[In](frame)), nil
}

// rescue makes the fallback's attempt at a task that has failed.
func (f *function[In, Out]) rescue(ctx context.Context, s *scratch, n *node, cause error) error {
	frame, err := n.task.shape.fill(s, n)
	if err != nil {
		return err
	}
	out, err := f.fallback(ctx, binding.Take[In](frame), cause)
	if err != nil {
		return err
	}
	keep(s, n, out)
	return nil
}

func (f *function[In, Out]) rescues() bool { return f.fallback != nil }

// with is a body that has a condition too, a func(In) bool, or a fallback. They come as
// values of any type from code that is compiled for tasks of all kinds.
func (f *function[In, Out]) with(when, fallback any) body {
	c := *f
	if when != nil {
		c.when = when.(func(In) bool)
	}
	if fallback != nil {
		c.fallback = fallback.(func(context.Context, In, error) (Out, error))
	}
	return &c
}

// with is a copy of a declaration that runs only under a condition, or has a fallback: what
// names it, and it must be there.
func (d *declaration) with(what string, there bool, when, fallback any) *declaration {
	c := d.copy()
	if f, ok := d.body.(interface{ with(when, fallback any) body }); ok {
		c.body = f.with(when, fallback)
	}
	if d.nest != nil {
		c.problem("a nested pipeline as a whole has no condition and no fallback: give them to its tasks")
	}
	return c.require(what, there)
}

// rescuer is a body that may have a fallback.
type rescuer interface {
	rescues() bool
	rescue(ctx context.Context, s *scratch, n *node, cause error) error
}
