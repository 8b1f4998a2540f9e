// Package storetest holds a store of schedules against the contract of package
// schedule. Each case says which rule it checks, and why the rule is there.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/runnelflow/runnel/schedule"
)

// patience is how long a case waits for what has to happen.
const patience = 30 * time.Second

type rule struct {
	name  string
	rule  string
	why   string
	check func(*harness)
}

// Run checks every rule, each with a store of its own. newStore makes one that knows of
// no schedule, and cleans up by t.Cleanup.
//
// The last rule is about schedulers: three share the store for a month of virtual time,
// and one of them is killed at random every few hours. The store is in real time
// meanwhile, and writes some 20,000 times, so that this takes as long as it needs for
// that; with the flag -short it is left out.
func Run(t *testing.T, newStore func(*testing.T) schedule.Store) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r.check(&harness{T: t, rule: r, ctx: ctx, store: newStore(t)})
		})
	}
	t.Run(monthRule.name, func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes some seconds")
		}
		month(t, newStore(t))
	})
}

// harness is what a case works with.
type harness struct {
	*testing.T
	rule  rule
	ctx   context.Context
	store schedule.Store
}

// fail ends the case, and says what it was about.
func (h *harness) fail(format string, args ...any) {
	h.Helper()
	h.Fatalf("%s\nrule: %s\nwhy:  %s", fmt.Sprintf(format, args...), h.rule.rule, h.rule.why)
}

// save writes a state, and fails the case on an error.
func (h *harness) save(label string, s *schedule.State, revision uint64) uint64 {
	h.Helper()
	next, err := h.store.Save(h.ctx, label, s, revision)
	if err != nil {
		h.fail("Save(%q) after revision %d: %v", label, revision, err)
	}
	return next
}

// conflict writes a state after a revision that is not the last one.
func (h *harness) conflict(label string, s *schedule.State, revision uint64) {
	h.Helper()
	if _, err := h.store.Save(h.ctx, label, s, revision); !errors.Is(err, schedule.ErrConflict) {
		h.fail("Save(%q) after revision %d: %v, want ErrConflict", label, revision, err)
	}
}

func (h *harness) remove(label string) {
	h.Helper()
	if err := h.store.Remove(h.ctx, label); err != nil {
		h.fail("Remove(%q): %v", label, err)
	}
}

// A watcher follows a store.
type watcher struct {
	*harness
	first chan []schedule.Change
	mu    sync.Mutex
	last  map[string]schedule.Change
	more  chan struct{}
	ended chan error
	stop  context.CancelFunc
}

// watch follows the store, from its first call on.
func (h *harness) watch() (w *watcher, first []schedule.Change) {
	h.Helper()
	ctx, cancel := context.WithCancel(h.ctx)
	w = &watcher{harness: h, first: make(chan []schedule.Change, 1), last: map[string]schedule.Change{},
		more: make(chan struct{}, 1), ended: make(chan error, 1), stop: cancel}
	told := false
	go func() {
		w.ended <- h.store.Watch(ctx, func(changes []schedule.Change) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, c := range changes {
				if c.Revision <= w.last[c.Label].Revision {
					h.Errorf("Watch handed over revision %d of %q after %d\nrule: %s\nwhy:  %s", c.Revision, c.Label, w.last[c.Label].Revision, h.rule.rule, h.rule.why)
				}
				w.last[c.Label] = c
			}
			if !told {
				told = true
				w.first <- changes
			}
			select {
			case w.more <- struct{}{}:
			default:
			}
		})
	}()
	h.Cleanup(cancel)
	select {
	case first = <-w.first:
	case <-h.ctx.Done():
		h.fail("Watch did not hand over what there is")
	}
	return w, first
}

// until waits for a change of a label.
func (w *watcher) until(label string, ok func(schedule.Change) bool) schedule.Change {
	w.Helper()
	for {
		w.mu.Lock()
		c, there := w.last[label]
		w.mu.Unlock()
		if there && ok(c) {
			return c
		}
		select {
		case <-w.more:
		case <-w.ctx.Done():
			w.fail("Watch did not hand over the change of %q; the last one is %+v", label, c)
		}
	}
}

// state is one with something in each of its fields.
func state(n int) *schedule.State {
	at := time.Date(2026, 11, 25, 2, n, 0, 123456789, time.FixedZone("elsewhere", 5400))
	f := schedule.Fire{Label: "a", Time: at, RunID: fmt.Sprintf("a@%d", n), Status: schedule.Running, Since: at.Add(-time.Hour),
		Triggered: true, Owner: "owner", Lease: time.Minute, Beat: 1<<63 + uint64(n), Takeovers: 2, Cancel: true, Started: at.Add(time.Second)}
	ended := f
	ended.Status, ended.Ended, ended.Error = schedule.Failed, at.Add(time.Minute), "“it”\nfailed\x00"
	return &schedule.State{Timing: "cron 0 2 * * * in Europe/Berlin", Anchor: at.Add(-24 * time.Hour), Done: at, Behind: at.Add(time.Hour), Runs: n,
		Failures: 3, Paused: true, Reason: "why", Open: []schedule.Fire{f}, Ended: []schedule.Fire{ended},
		Triggers: []time.Time{at.Add(time.Nanosecond)}, Pipeline: "report", Next: at.Add(24 * time.Hour)}
}

// same compares states: times are equal when they are the same instant.
func same(a, b *schedule.State) bool {
	return reflect.DeepEqual(normal(a), normal(b))
}

func normal(s *schedule.State) schedule.State {
	c := *s
	for _, at := range []*time.Time{&c.Anchor, &c.Done, &c.Behind, &c.Next} {
		*at = at.UTC()
	}
	c.Open, c.Ended = fires(c.Open), fires(c.Ended)
	triggers := []time.Time{}
	for _, at := range c.Triggers {
		triggers = append(triggers, at.UTC())
	}
	c.Triggers = triggers
	return c
}

func fires(in []schedule.Fire) []schedule.Fire {
	out := []schedule.Fire{}
	for _, f := range in {
		for _, at := range []*time.Time{&f.Time, &f.Since, &f.Started, &f.Ended} {
			*at = at.UTC()
		}
		out = append(out, f)
	}
	return out
}
