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
	// MaxDeliveries is how often a job is delivered before it is given up, and how often
	// a run is driven without a result, see [Keeper.Claim]; 0 is [DefaultMaxDeliveries].
	MaxDeliveries int
	// MaxJobs is how many jobs may be queued or with workers at once, while Submit
	// waits, a batch counted as one; 0 is no limit.
	MaxJobs int
	// Lifetime is how long a run is kept after it ended; 0 is [DefaultLifetime].
	Lifetime time.Duration

	mu       sync.Mutex
	runs     map[string]*run
	queues   map[string]*queue
	workers  map[string]*member
	alive    list.List // of *member, the first to die in front
	leases   list.List // of *entry, the first to end in front
	timer    *time.Timer
	takers   []*taker // receivers that wait, the first to come in front
	watchers []*watcher
	live     int           // batches queued or with workers
	room     chan struct{} // closed when there is room again, nil when nobody waits
	dead     []*DeadLetter

	files   map[string]*file // of the runs that are kept, by ID
	shelf   list.List        // of *file, in the order in which they were opened
	claims  list.List        // of *file, the first to run out in front
	readers []*reader
}

// entry is a batch that is not finished.
type entry struct {
	batch   Batch // without those whose results are recorded: what they take is let go of
	left    int   // jobs of it without a result
	shared  bool  // there were several at first
	once    bool  // their results are wanted once
	run     *run
	kind    *kind         // that it is queued in, or was last
	queued  *list.Element // in kind.entries, nil for one that is leased or waits
	story   []Delivered   // of the deliveries that counted
	lease   *list.Element // in leases, nil while the batch is queued
	ends    time.Time     // of the lease
	current *Delivery
	cancel  context.CancelCauseFunc // of current
	later   *time.Timer             // while a released batch waits
	ended   bool                    // its run has, and a worker still has it
}

// rest are the jobs without a result. m.mu is held.
func (e *entry) rest() Batch {
	if e.left == len(e.batch) {
		return e.batch
	}
	rest := make(Batch, 0, e.left)
	for _, j := range e.batch {
		if e.run.jobs[j.ID()] == e {
			rest = append(rest, j)
		}
	}
	return rest
}

// run is what is known of a run.
type run struct {
	id        string
	jobs      map[string]*entry // by ID; nil for a finished one
	results   []*Result
	recorded  int       // how many results there ever were, those that were forgotten included
	unheard   []*Result // of jobs that are wanted once, while nobody follows
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
		r = &run{id: id, jobs: map[string]*entry{}, followers: map[*follower]struct{}{}}
		m.runs[id] = r
	}
	return r
}

// Submit implements [Broker].
func (m *Memory) Submit(ctx context.Context, batches []Batch) error {
	for len(batches) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m.mu.Lock()
		for len(batches) > 0 && (m.MaxJobs == 0 || m.live < m.MaxJobs) {
			m.enter(batches[0])
			batches = batches[1:]
		}
		m.serve()
		var room chan struct{}
		if len(batches) > 0 {
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

// enter queues those jobs of a batch that are not known. m.mu is held.
func (m *Memory) enter(batch Batch) {
	e := &entry{}
	for _, j := range batch {
		if e.run == nil {
			e.run = m.run(j.Run)
		}
		id := j.ID()
		if old, known := e.run.jobs[id]; known {
			if old == nil || !old.ended {
				continue
			}
			m.strike(old, 1) // the run is taken up again before the worker has let go of it
		}
		e.run.jobs[id] = e
		e.batch = append(e.batch, j)
	}
	if e.left = len(e.batch); e.left > 0 {
		e.shared, e.once = e.left > 1, e.batch[0].Once
		m.live++
		m.enqueue(e, false)
	}
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
	return m.endRun(id, end)
}

// endRun returns the jobs that workers have, and channels that are closed when those
// who follow the run have all results. m.mu is held.
func (m *Memory) endRun(id string, end End) (held []string, flushes []chan struct{}) {
	r := m.runs[id]
	if r == nil {
		return nil, nil
	}
	for f := range r.followers {
		done := make(chan struct{})
		f.flushes, flushes = append(f.flushes, done), append(flushes, done)
		f.wake()
	}
	stopped := map[*entry]bool{}
	for key, e := range r.jobs {
		switch {
		case e == nil:
			continue
		case e.lease == nil && !stopped[e]:
			delete(r.jobs, key)
			m.strike(e, 1)
			continue
		case end.Keep:
			held = append(held, key)
		}
		if stopped[e] {
			continue
		}
		stopped[e] = true
		e.cancel(cmp.Or(end.Cause, ErrEnded))
		if e.ended = end.Keep; !e.ended {
			m.leases.Remove(e.lease)
			e.lease, e.current, e.cancel = nil, nil, nil
			m.left(1)
		}
	}
	if !end.Keep {
		// Those who follow the run still have it.
		r.results, r.unheard, r.jobs = nil, nil, map[string]*entry{}
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
