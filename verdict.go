package runnel

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/runnelflow/runnel/internal/engine"
)

// verdict is what follows from an attempt that failed: neither cancelled nor
// again means that the task has failed.
type verdict struct {
	err       error
	cancelled bool
	again     bool
	delay     time.Duration
}

// judge decides what follows from a failed attempt. It calls code that is not
// ours, RetryIf and the methods of the error: when that panics, or ends the
// goroutine, the task has failed.
func (x *execution) judge(s *scratch, u unit, attempt int, err error) (v verdict) {
	s.judging = err
	defer func() {
		if p := recover(); p != nil {
			v = verdict{err: misjudged(err, &PanicError{Value: p, Stack: debug.Stack()})}
			s.judging = nil
		}
	}()
	v.err = err
	if x.ctx.Err() != nil && x.isCancellation(err) {
		v.cancelled = true
	} else {
		elapsed := time.Since(x.start) - time.Duration(s.began)
		v.delay, v.again = x.plan.nodes[u.node].task.config.retry.again(err, attempt, elapsed)
	}
	s.judging = nil
	return v
}

// misjudged is the error of a task for which it could not be decided whether to
// try it again.
func misjudged(err, why error) error {
	return fmt.Errorf("%w; not tried again, since RetryIf, or a method of the error, ended with: %w", err, why)
}

// conclude does what a verdict says.
func (x *execution) conclude(w *engine.Worker, u unit, attempt int, v verdict) engine.Item {
	if v.cancelled {
		x.ended(u, Cancelled, attempt, v.err, fmt.Sprintf("the run was stopped: %v", context.Cause(x.ctx)))
		return engine.None
	}
	if x.log != nil {
		x.log.add(entry{kind: attemptFailed, unit: u, attempt: int32(attempt), err: v.err, retry: v.again, took: v.delay}, nil)
	}
	if v.again {
		return x.retry(w, u, attempt, v.delay, v.err)
	}
	if r, ok := x.plan.nodes[u.node].body.(rescuer); ok && r.rescues() && attempt > 0 {
		err := x.rescue(x.scratch(w), u, r, v.err)
		if err == nil {
			return x.succeed(w, u, attempt, "its fallback made the output")
		}
		v.err = fmt.Errorf("%w; its fallback failed too: %w", v.err, err)
	}
	return x.fail(w, u, attempt, v.err)
}

// rescue calls the fallback of a unit that has failed.
func (x *execution) rescue(s *scratch, u unit, r rescuer, cause error) (err error) {
	s.rescued = cause
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
			s.rescued = nil
		}
	}()
	err = r.rescue(s.context(u), s, &x.plan.nodes[u.node], cause)
	s.rescued = nil
	return err
}
