package schedule

import (
	"slices"
	"time"
)

// State is what a store keeps of a schedule. It is plain data: a store may encode it
// as JSON. Times are instants; the zone they are in means nothing.
type State struct {
	// Timing says when the schedule fires. Fire times of another timing do not follow
	// on these.
	Timing string
	// Anchor is what intervals are counted from.
	Anchor time.Time
	// Done is the fire time up to which all have been dealt with: each is in Open, or
	// has ended, or was let go.
	Done time.Time
	// Behind is the fire time up to which all are made up for, under [RunAll].
	Behind time.Time
	// Runs counts the fire times that were run or are to be, triggered ones left out.
	Runs int
	// Failures counts the runs that failed in a row, up to now.
	Failures int
	// Paused says that no fire time is run; Reason says why, if the schedule did it to
	// itself.
	Paused bool
	Reason string
	// Open are the fires that have not ended, the oldest first.
	Open []Fire
	// Ended are the last fires that have, in the order of their ends.
	Ended []Fire
	// Triggers are the times of fires that an [Operator] has asked for, and that no
	// scheduler has dealt with yet.
	Triggers []time.Time
	// Pipeline is the name of the pipeline, and Next the next fire time, as they were at
	// the last change. Schedulers know better: this is for who looks from outside.
	Pipeline string
	Next     time.Time
}

// clone is a copy that shares nothing.
func (s *State) clone() *State {
	if s == nil {
		return nil
	}
	c := *s
	c.Open, c.Ended, c.Triggers = slices.Clone(s.Open), slices.Clone(s.Ended), slices.Clone(s.Triggers)
	return &c
}

// pause has fire times let go from now on, and tells whether they were not before.
func (s *State) pause() bool {
	if s.Paused {
		return false
	}
	s.Paused, s.Reason = true, ""
	return true
}

// resume has fire times after now run again, and tells whether they were not before.
func (s *State) resume(now time.Time) bool {
	if !s.Paused {
		return false
	}
	s.Paused, s.Reason, s.Failures = false, "", 0
	if s.Done.Before(now) {
		s.Done = now
	}
	return true
}

// Status is what has become of a fire.
type Status string

const (
	Queued    Status = "queued"    // waits for a run to end, or for a scheduler
	Running   Status = "running"   // is with a scheduler
	Succeeded Status = "succeeded" // the run returned no error
	Failed    Status = "failed"    // the run returned an error
	Cancelled Status = "cancelled" // by the overlap policy
	Skipped   Status = "skipped"   // let go by the overlap policy
	Missed    Status = "missed"    // let go by the policy for missed fire times
)

// A Fire is a fire time of a schedule, and what has become of it.
type Fire struct {
	Label string
	// Time is the fire time, to which RunID owes what makes it unique. A jitter is not
	// in it.
	Time time.Time
	// RunID is the id of the run, in whatever scheduler it is made.
	RunID  string
	Status Status
	// Since is set where a missed fire stands for several: it is the first of them.
	Since time.Time
	// Triggered says that it was asked for, by [Scheduler.Trigger] or [Operator.Trigger].
	Triggered bool

	// Owner is the scheduler that has or had the run, and Lease how long it may be
	// silent: while the run goes on, Beat grows at least every third of that. Takeovers
	// counts the owners before this one that were silent for longer.
	Owner     string
	Lease     time.Duration
	Beat      uint64
	Takeovers int
	// Cancel asks the owner to cancel the run.
	Cancel bool

	Started time.Time // by the last owner
	Ended   time.Time
	Error   string // of a failed run, its first 4 KiB, or why a fire was let go
}

// scheduled is the fire of a fire time.
func scheduled(label string, at time.Time) Fire {
	return Fire{Label: label, Time: at.UTC(), RunID: label + "@" + at.UTC().Format(time.RFC3339Nano)}
}

// triggered is the fire that was asked for at a time.
func triggered(label string, at time.Time) Fire {
	f := scheduled(label, at)
	f.RunID += "+triggered"
	f.Triggered = true
	return f
}

// nextTriggered is the fire that is asked for at a time, or so little later that no other
// one has its run id.
func (s *State) nextTriggered(label string, at time.Time) Fire {
	for ; ; at = at.Add(1) {
		f := triggered(label, at)
		same := func(o Fire) bool { return o.RunID == f.RunID }
		if !slices.ContainsFunc(s.Open, same) && !slices.ContainsFunc(s.Ended, same) && !slices.ContainsFunc(s.Triggers, at.Equal) {
			return f
		}
	}
}
