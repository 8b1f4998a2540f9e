package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/runnelflow/runnel/schedule"
)

// An outside is a store for schedulers in a bubble of testing/synctest, whose own
// goroutines, connections and clock are outside of it. The time of the bubble stands
// still while a call of the store goes on, and until each watcher has been handed what a
// Save has written: goroutines that wait for a channel from outside do not count as idle.
// So virtual time passes when all schedulers are at rest, and at no other.
//
// Everything is written by Save: a change that comes to the store in another way is
// handed over with the next one.
type outside struct {
	store schedule.Store
	ctx   context.Context
	calls chan *outsideCall // those that are free
	asked chan *outsideCall

	mu      sync.Mutex
	watches map[*outsideWatch]struct{}
}

// outsideCall is a function that is called outside of the bubble.
type outsideCall struct {
	do   func()
	done chan struct{}
}

// outsideWatch is a call of Watch.
type outsideWatch struct {
	store  schedule.Store
	more   chan struct{}     // of the bubble: something has been written
	wanted map[string]uint64 // the revisions that are to be handed over, guarded by outside.mu
	seen   map[string]uint64
	cancel context.CancelFunc
	heard  chan []schedule.Change
	ended  chan error
}

// newOutside is called outside of the bubble, by a test that outlives it.
func newOutside(t *testing.T, store schedule.Store) *outside {
	const atOnce = 64
	o := &outside{store: store, ctx: t.Context(), calls: make(chan *outsideCall, atOnce), asked: make(chan *outsideCall, atOnce), watches: map[*outsideWatch]struct{}{}}
	var callers sync.WaitGroup
	for range atOnce {
		o.calls <- &outsideCall{done: make(chan struct{})}
		callers.Go(func() {
			for c := range o.asked {
				c.do()
				c.done <- struct{}{}
			}
		})
	}
	t.Cleanup(func() {
		close(o.asked)
		callers.Wait()
	})
	return o
}

// call calls a function outside of the bubble, and holds up the bubble's time meanwhile.
func (o *outside) call(do func()) {
	c := <-o.calls
	c.do = do
	o.asked <- c
	<-c.done
	o.calls <- c
}

// Save implements [schedule.Store].
func (o *outside) Save(ctx context.Context, label string, s *schedule.State, revision uint64) (next uint64, err error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	o.call(func() {
		ctx, cancel := context.WithTimeout(o.ctx, patience)
		defer cancel()
		next, err = o.store.Save(ctx, label, s, revision)
	})
	if err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for w := range o.watches {
		w.wanted[label] = max(next, w.wanted[label])
		select {
		case w.more <- struct{}{}:
		default:
		}
	}
	return next, nil
}

// Remove implements [schedule.Store].
func (o *outside) Remove(context.Context, string) error {
	return errors.New("storetest: Remove is not expected here")
}

// Watch implements [schedule.Store].
func (o *outside) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	w := &outsideWatch{store: o.store, more: make(chan struct{}, 1), wanted: map[string]uint64{}, seen: map[string]uint64{}}
	o.mu.Lock()
	o.watches[w] = struct{}{}
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.watches, w)
	}()
	o.call(func() { w.begin(o.ctx) })
	defer o.call(w.end)
	for first := true; ; {
		for first || o.behind(w) {
			changes, err := o.hear(w)
			if err != nil {
				return err
			}
			first = false
			deliver(changes)
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// behind reports whether something was written that was not handed over yet.
func (o *outside) behind(w *outsideWatch) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for label, revision := range w.wanted {
		if w.seen[label] < revision {
			return true
		}
	}
	return false
}

// hear waits for the next call of the store's watcher.
func (o *outside) hear(w *outsideWatch) (changes []schedule.Change, err error) {
	o.call(func() {
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case changes = <-w.heard:
		case err = <-w.ended:
			err = fmt.Errorf("Watch has ended: %w", err)
			w.ended <- err
		case <-late.C:
			err = fmt.Errorf("Watch has not handed over within %v what was saved", patience)
		}
	})
	for _, c := range changes {
		w.seen[c.Label] = c.Revision
	}
	return changes, err
}

// begin watches the store, outside of the bubble.
func (w *outsideWatch) begin(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.heard, w.ended = make(chan []schedule.Change), make(chan error, 1)
	go func() {
		w.ended <- w.store.Watch(ctx, func(changes []schedule.Change) {
			select {
			case w.heard <- changes:
			case <-ctx.Done():
			}
		})
	}()
}

// end ends what begin has begun.
func (w *outsideWatch) end() {
	w.cancel()
	<-w.ended
}
