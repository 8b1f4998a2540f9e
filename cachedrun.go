package runnel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/engine"
	"github.com/runnelflow/runnel/resultcache"
)

// memo is the part of a run that has to do with the result cache. It is asked in the
// process of the run, before a job is sent to a worker.
type memo struct {
	x      *execution
	store  resultcache.Store
	counts []memoCount    // of each memoPlan
	wholes []wholeDigests // the same, of mapped tasks

	mu     sync.Mutex
	leads  map[unit]resultcache.Key    // units that make a result, for others too
	waits  map[unit]resultcache.Key    // units that wait for one that makes it
	handed map[unit]*resultcache.Entry // what they were given
	faults map[unit]error              // of entries of units that may still wait for their resources
}

// newMemo is nil for a run without tasks that are cached, and for one that its broker
// keeps: whoever follows such a run has nothing but what workers have recorded.
func newMemo(x *execution) *memo {
	memos := x.plan.of.memos
	if len(memos) == 0 || x.config.isKept() {
		return nil
	}
	m := &memo{x: x, store: resultcache.Default(), counts: make([]memoCount, len(memos)), wholes: make([]wholeDigests, len(memos)),
		leads: map[unit]resultcache.Key{}, waits: map[unit]resultcache.Key{}, handed: map[unit]*resultcache.Entry{}, faults: map[unit]error{}}
	if own := x.plan.of.config.results; own != nil {
		m.store = own
	}
	if x.config.results != nil {
		m.store = x.config.results
	}
	for i, p := range memos {
		if d := x.plan.of.tasks[i]; d.axes != nil {
			m.wholes[p.number] = make(wholeDigests, len(d.inputs))
		}
	}
	return m
}

const fromCache = "its result was in the result cache"

// recall looks whether there is a result of a unit. done is false when the unit is to
// be attempted; else next follows from what was done.
func (m *memo) recall(w *engine.Worker, u unit) (next engine.Item, done bool) {
	x := m.x
	p := x.plan.nodes[u.node].memo
	if m.isMaking(u) {
		return engine.None, false
	}
	w.Clock = 0 // it takes its time
	e := m.take(u)
	if e == nil {
		key, ok, err := m.key(u, p)
		switch {
		case err != nil:
			return x.fail(w, u, attemptsOf(x.status(u)), err), true
		case !ok:
			m.missed(u, nil)
			return engine.None, false
		case !making.join(key, m, u):
			return engine.None, true
		}
		if e, err = m.get(key, p); e == nil {
			m.missed(u, err)
			return engine.None, false
		}
	}
	if err := m.keep(u, p, e); err != nil {
		m.missed(u, err)
		return engine.None, false
	}
	wanted, err := m.wanted(w, u)
	if err != nil {
		return engine.None, false // the attempt meets with the same
	}
	if key, leads := m.unlead(u); leads {
		making.end(m.call(key), e)
	}
	if !wanted {
		x.ended(u, Skipped, attemptsOf(x.status(u)), nil, errCondition.Error())
		return x.over(w, u), true
	}
	m.hit(u, len(e.Data))
	reason := ""
	if u.elem == whole {
		reason = fromCache
	}
	return x.succeed(w, u, attemptsOf(x.status(u)), reason), true
}

// isMaking reports whether the result of a unit is being made: an attempt goes on, or
// is about to be made by the one that leads.
func (m *memo) isMaking(u unit) bool {
	m.mu.Lock()
	_, leads := m.leads[u]
	m.mu.Unlock()
	return leads || m.x.remote.isOut(u)
}

// take is the result that a unit was given by the one that made it, or nil.
func (m *memo) take(u unit) *resultcache.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.handed[u]
	delete(m.handed, u)
	return e
}

// get is the entry of a key, nil when there is none. The error is a warning.
func (m *memo) get(key resultcache.Key, p *memoPlan) (e *resultcache.Entry, err error) {
	defer recovered("Get", &err)
	e, err = m.store.Get(m.x.ctx, key)
	switch {
	case errors.Is(err, resultcache.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the result cache: %w", err)
	case e != nil && p.ttl > 0 && time.Since(e.Stored) >= p.ttl: // which may have been longer then
		return nil, nil
	}
	return e, nil
}

// recovered makes an error of the panic of code that is not ours.
func recovered(method string, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the result cache: %s panicked: %v", method, v)
	}
}

// keep puts the outputs in an entry where an attempt would.
func (m *memo) keep(u unit, p *memoPlan, e *resultcache.Entry) error {
	parts, err := p.decode(e.Data)
	values := make([]broker.Value, len(parts))
	for i, v := range parts {
		values[i] = v
	}
	if err == nil {
		err = m.x.keep(u, values, nil)
	}
	if err != nil {
		return fmt.Errorf("the result cache: entry %s: %w: %w", e.Key, resultcache.ErrCorrupt, err)
	}
	return nil
}

// conditional is a body that may have a condition.
type conditional interface {
	holds(s *scratch, n *node) (bool, error)
}

// wanted reports whether the condition of a unit holds, which is not kept with its
// result.
func (m *memo) wanted(w *engine.Worker, u unit) (holds bool, err error) {
	node := &m.x.plan.nodes[u.node]
	c, ok := node.task.body.(conditional)
	if !ok {
		return true, nil
	}
	defer recovered("the condition", &err)
	s := m.x.scratch(w)
	s.attempt, s.elem = 1, u.elem
	return c.holds(s, node)
}

// remember puts the outputs of a unit that has succeeded into the store, before what
// follows from it can change them.
func (m *memo) remember(u unit) {
	if m == nil || m.x.plan.nodes[u.node].memo == nil {
		return
	}
	key, leads := m.unlead(u)
	if !leads {
		return
	}
	p := m.x.plan.nodes[u.node].memo
	var e *resultcache.Entry
	var data []byte
	values, err := m.x.values(u)
	if err == nil {
		data, err = p.encode(values)
	}
	if err == nil {
		e = &resultcache.Entry{Key: key, Task: p.task, Version: p.version, Stored: time.Now().Round(0), Data: data}
		if p.ttl > 0 {
			e.Expires = e.Stored.Add(p.ttl)
		}
		err = m.put(e)
	}
	making.end(m.call(key), e)
	m.stored(u, len(data), err)
}

// put outlives the run's context: the work is done.
func (m *memo) put(e *resultcache.Entry) (err error) {
	defer recovered("Put", &err)
	if err := m.store.Put(context.WithoutCancel(m.x.ctx), e); err != nil {
		return fmt.Errorf("the result cache: %w", err)
	}
	return nil
}
