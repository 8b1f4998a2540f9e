package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Schedule is what there is to say of a schedule at one moment.
type Schedule struct {
	Label    string
	Timing   string // when it fires, as in "cron 0 2 * * * in Europe/Berlin"
	Pipeline string // name of its pipeline
	// Replaced says that it took the place of a schedule of this scheduler with the
	// same label.
	Replaced bool
	// Next is the next fire time, in the schedule's time zone; zero when there is none
	// any more. A paused schedule has one too.
	Next   time.Time
	Paused bool
	Reason string // why it is paused, if it did that to itself
	// Runs counts the fire times that were run or are to be, triggered ones left out.
	Runs int
	// Failures counts the runs that failed in a row, up to now.
	Failures int
	// Open are the fires that have not ended: running and waiting ones.
	Open []Fire
	// Err is why the schedule does not fire any more, or nil: its function of fire times
	// is wrong, another scheduler has given the label another timing, or its state in the
	// store cannot be read.
	Err error
}

// view is a copy of what is known of an entry.
type view struct {
	fireTimes
	config   *config
	pipeline string
	replaced bool
	err      error
	state    *State
	now      time.Time
}

// view copies. s.mu is held.
func (s *Scheduler) view(e *entry) view {
	known := s.known[e.label]
	v := view{fireTimes: e.times(), config: e.config, pipeline: e.pipeline.Name(), replaced: e.replaced,
		err: e.problem, state: known.State.clone(), now: s.clock.Now()}
	if known.Err != nil {
		v.err = unreadable(known.Err)
	}
	switch {
	case v.state == nil || e.fresh && v.state.Timing != v.text:
		// What begin would make of it.
		t := turn{fireTimes: v.fireTimes, config: e.config, now: v.now, since: v.now, fresh: true, state: v.state}
		t.begin()
		v.fireTimes, v.state = t.fireTimes, t.state
	case v.state.Timing != v.text:
		v.err = otherTiming(e.label, v.text, v.state.Timing)
	}
	v.anchor = v.state.Anchor
	return v
}

// otherTiming is the error of a schedule whose label another scheduler has given a timing
// of its own.
func otherTiming(label, mine, its string) error {
	return fmt.Errorf("another scheduler has given the label %q another timing, %q, and this one has %q: declare the same in both, with In for the time zone, or name one of them by another Label", label, its, mine)
}

// upcoming are the next n fire times.
func (v *view) upcoming(n int) ([]time.Time, error) {
	if v.config.maxRuns > 0 {
		n = min(n, v.config.maxRuns-v.state.Runs)
	}
	var times []time.Time
	at := v.state.Done
	if at.Before(v.now) {
		at = v.now
	}
	for v.err == nil && len(times) < n {
		next, err := v.after(at)
		if err != nil {
			return times, err
		}
		if next.IsZero() {
			break
		}
		times = append(times, next)
		at = next
	}
	return times, v.err
}

// schedule is called without the lock, since it may call the user's function.
func (v *view) schedule() Schedule {
	s := Schedule{Label: v.label, Timing: v.text, Pipeline: v.pipeline, Replaced: v.replaced, Paused: v.state.Paused,
		Reason: v.state.Reason, Runs: v.state.Runs, Failures: v.state.Failures, Open: v.state.Open}
	next, err := v.upcoming(1)
	if len(next) > 0 {
		s.Next = next[0]
	}
	s.Err = err
	return s
}

// List are the schedules of the scheduler, in the order of their labels.
func (s *Scheduler) List() []Schedule {
	s.mu.Lock()
	views := make([]view, 0, len(s.entries))
	for _, e := range s.entries {
		views = append(views, s.view(e))
	}
	s.mu.Unlock()
	list := make([]Schedule, 0, len(views))
	for i := range views {
		list = append(list, views[i].schedule())
	}
	slices.SortFunc(list, func(a, b Schedule) int { return cmp.Compare(a.Label, b.Label) })
	return list
}

// Get is the schedule with a label. The error is [ErrUnknownLabel] when there is none.
func (s *Scheduler) Get(label string) (Schedule, error) {
	v, err := s.find(label)
	if err != nil {
		return Schedule{}, err
	}
	return v.schedule(), nil
}

