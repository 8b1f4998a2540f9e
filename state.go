package runnel

import (
	"fmt"
	"sync/atomic"
)

// State is how far a task of a run has come. Every task ends in one of the last
// four.
type State uint8

const (
	// Pending waits for its producers.
	Pending State = iota
	// Ready has all its inputs and waits for a slot.
	Ready
	// Running is being called.
	Running
	// Retrying waits for its next attempt.
	Retrying
	// Succeeded has produced its outputs.
	Succeeded
	// Failed has made its last attempt.
	Failed
	// Skipped was not called, since a task that it needs failed or was skipped.
	Skipped
	// Cancelled was stopped, or not called, since the run ended early.
	Cancelled
)

var stateNames = [...]string{"pending", "ready", "running", "retrying", "succeeded", "failed", "skipped", "cancelled"}

// String is the state's name in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText implements encoding.TextMarshaler: the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Ended reports whether the state is a last one.
func (s State) Ended() bool { return s >= Succeeded }

// record is what a run knows of one task. Times are in nanoseconds since the
// run's start. Only the worker that runs the task writes it; tasks that follow
// from it read it later.
//
// In a run that is watched others read it at any time: started once the task is
// running, the rest once it has ended, since the store to status comes after.
type record struct {
	context taskContext // of the first attempt
	status  uint32      // state in the low byte, attempts above
	started int64       // first attempt
	ended   int64       // last attempt
}

func (r *record) load() uint32  { return atomic.LoadUint32(&r.status) }
func (r *record) state() State  { return State(r.load()) }
func (r *record) attempts() int { return int(r.load() >> 8) }

// set is atomic only in a run that is watched: an atomic store would wait for
// the memory of the record, which nobody has touched yet.
func (x *execution) set(r *record, s State, attempts int) {
	status := uint32(attempts)<<8 | uint32(s)
	if x.log != nil {
		atomic.StoreUint32(&r.status, status)
		return
	}
	r.status = status
}
