package runnel

import (
	"cmp"
	"fmt"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/engine"
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
//
// It is also the context of the task's first attempt, see info.go. With that it
// takes 32 bytes, half a cache line: what a task writes is in one. The other half is
// another task's, which often runs at the same time, and each write takes the line away
// from the worker of that one. So a direct task of a quiet run, see quick, writes at its end
// only.
type record struct {
	run     *execution
	node    int32
	status  uint32 // state in the low byte, attempts above
	started int64  // first attempt
	ended   int64  // last attempt
}

// newRecords makes the records of a run, with run and node set: so an attempt has its
// context without reading or writing the record.
func (x *execution) newRecords(n int) []record {
	records := make([]record, n)
	for i := range records {
		records[i].run, records[i].node = x, int32(i)
	}
	return records
}

func (r *record) state() State { return stateOf(&r.status) }

func stateOf(status *uint32) State   { return State(atomic.LoadUint32(status)) }
func attemptsOf(status *uint32) int  { return int(atomic.LoadUint32(status) >> 8) }
func statusOf(s State, n int) uint32 { return uint32(n)<<8 | uint32(s) }

// unit is what is attempted: a task, or an element of a mapped one.
type unit struct{ node, elem int32 }

func (u unit) compare(v unit) int {
	return cmp.Or(cmp.Compare(u.node, v.node), cmp.Compare(u.elem, v.elem))
}

// whole is the elem of a unit that is a task: a plain one, or all of a mapped one.
const whole = -1

func unitOf(it engine.Item) unit { return unit{int32(uint32(it &^ admitted)), int32(it>>32) - 1} }

func (u unit) item() engine.Item { return engine.Item(uint32(u.node)) | engine.Item(u.elem+1)<<32 }

// status is where the state of a unit stands.
func (x *execution) status(u unit) *uint32 {
	if u.elem == whole {
		return &x.records[u.node].status
	}
	return x.mapped(u.node).statusOf(u.elem)
}

// set is atomic only in a run that is watched: an atomic store would wait for
// the record, which is in no cache or in that of another worker.
func (x *execution) set(u unit, s State, attempts int) {
	if status := x.status(u); x.log != nil || u.elem != whole {
		atomic.StoreUint32(status, statusOf(s, attempts))
	} else {
		*status = statusOf(s, attempts)
	}
}
