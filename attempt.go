package runnel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/budget"
	"github.com/runnelflow/runnel/internal/engine"
)

// scratch is what a worker of the engine keeps from task to task.
type scratch struct {
	run     *execution
	frames  []*binding.Frame // one for each of plan.frames; nil until needed
	attempt int              // number of the one that goes on
	elem    int32            // the element it is made at, or whole
	soon    int32            // the node that soon was last called for
	began   int64            // when the first attempt at that element began
	judging error            // the error that is being judged
	rescued error            // the error that a fallback is called for

	opening []*mapRun     // that this worker opens in one go
	opened  int           // how many of them it has
	others  []engine.Item // that became ready by it

	contexts []taskContext // not used yet, for elements
	chunk    worked        // of a batch

	holds bool  // the attempt that goes on has what it needs
	since int64 // then, in nanoseconds since the run's start
	seat  *budget.Seat
}

func (x *execution) scratch(w *engine.Worker) *scratch {
	if s, ok := w.Local.(*scratch); ok {
		return s
	}
	return x.newScratch(w)
}

func (x *execution) newScratch(w *engine.Worker) *scratch {
	s := &scratch{run: x, frames: make([]*binding.Frame, len(x.plan.frames))}
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

// exec does an item: it makes one attempt at a task or an element, or opens or
// launches a mapped task.
func (x *execution) exec(w *engine.Worker, it engine.Item) engine.Item {
	// The most frequent case, which has nothing of what follows.
	if x.direct && int(it) < len(x.plan.nodes) {
		if node := &x.plan.nodes[it]; node.direct && x.ctx.Err() == nil && !x.uneven.Load() {
			return x.quick(w, x.scratch(w), int32(it), node)
		}
	}
	u := unitOf(it)
	if it&admitted != 0 {
		return x.aware.exec(w, it, u) // which comes after all that follows here
	}
	if x.maps != nil {
		if k := int(u.node) - len(x.plan.nodes); k >= 0 {
			w.Found()
			return x.open(w, x.maps[k])
		}
		if m := x.mapped(u.node); m != nil && u.elem == whole {
			w.Found()
			return m.launch(w)
		}
	}
	if x.given != nil && x.given[u.node] {
		x.ended(u, Succeeded, 0, nil, "its outputs were in the data cache")
		return w.Finish(u.node)
	}
	if x.ctx.Err() != nil {
		return engine.None // the run ends: cancelRest settles it
	}
	if x.uneven.Load() {
		if reason, cause := x.blocked(u); reason != "" {
			if cause != nil {
				x.note(u, &skippedElement{reason, cause}, "")
			}
			x.skip(u, reason)
			return x.over(w, u)
		}
	}
	if x.memo != nil && x.plan.nodes[u.node].memo != nil {
		w.Found()
		if next, done := x.memo.recall(w, u); done {
			return next
		}
	}
	if x.remote != nil && !x.plan.nodes[u.node].task.stays {
		if next, ok := x.remote.exec(w, u); ok {
			return next
		}
	}
	if x.aware != nil {
		return x.aware.exec(w, it, u)
	}
	return x.perform(w, x.scratch(w), u)
}

// perform makes an attempt at a unit, and what follows from it.
func (x *execution) perform(w *engine.Worker, s *scratch, u unit) engine.Item {
	s.attempt, s.elem = 1, u.elem
	node := &x.plan.nodes[u.node]
	if node.direct && x.quiet && u.elem == whole {
		return x.quick(w, s, u.node, node)
	}
	if node.retries {
		s.attempt = attemptsOf(x.status(u)) + 1
	}
	x.begin(w, s, u)
	return x.settle(w, u, s.attempt, x.attempt(s, u))
}

// quick is begin, attempt and settle for a node that is direct, in a quiet run: the most
// frequent case, without what it does not need.
func (x *execution) quick(w *engine.Worker, s *scratch, n int32, node *node) engine.Item {
	s.attempt, s.elem, s.began = 1, whole, x.now(w)
	r := &x.records[n]
	w.Guard = true
	err := node.invoked.call(r, s, node)
	w.Guard = false
	if err != nil {
		r.started = s.began
		return x.settle(w, unit{n, whole}, 1, err)
	}
	if x.timed {
		w.Clock = int64(time.Since(x.start))
		r.started, r.ended = s.began, w.Clock
	}
	r.status = statusOf(Succeeded, 1)
	return w.Finish(n)
}

// over follows from a unit that has ended: what became ready.
func (x *execution) over(w *engine.Worker, u unit) engine.Item {
	if u.elem != whole {
		return x.mapped(u.node).over(w, u.elem)
	}
	return x.done(w, u.node)
}

// done follows from a task that has ended.
func (x *execution) done(w *engine.Worker, node int32) engine.Item {
	x.release(node)
	return w.Finish(node)
}

// unwound settles an attempt that ended its goroutine, or one of quick that panicked.
func (x *execution) unwound(w *engine.Worker, it engine.Item, p *engine.Panic) engine.Item {
	if int(unitOf(it).node) >= len(x.plan.nodes) {
		return x.openingUnwound(w)
	}
	s, u := x.scratch(w), unitOf(it)
	if w.Guard {
		w.Guard = false
		x.records[u.node].started = s.began
	}
	if p != nil {
		return x.aware.leave(w, s, u, x.settle(w, u, s.attempt, &PanicError{p.Value, p.Stack}))
	}
	return x.aware.leave(w, s, u, x.settleUnwound(w, s, u))
}

func (x *execution) settleUnwound(w *engine.Worker, s *scratch, u unit) engine.Item {
	if err := s.judging; err != nil {
		s.judging = nil
		return x.conclude(w, u, s.attempt, verdict{err: misjudged(err, ErrGoexit)})
	}
	if err := s.rescued; err != nil {
		s.rescued = nil
		return x.fail(w, u, s.attempt, fallbackFailed(err, ErrGoexit))
	}
	return x.settle(w, u, s.attempt, ErrGoexit)
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
func (x *execution) begin(w *engine.Worker, s *scratch, u unit) {
	kind := taskStarted
	if s.attempt > 1 {
		kind = taskRetried
	}
	retries := x.plan.nodes[u.node].retries
	switch {
	case x.log != nil:
		w.Clock = x.log.add(entry{kind: kind, unit: u, attempt: int32(s.attempt), at: w.Clock}, nil, func(at int64) { x.began(s, u, at) })
	case x.timed:
		x.began(s, u, x.now(w))
	case retries:
		x.began(s, u, int64(time.Since(x.start))) // for MaxRetryTime
	}
	if retries {
		x.set(u, Running, s.attempt)
	}
}

// began notes when an attempt began.
func (x *execution) began(s *scratch, u unit, at int64) {
	s.began = at
	if s.attempt > 1 {
		s.began = x.retried(u, at)
	}
	// Written once: whoever has seen the first attempt may be reading it.
	if u.elem == whole && (s.attempt == 1 || x.records[u.node].started == 0) {
		x.records[u.node].started = s.began
	}
	if x.log != nil {
		x.set(u, Running, s.attempt)
	}
}

// attempt makes one call.
func (x *execution) attempt(s *scratch, u unit) (err error) {
	node := &x.plan.nodes[u.node]
	c := s.context(u)
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if node.limited && x.remote == nil { // else the worker's attempt is limited
		return x.limited(c, s, u, node)
	}
	return x.call(c, s, node)
}

// context is a context that was not used before: the task may have kept the
// others.
func (s *scratch) context(u unit) context.Context {
	if u.elem == whole && s.attempt == 1 {
		return &s.run.records[u.node]
	}
	if len(s.contexts) == 0 {
		s.contexts = make([]taskContext, 32)
	}
	c := &s.contexts[0]
	s.contexts = s.contexts[1:]
	*c = taskContext{s.run, u, int32(s.attempt)}
	return c
}

func (x *execution) call(ctx context.Context, s *scratch, n *node) error {
	if len(x.interceptors) > 0 || n.intercepted {
		return x.intercepted(ctx, s, n)
	}
	return n.invoked.call(ctx, s, n)
}

// limited is call with a Timeout.
func (x *execution) limited(c context.Context, s *scratch, u unit, n *node) error {
	d := n.task.config.retry.timeout
	ctx, cancel := context.WithTimeout(c, d)
	defer cancel()
	if x.log != nil || x.overdue != nil {
		defer x.nameLate(u, d+unresponsiveAfter)()
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

// nameLate names a task by an event, or has the worker tell the run to do so, unless
// the function that it returns is called before the time is up.
func (x *execution) nameLate(u unit, after time.Duration) (inTime func()) {
	named := make(chan struct{})
	t := time.AfterFunc(after, func() {
		if x.overdue != nil {
			x.overdue()
		} else {
			x.nameUnresponsive(u)
		}
		close(named)
	})
	return func() {
		if !t.Stop() {
			<-named // the event comes before those of the attempt's end
		}
	}
}

func (x *execution) nameUnresponsive(u unit) {
	x.log.add(entry{kind: taskUnresponsive, unit: u}, &detail{took: unresponsiveAfter}, nil)
}

// settle does what follows from the outcome of an attempt.
func (x *execution) settle(w *engine.Worker, u unit, attempt int, err error) engine.Item {
	if err == nil {
		return x.succeed(w, u, attempt, "")
	}
	w.Clock = 0
	if err == errCondition || err == errNoCase {
		x.ended(u, Skipped, attempt, nil, err.Error())
		return x.over(w, u)
	}
	return x.conclude(w, u, attempt, x.judge(x.scratch(w), u, attempt, err))
}

// succeed ends a unit that has its outputs.
func (x *execution) succeed(w *engine.Worker, u unit, attempt int, reason string) engine.Item {
	x.memo.remember(u)
	if x.config.cache != nil && u.elem == whole {
		x.store(u.node)
	}
	w.Clock = x.ended(u, Succeeded, attempt, nil, reason)
	return x.over(w, u)
}

// retryWait is how long a unit that is tried again waited for slots after its
// attempts were due, when the first one began, and when the next one is due; in
// nanoseconds.
type retryWait struct{ waited, began, due int64 }

// retried adds the wait of an attempt that begins now, and returns when the
// first one began.
func (x *execution) retried(u unit, now int64) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	wait := x.waits[u]
	wait.waited += max(0, now-wait.due)
	x.waits[u] = wait
	return wait.began
}

// retry puts a unit off to its next attempt. It holds no slot meanwhile.
func (x *execution) retry(w *engine.Worker, u unit, attempt int, delay time.Duration, err error) engine.Item {
	x.set(u, Retrying, attempt)
	x.note(u, err, "")
	began := x.scratch(w).began
	x.mu.Lock()
	defer x.mu.Unlock()
	wait := x.waits[u]
	wait.began, wait.due = began, int64(time.Since(x.start)+delay)
	x.waits[u] = wait
	m := x.mapped(u.node)
	if delay == 0 && m == nil {
		return u.item()
	}
	x.resuming.Add(1)
	x.timers[u] = time.AfterFunc(delay, func() {
		defer x.resuming.Done()
		x.mu.Lock()
		delete(x.timers, u)
		x.mu.Unlock()
		if m != nil {
			m.again(u.elem)
			return
		}
		x.engine.Resume(u.item())
	})
	if m != nil {
		return m.putOff(w, u.elem)
	}
	return engine.None
}

// fail ends a unit for which there is no further attempt.
func (x *execution) fail(w *engine.Worker, u unit, attempt int, err error) engine.Item {
	failure := x.failure(u, attempt, err)
	x.mu.Lock()
	x.failed = append(x.failed, failure)
	x.mu.Unlock()
	w.Clock = x.ended(u, Failed, attempt, err, "")
	if x.config.mode == FailFast && !x.remote.replays() {
		x.cancel(&stopError{x, label(failure.Task, failure.Index)})
		x.engine.Stop()
		return engine.None
	}
	return x.over(w, u)
}

func (x *execution) failure(u unit, attempt int, err error) *TaskError {
	task := x.plan.nodes[u.node].task
	return &TaskError{Task: task.Name(), Location: task.Location(), Attempt: attempt, Index: x.index(u), Err: err}
}

// ended notes how a unit ended, and returns when.
func (x *execution) ended(u unit, s State, attempts int, err error, reason string) int64 {
	if s != Succeeded {
		x.uneven.Store(true)
		x.memo.forgo(u)
	}
	if err != nil || reason != "" {
		x.note(u, err, reason)
	}
	if x.log != nil {
		var d *detail
		if err != nil || reason != "" {
			d = &detail{err: err, reason: reason}
		}
		return x.log.add(entry{kind: taskFinished, unit: u, state: s, attempt: int32(attempts)}, d,
			func(at int64) { x.endedAt(u, s, attempts, at) })
	}
	at := int64(0)
	if x.timed {
		at = int64(time.Since(x.start))
	}
	x.endedAt(u, s, attempts, at)
	return at
}

func (x *execution) endedAt(u unit, s State, attempts int, at int64) {
	if u.elem != whole {
		x.set(u, s, attempts)
		x.mapped(u.node).ended(s)
		return
	}
	if x.timed {
		x.records[u.node].ended = at
	}
	x.set(u, s, attempts)
}

// note keeps why a unit did not succeed at once: the rare case, in maps.
func (x *execution) note(u unit, err error, reason string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.causes == nil {
		x.causes, x.reasons, x.timers, x.waits = map[unit]error{}, map[unit]string{}, map[unit]*time.Timer{}, map[unit]retryWait{}
	}
	if err != nil {
		x.causes[u] = err
	}
	if reason != "" {
		x.reasons[u] = reason
	}
}

// isCancellation reports whether an error comes from the end of the run's
// context.
func (x *execution) isCancellation(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Cause(x.ctx))
}
