package broker

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"time"
)

// file is a run that is kept.
type file struct {
	run   *Run          // as it was told last; replaced, not changed
	place *list.Element // in Memory.shelf
	claim *list.Element // in Memory.claims, nil while nobody drives it
	ends  time.Time     // of the claim
	drop  *time.Timer   // of one that is closed
	lost  []LostClaim   // one after another, with no result in between
	seen  int           // results that were recorded when the owner claimed it
}

func (m *Memory) lifetime() time.Duration {
	if m.Lifetime > 0 {
		return m.Lifetime
	}
	return DefaultLifetime
}

// of names a run in an error of the contract.
func of(id string, err error) error { return fmt.Errorf("broker: run %q: %w", id, err) }

// file is that of a run. m.mu is held.
func (m *Memory) file(id string) (*file, error) {
	f := m.files[id]
	if f == nil {
		return nil, of(id, ErrUnknownRun)
	}
	// The timer may come later than the end of the lease.
	if f.claim != nil && !f.ends.After(time.Now()) {
		m.forfeit(f)
	}
	return f, nil
}

// open is the file of a run that has not ended. m.mu is held.
func (m *Memory) open(id string) (*file, error) {
	f, err := m.file(id)
	if err == nil && f.run.Outcome != nil {
		return nil, of(id, ErrClosed)
	}
	return f, err
}

// Open implements [Keeper].
func (m *Memory) Open(ctx context.Context, r *Run) (*Run, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, _ := m.file(r.ID); f != nil {
		return f.run, nil
	}
	if m.files == nil {
		m.files = map[string]*file{}
	}
	f := &file{}
	f.place = m.shelf.PushBack(f)
	m.files[r.ID] = f
	m.begin(f, r)
	return f.run, nil
}

// begin makes a run one to be driven, by its owner if it has one. m.mu is held.
func (m *Memory) begin(f *file, r *Run) {
	now := *r
	now.Cancelled, now.Outcome, now.Dropped = "", nil, false
	f.lost, f.seen = nil, m.recorded(r.ID)
	if now.Owner != "" {
		m.claim(f)
	}
	m.change(f, now)
}

// change replaces what is known of a run, and tells it. m.mu is held.
func (m *Memory) change(f *file, now Run) {
	f.run = &now
	for _, r := range m.readers {
		r.tell(f.run)
	}
}

// claim begins a lease, or begins it anew. m.mu is held.
func (m *Memory) claim(f *file) {
	f.ends = time.Now().Add(m.lease())
	if f.claim == nil {
		f.claim = m.claims.PushBack(f)
	} else {
		m.claims.MoveToBack(f.claim)
	}
	m.arm()
}

// unclaim ends a lease without telling. m.mu is held.
func (m *Memory) unclaim(f *file) {
	m.claims.Remove(f.claim)
	f.claim = nil
}

// forfeit makes a run whose claim has run out one that nobody drives. m.mu is held.
func (m *Memory) forfeit(f *file) {
	f.lost = append(f.lost, LostClaim{f.run.Owner, f.ends.Add(-m.lease())})
	m.free(f)
}

// recorded is how many results of a run there ever were. m.mu is held.
func (m *Memory) recorded(id string) int {
	if r := m.runs[id]; r != nil {
		return r.recorded
	}
	return 0
}

// free makes a run one that nobody drives. m.mu is held.
func (m *Memory) free(f *file) {
	m.unclaim(f)
	now := *f.run
	now.Owner = ""
	m.change(f, now)
}

// Claim implements [Keeper].
func (m *Memory) Claim(ctx context.Context, id, owner string) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.open(id)
	if err != nil {
		return 0, err
	}
	if f.claim != nil && f.run.Owner != owner {
		return 0, of(id, ErrClaimed)
	}
	fresh := f.claim == nil
	if fresh {
		if n := m.recorded(id); n != f.seen {
			f.lost, f.seen = nil, n
		}
		if last := len(f.lost) - 1; last >= 0 && f.lost[last].Owner == owner {
			f.lost = f.lost[:last] // it lives
		}
		if len(f.lost) >= m.maxDeliveries() {
			m.endRun(id, End{Keep: true})
			m.close(f, GivenUp(id, f.lost))
			return 0, of(id, ErrClosed)
		}
	}
	if m.claim(f); fresh {
		now := *f.run
		now.Owner = owner
		m.change(f, now)
	}
	return m.lease(), nil
}

// Unclaim implements [Keeper].
func (m *Memory) Unclaim(ctx context.Context, id, owner string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, err := m.file(id); err == nil && f.claim != nil && f.run.Owner == owner {
		m.free(f)
	}
	return nil
}

// Cancel implements [Keeper].
func (m *Memory) Cancel(ctx context.Context, id, why string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.open(id)
	if err != nil {
		return err
	}
	now := *f.run
	if now.Cancelled = why; why == "" {
		now.Cancelled = "cancelled"
	}
	m.change(f, now)
	return nil
}

// Conclude implements [Keeper].
func (m *Memory) Conclude(ctx context.Context, id, owner string, o *Outcome) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.open(id)
	if err != nil {
		return err
	}
	if f.claim == nil || f.run.Owner != owner {
		return of(id, ErrClaimed)
	}
	m.unclaim(f)
	m.close(f, o)
	return nil
}

// close makes a run that nobody drives one that has ended. m.mu is held.
func (m *Memory) close(f *file, o *Outcome) {
	now := *f.run
	now.Owner, now.Outcome = "", o
	m.change(f, now)
	var t *time.Timer
	t = time.AfterFunc(m.lifetime(), func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if f.drop == t { // else it was reopened meanwhile
			m.dropRun(now.ID, f)
		}
	})
	f.drop = t
}

// dropRun forgets a run and its results. m.mu is held.
func (m *Memory) dropRun(id string, f *file) {
	m.shelf.Remove(f.place)
	delete(m.files, id)
	m.endRun(id, End{})
	m.change(f, Run{ID: id, Dropped: true})
}

// Reopen implements [Keeper].
func (m *Memory) Reopen(ctx context.Context, r *Run, forget func(*Result) bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.file(r.ID)
	if err != nil {
		return err
	}
	if f.claim != nil {
		return of(r.ID, ErrClaimed)
	}
	if f.drop != nil {
		f.drop.Stop()
		f.drop = nil
	}
	if of := m.runs[r.ID]; of != nil {
		of.forget(forget)
	}
	m.begin(f, r)
	return nil
}

// forget removes results. Those who follow the run have seen some of what is left. That a
// job was handed back is not forgotten: it says which round is next.
func (r *run) forget(which func(*Result) bool) {
	var left []*Result
	gone := make([]bool, len(r.results))
	for k, res := range r.results {
		if gone[k] = !res.IsHandBack() && which(res); gone[k] {
			delete(r.jobs, res.ID())
			continue
		}
		left = append(left, res)
	}
	r.results = left
	for f := range r.followers {
		seen := slices.Clone(gone[:min(f.seen, len(gone))])
		f.seen = len(slices.DeleteFunc(seen, func(gone bool) bool { return gone }))
	}
}
