package schedule

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// fire deals with the fire times that are due, and says when the next one is.
func (t *turn) fire() error {
	for !t.state.Paused && (t.config.maxRuns == 0 || t.state.Runs < t.config.maxRuns) {
		first, err := t.after(t.state.Done)
		if err != nil || first.IsZero() {
			return err
		}
		if at := t.due(first); at.After(t.now) {
			t.wakeAt(at)
			return nil
		}
		newest, err := t.newest(first, t.now)
		if err != nil {
			return err
		}
		missed := newest.After(first) || !first.After(t.state.Behind)
		if t.config.missed == RunAll && missed && len(t.state.Open) > 0 && !t.late(first) {
			return nil // one at a time: the end of that run is the next occasion
		}
		if err := t.take(first, newest); err != nil {
			return err
		}
	}
	return nil
}

// late tells whether a fire time has passed by more than it may.
func (t *turn) late(at time.Time) bool {
	return t.config.grace > 0 && t.now.Sub(t.due(at)) > t.config.grace
}

// take deals with the fire times from first to newest, or with some of them. Whether one
// is late goes by its own due time, which a jitter may make later than that of the next.
func (t *turn) take(first, newest time.Time) error {
	run, before, err := t.pick(first, newest)
	if err != nil {
		return err
	}
	if !before.IsZero() {
		t.miss(first, before)
	}
	if !run.IsZero() {
		t.launch(scheduled(t.label, run))
		t.state.Done = run
	}
	return nil
}

// pick says which fire time from first to newest is to be run next, and up to which one
// those before it are let go; zero for none. What follows run is left for the next pick.
func (t *turn) pick(first, newest time.Time) (run, before time.Time, err error) {
	if t.config.missed != RunAll {
		if run, err = t.punctual(first, newest); err != nil || run.IsZero() {
			return run, newest, err
		}
		if first.Before(run) {
			before, err = t.last(first, run.Add(-1))
		}
		return run, before, err
	}
	if t.late(first) {
		before, err = t.lateUpTo(first, newest)
		return run, before, err
	}
	if newest.After(first) {
		t.state.Behind = newest
	}
	return first, before, nil
}

// surelyLate is the time up to which fire times are late whatever their jitter is.
func (t *turn) surelyLate() time.Time { return t.now.Add(-t.config.grace - max(t.jitter, 1)) }

// lateUpTo is the last of the fire times from first to newest of which all before it, and
// itself, are late. first is.
func (t *turn) lateUpTo(first, newest time.Time) (time.Time, error) {
	found := first
	if sure := t.surelyLate(); sure.After(first) {
		if sure.After(newest) {
			sure = newest
		}
		var err error
		if found, err = t.last(first, sure); err != nil {
			return found, err
		}
	}
	for t.jitter > 0 {
		next, err := t.after(found)
		if err != nil || next.IsZero() || next.After(newest) || !t.late(next) {
			return found, err
		}
		found = next
	}
	return found, nil
}

// punctual is the last of the fire times from first to newest that is not late, or zero.
func (t *turn) punctual(first, newest time.Time) (found time.Time, err error) {
	if !t.late(newest) {
		return newest, nil
	}
	at := first
	if sure := t.surelyLate(); sure.After(first) {
		if at, err = t.last(first, sure); err != nil {
			return found, err
		}
	}
	for !at.IsZero() && at.Before(newest) {
		if !t.late(at) {
			found = at
		}
		if at, err = t.after(at); err != nil {
			return found, err
		}
	}
	return found, nil
}

// miss lets fire times go that nobody has run. Their number is not known: only the
// first and the last are.
func (t *turn) miss(first, last time.Time) {
	f := scheduled(t.label, last)
	if first.Before(last) {
		f.Since = first
	}
	f.Error = "nobody ran it in time"
	t.note(slog.LevelWarn, "fire times were missed", "first", first, "last", last)
	t.ended(f, Missed)
	t.state.Done = last
}

// launch makes a run of a fire, now or when others have ended, or lets it go.
func (t *turn) launch(f Fire) {
	var running, queued *Fire
	for i := range t.state.Open {
		if o := &t.state.Open[i]; o.Status == Running {
			running = o
			o.Cancel = o.Cancel || t.config.overlap == CancelRunning
		} else {
			queued = o
		}
	}
	going := running
	if going == nil {
		going = queued
	}
	switch p := t.config.overlap; {
	case going == nil || p == AllowOverlap:
		t.start(&f)
	case p == SkipOverlap:
		t.skip(f, fmt.Sprintf("run %s went on", going.RunID))
		return
	case p == QueueOne && queued != nil:
		t.skip(f, fmt.Sprintf("%s was waiting already", queued.RunID))
		return
	case p == CancelRunning:
		if queued != nil {
			if !queued.Triggered {
				t.state.Runs-- // it has not run
			}
			queued.Error = fmt.Sprintf("%s came while it waited", f.RunID)
			t.end(queued.RunID, Skipped)
		}
		f.Status = Queued
	default:
		f.Status = Queued
	}
	t.changed = true
	t.state.Open = append(t.state.Open, f)
	if !f.Triggered {
		t.state.Runs++
	}
}

func (t *turn) skip(f Fire, why string) {
	f.Error = why
	t.note(slog.LevelInfo, "a fire was skipped", "run", f.RunID, "reason", why)
	t.ended(f, Skipped)
}

// trigger launches a fire of this moment. It is skipped where a fire time would be.
func (t *turn) trigger() Fire {
	f := t.state.nextTriggered(t.label, t.now)
	t.launch(f)
	for _, o := range slices.Concat(t.state.Open, t.state.Ended) {
		if o.RunID == f.RunID {
			return o
		}
	}
	return f
}

// launchTriggers launches the fires that were asked for from outside.
func (t *turn) launchTriggers() {
	triggers := t.state.Triggers
	if len(triggers) == 0 {
		return
	}
	t.state.Triggers, t.changed = nil, true
	for _, at := range triggers {
		t.launch(triggered(t.label, at))
	}
}
