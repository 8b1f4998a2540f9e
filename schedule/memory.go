package schedule

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
)

// Memory is a [Store] within one process. It ends with it. The zero value is ready.
type Memory struct {
	mu       sync.Mutex
	revision uint64
	states   map[string]Change
	watchers map[*memoryWatcher]struct{}
}

// memoryWatcher has the changes that one call of Watch has still to hand over.
type memoryWatcher struct {
	pending map[string]Change
	more    chan struct{}
}

// Save implements [Store].
func (m *Memory) Save(ctx context.Context, label string, s *State, revision uint64) (uint64, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states[label].Revision != revision {
		return 0, ErrConflict
	}
	if m.states == nil {
		m.states = map[string]Change{}
	}
	return m.tell(Change{Label: label, State: s}), nil
}

// Remove implements [Store].
func (m *Memory) Remove(ctx context.Context, label string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.states[label]; ok {
		m.tell(Change{Label: label})
	}
	return nil
}

// tell makes a change, and tells those who watch. m.mu is held.
func (m *Memory) tell(c Change) uint64 {
	m.revision++
	c.Revision = m.revision
	if c.State == nil {
		delete(m.states, c.Label)
	} else {
		m.states[c.Label] = c
	}
	for w := range m.watchers {
		w.pending[c.Label] = c
		select {
		case w.more <- struct{}{}:
		default:
		}
	}
	return c.Revision
}

// Watch implements [Store].
func (m *Memory) Watch(ctx context.Context, deliver func([]Change)) error {
	w := &memoryWatcher{more: make(chan struct{}, 1)}
	w.more <- struct{}{}
	m.mu.Lock()
	w.pending = maps.Clone(m.states)
	if w.pending == nil {
		w.pending = map[string]Change{}
	}
	if m.watchers == nil {
		m.watchers = map[*memoryWatcher]struct{}{}
	}
	m.watchers[w] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.watchers, w)
		m.mu.Unlock()
	}()
	for {
		select {
		case <-w.more:
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // also when there is more
			return context.Cause(ctx)
		}
		m.mu.Lock()
		changes := slices.Collect(maps.Values(w.pending))
		clear(w.pending)
		m.mu.Unlock()
		slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Revision, b.Revision) })
		deliver(changes)
	}
}
