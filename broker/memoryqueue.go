package broker

import (
	"container/list"
	"context"
	"slices"
	"time"
)

// queue is the batches of a queue that wait for a worker.
type queue struct{ lanes [3]lane }

// lane is the batches of a queue and a priority, by kind; there are no kinds without
// batches. Kinds take turns, so that neither many jobs of one task, nor jobs that no
// worker can do, hold up the others.
type lane struct {
	kinds map[task]*kind
	turns list.List // of *kind, those with batches
}

// task tells jobs apart that a worker can and cannot do.
type task struct{ pipeline, name, fingerprint string }

// kind is the batches of one task in a lane, or a batch of several tasks.
type kind struct {
	tasks   []task
	lane    *lane
	entries list.List     // of *entry
	turn    *list.Element // in lane.turns
}

func (m *Memory) lane(name string, p Priority) *lane {
	q := m.queues[name]
	if q == nil {
		if m.queues == nil {
			m.queues = map[string]*queue{}
		}
		q = &queue{}
		m.queues[name] = q
	}
	return &q.lanes[min(max(int(High-p), 0), 2)]
}

// enqueue makes a batch available. m.mu is held.
func (m *Memory) enqueue(e *entry, front bool) {
	j := e.batch[0]
	l := m.lane(j.Queue, j.Priority)
	tasks := tasksOf(e.batch)
	k := l.kinds[tasks[0]]
	if len(tasks) > 1 {
		k = nil
	}
	if k == nil {
		k = &kind{tasks: tasks, lane: l}
		k.turn = l.turns.PushBack(k)
		if len(tasks) == 1 {
			if l.kinds == nil {
				l.kinds = map[task]*kind{}
			}
			l.kinds[tasks[0]] = k
		}
	}
	e.kind = k
	if front {
		e.queued = k.entries.PushFront(e)
	} else {
		e.queued = k.entries.PushBack(e)
	}
}

// tasksOf are the tasks of the jobs of a batch, one after another the same left out.
func tasksOf(b Batch) []task {
	var tasks []task
	for _, j := range b {
		if t := (task{j.Pipeline, j.Task, j.Fingerprint}); len(tasks) == 0 || tasks[len(tasks)-1] != t {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// dequeue takes a batch out that waits. m.mu is held.
func (m *Memory) dequeue(e *entry) {
	if e.later != nil {
		e.later.Stop()
		e.later = nil
		return
	}
	k := e.kind
	k.entries.Remove(e.queued)
	e.queued = nil
	if k.entries.Len() == 0 {
		k.lane.turns.Remove(k.turn)
		if len(k.tasks) == 1 {
			delete(k.lane.kinds, k.tasks[0]) // tasks come and go, the broker stays
		}
	}
}

// take takes up to n batches for a worker. m.mu is held.
func (m *Memory) take(w *member, n int) []*Delivery {
	var got []*Delivery
	for p := range 3 {
		for _, name := range w.Queues {
			q := m.queues[name]
			if q == nil {
				continue
			}
			l := &q.lanes[p]
			for at := l.turns.Front(); at != nil && len(got) < n; {
				k := at.Value.(*kind)
				next := at.Next()
				if slices.ContainsFunc(k.tasks, w.can) {
					e := k.entries.Front().Value.(*entry)
					m.dequeue(e)
					l.turns.MoveToBack(k.turn) // nothing, if that was its last job
					got = append(got, m.deliver(w, e))
					if next == nil {
						next = l.turns.Front() // whose turn it is after all others
					}
				}
				at = next
			}
		}
	}
	return got
}

// deliver leases a batch to a worker. m.mu is held.
func (m *Memory) deliver(w *member, e *entry) *Delivery {
	now := time.Now()
	e.story = append(e.story, Delivered{w.ID, now})
	d := &Delivery{Jobs: e.rest(), Number: len(e.story), Token: e}
	d.Context, e.cancel = context.WithCancelCause(context.Background())
	e.current = d
	e.ends = now.Add(m.lease())
	e.lease = m.leases.PushBack(e)
	m.arm()
	return d
}

// taker is a receiver that waits.
type taker struct {
	worker *member
	n      int
	got    chan []*Delivery
}

// serve gives batches to those who wait for them. m.mu is held.
func (m *Memory) serve() {
	m.takers = slices.DeleteFunc(m.takers, func(t *taker) bool {
		got := m.take(t.worker, t.n)
		if len(got) > 0 {
			t.got <- got
		}
		return len(got) > 0
	})
}

// Receive implements [Broker].
func (m *Memory) Receive(ctx context.Context, w *Worker, n int) ([]*Delivery, error) {
	if n < 1 {
		return nil, errNone
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	known := m.workers[w.ID] // what is told of it comes by Extend
	if known == nil {
		known = m.member(w)
	}
	t := &taker{worker: known, n: n, got: make(chan []*Delivery, 1)}
	if got := m.take(t.worker, n); len(got) > 0 {
		m.mu.Unlock()
		return got, nil
	}
	m.takers = append(m.takers, t)
	m.mu.Unlock()
	select {
	case got := <-t.got:
		return got, nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := slices.Index(m.takers, t); at >= 0 {
		m.takers = slices.Delete(m.takers, at, at+1)
	} else {
		return <-t.got, nil // they came at the same time: they are the worker's
	}
	return nil, context.Cause(ctx)
}

// Release implements [Broker].
func (m *Memory) Release(ctx context.Context, held []*Delivery, after time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range held {
		e := d.Token.(*entry)
		if e.current != d || e.lease == nil {
			continue
		}
		if e.ended {
			m.abandonAll(e)
			continue
		}
		m.leases.Remove(e.lease)
		e.lease, e.current, e.cancel = nil, nil, nil
		e.story = e.story[:len(e.story)-1]
		m.back(e, after)
	}
	m.serve()
	return nil
}

// back queues a batch anew, in front of those that were never delivered. m.mu is held.
func (m *Memory) back(e *entry, after time.Duration) {
	if after <= 0 {
		m.enqueue(e, true)
		return
	}
	var t *time.Timer
	t = time.AfterFunc(after, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if e.later != t {
			return // dropped, or finished by one whose lease was lost
		}
		e.later = nil
		m.enqueue(e, true)
		m.serve()
	})
	e.later = t
}
