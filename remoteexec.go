package runnel

import (
	"context"
	"errors"

	"github.com/runnelflow/runnel/broker"
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
		r.leave(f)
		return r.settle(w, u, f), true
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
	if f.cause == nil {
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

// admit gives a flight one of the run's slots; without one it waits. r.mu is held.
func (r *remote) admit(u unit, f *flight) bool {
	limit := r.x.config.limit
	switch {
	case f.admitted || limit == 0:
	case r.under < limit:
		r.under++
	case f.attempt > 1 || f.cause != nil:
		r.again = append(r.again, u)
		return false
	default:
		r.waiting = append(r.waiting, u)
		return false
	}
	f.admitted = true
	return true
}

// leave frees the slot of a flight, for the next that waits.
func (r *remote) leave(f *flight) {
	if r.x.config.limit == 0 || !f.admitted {
		return
	}
	r.mu.Lock()
	var next unit
	switch {
	case len(r.again) > 0:
		next, r.again = r.again[0], r.again[1:]
	case len(r.waiting) > 0:
		next, r.waiting = r.waiting[0], r.waiting[1:]
	default:
		r.under--
		r.mu.Unlock()
		return
	}
	r.flights[next].admitted = true
	r.mu.Unlock()
	r.x.engine.Resume(next.item())
}

// settle does what follows from the return of a unit.
func (r *remote) settle(w *engine.Worker, u unit, f *flight) engine.Item {
	x := r.x
	w.Clock = 0
	s := x.scratch(w)
	s.attempt, s.elem, s.began = int(f.attempt), u.elem, f.began
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
	if err := r.x.keep(u, res.Outputs); err != nil {
		return Permanent(err)
	}
	return nil
}

// stopped reports whether the task ended since its run did.
func (f *flight) stopped() bool {
	return f.failed == errDropped || f.result != nil && f.result.Failure != nil && f.result.Failure.Kind == broker.Stopped
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
	v.delay, v.again = policy.again(err, s.attempt, x.elapsed(s))
	return v
}

// await is an attempt that interceptors are around, or the fallback after it: it
// sends the unit on its way and waits. The slot is that of the attempt.
func (r *remote) await(ctx context.Context, s *scratch, u unit, cause error) error {
	f := &flight{attempt: int32(s.attempt), cause: cause, done: make(chan struct{})}
	j, err := r.job(u, s.attempt, cause)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.flights[u] = f
	r.mu.Unlock()
	r.depart(u, f, j)
	select {
	case <-f.done:
	case <-ctx.Done():
		if r.x.ctx.Err() != nil {
			<-f.done // or dropped: a task that goes on is waited for
		}
	}
	r.mu.Lock()
	delete(r.flights, u)
	arrived := f.arrived()
	r.mu.Unlock()
	if !arrived {
		return context.Cause(ctx)
	}
	err = r.outcome(u, f)
	if skip, ok := errors.AsType[*skippedError](err); ok {
		if skip.reason == errNoCase.Error() {
			return errNoCase
		}
		return errCondition
	}
	return err
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
	return len(r.x.interceptors) > 0 || r.x.plan.nodes[u.node].intercepted
}
