package schedule

import "fmt"

// A MissedPolicy says what becomes of fire times that have passed when nobody could
// run them: no scheduler was there, or the one that was came late.
type MissedPolicy int

const (
	// SkipMissed lets missed fire times go. One that has passed by no more than the
	// [Grace], by default a minute, is late and not missed: it is run.
	SkipMissed MissedPolicy = iota
	// RunOnce runs the last of the missed fire times, for all of them.
	RunOnce
	// RunAll runs each of them, in order and one at a time.
	RunAll
)

// String is the policy's name.
func (p MissedPolicy) String() string {
	switch p {
	case SkipMissed:
		return "skip missed"
	case RunOnce:
		return "run once"
	case RunAll:
		return "run all"
	}
	return fmt.Sprintf("MissedPolicy(%d)", int(p))
}

// An OverlapPolicy says what becomes of a fire time while an earlier run of the same
// schedule goes on, with whichever scheduler.
type OverlapPolicy int

const (
	// SkipOverlap lets the fire time go.
	SkipOverlap OverlapPolicy = iota
	// QueueOne runs it when the run has ended. One fire time waits at most; those that
	// come while it does are let go.
	QueueOne
	// AllowOverlap runs it beside the other.
	AllowOverlap
	// CancelRunning cancels the run, with [ErrReplaced] as the cause, and runs the fire
	// time once the other has returned. Of those that wait meanwhile the last is run.
	CancelRunning
)

// String is the policy's name.
func (p OverlapPolicy) String() string {
	switch p {
	case SkipOverlap:
		return "skip overlap"
	case QueueOne:
		return "queue one"
	case AllowOverlap:
		return "allow overlap"
	case CancelRunning:
		return "cancel running"
	}
	return fmt.Sprintf("OverlapPolicy(%d)", int(p))
}
