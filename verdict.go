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
		v.delay, v.again = x.plan.nodes[u.node].task.config.retry.again(err, attempt, x.elapsed(s))
	}
	s.judging = nil
	return v
}

// elapsed is the time since the first attempt at what a worker is at.
func (x *execution) elapsed(s *scratch) time.Duration {
	return time.Since(x.start) - time.Duration(s.began)
}

// misjudged is the error of a task for which it could not be decided whether to
// try it again.
func misjudged(err, why error) error {
	return fmt.Errorf("%w; not tried again, since RetryIf, or a method of the error, ended with: %w", err, why)
}

// conclude does what a verdict says.
func (x *execution) conclude(w *engine.Worker, u unit, attempt int, v verdict) engine.Item {
	x.memo.forgo(u) // also when it is tried again: others need not wait for that
	if v.cancelled {
		x.ended(u, Cancelled, attempt, v.err, fmt.Sprintf("the run was stopped: %v", context.Cause(x.ctx)))
		return engine.None
	}
	if x.log != nil {
		x.log.add(entry{kind: attemptFailed, unit: u, attempt: int32(attempt)}, &detail{err: v.err, retry: v.again, took: v.delay}, nil)
	}
	if v.again {
		return x.retry(w, u, attempt, v.delay, v.err)
	}
	if r, ok := x.plan.nodes[u.node].task.body.(rescuer); ok && r.rescues() && attempt > 0 {
		if x.remote != nil {
			return x.remote.rescue(w, u, attempt, v.err)
		}
		err := x.rescue(x.scratch(w), u, r, v.err)
		if err == nil {
			return x.succeed(w, u, attempt, madeByFallback)
		}
		v.err = fallbackFailed(v.err, err)
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

const madeByFallback = "its fallback made the output"

func fallbackFailed(cause, err error) error {
	return fmt.Errorf("%w; its fallback failed too: %w", cause, err)
}
