package runnel

import (
	"context"
	"errors"
	"iter"
)

// Run is a run that goes on. Its methods are safe for concurrent use.
type Run struct {
	x    *execution
	done chan struct{}
}

// Start starts a run and returns at once. Inputs are checked as by
// [Pipeline.Run]. A started run keeps its events, about 32 bytes each, for
// [Run.Events].
func (p *Pipeline) Start(ctx context.Context, in Values, opts ...RunOption) (*Run, error) {
	x, err := p.prepare(ctx, in, opts)
	if err != nil {
		return nil, err
	}
	return x.started(), nil
}

// started starts a run that was prepared.
func (x *execution) started() *Run {
	x.watch(true)
	r := &Run{x: x, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		x.run()
	}()
	return r
}

// ID is the run's id.
func (r *Run) ID() string { return r.x.runID() }

// Wait waits for the run's end and returns what [Pipeline.Run] does. When ctx
// ends first, it returns nil and the cause, and the run goes on.
func (r *Run) Wait(ctx context.Context) (*Result, error) {
	if ctx == nil {
		return nil, errors.New("runnel: Wait: the context is nil: use context.Background() when there is none")
	}
	select {
	case <-r.done:
		return r.x.result()
	default:
	}
	select {
	case <-r.done:
		return r.x.result()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Cancel cancels the context of running tasks and starts nothing new. It does
// not wait. The cause, or context.Canceled when it is nil, becomes part of the
// run's error. After the run's end, and after another Cancel, it does nothing.
//
// A run that [Pipeline.Attach] follows is cancelled where it is driven, or as soon as
// somebody drives it: its end comes from there.
func (r *Run) Cancel(cause error) {
	if d := r.x.durable; d != nil && d.attached {
		d.cancelElsewhere(cause)
		return
	}
	r.x.cancel(cause)
}

// Done is closed when the run has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Events are the events of the run from its first to its last, as they happen.
// The loop ends with the run. Any number of loops may go on, each at its own
// speed.
func (r *Run) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		from, events := r.x.log.reader(), newEventMaker(r.x)
		for {
			entries, details := from.read()
			if len(entries) == 0 {
				return
			}
			for i := range entries {
				if !yield(events.event(&entries[i], details)) {
					return
				}
			}
		}
	}
}

// Report tells how far each task has come by now.
func (r *Run) Report() *Report { return r.x.report() }

func (x *execution) result() (*Result, error) { return &Result{x}, x.err }
