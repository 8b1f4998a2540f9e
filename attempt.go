package runnel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/runnelflow/runnel/internal/engine"
)

// scratch is what a worker of the engine keeps from task to task.
type scratch struct {
	run     *execution
	frames  []any // *binding.Frame, one for each of plan.frames; nil until needed
	attempt int   // number of the one that goes on
	judging error // the error that is being judged
}

func (x *execution) scratch(w *engine.Worker) *scratch {
	if s, ok := w.Local.(*scratch); ok {
		return s
	}
	s := &scratch{run: x, frames: make([]any, len(x.plan.frames))}
	w.Local = s
	x.mu.Lock()
	x.workers = append(x.workers, s)
	x.mu.Unlock()
	return s
}

// giveBack hands empty frames to later runs.
func (s *scratch) giveBack() {
	for i, f := range s.frames {
		if f != nil {
			s.run.plan.frames[i].Put(f)
		}
	}
}

// exec makes one attempt at a task, and settles it.
func (x *execution) exec(w *engine.Worker, it engine.Item) engine.Item {
	n := int32(it)
	r := &x.records[n]
	if x.given != nil && x.given[n] {
		x.ended(n, Succeeded, 0, nil, "its outputs were in the data cache")
		return w.Finish(n)
	}
	if x.ctx.Err() != nil {
		return engine.None // the run ends: cancelRest settles it
	}
	if x.uneven.Load() {
		if reason := x.blocked(n); reason != "" {
			x.ended(n, Skipped, 0, nil, reason)
			x.release(n)
			return w.Finish(n)
		}
	}
	s := x.scratch(w)
	s.attempt = 1
	if x.plan.nodes[n].retries {
		s.attempt = r.attempts() + 1
	}
	x.begin(w, n, r, s.attempt)
	return x.settle(w, n, s.attempt, x.attempt(s, n))
}

// unwound settles a task that ended its goroutine.
func (x *execution) unwound(w *engine.Worker, it engine.Item) engine.Item {
	s := x.scratch(w)
	if err := s.judging; err != nil {
		s.judging = nil
		return x.conclude(w, int32(it), s.attempt, verdict{err: misjudged(err, ErrGoexit)})
	}
	return x.settle(w, int32(it), s.attempt, ErrGoexit)
}

// now is the time on this worker, in nanoseconds since the run's start. One
// reading serves the end of a task and the start of the next.
func (x *execution) now(w *engine.Worker) int64 {
	if x.timed && w.Clock == 0 {
		w.Clock = int64(time.Since(x.start))
	}
	return w.Clock
}

// begin notes the start of an attempt.
func (x *execution) begin(w *engine.Worker, n int32, r *record, attempt int) {
	kind := taskStarted
	if attempt > 1 {
		kind = taskRetried
	}
	if x.log != nil {
		w.Clock = x.log.add(entry{kind: kind, node: n, attempt: int32(attempt)})
	}
	if x.timed {
		now := x.now(w)
		if attempt == 1 {
			r.started = now
		} else {
			x.retried(n, now)
		}
	} else if attempt == 1 && x.plan.nodes[n].retries {
		r.started = int64(time.Since(x.start)) // for MaxRetryTime
	}
	if x.log != nil || attempt > 1 {
		x.set(r, Running, attempt)
	}
}

// attempt calls the task once.
func (x *execution) attempt(s *scratch, n int32) (err error) {
	node := &x.plan.nodes[n]
	c := &x.records[n].context
	if s.attempt > 1 {
		c = new(taskContext) // the task may have kept that of the attempt before
	}
	*c = taskContext{x, n, int32(s.attempt)}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if node.limited {
		return x.limited(c, s, node)
	}
	return x.call(c, s, node)
}

func (x *execution) call(ctx context.Context, s *scratch, n *node) error {
	if len(x.interceptors) > 0 {
		return x.intercepted(ctx, s, n)
	}
	return n.body.call(ctx, s, n)
}

