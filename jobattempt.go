package runnel

import (
	"context"
	"time"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// jobAttempt is the attempt at a job, made by the code that makes those of a run.
type jobAttempt struct {
	job        *broker.Job
	deliveries int
	x          *execution
	s          *scratch
	unit       unit
	cause      error // asks for the fallback
	err        error
	done       bool // it came back, and did not end its goroutine
	overdue    bool // the worker has said that it is
	took       time.Duration
	verdict    verdict
}

func newJobAttempt(t *workTask, j *broker.Job, deliveries int, ctx context.Context, cancel context.CancelCauseFunc, interceptors []Interceptor) *jobAttempt {
	x, u := t.prepare(ctx, cancel, j, interceptors)
	a := &jobAttempt{job: j, deliveries: deliveries, x: x, unit: u}
	a.s = &scratch{run: x, frames: make([]*binding.Frame, len(x.plan.frames)), attempt: j.Attempt, elem: u.elem, contexts: make([]taskContext, 1)}
	if j.Cause != nil {
		a.cause = errorOf(j.Cause)
	}
	return a
}

// make makes the attempt, and calls then whatever became of it: also when the task
// ended its goroutine.
func (a *jobAttempt) make(then func()) {
	defer then()
	began := time.Now()
	defer func() {
		a.took = time.Since(began)
		if !a.done {
			a.unwound()
		}
	}()
	x, s := a.x, a.s
	if a.cause != nil {
		if r, ok := x.plan.nodes[0].task.body.(rescuer); ok {
			a.err = x.rescue(s, a.unit, r, a.cause)
		} else {
			a.err = a.cause
		}
		a.done = true
		return
	}
	if a.err = x.attempt(s, a.unit); a.err != nil && a.err != errCondition && a.err != errNoCase {
		a.verdict = x.judge(s, a.unit, s.attempt, a.err)
		a.err = a.verdict.err
	}
	s.giveBack()
	a.done = true
}

// unwound is the outcome of an attempt that ended its goroutine.
func (a *jobAttempt) unwound() {
	if err := a.s.judging; err != nil {
		a.verdict, a.err = verdict{}, misjudged(err, ErrGoexit)
		return
	}
	if a.cause != nil {
		a.err = ErrGoexit
		return
	}
	a.err = misjudged(ErrGoexit, ErrGoexit) // unless it can be judged
	a.verdict = a.x.judge(a.s, a.unit, a.s.attempt, ErrGoexit)
	a.err = a.verdict.err
}

// result is what the worker sends.
func (a *jobAttempt) result() *broker.Result {
	r := broker.ResultOf(a.job)
	r.Took, r.Deliveries = a.took, a.deliveries
	switch {
	case a.err == nil:
		r.Outputs = a.x.outputs(a.unit)
	case a.cause == nil && (a.err == errCondition || a.err == errNoCase):
		r.Skipped = a.err.Error()
	default:
		r.Failure = failureOf(a.err)
		// RetryIf was asked here, where the error is what it was.
		if retries := a.x.plan.nodes[0].task.config.retry.retries; a.cause == nil && a.s.attempt <= retries && !a.verdict.again && !a.verdict.cancelled {
			r.Failure.Permanent = true
		}
	}
	return r
}
