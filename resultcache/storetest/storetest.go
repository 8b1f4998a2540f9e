// Package storetest holds a [resultcache.Store] to its contract.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/runnelflow/runnel/resultcache"
)

// rule is what a case checks. Both are printed when it does not hold.
type rule struct{ rule, why string }

type store = resultcache.Store

var cases = []struct {
	name string
	rule
	check func(t *testing.T, s store)
}{
	{"Put", rule{"What was put is what Get gives, all of it, until it is put again.", "the run decodes the bytes, and holds the time at which they were stored against the task's ttl."}, put},
	{"Absent", rule{"Get of what is not there is ErrNotFound.", "that, and no other error, is an ordinary miss."}, absent},
	{"Empty", rule{"An entry may have no data at all.", "the result of a task may be an empty struct."}, empty},
	{"Expired", rule{"What has expired is not found, and what never expires has a zero time.", "a ttl is a promise that nothing older is used."}, expired},
	{"Invalidate", rule{"Invalidate removes the versions and tasks that are named, an empty name being all, and tells how many.", "one who mends a task wants to be rid of its results and keep the others."}, invalidate},
	{"PruneExpired", rule{"Prune removes what has expired, and without a size nothing else.", "it is run by a clock, and must do no harm."}, pruneExpired},
	{"PruneSize", rule{"Prune to a size leaves no more than that, and goes by use: what was used last stays.", "what a run has just taken it will take again."}, pruneSize},
	{"Stats", rule{"Stats count entries, their bytes, hits, misses and puts.", "they tell whether a cache is worth it, and whether it is too small."}, stats},
	{"Concurrent", rule{"All methods may be called at once, and an entry is whole or not there.", "the tasks of all runs share a store."}, concurrent},
	{"Cancelled", rule{"A context that has ended is an error or is ignored; it does no harm to entries.", "runs are cancelled in the middle of anything."}, cancelled},
}

// Run holds the stores that open makes, each empty, to the contract.
func Run(t *testing.T, open func(t *testing.T) resultcache.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("rule: %s\nwhy: %s", c.rule.rule, c.why)
				}
			}()
			c.check(t, open(t))
		})
	}
}

var ctx = context.Background()

// entry is an entry for a number.
func entry(task, version string, n int) *resultcache.Entry {
	return &resultcache.Entry{
		Key:  sha256.Sum256(fmt.Appendf(nil, "%s %s %d", task, version, n)),
		Task: task, Version: version, Stored: time.Now().Round(0),
		Data: bytes.Repeat([]byte{byte(n)}, n),
	}
}

func mustPut(t *testing.T, s store, entries ...*resultcache.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := s.Put(ctx, e); err != nil {
			t.Fatalf("Put: %v", err)
		}
	}
}

// holds fails unless exactly those of some entries are there that are to be.
func holds(t *testing.T, s store, want bool, entries ...*resultcache.Entry) {
	t.Helper()
	for _, e := range entries {
		got, err := s.Get(ctx, e.Key)
		switch {
		case want && err != nil:
			t.Fatalf("Get of %s %s: %v", e.Task, e.Version, err)
		case want && (!bytes.Equal(got.Data, e.Data) || got.Key != e.Key || got.Task != e.Task || got.Version != e.Version || !got.Stored.Equal(e.Stored) || !got.Expires.Equal(e.Expires)):
			t.Fatalf("put %+v, got %+v", e, got)
		case !want && !errors.Is(err, resultcache.ErrNotFound):
			t.Fatalf("Get of %s %s: error %v, want ErrNotFound", e.Task, e.Version, err)
		}
	}
}

func put(t *testing.T, s store) {
	a, b := entry("a", "1", 100), entry("b", "1", 3000)
	b.Expires = time.Now().Add(time.Hour).Round(0)
	mustPut(t, s, a, b)
	holds(t, s, true, a, b)
	again := *a
	again.Data, again.Stored = []byte("other"), a.Stored.Add(time.Second)
	mustPut(t, s, &again)
	holds(t, s, true, &again, b)
}

func absent(t *testing.T, s store) {
	holds(t, s, false, entry("a", "1", 1))
	mustPut(t, s, entry("a", "1", 1))
	holds(t, s, false, entry("a", "2", 1))
}

func empty(t *testing.T, s store) {
	e := entry("a", "1", 0)
	mustPut(t, s, e)
	holds(t, s, true, e)
}

func expired(t *testing.T, s store) {
	over, later, never := entry("a", "1", 1), entry("a", "1", 2), entry("a", "1", 3)
	over.Expires, later.Expires = time.Now().Add(-time.Nanosecond), time.Now().Add(time.Hour).Round(0)
	mustPut(t, s, over, later, never)
	holds(t, s, false, over)
	holds(t, s, true, later, never)
}

