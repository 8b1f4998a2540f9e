package runnel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
)

// An Interceptor is called around every attempt of every task. It calls next
// once, with ctx or a context made from it, and returns after it, with its error
// or another one. It may return an error without calling next. Hiding the task's
// error, or returning none without calling next, fails the task; a second call
// of next gets an error and does not reach the task. It must be safe for
// concurrent use.
type Interceptor func(ctx context.Context, task TaskInfo, next func(context.Context) error) error

// An InterceptOption adds interceptors.
type InterceptOption interface {
	PipelineOption
	RunOption
	WorkerOption
	CoordinatorOption
}

type interceptOption []Interceptor

func (o interceptOption) applyPipeline(c *pipelineConfig) {
	if o.hasNil() {
		c.problems = append(c.problems, nilInterceptor)
	}
	c.interceptors = append(c.interceptors, o...)
}

func (o interceptOption) applyRun(c *runConfig) {
	if o.hasNil() {
		c.problem(nilInterceptor)
	}
	c.interceptors = append(c.interceptors, o...)
}

const nilInterceptor = "Intercept: the interceptor is nil: drop it"

func (o interceptOption) hasNil() bool {
	return slices.ContainsFunc(o, func(i Interceptor) bool { return i == nil })
}

// Intercept adds interceptors to a pipeline or to one run. The first is the
// outermost; those of the pipeline are around those of the run, and these around
// those of a nested pipeline.
func Intercept(interceptors ...Interceptor) InterceptOption {
	return interceptOption(slices.Clone(interceptors))
}

var (
	errSwallowed = errors.New("an interceptor returned no error, but the task did not succeed: return the error of next")
	errTwice     = errors.New("an interceptor called next twice: call it once, and let Retries repeat the task")
)

// intercepted is an attempt with interceptors around it.
func (x *execution) intercepted(ctx context.Context, s *scratch, n *node) error {
	c := &interception{scratch: s, node: n, all: slices.Concat(x.interceptors, n.task.interceptors), outcome: errSwallowed, ended: make(chan struct{})}
	defer c.wait()
	if err := c.next(0)(ctx); err != nil {
		return err
	}
	c.wait()
	switch {
	case c.outcome == errSwallowed:
		return Permanent(errSwallowed)
	case c.outcome != nil:
		return Permanent(fmt.Errorf("%w: %w", errSwallowed, c.outcome))
	}
	return nil
}

// interception is a call of a task through interceptors.
type interception struct {
	scratch *scratch
	node    *node
	all     []Interceptor
	called  atomic.Bool   // the task was, or must not be any more
	outcome error         // of the task, once it has ended
	ended   chan struct{} // closed then
}

func (c *interception) next(k int) func(context.Context) error {
	return func(ctx context.Context) error {
		if k < len(c.all) {
			return c.all[k](ctx, Info(ctx), c.next(k+1))
		}
		return c.call(ctx)
	}
}

// call calls the task. Its panic is an error here already, so that no interceptor
// can make a success of it by recovering.
func (c *interception) call(ctx context.Context) (err error) {
	if !c.called.CompareAndSwap(false, true) {
		return Permanent(errTwice)
	}
	defer close(c.ended)
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
			c.outcome = err
		}
	}()
	if x := c.scratch.run; x.remote != nil && !c.node.task.stays {
		err = x.remote.await(ctx, c.scratch, unit{x.remote.nodes[c.node.task.Name()], c.scratch.elem}, nil)
	} else {
		err = c.node.invoked.call(ctx, c.scratch, c.node)
	}
	c.outcome = err
	return err
}

// wait waits for the task to end, in case an interceptor has called it on another
// goroutine and gone; and keeps it from being called later.
func (c *interception) wait() {
	if !c.called.CompareAndSwap(false, true) {
		<-c.ended
		return
	}
	close(c.ended)
}
