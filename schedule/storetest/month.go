package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

var monthRule = rule{
	name: "a month of schedulers that die",
	rule: "Whichever scheduler dies whenever, each fire time is run to its end, its end is recorded once, and no two schedulers run it at once.",
	why:  "this is what a store is for.",
}

// A life is a scheduler and its connection to the store, which is cut when it dies.
type life struct {
	*schedule.Scheduler
	store *connection
}

// A connection is a store that can be cut off, as by a power cord: nothing is written
// or handed over any more.
type connection struct {
	schedule.Store
	mu   sync.Mutex
	dead bool
	doom doom
	died chan struct{}
}

// doom is what a scheduler dies of.
type doom int

const (
	none       doom = iota
	beforeSave      // its next Save does not reach the store
	afterSave       // the answer to the next Save that writes does not reach it
)

var errDead = errors.New("the scheduler is dead")

func (c *connection) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *connection) die() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill()
}

// kill is die with c.mu held.
func (c *connection) kill() {
	if !c.dead {
		c.dead = true
		close(c.died)
	}
}

// dies reports whether a scheduler is dead, or dies of d just now.
func (c *connection) dies(d doom) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doom == d {
		c.kill()
	}
	return c.dead
}

// Save implements [schedule.Store].
func (c *connection) Save(ctx context.Context, label string, s *schedule.State, revision uint64) (uint64, error) {
	if c.dies(beforeSave) {
		return 0, errDead
	}
	next, err := c.Store.Save(ctx, label, s, revision)
	if err == nil && c.dies(afterSave) {
		return 0, errDead
	}
	return next, err
}

// Watch implements [schedule.Store].
func (c *connection) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	return c.Store.Watch(ctx, func(changes []schedule.Change) {
		if !c.isDead() {
			deliver(changes)
		}
	})
}

// A book is a store that looks at the ends of fires that are written.
type book struct {
	schedule.Store
	ledger *ledger
}

// Save implements [schedule.Store].
func (b book) Save(ctx context.Context, label string, s *schedule.State, revision uint64) (uint64, error) {
	next, err := b.Store.Save(ctx, label, s, revision)
	if err != nil {
		return next, err
	}
	l := b.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range s.Ended {
		if other, ok := l.recorded[f.RunID]; ok && !(other.Ended.Equal(f.Ended) && other.Owner == f.Owner) {
			l.fault("the end of %s was recorded by %s at %v and by %s at %v", f.RunID, other.Owner, other.Ended, f.Owner, f.Ended)
		}
		l.recorded[f.RunID] = f
	}
	return next, nil
}

// A ledger is what is known of the runs of a month from outside.
type ledger struct {
	mu       sync.Mutex
	going    map[string]*connection   // who runs a run id
	finished map[string]int           // how often a run has come to its end
	recorded map[string]schedule.Fire // the end of a fire time, as the store has it
	told     map[string]int           // how often a scheduler told of an end
	begun    int
	faults   []string
}

func (l *ledger) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// month lets three schedulers share a store for a month, and kills one of them at
// random every few hours: at any moment, or as it writes to the store, which has it or
// has not. Another one takes its place some time later. It checks that each fire time was
// run to its end and recorded once. Time is that of a bubble of testing/synctest; the
// store is outside of it.
func month(t *testing.T, store schedule.Store) {
	out := newOutside(t, store)
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{going: map[string]*connection{}, finished: map[string]int{}, recorded: map[string]schedule.Fire{}, told: map[string]int{}}
		l.month(&harness{T: t, rule: monthRule}, book{out, l})
	})
}

