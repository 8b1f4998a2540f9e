package schedule

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// maxTakeovers is how often a run may lose its scheduler. One that brings down each of
// them has to end.
const maxTakeovers = 4

// A turn decides what is to be done about a schedule at one moment. It goes from one
// state to the next, and does nothing else: what follows from a state is done once the
// store has it.
type turn struct {
	fireTimes
	config   *config
	pipeline string

	now     time.Time
	me      string // this scheduler
	lease   time.Duration
	closing bool                // nothing new is begun
	fresh   bool                // the schedule has just been made, here
	since   time.Time           // then; what is due from then on fires
	runs    map[string]*run     // of this scheduler, by run id
	seen    map[string]lifeSign // of other schedulers, by run id

	state   *State // the next one
	changed bool
	wake    time.Time // when to look again, or zero
	notes   []note
}

// lifeSign is when this scheduler saw that a fire of another one had changed. Times of
// two machines are not compared.
type lifeSign struct {
	owner string
	beat  uint64
	at    time.Time
}

// note is a line for the log.
type note struct {
	level slog.Level
	text  string
	args  []any
}

func (t *turn) note(level slog.Level, text string, args ...any) {
	t.notes = append(t.notes, note{level, text, append([]any{"label", t.label}, args...)})
}

func (t *turn) wakeAt(at time.Time) {
	if t.wake.IsZero() || at.Before(t.wake) {
		t.wake = at
	}
}

// decide makes the next state. The error says why the schedule does not fire any more.
func (t *turn) decide() error {
	if t.superseded() {
		t.endRuns()
		t.beat()
		return otherTiming(t.label, t.text, t.state.Timing)
	}
	t.begin()
	t.endRuns()
	t.beat()
	if t.closing {
		return nil
	}
	t.takeOver()
	t.launchTriggers()
	err := t.fire()
	t.unqueue()
	return err
}

// describe writes down what those want to know who look from outside: with each change,
// and when the next fire time is one that was dealt with, as after [Operator.Resume].
func (t *turn) describe() {
	s := t.state
	if t.superseded() || !t.changed && s.Next.After(s.Done) {
		return
	}
	var next time.Time
	if n := t.config.maxRuns; n == 0 || s.Runs < n {
		at := s.Done
		if at.Before(t.now) {
			at = t.now
		}
		next, _ = t.after(at) // of a function that is wrong decide has told
	}
	t.changed = t.changed || !next.Equal(s.Next)
	s.Pipeline, s.Next = t.pipeline, next.UTC()
}

// superseded tells whether another scheduler has given the label another timing.
func (t *turn) superseded() bool { return !t.fresh && t.state != nil && t.state.Timing != t.text }

// begin makes the state of a schedule that the store does not know, and begins one
// anew that has got another timing. What has run, and what still does, stays.
func (t *turn) begin() {
	known := t.state != nil
	if known && t.state.Timing == t.text {
		t.anchor = t.state.Anchor
		return
	}
	if !known {
		t.state = &State{}
	}
	s := t.state
	s.Timing, s.Anchor, s.Done = t.text, t.since, t.since
	s.Runs, s.Failures, s.Paused, s.Reason = 0, 0, false, ""
	switch {
	case !t.from.IsZero():
		s.Anchor = t.from
		// Of a timing that has changed nobody has missed anything.
		if !known || t.from.After(t.now) {
			s.Done = t.from.Add(-1)
		}
	case !t.once.IsZero():
		s.Done = t.once.Add(-1)
	}
	t.anchor, t.changed = s.Anchor, true
}

// mine is the open fire of a run of this scheduler, or nil when the run is not its any
// more.
func (t *turn) mine(id string) *Fire {
	for i := range t.state.Open {
		if f := &t.state.Open[i]; f.RunID == id && f.Status == Running && f.Owner == t.me {
			return f
		}
	}
	return nil
}

