package resultcache

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

// DefaultLimit is the limit of [Default] in bytes: 64 MiB.
const DefaultLimit = 64 << 20

// overhead is what an entry takes in memory beside its texts and its data, about.
const overhead = 256

// Memory is a store in this process. When it is full, it forgets what was used least
// recently. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	limit  int64
	byKey  map[Key]*list.Element // of *Entry
	recent list.List             // the last used in front
	stats  Stats
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty store for entries of so many bytes in all, counting about
// 256 for each entry beside its data. A limit of 0 or less is [DefaultLimit].
func NewMemory(limit int64) *Memory {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Memory{limit: limit, byKey: map[Key]*list.Element{}}
}

// Default is the store of all runs in this process that are given no other. Its limit
// is [DefaultLimit].
func Default() *Memory { return process }

var process = NewMemory(DefaultLimit)

func sizeOf(e *Entry) int64 {
	return int64(len(e.Data)+len(e.Task)+len(e.Version)) + overhead
}

// Get implements [Store].
func (m *Memory) Get(_ context.Context, key Key) (*Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.byKey[key]
	if at != nil && at.Value.(*Entry).expired() {
		m.remove(at)
		at = nil
	}
	if at == nil {
		m.stats.Misses++
		return nil, ErrNotFound
	}
	m.stats.Hits++
	m.recent.MoveToFront(at)
	return at.Value.(*Entry), nil
}

// Put implements [Store].
func (m *Memory) Put(_ context.Context, e *Entry) error {
	size := sizeOf(e)
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.byKey[e.Key]; at != nil {
		m.remove(at)
	}
	if size > m.limit {
		return fmt.Errorf("%w: it takes %d bytes, and the limit is %d: give the run a larger one, with ResultCache", ErrTooLarge, size, m.limit)
	}
	m.stats.Evicted += int64(m.shrink(m.limit - size))
	kept := *e
	m.byKey[e.Key] = m.recent.PushFront(&kept)
	m.stats.Bytes += size
	m.stats.Puts++
	return nil
}

// Invalidate implements [Store].
func (m *Memory) Invalidate(_ context.Context, task, version string) (int, error) {
	return m.removeIf(func(e *Entry) bool {
		return (task == "" || e.Task == task) && (version == "" || e.Version == version)
	}), nil
}

// Prune implements [Store].
func (m *Memory) Prune(_ context.Context, maxBytes int64) (int, error) {
	n := m.removeIf((*Entry).expired)
	if maxBytes <= 0 {
		return n, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return n + m.shrink(maxBytes), nil
}

// Stats implements [Store].
func (m *Memory) Stats(context.Context) (Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Entries, s.Limit = m.recent.Len(), m.limit
	return s, nil
}

func (m *Memory) removeIf(gone func(*Entry) bool) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := m.recent.Front(); at != nil; {
		this := at
		at = at.Next()
		if gone(this.Value.(*Entry)) {
			m.remove(this)
			n++
		}
	}
	return n
}

// shrink forgets what was used least recently until the rest takes no more than some
// bytes. m.mu is held.
func (m *Memory) shrink(to int64) (n int) {
	for m.stats.Bytes > to && m.recent.Len() > 0 {
		m.remove(m.recent.Back())
		n++
	}
	return n
}

// remove removes an entry. m.mu is held.
func (m *Memory) remove(at *list.Element) {
	e := m.recent.Remove(at).(*Entry)
	delete(m.byKey, e.Key)
	m.stats.Bytes -= sizeOf(e)
}
