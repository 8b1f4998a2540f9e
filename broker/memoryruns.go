package broker

import (
	"context"
	"slices"
	"time"
)

// reader follows the runs, or one of them.
type reader struct {
	id   string // empty: all
	more chan struct{}
	news []*Run
}

// tell notes a change. m.mu is held.
func (r *reader) tell(run *Run) {
	if r.id != "" && r.id != run.ID {
		return
	}
	r.news = append(r.news, run)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// Runs implements [Keeper].
func (m *Memory) Runs(ctx context.Context, id string, deliver func([]*Run)) error {
	r := &reader{id: id, more: make(chan struct{}, 1)}
	r.more <- struct{}{}
	m.mu.Lock()
	for at := m.shelf.Front(); at != nil; at = at.Next() {
		if f := at.Value.(*file); id == "" || f.run.ID == id {
			r.news = append(r.news, f.run)
		}
	}
	m.readers = append(m.readers, r)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.readers = slices.DeleteFunc(m.readers, func(o *reader) bool { return o == r })
		m.mu.Unlock()
	}()
	for first := true; ; first = false {
		select {
		case <-r.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		m.mu.Lock()
		now := r.news
		r.news = nil
		m.mu.Unlock()
		if id == "" {
			for k, run := range now {
				bare := *run
				bare.Inputs = nil
				now[k] = &bare
			}
		}
		if first || len(now) > 0 {
			deliver(now)
		}
	}
}

// lapse frees the runs whose claim has run out. m.mu is held.
func (m *Memory) lapse(now time.Time) {
	for at := m.claims.Front(); at != nil; at = m.claims.Front() {
		f := at.Value.(*file)
		if f.ends.After(now) {
			return
		}
		m.forfeit(f)
	}
}