// endRuns records the ends of runs.
func (t *turn) endRuns() {
	for id, r := range t.runs {
		if !r.ended {
			continue
		}
		f := t.mine(id)
		if f == nil {
			continue
		}
		if r.released {
			f.Status, f.Owner, f.Lease = Queued, "", 0
			f.Beat++
			t.changed = true
			continue
		}
		f.Error = r.text()
		t.end(id, r.status())
		switch r.status() {
		case Succeeded:
			t.state.Failures = 0
		case Failed:
			t.fail(id, r.text())
		}
	}
}

// fail counts a failure.
func (t *turn) fail(id, text string) {
	t.state.Failures++
	t.note(slog.LevelWarn, "a scheduled run failed", "run", id, "error", text)
	if n := t.config.pauseAfter; n > 0 && t.state.Failures >= n && !t.state.Paused {
		t.state.Paused, t.state.Reason = true, fmt.Sprintf("%d runs failed in a row, the last one: %s", t.state.Failures, text)
		t.note(slog.LevelWarn, "the schedule is paused: its runs failed", "failures", t.state.Failures)
	}
}

// end moves an open fire to those that have ended.
func (t *turn) end(id string, as Status) {
	i := slices.IndexFunc(t.state.Open, func(f Fire) bool { return f.RunID == id })
	f := t.state.Open[i]
	t.state.Open = slices.Delete(t.state.Open, i, i+1)
	t.ended(f, as)
}

func (t *turn) ended(f Fire, as Status) {
	f.Status, f.Ended = as, t.now
	t.state.Ended = append(t.state.Ended, f)
	if n := len(t.state.Ended) - t.config.history; n > 0 {
		t.state.Ended = slices.Delete(t.state.Ended, 0, n)
	}
	t.changed = true
}

// beat says of the runs of this scheduler that they go on.
func (t *turn) beat() {
	for id, r := range t.runs {
		f := t.mine(id)
		if f == nil || r.ended {
			continue
		}
		if next := r.beat.Add(t.lease / 3); next.After(t.now) {
			t.wakeAt(next)
			continue
		}
		f.Beat++
		t.changed = true
	}
}

// takeOver takes the runs of schedulers that have been silent for too long.
func (t *turn) takeOver() {
	for _, f := range slices.Clone(t.state.Open) {
		if f.Status != Running || f.Owner == t.me {
			continue
		}
		sign, ok := t.seen[f.RunID]
		if !ok || sign.beat != f.Beat || sign.owner != f.Owner {
			continue // this was not seen yet, and is about to be
		}
		if late := sign.at.Add(f.Lease); late.After(t.now) {
			t.wakeAt(late)
			continue
		}
		i := slices.IndexFunc(t.state.Open, func(o Fire) bool { return o.RunID == f.RunID })
		switch o := &t.state.Open[i]; {
		case o.Cancel:
			o.Error = "its scheduler was silent"
			t.end(f.RunID, Cancelled)
		case o.Takeovers >= maxTakeovers:
			o.Error = fmt.Sprintf("%d schedulers began it and were silent before it had ended", o.Takeovers+1)
			t.end(f.RunID, Failed)
			t.fail(f.RunID, t.state.Ended[len(t.state.Ended)-1].Error)
		default:
			o.Takeovers++
			t.note(slog.LevelWarn, "took over a run whose scheduler was silent", "run", f.RunID, "owner", f.Owner)
			t.start(o)
		}
	}
}

// start makes a fire one that this scheduler runs.
func (t *turn) start(f *Fire) {
	f.Status, f.Owner, f.Lease, f.Started = Running, t.me, t.lease, t.now
	f.Beat++
	t.changed = true
}

// unqueue begins what waits, when nothing goes on any more.
func (t *turn) unqueue() {
	if t.config.overlap != AllowOverlap && slices.ContainsFunc(t.state.Open, func(f Fire) bool { return f.Status == Running }) {
		return
	}
	for i := range t.state.Open {
		if f := &t.state.Open[i]; f.Status == Queued {
			t.start(f)
			if t.config.overlap != AllowOverlap {
				return
			}
		}
	}
}
