package broker

import (
	"container/list"
	"context"
	"time"
)

// member is a worker that is alive, or was when it last asked for jobs.
type member struct {
	*Worker
	tasks map[task]bool
	alive *list.Element // in Memory.alive, nil for one that is not
	ends  time.Time
}

// can reports whether the worker has a task.
func (w *member) can(t task) bool {
	return w.tasks[t] || w.tasks[task{"", t.name, t.fingerprint}]
}

// member is what is known of a worker. m.mu is held.
func (m *Memory) member(w *Worker) *member {
	known := m.workers[w.ID]
	if known != nil && known.Worker == w {
		return known
	}
	if known == nil {
		if m.workers == nil {
			m.workers = map[string]*member{}
		}
		known = &member{}
		m.workers[w.ID] = known
	}
	known.Worker, known.tasks = w, make(map[task]bool, len(w.Tasks))
	for _, t := range w.Tasks {
		known.tasks[task{t.Pipeline, t.Name, t.Fingerprint}] = true
	}
	return known
}

// Extend implements [Broker].
func (m *Memory) Extend(ctx context.Context, w *Worker, held []*Delivery) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, d := range held {
		if e := d.Token.(*entry); e.current == d && e.lease != nil {
			e.ends = now.Add(m.lease())
			m.leases.MoveToBack(e.lease)
		}
	}
	before := m.workers[w.ID]
	changed := before == nil || before.alive == nil || before.Worker != w
	if len(w.Tasks) == 0 {
		if before != nil && before.alive != nil {
			m.forget(before)
			m.tell()
		}
		return m.lease(), nil
	}
	known := m.member(w)
	known.ends = now.Add(m.lease())
	if known.alive == nil {
		known.alive = m.alive.PushBack(known)
	} else {
		m.alive.MoveToBack(known.alive)
	}
	if changed {
		m.tell()
	}
	m.arm()
	return m.lease(), nil
}

// forget takes a worker out of those that are alive. m.mu is held.
func (m *Memory) forget(w *member) {
	m.alive.Remove(w.alive)
	w.alive = nil
	delete(m.workers, w.ID)
}

// arm sets the timer to the next lease that ends, if any. m.mu is held. A lease
// that was extended meanwhile is found out when the timer fires.
func (m *Memory) arm() {
	if m.timer != nil {
		return
	}
	var next time.Time
	first := func(ends time.Time) {
		if next.IsZero() || ends.Before(next) {
			next = ends
		}
	}
	if e := m.leases.Front(); e != nil {
		first(e.Value.(*entry).ends)
	}
	if w := m.alive.Front(); w != nil {
		first(w.Value.(*member).ends)
	}
	if c := m.claims.Front(); c != nil {
		first(c.Value.(*file).ends)
	}
	if !next.IsZero() {
		m.timer = time.AfterFunc(time.Until(next), m.expire)
	}
}

// lose takes a batch from a worker that was not heard of. Which job of several was the
// worker's end nobody knows: they go on alone. m.mu is held.
func (m *Memory) lose(e *entry) {
	if e.ended {
		m.abandonAll(e)
		return
	}
	e.cancel(ErrLeaseLost)
	if e.shared {
		var results []*Result
		for _, j := range e.rest() {
			results = append(results, HandBackOf(j, Orphaned))
		}
		m.record(e, results)
		return
	}
	if len(e.story) < m.maxDeliveries() {
		m.leases.Remove(e.lease)
		e.lease, e.current, e.cancel = nil, nil, nil
		m.enqueue(e, true)
		return
	}
	letter := &DeadLetter{Job: e.batch[0], At: time.Now(), Story: e.story}
	m.dead = append(m.dead, letter)
	m.record(e, []*Result{letter.Result()})
}

// expire takes batches from workers, and runs from processes, that were not heard of.
func (m *Memory) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timer = nil
	now := time.Now()
	for at := m.leases.Front(); at != nil; at = m.leases.Front() {
		e := at.Value.(*entry)
		if e.ends.After(now) {
			break
		}
		m.lose(e)
	}
	died := false
	for at := m.alive.Front(); at != nil; at = m.alive.Front() {
		w := at.Value.(*member)
		if w.ends.After(now) {
			break
		}
		m.forget(w)
		died = true
	}
	if died {
		m.tell()
	}
	m.lapse(now)
	m.serve()
	m.arm()
}
