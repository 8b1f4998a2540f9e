package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Operator looks at the schedules of a store and steers them from outside: it
// declares none, and runs none. What it asks for is done by the schedulers with the
// store, now or when the next one is started. Its methods are safe for concurrent use.
type Operator struct {
	store Store
}

// NewOperator makes an operator of a store, which must not be nil.
func NewOperator(store Store) *Operator { return &Operator{store: store} }

// List are the schedules of the store, in the order of their labels. Of each there is
// what the scheduler that changed it last has written: its Next is in UTC, and in the
// past when nobody has dealt with that fire time, as while the schedule is paused. Fires
// that were asked for and that no scheduler has dealt with are among the open ones.
// Replaced is never set.
func (o *Operator) List(ctx context.Context) ([]Schedule, error) {
	all, err := o.read(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Schedule, 0, len(all))
	for _, c := range all {
		list = append(list, c.schedule())
	}
	slices.SortFunc(list, func(a, b Schedule) int { return cmp.Compare(a.Label, b.Label) })
	return list, nil
}

// Get is the schedule with a label, as [Operator.List] has it. The error is
// [ErrUnknownLabel] when there is none.
func (o *Operator) Get(ctx context.Context, label string) (Schedule, error) {
	c, err := o.find(ctx, label)
	if err != nil {
		return Schedule{}, err
	}
	return c.schedule(), nil
}

// History are the fires of a schedule that have ended last, in the order of their ends.
func (o *Operator) History(ctx context.Context, label string) ([]Fire, error) {
	c, err := o.readable(ctx, label)
	if err != nil {
		return nil, err
	}
	return c.State.Ended, nil
}

// Pause has a schedule let its fire times go until it is resumed, as [Scheduler.Pause]
// does.
func (o *Operator) Pause(ctx context.Context, label string) error {
	return o.change(ctx, label, func(s *State) { s.pause() })
}

// Resume has a paused schedule fire again, as [Scheduler.Resume] does. The clock is that
// of the machine.
func (o *Operator) Resume(ctx context.Context, label string) error {
	return o.change(ctx, label, func(s *State) { s.resume(time.Now().Round(0)) })
}

// Trigger asks for a run of the schedule's pipeline now, paused or not, as if this were
// a fire time. The fire that it returns is [Queued]: the first scheduler that has the
// schedule deals with it, by the overlap policy. The clock is that of the machine.
func (o *Operator) Trigger(ctx context.Context, label string) (Fire, error) {
	var f Fire
	err := o.change(ctx, label, func(s *State) {
		f = s.nextTriggered(label, time.Now().Round(0))
		f.Status = Queued
		s.Triggers = append(s.Triggers, f.Time)
	})
	if err != nil {
		return Fire{}, err
	}
	return f, nil
}

// Remove removes a schedule from the store, also one whose state cannot be read.
// Schedulers that have it stop firing it, and runs that go on do so to their end. A
// program that declares it when it starts makes it anew.
func (o *Operator) Remove(ctx context.Context, label string) error {
	if _, err := o.find(ctx, label); err != nil {
		return err
	}
	return o.store.Remove(ctx, label)
}

// change writes the next state of a label. Who is faster makes it begin anew.
func (o *Operator) change(ctx context.Context, label string, next func(*State)) error {
	for {
		c, err := o.readable(ctx, label)
		if err != nil {
			return err
		}
		s := c.State.clone()
		next(s)
		if _, err = o.store.Save(ctx, label, s, c.Revision); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// readable is the state of a label that there has to be.
func (o *Operator) readable(ctx context.Context, label string) (Change, error) {
	c, err := o.find(ctx, label)
	if err == nil && c.Err != nil {
		err = fmt.Errorf("schedule: %q: %w", label, unreadable(c.Err))
	}
	return c, err
}

func (o *Operator) find(ctx context.Context, label string) (Change, error) {
	all, err := o.read(ctx)
	if err != nil {
		return Change{}, err
	}
	i := slices.IndexFunc(all, func(c Change) bool { return c.Label == label })
	if i < 0 {
		return Change{}, unknown(label)
	}
	return all[i], nil
}

// read is what the store has now.
func (o *Operator) read(ctx context.Context) (all []Change, err error) {
	if ctx == nil {
		return nil, errors.New("schedule: the context is nil: use context.Background() when there is none")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	told := false
	err = o.store.Watch(ctx, func(changes []Change) {
		if !told {
			told, all = true, changes
			stop(errRead)
		}
	})
	switch {
	case told:
		return all, nil
	case err == nil:
		return nil, errors.New("schedule: the store has not told what there is")
	}
	return nil, err
}

// errRead ends a Watch that has told what there is.
var errRead = errors.New("the store has told what there is")

// schedule is what there is to say of a state by itself.
func (c *Change) schedule() Schedule {
	if c.Err != nil {
		return Schedule{Label: c.Label, Err: unreadable(c.Err)}
	}
	s := c.State
	open := slices.Clone(s.Open)
	for _, at := range s.Triggers {
		f := triggered(c.Label, at)
		f.Status = Queued
		open = append(open, f)
	}
	return Schedule{Label: c.Label, Timing: s.Timing, Pipeline: s.Pipeline, Next: s.Next, Paused: s.Paused, Reason: s.Reason,
		Runs: s.Runs, Failures: s.Failures, Open: open}
}