// Next are the next n fire times of a schedule, or fewer when it ends before, in its
// time zone. It does not matter whether it is paused.
func (s *Scheduler) Next(label string, n int) ([]time.Time, error) {
	v, err := s.find(label)
	if err != nil {
		return nil, err
	}
	times, err := v.upcoming(n)
	if err != nil {
		return times, fmt.Errorf("schedule: %q: %w", label, err)
	}
	return times, nil
}

// History are the fires of a schedule that have ended last, whichever scheduler made
// the runs, in the order of their ends. [History] the option says how many are kept.
func (s *Scheduler) History(label string) ([]Fire, error) {
	v, err := s.find(label)
	if err != nil {
		return nil, err
	}
	return v.state.Ended, nil
}

func unknown(label string) error { return fmt.Errorf("schedule: %q: %w", label, ErrUnknownLabel) }

func (s *Scheduler) find(label string) (view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[label]
	if e == nil {
		return view{}, unknown(label)
	}
	return s.view(e), nil
}

// Pause has a schedule let its fire times go until it is resumed, in every scheduler
// with the same store. Runs that go on or wait are not affected. Before Start it holds
// from the start on.
func (s *Scheduler) Pause(ctx context.Context, label string) error {
	return s.command(ctx, label, func(t *turn) error {
		t.changed = t.state.pause() || t.changed
		return nil
	})
}

// Resume has a paused schedule fire again, from its next fire time on: those that it
// let go are not missed. Failures are counted anew.
func (s *Scheduler) Resume(ctx context.Context, label string) error {
	return s.command(ctx, label, func(t *turn) error {
		t.changed = t.state.resume(t.now) || t.changed
		return nil
	})
}

// Trigger runs the pipeline of a schedule now, paused or not, as if this were a fire
// time, and returns without waiting for its end. The overlap policy holds: the status
// of the fire is [Queued] when it waits for a run that goes on, and [Skipped] when it
// was let go. It counts as no run of [MaxRuns].
func (s *Scheduler) Trigger(ctx context.Context, label string) (Fire, error) {
	s.mu.Lock()
	begun := s.phase != idle
	s.mu.Unlock()
	if !begun {
		return Fire{}, fmt.Errorf("schedule: Trigger(%q): %w", label, ErrNotStarted)
	}
	var f Fire
	err := s.command(ctx, label, func(t *turn) error {
		if t.closing {
			return fmt.Errorf("schedule: Trigger(%q): %w", label, ErrStopped)
		}
		f = t.trigger()
		return nil
	})
	if err != nil {
		return Fire{}, err
	}
	return f, nil
}

// Remove removes a schedule and what the store has of it, in every scheduler with the
// same store. Runs that go on do so to their end.
func (s *Scheduler) Remove(ctx context.Context, label string) error {
	return s.ask(ctx, label, func(e *entry, c *command) {
		if s.phase == idle {
			delete(s.entries, label)
			c.done <- nil
			return
		}
		e.removals = append(e.removals, c)
	})
}

// command has a change made of the state of a schedule.
func (s *Scheduler) command(ctx context.Context, label string, apply func(*turn) error) error {
	return s.ask(ctx, label, func(e *entry, c *command) {
		c.apply = func(t *turn) error {
			if t.superseded() {
				return fmt.Errorf("schedule: %w", otherTiming(label, t.text, t.state.Timing))
			}
			return apply(t)
		}
		e.commands = append(e.commands, c)
		if s.phase == idle {
			c.done <- nil
		}
	})
}

// ask adds a command to an entry and waits for the answer.
func (s *Scheduler) ask(ctx context.Context, label string, add func(*entry, *command)) error {
	if ctx == nil {
		return errors.New("schedule: the context is nil: use context.Background() when there is none")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c := &command{done: make(chan error, 2)}
	s.mu.Lock()
	e := s.entries[label]
	switch {
	case e == nil:
		s.mu.Unlock()
		return unknown(label)
	case s.phase == stopping:
		s.mu.Unlock()
		return fmt.Errorf("schedule: %q: %w", label, ErrStopped)
	}
	add(e, c)
	s.kick(e)
	s.mu.Unlock()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.stopped:
		return fmt.Errorf("schedule: %q: %w", label, ErrStopped)
	}
}