func (l *ledger) month(h *harness, store schedule.Store) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	begin := time.Now()
	until := begin.Add(30 * 24 * time.Hour)
	born := func() *life {
		c := &connection{Store: store, died: make(chan struct{})}
		s := schedule.New(schedule.WithStore(c), schedule.Lease(10*time.Minute), schedule.Logger(slog.New(slog.DiscardHandler)))
		l.schedules(h, s, c, begin, until)
		if err := s.Start(context.Background()); err != nil {
			h.fail("Start: %v", err)
		}
		return &life{s, c}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	lives := []*life{born(), born(), born()}
	kills := map[doom]int{}
	for time.Now().Before(until) {
		time.Sleep(time.Duration(random.Int64N(int64(5 * time.Hour))))
		victim := random.IntN(len(lives))
		c := lives[victim].store
		d := doom(random.IntN(3))
		c.mu.Lock()
		c.doom = d
		c.mu.Unlock()
		last := time.AfterFunc(12*time.Hour, c.die) // when it has nothing to write any more
		if d == none {
			c.die()
		}
		<-c.died
		last.Stop()
		kills[d]++
		_ = lives[victim].Stop(gone)
		time.Sleep(time.Duration(random.Int64N(int64(time.Hour))))
		lives[victim] = born()
	}
	time.Sleep(12 * time.Hour) // what goes on comes to its end, and nothing new is due
	for _, one := range lives {
		if err := one.Stop(context.Background()); err != nil {
			h.Errorf("Stop: %v", err)
		}
	}
	l.check(h, begin, until)
	h.Logf("%d schedulers were killed, %d before a Save and %d after one; %d runs were begun for %d fire times",
		kills[none]+kills[beforeSave]+kills[afterSave], kills[beforeSave], kills[afterSave], l.begun, len(l.finished))
}

// The schedules of a month: short runs that may lie side by side, and others in a
// queue, since one that is taken over may last longer than the time to the next. Nothing is let go.
var monthly = []struct {
	label string
	every time.Duration
	takes time.Duration
	opts  []schedule.ScheduleOption
}{
	{"quarter", 15 * time.Minute, 30 * time.Second, []schedule.ScheduleOption{schedule.OnOverlap(schedule.AllowOverlap)}},
	{"hour", time.Hour, 20 * time.Minute, []schedule.ScheduleOption{schedule.OnOverlap(schedule.QueueOne)}},
	{"long", 4 * time.Hour, 100 * time.Minute, []schedule.ScheduleOption{schedule.OnOverlap(schedule.QueueOne)}},
}

func (l *ledger) schedules(h *harness, s *schedule.Scheduler, c *connection, begin, until time.Time) {
	for _, m := range monthly {
		p, err := runnel.FromTasks(runnel.NewTask("done", func(ctx context.Context, _ struct{}) (bool, error) {
			return true, l.run(ctx, runnel.Info(ctx).RunID, c, m.takes)
		}))
		if err != nil {
			h.fail("the pipeline: %v", err)
		}
		opts := append([]schedule.ScheduleOption{schedule.Label(m.label), schedule.OnMissed(schedule.RunAll),
			schedule.From(begin.Add(m.every)), schedule.Until(until),
			schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, err error) { l.ended(f, c, err) })}, m.opts...)
		if _, err := s.Every(m.every, p, opts...); err != nil {
			h.fail("Every: %v", err)
		}
	}
}

// run is what a task does.
func (l *ledger) run(ctx context.Context, id string, c *connection, takes time.Duration) error {
	l.mu.Lock()
	l.begun++
	if other := l.going[id]; other != nil && !other.isDead() {
		l.fault("%s was begun while it went on", id)
	}
	l.going[id] = c
	l.mu.Unlock()
	passed := time.NewTimer(takes)
	defer passed.Stop()
	var err error
	select {
	case <-passed.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.going[id] == c {
		delete(l.going, id)
	}
	if err == nil && !c.isDead() {
		l.finished[id]++
	}
	return err
}

func (l *ledger) ended(f schedule.Fire, c *connection, err error) {
	if c.isDead() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[f.RunID]++
	if err != nil {
		l.fault("%s ended with %v", f.RunID, err)
	}
}

// check looks at each fire time of the month.
func (l *ledger) check(h *harness, begin, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := 0
	for _, m := range monthly {
		for at := begin.Add(m.every); !at.After(until); at = at.Add(m.every) {
			all++
			id := m.label + "@" + at.UTC().Format(time.RFC3339Nano)
			// A scheduler may die between the end of a run and its record: then the run is made
			// once more. It may die between the record and the telling of it.
			if end, ok := l.recorded[id]; !ok || end.Status != schedule.Succeeded || l.finished[id] == 0 {
				l.fault("%s was run to its end %d times, and has the status %q", id, l.finished[id], end.Status)
			}
			if l.told[id] > 1 {
				l.fault("the end of %s was told of %d times", id, l.told[id])
			}
		}
	}
	if len(l.finished) != all || len(l.recorded) != all {
		l.fault("there are %d fire times; %d were run, and the ends of %d recorded", all, len(l.finished), len(l.recorded))
	}
	if len(l.faults) > 0 {
		h.fail("%d faults, the first: %s", len(l.faults), l.faults[0])
	}
}
