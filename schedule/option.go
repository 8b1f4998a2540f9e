package schedule

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
)

// A ScheduleOption sets something about one schedule.
type ScheduleOption interface{ applySchedule(*config) }

// config is what options say about a schedule.
type config struct {
	label       string
	loc         *time.Location
	inputs      func(at time.Time) runnel.Values
	run         []runnel.RunOption
	jitter      time.Duration
	from, until time.Time
	maxRuns     int
	missed      MissedPolicy
	grace       time.Duration
	graced      bool
	overlap     OverlapPolicy
	pauseAfter  int
	history     int
	onEnd       []func(Fire, *runnel.Result, error)
	problems    []string
}

// defaultGrace is that of [SkipMissed].
const defaultGrace = time.Minute

// defaultHistory is how many ended fires are kept.
const defaultHistory = 20

func newConfig(opts []ScheduleOption) *config {
	c := &config{loc: time.Local, history: defaultHistory, inputs: func(time.Time) runnel.Values { return nil }}
	for i, o := range opts {
		if o == nil {
			c.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.applySchedule(c)
	}
	if !c.graced && c.missed == SkipMissed {
		c.grace = defaultGrace
	}
	if !c.from.IsZero() && !c.until.IsZero() && c.until.Before(c.from) {
		c.problem("Until(%v) is before From(%v)", c.until, c.from)
	}
	return c
}

func (c *config) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

type scheduleOption func(*config)

func (o scheduleOption) applySchedule(c *config) { o(c) }

// Label names the schedule. What the store has under the label goes on where it was
// left, and a schedule of this scheduler with the same label is replaced. By default
// it is the pipeline's name, or "schedule", with a number if that is taken. It is UTF-8
// text of at most 255 bytes.
func Label(label string) ScheduleOption {
	return scheduleOption(func(c *config) {
		if strings.TrimSpace(label) == "" {
			c.problem("Label must not be empty: drop it for a generated one")
		}
		c.label = label
	})
}

// In is the time zone of a cron expression, and of the times that are handed to
// functions. Default time.Local: programs that share a schedule have to have the same
// zone then, and one that has not says so in [Schedule].Err and does not fire.
func In(loc *time.Location) ScheduleOption {
	return scheduleOption(func(c *config) {
		if loc == nil {
			c.problem("In: the location is nil: use time.UTC, or look at the error of time.LoadLocation")
			return
		}
		c.loc = loc
	})
}

// Inputs are the external inputs of each run.
func Inputs(in runnel.Values) ScheduleOption {
	in = maps.Clone(in)
	return scheduleOption(func(c *config) { c.inputs = func(time.Time) runnel.Values { return maps.Clone(in) } })
}

// InputsFunc makes the external inputs of a run from its fire time, in the schedule's
// time zone. Run again after a crash, it gets the same time. It is called once when
// the schedule is made, with the first fire time, to check what it returns.
func InputsFunc(inputs func(at time.Time) runnel.Values) ScheduleOption {
	return scheduleOption(func(c *config) {
		if inputs == nil {
			c.problem("InputsFunc: the function is nil: drop it for no inputs")
			return
		}
		c.inputs = inputs
	})
}

// Run gives options to each run, such as [runnel.WithBroker]. Its [runnel.RunID] is
// the schedule's business.
func Run(opts ...runnel.RunOption) ScheduleOption {
	opts = slices.Clone(opts)
	return scheduleOption(func(c *config) { c.run = append(c.run, opts...) })
}

// Jitter starts each run up to max later than its fire time, so that schedules of one
// time do not all begin at once. How much later depends on label and fire time, and so
// is the same for every scheduler. Default 0.
func Jitter(max time.Duration) ScheduleOption {
	return scheduleOption(func(c *config) {
		if max < 0 {
			c.problem("Jitter must be 0 or more, got %v", max)
			return
		}
		c.jitter = max
	})
}

// From is the first time that the schedule may fire; intervals are counted from it.
// Fire times between it and the making of the schedule are missed ones. By default it
// is the making of the schedule, and the first interval passes before the first run.
func From(t time.Time) ScheduleOption {
	return scheduleOption(func(c *config) { c.from = t.Round(0) })
}

// Until is the last time that the schedule may fire.
func Until(t time.Time) ScheduleOption {
	return scheduleOption(func(c *config) { c.until = t.Round(0) })
}

// MaxRuns ends the schedule after n runs. Triggered ones do not count, nor do fire
// times that were let go. Default 0, which is no end.
func MaxRuns(n int) ScheduleOption {
	return scheduleOption(func(c *config) {
		if n < 0 {
			c.problem("MaxRuns must be 0 or more, got %d: 0 is no end", n)
		}
		c.maxRuns = n
	})
}

// OnMissed says what becomes of missed fire times. Default [SkipMissed].
func OnMissed(p MissedPolicy) ScheduleOption {
	return scheduleOption(func(c *config) {
		if p < SkipMissed || p > RunAll {
			c.problem("OnMissed: there is no %v: use SkipMissed, RunOnce or RunAll", p)
		}
		c.missed = p
	})
}

// Grace is how late a run may begin: fire times that have passed by more are let go,
// whatever [OnMissed] says. Default 1 min with [SkipMissed], without end otherwise; 0
// is without end too.
func Grace(d time.Duration) ScheduleOption {
	return scheduleOption(func(c *config) {
		if d < 0 {
			c.problem("Grace must be 0 or more, got %v: 0 is without end", d)
		}
		c.grace, c.graced = d, true
	})
}

// OnOverlap says what becomes of a fire time while a run goes on. Default
// [SkipOverlap].
func OnOverlap(p OverlapPolicy) ScheduleOption {
	return scheduleOption(func(c *config) {
		if p < SkipOverlap || p > CancelRunning {
			c.problem("OnOverlap: there is no %v: use SkipOverlap, QueueOne, AllowOverlap or CancelRunning", p)
		}
		c.overlap = p
	})
}

// PauseAfter pauses the schedule when n runs have failed in a row, until it is
// resumed. Default 0: it goes on, whatever fails. Trying again is the business of the
// tasks: see [runnel.Retries].
func PauseAfter(n int) ScheduleOption {
	return scheduleOption(func(c *config) {
		if n < 0 {
			c.problem("PauseAfter must be 0 or more, got %d: 0 goes on after any number of failures", n)
		}
		c.pauseAfter = n
	})
}

// History is how many ended fires are kept. Default 20, at least 1. All of them are
// written with each change of the schedule.
func History(n int) ScheduleOption {
	return scheduleOption(func(c *config) {
		if n < 1 {
			c.problem("History must be 1 or more, got %d", n)
			return
		}
		c.history = n
	})
}

// OnEnd calls a function when a run has ended and its end is recorded, with what the
// run returned. It is called by the scheduler that made the run, and not for fires
// that were let go, perhaps for several runs at once. Stop waits for it, so it
// must not call Stop.
func OnEnd(f func(f Fire, res *runnel.Result, err error)) ScheduleOption {
	return scheduleOption(func(c *config) {
		if f == nil {
			c.problem("OnEnd: the function is nil: drop it")
			return
		}
		c.onEnd = append(c.onEnd, f)
	})
}

// A SchedulerOption sets something about a scheduler.
type SchedulerOption interface{ applyScheduler(*Scheduler) }

type schedulerOption func(*Scheduler)

func (o schedulerOption) applyScheduler(s *Scheduler) { o(s) }

// WithStore keeps the states of the schedules in a store. Default a new [Memory].
func WithStore(store Store) SchedulerOption {
	return schedulerOption(func(s *Scheduler) {
		if store == nil {
			s.problem("WithStore: the store is nil: drop the option to keep schedules in memory")
			return
		}
		s.store = store
	})
}

// WithClock is where the scheduler has the time from. Default the clock of the machine.
// Schedulers with one store need clocks that agree about as well as fires have to be
// on time.
func WithClock(c Clock) SchedulerOption {
	return schedulerOption(func(s *Scheduler) {
		if c == nil {
			s.problem("WithClock: the clock is nil: drop the option for that of the machine")
			return
		}
		s.clock = c
	})
}

// Lease is how long a scheduler may be silent before others take over its runs, and
// how long it goes on with a run when it cannot reach the store. Default 1 min.
func Lease(d time.Duration) SchedulerOption {
	return schedulerOption(func(s *Scheduler) {
		if d < time.Second {
			s.problem("Lease must be 1s or more, got %v", d)
			return
		}
		s.lease = d
	})
}

// Logger is told of fires that fail, are let go or taken over, of schedules that are
// paused, and of trouble with the store. Default slog.Default().
func Logger(l *slog.Logger) SchedulerOption {
	return schedulerOption(func(s *Scheduler) {
		if l == nil {
			s.problem("Logger: the logger is nil: use slog.New(slog.DiscardHandler) for silence")
			return
		}
		s.log = l
	})
}
