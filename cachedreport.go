package runnel

import (
	"fmt"
	"sync/atomic"
)

// CacheReport tells what the result cache did for a task that is [Cached], or for all
// of a run. Elements count one by one.
type CacheReport struct {
	// Hits are results that were taken instead of made, also those that an equal call
	// at the same time made. Misses are those that were not there.
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
	// BytesRead are those of the results that were taken, BytesStored those of the
	// results that were put into the store. Both count encoded values.
	BytesRead   int64 `json:"bytes_read"`
	BytesStored int64 `json:"bytes_stored"`
	// Failures are entries that could not be read or stored: events tell why. The
	// run goes on without.
	Failures int `json:"failures,omitempty"`
}

// String is the report in a line.
func (r *CacheReport) String() string {
	text := fmt.Sprintf("%d hits, %d misses; %d bytes read, %d stored", r.Hits, r.Misses, r.BytesRead, r.BytesStored)
	if r.Failures > 0 {
		text += fmt.Sprintf("; %d entries could not be read or stored", r.Failures)
	}
	return text
}

func (r *CacheReport) add(o *CacheReport) {
	r.Hits += o.Hits
	r.Misses += o.Misses
	r.BytesRead += o.BytesRead
	r.BytesStored += o.BytesStored
	r.Failures += o.Failures
}

// memoCount counts for a CacheReport.
type memoCount struct {
	hits, misses, read, stored, failures atomic.Int64
}

func (m *memo) count(u unit) *memoCount {
	return &m.counts[m.x.plan.nodes[u.node].memo.number]
}

func (m *memo) log(kind entryKind, u unit, bytes int, err error) {
	if m.x.log != nil {
		m.x.log.add(entry{kind: kind, unit: u}, &detail{bytes: bytes, err: err}, nil)
	}
}

func (m *memo) hit(u unit, bytes int) {
	c := m.count(u)
	c.hits.Add(1)
	c.read.Add(int64(bytes))
	m.log(cacheHit, u, bytes, nil)
}

// missed notes that a result was not there. A unit that may wait for its resources yet
// is counted when it goes on: it can still be a hit.
func (m *memo) missed(u unit, err error) {
	if err != nil {
		m.count(u).failures.Add(1)
	}
	if m.x.aware == nil {
		m.countMiss(u, err)
	} else if err != nil {
		m.mu.Lock()
		m.faults[u] = err
		m.mu.Unlock()
	}
}

// begins counts the miss of a unit that has its resources.
func (m *memo) begins(u unit) {
	m.mu.Lock()
	err := m.faults[u]
	delete(m.faults, u)
	m.mu.Unlock()
	m.countMiss(u, err)
}

// countMiss counts a result that was not there, at the first attempt alone.
func (m *memo) countMiss(u unit, err error) {
	if attemptsOf(m.x.status(u)) == 0 {
		m.count(u).misses.Add(1)
		m.log(cacheMiss, u, 0, err)
	}
}

func (m *memo) stored(u unit, bytes int, err error) {
	c := m.count(u)
	if err != nil {
		c.failures.Add(1)
		bytes = 0
	}
	c.stored.Add(int64(bytes))
	m.log(cacheStored, u, bytes, err)
}

// cacheReport is that of a task, nil when it is not cached.
func (x *execution) cacheReport(n int32) *CacheReport {
	if x.memo == nil || x.plan.nodes[n].memo == nil {
		return nil
	}
	c := x.memo.count(unit{n, whole})
	return &CacheReport{int(c.hits.Load()), int(c.misses.Load()), c.read.Load(), c.stored.Load(), int(c.failures.Load())}
}
