package runnel

import (
	"reflect"
	"sync"

	"github.com/runnelflow/runnel/resultcache"
)

// equalCalls are the results that are being made in this process, so that equal ones are
// made once. Who comes first leads; the others wait and hold nothing. When the leader
// has no result, the next one leads.
type equalCalls struct {
	mu    sync.Mutex
	byKey map[callKey]*equalCall
}

// callKey tells calls apart: a result that is made for one store is not for another.
type callKey struct {
	store any
	key   resultcache.Key
}

// call is the key of a call. A store that cannot be compared is no other run's.
func (m *memo) call(key resultcache.Key) callKey {
	if !reflect.ValueOf(m.store).Comparable() {
		return callKey{m, key}
	}
	return callKey{m.store, key}
}

// equalCall is a result that is being made.
type equalCall struct{ waiting []waiter }

// waiter is a unit of some run.
type waiter struct {
	memo *memo
	unit unit
}

var making = equalCalls{byKey: map[callKey]*equalCall{}}

// join lets a unit lead the making of a result, or wait for it.
func (c *equalCalls) join(key resultcache.Key, m *memo, u unit) (leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	call := m.call(key)
	if other := c.byKey[call]; other != nil {
		other.waiting = append(other.waiting, waiter{m, u})
		m.waits[u] = key
		m.x.resuming.Add(1)
		return false
	}
	c.byKey[call] = &equalCall{}
	m.leads[u] = key
	return true
}

// end hands the result to those who wait for it; with nil the next of them leads.
func (c *equalCalls) end(call callKey, e *resultcache.Entry) {
	for {
		c.mu.Lock()
		this := c.byKey[call]
		if e != nil || len(this.waiting) == 0 {
			delete(c.byKey, call)
			c.mu.Unlock()
			for _, w := range this.waiting {
				w.memo.resume(w.unit, e)
			}
			return
		}
		next := this.waiting[0]
		this.waiting = this.waiting[1:]
		c.mu.Unlock()
		if next.memo.resume(next.unit, nil) {
			return
		}
	}
}

// resume lets a unit of this run go on, with a result or as a leader. It reports false
// when the run has ended.
func (m *memo) resume(u unit, e *resultcache.Entry) bool {
	m.mu.Lock()
	key, waits := m.waits[u]
	if !waits {
		m.mu.Unlock()
		return false
	}
	delete(m.waits, u)
	if e != nil {
		m.handed[u] = e
	} else {
		m.leads[u] = key
	}
	m.mu.Unlock()
	if e == nil {
		m.missed(u, nil)
	}
	m.x.engine.Resume(u.item())
	m.x.resuming.Done()
	return true
}

// close lets go of what the run, which has ended, waits for and leads.
func (m *memo) close() {
	if m == nil {
		return
	}
	m.mu.Lock()
	leads := m.leads
	for range m.waits {
		m.x.resuming.Done()
	}
	m.leads, m.waits = nil, nil
	m.mu.Unlock()
	for _, key := range leads {
		making.end(m.call(key), nil)
	}
}

// forgo ends what a unit leads without a result.
func (m *memo) forgo(u unit) {
	if m == nil || m.x.plan.nodes[u.node].memo == nil {
		return
	}
	if key, leads := m.unlead(u); leads {
		making.end(m.call(key), nil)
	}
}

// unlead takes from a unit what it leads.
func (m *memo) unlead(u unit) (key resultcache.Key, leads bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, leads = m.leads[u]
	delete(m.leads, u)
	return key, leads
}
