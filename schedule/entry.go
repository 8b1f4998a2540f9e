package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnelflow/runnel"
)

// An entry is a schedule of a scheduler. All of it is guarded by the scheduler's lock,
// but for what a step has copied.
type entry struct {
	label    string
	timing   timing
	pipeline *runnel.Pipeline
	config   *config
	replaced bool
	fresh    bool      // its timing is not in the store yet
	since    time.Time // its timing was given, or the scheduler was started
	gone     bool      // it was removed
	problem  error

	runs     map[string]*run     // that are not recorded yet, by run id
	seen     map[string]lifeSign // of runs of other schedulers, by run id
	commands []*command
	removals []*command // all that is asked for is that it is removed

	stepping bool
	again    bool // something has happened since the step began
	wake     time.Time
	place    int // in the queue of wakes, -1 when it is not there
}

// A command is a change that a user asks for.
type command struct {
	apply func(*turn) error
	done  chan error // has room for one
}

// times are the fire times of the entry. s.mu is held.
func (e *entry) times() fireTimes {
	c := e.config
	return fireTimes{timing: e.timing, loc: c.loc, from: c.from, until: c.until, jitter: c.jitter, label: e.label}
}

// retryDelay is the most of [Scheduler.retry].
const retryDelay = 10 * time.Second

// kick has an entry looked after, once more if it is being looked after. s.mu is held.
func (s *Scheduler) kick(e *entry) {
	if e.stepping {
		e.again = true
		return
	}
	if s.ctx == nil || s.ctx.Err() != nil || !s.told() {
		return
	}
	e.stepping = true
	s.stepping++
	s.others.Go(func() { s.step(e) })
}

// told tells whether the store has told what there is.
func (s *Scheduler) told() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// step looks after an entry until nothing is to be done about it now.
func (s *Scheduler) step(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		e.again = false
		more, wake := s.turn(e)
		if more || e.again {
			continue
		}
		s.wakeAt(e, wake)
		e.stepping = false
		s.stepping--
		s.moved.Broadcast()
		return
	}
}

// turn takes an entry from one state to the next: it decides, writes to the store and
// does what follows. It tells whether to go on at once, and otherwise when to look
// again. s.mu is held, but not during calls of the store and of the user's functions.
func (s *Scheduler) turn(e *entry) (more bool, wake time.Time) {
	if len(e.removals) > 0 {
		s.remove(e)
	}
	known := s.known[e.label]
	switch {
	case e.gone || known.State == nil && known.Err == nil && !e.fresh:
		s.forget(e)
		return false, time.Time{}
	case known.Err != nil:
		s.giveUp(e, known.Err)
		return false, time.Time{}
	}
	now := s.clock.Now().Round(0)
	s.look(e, known, now)
	s.loseLate(e)
	t := &turn{
		fireTimes: e.times(), config: e.config, pipeline: e.pipeline.Name(), now: now, me: s.id, lease: s.lease,
		closing: s.phase != started, fresh: e.fresh, since: e.since, runs: map[string]*run{}, seen: e.seen, state: known.State.clone(),
	}
	for id, r := range e.runs {
		copied := *r
		t.runs[id] = &copied
	}
	commands := e.commands
	e.commands = nil
	if t.closing && t.state == nil {
		reply(commands, fmt.Errorf("schedule: %w", ErrStopped))
		return false, time.Time{}
	}
	s.mu.Unlock()
	if !t.superseded() {
		t.begin()
	}
	results := make([]error, len(commands))
	for i, c := range commands {
		results[i] = c.apply(t)
	}
	problem := t.decide()
	t.describe()
	var revision uint64
	var err error
	if t.changed {
		revision, err = s.save(e.label, t.state, known)
	}
	s.mu.Lock()
	s.setProblem(e, problem)
	switch {
	case errors.Is(err, ErrConflict):
		e.commands = append(commands, e.commands...)
		// Whoever was faster is told of by Watch, perhaps by now.
		return s.known[e.label].Revision > known.Revision, s.clock.Now().Add(s.retry())
	case err != nil:
		s.log.Error("a schedule could not be written to its store", "label", e.label, "error", err)
		reply(commands, err)
		s.loseLate(e)
		return false, s.clock.Now().Add(s.retry())
	}
	for i, c := range commands {
		c.done <- results[i]
	}
	if t.changed {
		if revision > s.known[e.label].Revision {
			s.known[e.label] = Change{Label: e.label, State: t.state, Revision: revision}
		}
		for _, n := range t.notes {
			s.log.Log(context.Background(), n.level, n.text, n.args...)
		}
		for id, r := range e.runs {
			if t.mine(id) != nil {
				r.beat = now
			}
		}
	}
	if t.state.Timing == e.timing.text { // it may have been replaced meanwhile
		e.fresh = false
	}
	s.follow(e)
	return t.changed, t.wake
}

