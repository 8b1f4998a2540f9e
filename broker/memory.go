package broker

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Memory is a broker within one process: values go by reference, nothing is
// encoded, and nothing outlives the process. The zero value is ready to use. Its
// fields are set before the first call and not changed after.
type Memory struct {
	// Lease is how long a worker keeps a job without saying that it is alive; 0 is
	// [DefaultLease].
	Lease time.Duration
	// MaxDeliveries is how often a job is delivered before it is given up; 0 is
	// [DefaultMaxDeliveries].
	MaxDeliveries int
	// MaxJobs is how many jobs may be queued or with workers at once, while Submit
	// waits; 0 is no limit.
	MaxJobs int

	mu       sync.Mutex
	runs     map[string]*run
	queues   map[string]*queue
	workers  map[string]*member
	alive    list.List // of *member, the first to die in front
	leases   list.List // of *entry, the first to end in front
	timer    *time.Timer
	takers   []*taker // receivers that wait, the first to come in front
	watchers []*watcher
	live     int           // jobs queued or with workers
	room     chan struct{} // closed when there is room again, nil when nobody waits
	dead     []*DeadLetter
}

// entry is a job that is not finished.
type entry struct {
	job     *Job
	run     *run
	kind    *kind         // that it is queued in, or was last
	queued  *list.Element // in kind.jobs, nil for one that is leased or waits
	story   []Delivered   // of the deliveries that counted
	lease   *list.Element // in leases, nil while the job is queued
	ends    time.Time     // of the lease
	current *Delivery
	cancel  context.CancelCauseFunc // of current
	later   *time.Timer             // while a released job waits
	ended   bool                    // its run has, and a worker still has it
}

// run is what is known of a run.
type run struct {
	jobs      map[string]*entry // by ID; nil for a finished one
	results   []*Result
	followers map[*follower]struct{}
}

func (m *Memory) lease() time.Duration {
	if m.Lease > 0 {
		return m.Lease
	}
	return DefaultLease
}

func (m *Memory) maxDeliveries() int {
	if m.MaxDeliveries > 0 {
		return m.MaxDeliveries
	}
	return DefaultMaxDeliveries
}

// run is the run of an id, made if need be. m.mu is held.
func (m *Memory) run(id string) *run {
	r := m.runs[id]
	if r == nil {
		if m.runs == nil {
			m.runs = map[string]*run{}
		}
		r = &run{jobs: map[string]*entry{}, followers: map[*follower]struct{}{}}
		m.runs[id] = r
	}
	return r
}

// Submit implements [Broker].
func (m *Memory) Submit(ctx context.Context, jobs []*Job) error {
	for len(jobs) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m.mu.Lock()
		for len(jobs) > 0 && (m.MaxJobs == 0 || m.live < m.MaxJobs) {
			m.enter(jobs[0])
			jobs = jobs[1:]
		}
		m.serve()
		var room chan struct{}
		if len(jobs) > 0 {
			if m.room == nil {
				m.room = make(chan struct{})
			}
			room = m.room
		}
		m.mu.Unlock()
		if room == nil {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
	return nil
}

// enter queues a job that is not known. m.mu is held.
func (m *Memory) enter(j *Job) {
	r, id := m.run(j.Run), j.ID()
	if old, known := r.jobs[id]; known {
		if old == nil || !old.ended {
			return
		}
		// The run is taken up again before the worker has let go of the job.
		m.leases.Remove(old.lease)
		m.left(1)
	}
	e := &entry{job: j, run: r}
	r.jobs[id] = e
	m.live++
	m.enqueue(e, false)
}

// left counts jobs that are neither queued nor with workers any more. m.mu is held.
func (m *Memory) left(n int) {
	if m.live -= n; m.room != nil && m.live < m.MaxJobs {
		close(m.room)
		m.room = nil
	}
}

// Finish implements [Broker].
func (m *Memory) Finish(ctx context.Context, d *Delivery, r *Result) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := d.Token.(*entry)
	if of := m.runs[e.job.Run]; of != e.run || of.jobs[e.job.ID()] != e {
		return false, nil
	}
	if e.lease == nil {
		m.dequeue(e)
	} else {
		m.leases.Remove(e.lease)
		if e.current != d {
			e.cancel(ErrLeaseLost)
		}
	}
	if r.Failure != nil && r.Failure.Kind == Stopped {
		m.tellStopped(e, r)
	} else {
		m.record(e, r)
	}
	return true, nil
}

// record ends a job that is not queued any more. m.mu is held.
func (m *Memory) record(e *entry, r *Result) {
	e.run.jobs[e.job.ID()] = nil
	e.run.results = append(e.run.results, r)
	for f := range e.run.followers {
		f.wake()
	}
	e.lease, e.current, e.cancel = nil, nil, nil
	m.left(1)
}

// tellStopped ends a job that was stopped, without a record. m.mu is held.
func (m *Memory) tellStopped(e *entry, r *Result) {
	delete(e.run.jobs, e.job.ID())
	for f := range e.run.followers {
		f.once = append(f.once, r)
		f.wake()
	}
	e.lease, e.current, e.cancel = nil, nil, nil
	m.left(1)
}

// abandon is the result of a job whose worker has gone after the end of the run.
func abandon(j *Job) *Result {
	r := ResultOf(j)
	r.Failure = &Failure{Err: ErrEnded, Text: ErrEnded.Error(), Kind: Stopped}
	return r
}

// End implements [Broker].
func (m *Memory) End(ctx context.Context, id string, end End) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	held, flushes := m.end(id, end)
	for _, done := range flushes {
		select {
		case <-done:
		case <-ctx.Done():
			return held, context.Cause(ctx)
		}
	}
	return held, nil
}

func (m *Memory) end(id string, end End) (held []string, flushes []chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil {
		return nil, nil
	}
	for f := range r.followers {
		done := make(chan struct{})
		f.flushes, flushes = append(f.flushes, done), append(flushes, done)
		f.wake()
	}
	for key, e := range r.jobs {
		switch {
		case e == nil:
		case e.lease == nil:
			m.dequeue(e)
			delete(r.jobs, key)
			m.left(1)
		case end.Keep:
			e.ended = true
			e.cancel(cmp.Or(end.Cause, ErrEnded))
			held = append(held, key)
		default:
			m.leases.Remove(e.lease)
			e.cancel(cmp.Or(end.Cause, ErrEnded))
			m.left(1)
		}
	}
	if !end.Keep {
		// Those who follow the run still have it.
		r.results, r.jobs = nil, map[string]*entry{}
		if len(r.followers) == 0 {
			delete(m.runs, id)
		}
	}
	return held, flushes
}

// Dead implements [DeadLetterer].
func (m *Memory) Dead(ctx context.Context) ([]*DeadLetter, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.dead), nil
}

var errNone = errors.New("broker: Receive: n must be 1 or more")