func invalidate(t *testing.T, s store) {
	all := []*resultcache.Entry{entry("a", "1", 1), entry("a", "2", 2), entry("b", "1", 3), entry("c", "9", 4)}
	gone := func(want int, task, version string) {
		t.Helper()
		if n, err := s.Invalidate(ctx, task, version); n != want || err != nil {
			t.Fatalf("Invalidate(%q, %q): %d, %v, want %d", task, version, n, err, want)
		}
	}
	mustPut(t, s, all...)
	gone(0, "a", "3")
	gone(1, "a", "2")
	holds(t, s, false, all[1])
	holds(t, s, true, all[0], all[2], all[3])
	gone(2, "", "1")
	holds(t, s, true, all[3])
	mustPut(t, s, all[0], all[1])
	gone(2, "a", "")
	gone(1, "", "")
	holds(t, s, false, all...)
	gone(0, "", "")
}

func pruned(t *testing.T, s store, maxBytes int64) int {
	t.Helper()
	n, err := s.Prune(ctx, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func pruneExpired(t *testing.T, s store) {
	over, stays := entry("a", "1", 1), entry("a", "1", 2)
	over.Expires = time.Now().Add(-time.Second)
	mustPut(t, s, over, stays)
	if n := pruned(t, s, 0); n > 1 {
		t.Errorf("%d were removed, want 1, or 0 of a store that had removed it before", n)
	}
	if got := now(t, s).Entries; got != 1 {
		t.Errorf("there are %d entries after Prune, want 1", got)
	}
	holds(t, s, true, stays)
	if n := pruned(t, s, 0); n != 0 {
		t.Errorf("another Prune removed %d", n)
	}
}

func pruneSize(t *testing.T, s store) {
	var all []*resultcache.Entry
	for n := range 10 {
		e := entry("a", "1", 1000+n)
		all = append(all, e)
		mustPut(t, s, e)
	}
	holds(t, s, true, all[0]) // used last
	half := now(t, s).Bytes / 2
	if n := pruned(t, s, half); n < 4 || n > 6 {
		t.Errorf("to get to half the size %d of 10 were removed", n)
	}
	if left := now(t, s).Bytes; left > half {
		t.Errorf("%d bytes are left, want at most %d", left, half)
	}
	holds(t, s, true, all[0], all[9])
	holds(t, s, false, all[1])
}

func now(t *testing.T, s store) resultcache.Stats {
	t.Helper()
	st, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func stats(t *testing.T, s store) {
	if st := now(t, s); st.Entries != 0 || st.Bytes != 0 || st.Hits+st.Misses+st.Puts != 0 {
		t.Fatalf("an empty store has %+v", st)
	}
	a, b := entry("a", "1", 1), entry("b", "1", 2)
	mustPut(t, s, a, b, a)
	holds(t, s, true, a, b)
	holds(t, s, false, entry("c", "1", 1))
	st := now(t, s)
	if st.Entries != 2 || st.Hits != 2 || st.Misses != 1 || st.Puts != 3 || st.Bytes < 3 {
		t.Errorf("got %+v, want 2 entries, 2 hits, 1 miss, 3 puts", st)
	}
	if _, err := s.Invalidate(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	if st := now(t, s); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("nothing is left, and there is %+v", st)
	}
}

func concurrent(t *testing.T, s store) {
	const keys = 8
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				n := (g + i) % keys
				e := entry("a", "1", n*50)
				switch i % 6 {
				case 0, 3:
					if err := s.Put(ctx, e); err != nil {
						t.Errorf("Put: %v", err)
					}
				case 5:
					var err error
					if g == 0 {
						_, err = s.Invalidate(ctx, "a", "")
					} else {
						_, err = s.Prune(ctx, 2000)
					}
					if err != nil {
						t.Errorf("removing: %v", err)
					}
				default:
					got, err := s.Get(ctx, e.Key)
					if err != nil && !errors.Is(err, resultcache.ErrNotFound) || err == nil && !bytes.Equal(got.Data, e.Data) {
						t.Errorf("Get: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func cancelled(t *testing.T, s store) {
	e := entry("a", "1", 10)
	mustPut(t, s, e)
	over, cancel := context.WithCancel(ctx)
	cancel()
	if got, err := s.Get(over, e.Key); err == nil && !bytes.Equal(got.Data, e.Data) {
		t.Error("another entry")
	}
	if err := s.Put(over, e); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	holds(t, s, true, e)
}
