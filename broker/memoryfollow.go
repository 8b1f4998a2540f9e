package broker

import (
	"context"
	"slices"
)

// watcher follows the workers.
type watcher struct{ changed chan struct{} }

// tell tells those who follow the workers of a change. m.mu is held.
func (m *Memory) tell() {
	for _, w := range m.watchers {
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

// Workers implements [Broker].
func (m *Memory) Workers(ctx context.Context, deliver func([]*Worker)) error {
	w := &watcher{changed: make(chan struct{}, 1)}
	w.changed <- struct{}{}
	m.mu.Lock()
	m.watchers = append(m.watchers, w)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.watchers = slices.DeleteFunc(m.watchers, func(o *watcher) bool { return o == w })
		m.mu.Unlock()
	}()
	for {
		select {
		case <-w.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var now []*Worker
		m.mu.Lock()
		for at := m.alive.Front(); at != nil; at = at.Next() {
			now = append(now, at.Value.(*member).Worker)
		}
		m.mu.Unlock()
		deliver(now)
	}
}

// follower hands over the results of a run.
type follower struct {
	more    chan struct{}
	seen    int             // results of the run that were handed over
	once    []*Result       // that are not kept
	flushes []chan struct{} // to be closed when all there is has been handed over
}

func (f *follower) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// Results implements [Broker].
func (m *Memory) Results(ctx context.Context, id string, deliver func([]*Result)) error {
	f := &follower{more: make(chan struct{}, 1)}
	f.wake()
	m.mu.Lock()
	r := m.run(id)
	f.once, r.unheard = r.unheard, nil
	r.followers[f] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, done := range f.flushes {
			close(done)
		}
		if delete(r.followers, f); len(r.followers) == 0 && len(r.jobs) == 0 && m.runs[id] == r {
			delete(m.runs, id)
		}
	}()
	for first := true; ; first = false {
		select {
		case <-f.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		m.mu.Lock()
		f.seen = min(f.seen, len(r.results)) // less after End
		got := r.results[f.seen:len(r.results):len(r.results)]
		f.seen += len(got)
		got, f.once = append(got, f.once...), nil
		flushes := f.flushes
		f.flushes = nil
		m.mu.Unlock()
		if first || len(got) > 0 {
			deliver(got)
		}
		for _, done := range flushes {
			close(done)
		}
	}
}
