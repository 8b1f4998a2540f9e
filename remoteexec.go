package runnel

import (
	"context"
	"errors"
	"fmt"

	"github.com/runnelflow/runnel/internal/engine"
)

// exec does an item that workers do: it sends the unit on its way, or goes on with
// what came back. ok is false for an attempt that interceptors are around, which is
// made here and waits in [remote.await].
func (r *remote) exec(w *engine.Worker, u unit) (next engine.Item, ok bool) {
	x := r.x
	r.mu.Lock()
	f := r.flights[u]
	if f != nil && f.arrived() {
		delete(r.flights, u)
		r.mu.Unlock()
		return r.leave(w, f, r.settle(w, u, f)), true
	}
	node := &x.plan.nodes[u.node]
	if f == nil && r.intercepts(u) {
		r.mu.Unlock()
		return engine.None, false
	}
	if f == nil {
		f = &flight{attempt: 1}
		if node.retries {
			f.attempt = int32(attemptsOf(x.status(u))) + 1
		}
		r.flights[u] = f
	}
	admitted := r.admit(u, f)
	r.mu.Unlock()
	if !admitted {
		return engine.None, true
	}
	s := x.scratch(w)
	s.attempt, s.elem = int(f.attempt), u.elem
	if f.cause == nil && f.round == 0 {
		x.begin(w, s, u)
		f.began = s.began
	}
	j, err := r.job(u, s.attempt, f.cause)
	if err != nil { // as it would fail where the values are taken
		f.failed = err
		return r.exec(w, u)
	}
	r.depart(u, f, j)
	return engine.None, true
}

// isOut reports whether a unit is on its way to a worker or back.
func (r *remote) isOut(u unit) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flights[u] != nil
}

// settle does what follows from the return of a unit.
func (r *remote) settle(w *engine.Worker, u unit, f *flight) engine.Item {
	x := r.x
	w.Clock = 0
	s := x.scratch(w)
	s.attempt, s.elem, s.began = int(f.attempt), u.elem, f.began
	if r.replay != nil && f.failed == errDropped {
		return r.undone(w, u, f)
	}
	err := r.outcome(u, f)
	switch {
	case f.cause != nil && err == nil:
		return x.succeed(w, u, s.attempt, madeByFallback)
	case f.cause != nil:
		return x.fail(w, u, s.attempt, fallbackFailed(f.cause, err))
	case err == nil:
		return x.succeed(w, u, s.attempt, "")
	}
	if skip, ok := errors.AsType[*skippedError](err); ok {
		x.ended(u, Skipped, s.attempt, nil, skip.reason)
		return x.over(w, u)
	}
	return x.conclude(w, u, s.attempt, r.judge(s, u, f, err))
}

// skippedError is the outcome of a task that did not want to run.
type skippedError struct{ reason string }

func (e *skippedError) Error() string { return e.reason }

// outcome keeps the outputs of a unit that came back, or returns its error.
func (r *remote) outcome(u unit, f *flight) error {
	res := f.result
	switch {
	case f.failed != nil:
		return f.failed
	case res.Failure != nil:
		return errorOf(res.Failure)
	case res.Skipped != "":
		return &skippedError{res.Skipped}
	}
	if err := r.x.keep(u, res.Outputs, r); err != nil {
		return Permanent(fmt.Errorf("what a worker returned: %w", err))
	}
	return nil
}

// stopped reports whether the task ended since its run did.
func (f *flight) stopped() bool {
	return f.failed == errDropped || f.result != nil && isStopped(f.result)
}

// judge is that of the run, except that RetryIf has been asked where the error was.
func (r *remote) judge(s *scratch, u unit, f *flight, err error) verdict {
	x := r.x
	v := verdict{err: err}
	if x.ctx.Err() != nil && (f.stopped() || x.isCancellation(err)) {
		v.cancelled = true
		return v
	}
	policy := x.plan.nodes[u.node].task.config.retry
	policy.retryIf = nil
	if r.replay != nil { // whoever drives the run has waited, or decides not to
		policy.maxTime, policy.delay = 0, 0
	}
	v.delay, v.again = policy.again(err, s.attempt, x.elapsed(s))
	return v
}

// await is an attempt that interceptors are around, or the fallback after it: it
// sends the unit on its way and waits. The slot is that of the attempt.
func (r *remote) await(ctx context.Context, s *scratch, u unit, cause error) error {
	f := &flight{attempt: int32(s.attempt), cause: cause, done: make(chan struct{})}
	r.mu.Lock()
	r.flights[u] = f
	r.mu.Unlock()
	arrived := false
	for again := true; again && !arrived; {
		j, err := r.job(u, s.attempt, cause)
		if err != nil {
			r.mu.Lock()
			delete(r.flights, u)
			r.mu.Unlock()
			return err
		}
		r.depart(u, f, j)
		arrived, again = r.sit(ctx, u, f)
	}
	if !arrived {
		return context.Cause(ctx)
	}
	err := r.outcome(u, f)
	if skip, ok := errors.AsType[*skippedError](err); ok {
		if skip.reason == errNoCase.Error() {
			return errNoCase
		}
		return errCondition
	}
	return err
}

// sit waits until a unit is back, or was handed back and is to go again.
func (r *remote) sit(ctx context.Context, u unit, f *flight) (arrived, again bool) {
	select {
	case <-f.done:
	case <-ctx.Done():
		if r.x.ctx.Err() != nil {
			<-f.done // or dropped: a task that goes on is waited for
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !f.arrived() && !f.out && ctx.Err() == nil {
		f.done = make(chan struct{})
		return false, true
	}
	r.land(f)
	delete(r.flights, u)
	return f.arrived(), false
}

// rescue sends a unit that has failed to a worker again, for its fallback.
func (r *remote) rescue(w *engine.Worker, u unit, attempt int, cause error) engine.Item {
	x, s := r.x, r.x.scratch(w)
	if x.ctx.Err() != nil {
		return x.fail(w, u, attempt, cause)
	}
	if r.intercepts(u) {
		if err := r.await(x.ctx, s, u, cause); err != nil {
			return x.fail(w, u, attempt, fallbackFailed(cause, err))
		}
		return x.succeed(w, u, attempt, madeByFallback)
	}
	r.mu.Lock()
	r.flights[u] = &flight{attempt: int32(attempt), cause: cause, began: s.began}
	r.mu.Unlock()
	next, _ := r.exec(w, u)
	return next
}

// intercepts reports whether interceptors are around the attempts at a unit.
func (r *remote) intercepts(u unit) bool {
	if r.replay != nil {
		return false
	}
	return len(r.x.interceptors) > 0 || r.x.plan.nodes[u.node].intercepted
}
