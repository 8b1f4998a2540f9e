package runnel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/engine"
)

// replay makes of a run one that is driven elsewhere, or has ended. It submits nothing:
// the results of the jobs, which are the same for all who follow the run, decide what
// becomes of each task. What has no result when the run has ended, its outcome tells.
type replay struct {
	over  atomic.Pointer[broker.Outcome] // nil while the run goes on
	tasks map[string]*broker.TaskOutcome // of over, set before it
	// retrying are tasks that waited for their next attempt when the run was cancelled;
	// of elements that is not known. Guarded by the execution's mu.
	retrying []*TaskError
}

func (p *replay) outcome() *broker.Outcome { return p.over.Load() }

// newReplay is that of a run that has ended, or with nil of one that goes on.
func newReplay(o *broker.Outcome) *replay {
	p := &replay{}
	if o != nil {
		p.end(o)
	}
	return p
}

func (p *replay) end(o *broker.Outcome) {
	p.tasks = make(map[string]*broker.TaskOutcome, len(o.Tasks))
	for i := range o.Tasks {
		p.tasks[o.Tasks[i].Task] = &o.Tasks[i]
	}
	p.over.Store(o)
}

// replays reports whether the run is not driven here.
func (r *remote) replays() bool { return r != nil && r.replay != nil }

// conclude ends a run that is followed: it takes the results that are there, and lets
// go of what has none.
func (r *remote) conclude(ctx context.Context, o *broker.Outcome) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	// All that was recorded before the end comes in the first call.
	err := r.broker.Results(ctx, r.x.runID(), func(results []*broker.Result) {
		for _, res := range results {
			r.deliver(res)
		}
		done()
	})
	if ctx.Err() == nil {
		r.x.cancel(fmt.Errorf("runnel: run %s: the broker does not hand over its results: %w", r.x.runID(), err))
		return
	}
	var rest []unit
	r.mu.Lock()
	r.replay.end(o)
	for u, f := range r.flights {
		if f.out && !f.arrived() {
			rest = append(rest, u)
		}
	}
	r.mu.Unlock()
	for _, u := range rest {
		r.arrive(u, nil, errDropped)
	}
}

// cause is why the run was cancelled where it was driven, or nil.
func (r *remote) cause() error {
	if !r.replays() {
		return nil
	}
	o := r.replay.outcome()
	if o == nil || o.State != Cancelled.String() {
		return nil
	}
	if o.Failure != nil {
		return errorOf(o.Failure)
	}
	return errors.New("it was cancelled")
}

// missed is the error of a run that failed elsewhere by what has no result, or nil.
func (r *remote) missed() error {
	if !r.replays() {
		return nil
	}
	if o := r.replay.outcome(); o != nil && o.Failure != nil {
		return errorOf(o.Failure)
	}
	return nil
}

// errNotKept is the error of a task that succeeded and whose result is not there.
var errNotKept = errors.New("it succeeded, but its result is not kept any more")

// undone ends a unit of which there is no result though the run has ended, as the
// outcome says.
func (r *remote) undone(w *engine.Worker, u unit, f *flight) engine.Item {
	x := r.x
	t := r.replay.tasks[x.plan.nodes[u.node].task.Name()]
	state := Cancelled.String()
	switch {
	case t == nil:
	case u.elem == whole:
		state = t.State
	case t.State == Succeeded.String():
		state = t.State
	case r.replay.outcome().State != Cancelled.String() && x.config.mode != FailFast:
		state = Failed.String() // which of them was stopped in other runs is not known
	}
	attempts := int(f.attempt) - 1 // the last one that came back
	x.mu.Lock()
	err := x.causes[u]
	if err != nil && u.elem == whole && t != nil && t.State == Cancelled.String() && t.Attempts == attempts {
		r.replay.retrying = append(r.replay.retrying, x.failure(u, attempts, err))
	}
	x.mu.Unlock()
	if f.cause != nil {
		err, attempts = f.cause, attempts+1
	}
	if u.elem == whole && t != nil {
		attempts = t.Attempts
	}
	switch state {
	case Failed.String():
		if err == nil {
			err = errors.New(t.Text)
		}
		return x.fail(w, u, max(1, attempts), err)
	case Succeeded.String():
		return x.fail(w, u, max(1, attempts), errNotKept)
	case Skipped.String():
		x.ended(u, Skipped, 0, nil, t.Text)
	default:
		x.ended(u, Cancelled, attempts, err, x.stopReason())
	}
	return x.over(w, u)
}

// stopReason says why what did not end was stopped.
func (x *execution) stopReason() string {
	why := context.Cause(x.ctx)
	if x.remote.replays() {
		switch o := x.remote.replay.outcome(); {
		case o != nil && o.IsGivenUp():
			why = errors.New("it was given up")
		case x.remote.cause() != nil:
			why = x.remote.cause()
		default:
			why = errors.New("another task failed")
		}
	}
	return fmt.Sprintf("the run was stopped: %v", why)
}

// skip ends a unit that cannot run for a reason.
func (x *execution) skip(u unit, reason string) {
	if x.remote.replays() && (x.config.mode == FailFast || x.remote.wasCancelled(u)) {
		// It did not come to be skipped where the run was driven.
		x.ended(u, Cancelled, 0, nil, x.stopReason())
		return
	}
	x.ended(u, Skipped, 0, nil, reason)
}

// wasCancelled reports whether the run was cancelled before a unit could be skipped.
func (r *remote) wasCancelled(u unit) bool {
	o := r.replay.outcome()
	if o == nil || o.State != Cancelled.String() {
		return false
	}
	t := r.replay.tasks[r.x.plan.nodes[u.node].task.Name()]
	return t == nil || t.State != Skipped.String()
}