// setProblem notes why a schedule does not fire any more, nil if it does. s.mu is held.
func (s *Scheduler) setProblem(e *entry, problem error) {
	if problem != nil && (e.problem == nil || e.problem.Error() != problem.Error()) {
		s.log.Error("the schedule does not fire any more", "label", e.label, "error", problem)
	}
	e.problem = problem
}

// giveUp looks after an entry whose state cannot be read: who its runs are with is not
// known any more. s.mu is held.
func (s *Scheduler) giveUp(e *entry, why error) {
	s.setProblem(e, unreadable(why))
	reply(e.commands, fmt.Errorf("schedule: %q: %w", e.label, e.problem))
	e.commands = nil
	for id, r := range e.runs {
		s.lose(e, id, r)
	}
}

func unreadable(why error) error {
	return fmt.Errorf("its state in the store cannot be read: %w: bring all programs to one version, or remove the schedule to begin anew", why)
}

// retry is how long it takes until a write that failed is tried again.
func (s *Scheduler) retry() time.Duration { return min(retryDelay, s.lease/3) }

// remove removes an entry, as its user has asked. s.mu is held, but not during the call
// of the store.
func (s *Scheduler) remove(e *entry) {
	removals := e.removals
	e.removals = nil
	s.mu.Unlock()
	err := s.store.Remove(s.ctx, e.label)
	s.mu.Lock()
	if err == nil {
		e.gone = true
		delete(s.entries, e.label)
	}
	reply(removals, err)
}

// save writes to the store what is to follow on what is known. It gives up before the
// lease of what is written could have run out.
func (s *Scheduler) save(label string, state *State, known Change) (uint64, error) {
	revision := known.Revision
	if known.State == nil {
		revision = 0
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	stop := s.clock.AfterFunc(s.lease/2, func() { cancel(errors.New("the store did not answer")) })
	defer cancel(nil)
	defer stop()
	return s.store.Save(ctx, label, state, revision)
}

func reply(commands []*command, err error) {
	for _, c := range commands {
		c.done <- err
	}
}

// look takes note of what other schedulers show of their runs. s.mu is held.
func (s *Scheduler) look(e *entry, known Change, now time.Time) {
	if known.State == nil {
		return
	}
	seen := map[string]lifeSign{}
	for _, f := range known.State.Open {
		if f.Status != Running || f.Owner == s.id {
			continue
		}
		sign, ok := e.seen[f.RunID]
		if !ok || sign.beat != f.Beat || sign.owner != f.Owner {
			sign = lifeSign{f.Owner, f.Beat, now}
		}
		seen[f.RunID] = sign
	}
	e.seen = seen
}

// follow does what follows from the state that the store has. s.mu is held.
func (s *Scheduler) follow(e *entry) {
	state := s.known[e.label].State
	if state == nil {
		s.forget(e)
		return
	}
	mine := map[string]bool{}
	for _, f := range state.Open {
		if f.Status != Running || f.Owner != s.id {
			continue
		}
		mine[f.RunID] = true
		r := e.runs[f.RunID]
		if r == nil {
			s.start(e, f)
		} else if f.Cancel {
			r.cancel(ErrReplaced)
		}
	}
	for _, f := range state.Ended {
		if r := e.runs[f.RunID]; r != nil && r.ended && f.Owner == s.id {
			s.drop(e, f.RunID)
			s.tell(e, r, f)
		}
	}
	for id, r := range e.runs {
		if !mine[id] {
			s.lose(e, id, r)
		}
	}
	s.loseLate(e)
}

// lose cancels a run that is not this scheduler's any more. s.mu is held.
func (s *Scheduler) lose(e *entry, id string, r *run) {
	r.cancel(ErrLeaseLost)
	if r.ended {
		s.drop(e, id)
	}
}

// loseLate cancels the runs that others may have taken over, since this scheduler
// could not say that they go on. s.mu is held.
func (s *Scheduler) loseLate(e *entry) {
	for _, r := range e.runs {
		if !s.clock.Now().Before(r.beat.Add(s.lease)) {
			r.cancel(ErrLeaseLost)
		}
	}
}

func (s *Scheduler) drop(e *entry, id string) {
	delete(e.runs, id)
	s.running--
}

// forget looks after an entry that was removed, here or elsewhere: its runs go on to
// their ends, which are not recorded. s.mu is held.
func (s *Scheduler) forget(e *entry) {
	e.gone = true
	if s.entries[e.label] == e {
		delete(s.entries, e.label)
		s.log.Warn("the schedule was removed from the store", "label", e.label)
	}
	reply(e.commands, unknown(e.label))
	e.commands = nil
	for id, r := range e.runs {
		if r.ended {
			s.drop(e, id)
			f := r.fire
			f.Status, f.Error, f.Ended = r.status(), r.text(), s.clock.Now()
			s.tell(e, r, f)
		}
	}
}
