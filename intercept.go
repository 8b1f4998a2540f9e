package runnel

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
func Intercept(interceptors ...Interceptor) InterceptOption { return interceptOption(interceptors) }

var (
	errSwallowed = errors.New("an interceptor returned no error, but the task did not succeed: return the error of next")
	errTwice     = errors.New("an interceptor called next twice: call it once, and let Retries repeat the task")
)

// intercepted is an attempt with interceptors around it.
func (x *execution) intercepted(ctx context.Context, s *scratch, n *node) error {
	all := slices.Concat(x.interceptors, n.task.interceptors)
	called, outcome := false, error(nil)
	var from func(k int) func(context.Context) error
	from = func(k int) func(context.Context) error {
		return func(ctx context.Context) error {
			if k < len(all) {
				return all[k](ctx, Info(ctx), from(k+1))
			}
			if called {
				return Permanent(errTwice)
			}
			called = true
			outcome = n.body.call(ctx, s, n)
			return outcome
		}
	}
	if err := from(0)(ctx); err != nil {
		return err
	}
	switch {
	case !called:
		return Permanent(errSwallowed)
	case outcome != nil:
		return Permanent(fmt.Errorf("%w: %w", errSwallowed, outcome))
	}
	return nil
}
