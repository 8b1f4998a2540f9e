package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runnelflow/runnel"
)

// Cron schedules a pipeline by a cron expression in the schedule's time zone: five
// fields (minute, hour, day of month, month, day of week), six with the second in
// front, or a name such as @daily. Fields take lists, ranges, steps and names of months
// and days of the week, in which 0 and 7 are Sunday; L, L-3, 15W and LW among the days
// of the month, and FRI#2 and FRI#L among those of the week, are the last day, the
// third before it, the weekday next to the 15th, the last weekday, the second and the
// last Friday. Where both kinds of days are given, either of them will do. "@every
// 90s" is [Scheduler.Every].
//
// The error says what is wrong with the expression, the options, the pipeline or its
// inputs. The schedule fires once the scheduler is started, or from now on when it is.
// One with a label that the scheduler knows replaces the other, as Replaced of the
// result says; runs of the other go on, and if the timing is the same, so does the
// count of runs.
func (s *Scheduler) Cron(expression string, p *runnel.Pipeline, opts ...ScheduleOption) (Schedule, error) {
	return s.add(fmt.Sprintf("Cron(%q)", expression), p, opts, func(c *config) (timing, error) {
		return cronTiming(expression, c.loc)
	})
}

// Every schedules a pipeline at an interval of real time, at least a millisecond:
// first when it has passed once, or at [From]. Otherwise it is like [Scheduler.Cron].
func (s *Scheduler) Every(interval time.Duration, p *runnel.Pipeline, opts ...ScheduleOption) (Schedule, error) {
	return s.add(fmt.Sprintf("Every(%v)", interval), p, opts, func(*config) (timing, error) {
		return everyTiming(interval)
	})
}

// At schedules a pipeline once. A time that has passed, and at which the schedule has
// not run, is missed: see [OnMissed]. Otherwise it is like [Scheduler.Cron].
func (s *Scheduler) At(t time.Time, p *runnel.Pipeline, opts ...ScheduleOption) (Schedule, error) {
	return s.add(fmt.Sprintf("At(%v)", t), p, opts, func(*config) (timing, error) {
		if t.IsZero() {
			return timing{}, errors.New("the time is zero")
		}
		return atTiming(t), nil
	})
}

// Func schedules a pipeline at the times that a function gives: the first one after
// the given time, or zero when there is none. It gets times in the schedule's time
// zone, in any order, from several goroutines, and has to return the same in each
// scheduler. Otherwise it is like [Scheduler.Cron].
func (s *Scheduler) Func(next func(after time.Time) time.Time, p *runnel.Pipeline, opts ...ScheduleOption) (Schedule, error) {
	return s.add("Func", p, opts, func(c *config) (timing, error) {
		if next == nil {
			return timing{}, errors.New("the function is nil")
		}
		return funcTiming(next, c.loc), nil
	})
}

// add makes a schedule, or puts it in the place of the one with its label.
func (s *Scheduler) add(call string, p *runnel.Pipeline, opts []ScheduleOption, when func(*config) (timing, error)) (Schedule, error) {
	if err := s.check(); err != nil {
		return Schedule{}, err
	}
	c := newConfig(opts)
	t, err := when(c)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule: %s: %w", call, err)
	}
	if len(c.problems) > 0 {
		return Schedule{}, fmt.Errorf("schedule: %s: %s", call, strings.Join(c.problems, "; "))
	}
	t.text += c.bounds()
	if err := s.try(p, c, t); err != nil {
		return Schedule{}, fmt.Errorf("schedule: %s: %w", call, err)
	}
	s.mu.Lock()
	if s.phase == stopping {
		s.mu.Unlock()
		return Schedule{}, fmt.Errorf("schedule: %s: %w", call, ErrStopped)
	}
	if c.label == "" {
		c.label = s.newLabel(p)
	}
	if err := checkLabel(c.label); err != nil {
		s.mu.Unlock()
		return Schedule{}, fmt.Errorf("schedule: %s: %w", call, err)
	}
	e := s.entries[c.label]
	if e == nil {
		e = &entry{label: c.label, runs: map[string]*run{}, place: -1}
		s.entries[c.label] = e
	} else {
		e.replaced = true
	}
	e.timing, e.pipeline, e.config, e.fresh, e.problem = t, p, c, true, nil
	e.since = s.clock.Now().Round(0)
	s.kick(e)
	v := s.view(e)
	s.mu.Unlock()
	return v.schedule(), nil
}

// bounds are a part of what makes a timing differ from others.
func (c *config) bounds() string {
	text := ""
	if !c.from.IsZero() {
		text += " from " + c.from.UTC().Format(time.RFC3339Nano)
	}
	if !c.until.IsZero() {
		text += " until " + c.until.UTC().Format(time.RFC3339Nano)
	}
	return text
}

// try says what the first run would say of the pipeline, its inputs and options.
func (s *Scheduler) try(p *runnel.Pipeline, c *config, t timing) (err error) {
	if p == nil {
		return errors.New("the pipeline is nil: look at the error of the function that was to make it")
	}
	now := s.clock.Now()
	times := fireTimes{timing: t, loc: c.loc, from: c.from, until: c.until, anchor: now}
	first, err := times.after(now)
	if err != nil {
		return err
	}
	if first.IsZero() {
		first = now.In(c.loc)
	}
	defer caught(&err)
	return p.Check(c.inputs(first), c.run...)
}

// newLabel makes a label. Made from the pipeline's name and the order of calls it is
// the same when the program is started again. s.mu is held.
func (s *Scheduler) newLabel(p *runnel.Pipeline) string {
	base := p.Name()
	if base == "" {
		base = "schedule"
	}
	label := base
	for n := 2; s.entries[label] != nil; n++ {
		label = fmt.Sprintf("%s-%d", base, n)
	}
	return label
}

// maxLabel is how many bytes a label may have.
const maxLabel = 255

// checkLabel says what stores need not take. The label may be a pipeline's name.
func checkLabel(label string) error {
	switch {
	case !utf8.ValidString(label):
		return fmt.Errorf("the label %q is no UTF-8 text: name the schedule with Label", label)
	case len(label) > maxLabel:
		return fmt.Errorf("the label %.40q… has %d bytes, and may have %d: name the schedule with a shorter Label", label, len(label), maxLabel)
	}
	return nil
}
