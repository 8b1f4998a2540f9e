package runnel

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// workerBatch is a delivery at work. It takes one slot: its jobs are done one after the
// other. What it has finished is told at its end. One that takes long tells what there is
// by then, and leaves to others what it has not begun.
type workerBatch struct {
	shift  *shift
	d      *broker.Delivery // without its jobs
	tasks  []*workTask      // of the jobs
	ctx    context.Context
	cancel context.CancelCauseFunc
	began  time.Time
	late   *time.Timer // nil for a single job

	telling  chan struct{} // full during a call to the broker, of which there is one at a time
	mu       sync.Mutex
	jobs     broker.Batch     // nil for those that have begun: what they take is let go of
	next     int              // of the jobs: the first that has not begun
	end      int              // those from here on were handed back
	finished []*broker.Result // not told yet
}

// batchPatience is how long a batch may take before it hands back what it has not
// begun: some times what the run wants one to take.
const batchPatience = 4 * batchAim

// plainPatience is the same where the jobs are plain tasks: what comes behind one that
// takes long may take next to nothing.
const plainPatience = 10 * plainAim

// patienceWith is how long a batch may take.
func patienceWith(b broker.Batch) time.Duration {
	if b[0].Element == broker.Whole {
		return plainPatience
	}
	return batchPatience
}

// begin starts a delivery.
func (s *shift) begin(d *broker.Delivery) {
	tasks := s.tasksOf(d)
	if tasks == nil {
		s.broker.Release(s.ctx, []*broker.Delivery{d}, refusal)
		s.slots.give(1)
		return
	}
	ctx, cancel := contextOf(d)
	b := &workerBatch{shift: s, d: d, tasks: tasks, ctx: jobContext{ctx, s.values}, cancel: cancel, began: time.Now(), telling: make(chan struct{}, 1), jobs: slices.Clone(d.Jobs), end: len(d.Jobs)}
	d.Jobs = nil // a timer that was stopped may refer to the batch for as long as it would have gone
	s.mu.Lock()
	s.held[d] = b
	s.mu.Unlock()
	if b.end > 1 {
		b.late = time.AfterFunc(patienceWith(b.jobs), b.handBack)
	}
	select {
	case s.next <- b:
	default:
		s.jobs.Go(func() { s.work(b) })
	}
}

// work does a batch, and others as long as any come: the stack of a goroutine that has
// done one need not grow again. A task may end its goroutine, and then another goes on.
func (s *shift) work(b *workerBatch) {
	returned := false
	defer func() {
		if !returned {
			s.jobs.Go(func() { s.work(b) })
		}
	}()
	for b != nil {
		b.work()
		b = nil // or what it has would be kept
		select {
		case b = <-s.next:
		case <-s.over:
		}
	}
	returned = true
}

// tasksOf are the tasks of the jobs of a delivery, nil when the worker has none of them.
// For a job of which it has not the task there is nil, too.
func (s *shift) tasksOf(d *broker.Delivery) []*workTask {
	tasks, some := make([]*workTask, len(d.Jobs)), false
	for i, j := range d.Jobs {
		if i > 0 && j.Task == d.Jobs[i-1].Task && j.Fingerprint == d.Jobs[i-1].Fingerprint {
			tasks[i] = tasks[i-1]
			continue
		}
		tasks[i] = s.find(j)
		some = some || tasks[i] != nil
	}
	if !some {
		return nil
	}
	return tasks
}

// work does the jobs that nobody has begun.
func (b *workerBatch) work() {
	for j, t := b.take(); j != nil; j, t = b.take() {
		a := newJobAttempt(t, j, b.d.Number, b.ctx, b.cancel, b.shift.config.interceptors)
		a.x.overdue = func() { b.shift.overdue.add(a) }
		a.make(func() { b.add(a) })
	}
	b.over()
}

// take is the next job and its task, nil when there is none, or none is to be begun any
// more. A job whose task the worker has not is left to others, and goes alone then, so
// that it does not come here again in other company.
func (b *workerBatch) take() (*broker.Job, *workTask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.next < b.end && b.ctx.Err() == nil {
		b.next++
		j, t := b.jobs[b.next-1], b.tasks[b.next-1]
		b.jobs[b.next-1] = nil
		if t != nil {
			return j, t
		}
		b.finished = append(b.finished, broker.HandBackOf(j, broker.Orphaned))
	}
	return nil, nil
}

// add keeps the result of a job. A failure counts for nothing when the job is no longer
// the worker's, or was given back.
func (b *workerBatch) add(a *jobAttempt) {
	if a.overdue {
		b.shift.overdue.remove(a)
	}
	r := a.result()
	if r.Failure != nil && b.ctx.Err() != nil {
		switch {
		case b.isLost():
			return
		case a.verdict.cancelled:
			r.Failure.Kind = broker.Stopped
		}
	}
	b.mu.Lock()
	b.finished = append(b.finished, r)
	b.mu.Unlock()
}

// isLost reports whether the jobs are others' by now.
func (b *workerBatch) isLost() bool {
	cause := context.Cause(b.ctx)
	return cause == errDrained || cause == broker.ErrLeaseLost
}

// over ends the delivery.
func (b *workerBatch) over() {
	if b.late != nil {
		b.late.Stop()
	}
	b.mu.Lock()
	if b.ctx.Err() != nil && !b.isLost() { // the run has ended: what was not begun is over too
		for _, j := range b.jobs[b.next:b.end] {
			r := broker.ResultOf(j)
			r.Failure = failureOf(context.Cause(b.ctx))
			r.Failure.Kind = broker.Stopped
			b.finished = append(b.finished, r)
		}
	}
	b.end, b.jobs = b.next, nil
	b.mu.Unlock()
	b.tell()
	s := b.shift
	s.mu.Lock()
	delete(s.held, b.d)
	s.mu.Unlock()
	b.cancel(nil)
	s.slots.give(1)
}

// handBack tells what is finished, and leaves to others what was not begun.
func (b *workerBatch) handBack() {
	b.mu.Lock()
	if b.jobs == nil { // it is over
		b.mu.Unlock()
		return
	}
	for _, j := range b.jobs[b.next:b.end] {
		r := broker.HandBackOf(j, broker.HandedBack)
		r.Took = time.Since(b.began)
		b.finished = append(b.finished, r)
	}
	clear(b.jobs[b.next:])
	b.end = b.next
	b.mu.Unlock()
	b.tell()
}

// tell hands over the results that were not told yet.
func (b *workerBatch) tell() {
	b.telling <- struct{}{}
	defer func() { <-b.telling }()
	b.mu.Lock()
	results := b.finished
	b.finished = nil
	b.mu.Unlock()
	for _, r := range results {
		r.Worker = b.shift.ID()
	}
	if len(results) > 0 {
		// An error means that the broker is of no use, which Receive and Extend report,
		// or that the worker has ended: the jobs go to others.
		b.shift.broker.Finish(b.shift.ctx, b.d, results...)
	}
}