// limited is call with a Timeout.
func (x *execution) limited(c *taskContext, s *scratch, n *node) error {
	d := n.task.config.retry.timeout
	ctx, cancel := context.WithTimeout(c, d)
	defer cancel()
	if x.log != nil {
		defer x.nameLate(c.node, d+unresponsiveAfter)()
	}
	err := x.call(ctx, s, n)
	if err == nil || ctx.Err() == nil || x.ctx.Err() != nil {
		return err
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return fmt.Errorf("timeout of %v: %w", d, err)
}

// nameLate names a task by an event, unless the function that it returns is
// called before the time is up.
func (x *execution) nameLate(n int32, after time.Duration) (inTime func()) {
	named := make(chan struct{})
	t := time.AfterFunc(after, func() {
		x.log.add(entry{kind: taskUnresponsive, node: n, took: unresponsiveAfter})
		close(named)
	})
	return func() {
		if !t.Stop() {
			<-named // the event comes before those of the attempt's end
		}
	}
}

// settle does what follows from the outcome of an attempt.
func (x *execution) settle(w *engine.Worker, n int32, attempt int, err error) engine.Item {
	if err == nil {
		w.Clock = x.ended(n, Succeeded, attempt, nil, "")
		if x.config.cache != nil {
			x.store(n)
		}
		x.release(n)
		return w.Finish(n)
	}
	w.Clock = 0
	return x.conclude(w, n, attempt, x.judge(x.scratch(w), n, attempt, err))
}

// retryWait is how long a task that is tried again waited for slots after its
// attempts were due, in nanoseconds, and when the next one is.
type retryWait struct{ waited, due int64 }

// retried adds the wait of an attempt that begins now.
func (x *execution) retried(n int32, now int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	wait := x.waits[n]
	wait.waited += now - wait.due
	x.waits[n] = wait
}

// retry puts a task off to its next attempt. It holds no slot meanwhile.
func (x *execution) retry(n int32, attempt int, delay time.Duration, err error) engine.Item {
	x.set(&x.records[n], Retrying, attempt)
	x.note(n, err, "")
	x.mu.Lock()
	defer x.mu.Unlock()
	wait := x.waits[n]
	wait.due = int64(time.Since(x.start) + delay)
	x.waits[n] = wait
	if delay == 0 {
		return engine.Item(n)
	}
	x.resuming.Add(1)
	x.timers[n] = time.AfterFunc(delay, func() {
		defer x.resuming.Done()
		x.mu.Lock()
		delete(x.timers, n)
		x.mu.Unlock()
		x.engine.Resume(engine.Item(n))
	})
	return engine.None
}

// fail ends a task for which there is no further attempt.
func (x *execution) fail(w *engine.Worker, n int32, attempt int, err error) engine.Item {
	task := x.plan.nodes[n].task
	x.mu.Lock()
	x.failed = append(x.failed, &TaskError{Task: task.Name(), Location: task.Location(), Attempt: attempt, Err: err})
	x.mu.Unlock()
	w.Clock = x.ended(n, Failed, attempt, err, "")
	if x.config.mode == FailFast {
		x.cancel(&stopError{task.Name()})
		x.engine.Stop()
		return engine.None
	}
	x.release(n)
	return w.Finish(n)
}

// ended notes how a task ended, and returns when.
func (x *execution) ended(n int32, s State, attempts int, err error, reason string) int64 {
	r := &x.records[n]
	var at int64
	if x.log != nil {
		at = x.log.add(entry{kind: taskFinished, node: n, state: s, attempt: int32(attempts), err: err, reason: reason})
	} else if x.timed {
		at = int64(time.Since(x.start))
	}
	if x.timed {
		r.ended = at
	}
	if s != Succeeded {
		x.uneven.Store(true)
	}
	if err != nil || reason != "" {
		x.note(n, err, reason)
	}
	x.set(r, s, attempts)
	return at
}

// note keeps why a task did not succeed at once: the rare case, in maps.
func (x *execution) note(n int32, err error, reason string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.causes == nil {
		x.causes, x.reasons, x.timers, x.waits = map[int32]error{}, map[int32]string{}, map[int32]*time.Timer{}, map[int32]retryWait{}
	}
	if err != nil {
		x.causes[n] = err
	}
	if reason != "" {
		x.reasons[n] = reason
	}
}

// isCancellation reports whether an error comes from the end of the run's
// context.
func (x *execution) isCancellation(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Cause(x.ctx))
}
