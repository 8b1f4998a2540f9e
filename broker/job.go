package broker

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Job is one attempt at a task, or at one element of a mapped task.
type Job struct {
	Run      string // id of the run
	Pipeline string // its name, perhaps empty
	Task     string
	Element  int    // number of the element in the task, from 0; [Whole] for a plain task
	Index    []int  // of the element along the axes, nil for a plain task
	Attempt  int    // from 1
	Key      string // the idempotency key: the same for all attempts

	Fingerprint string // of the types that the task has in the run
	Queue       string
	Priority    Priority

	Inputs []Input // in the order in which the task declares them
	// Cause asks for the task's fallback instead of the task: it is how the last
	// attempt failed.
	Cause *Failure
}

// DefaultQueue is the queue of jobs whose task names none.
const DefaultQueue = "default"

// Whole is the Element of a job that is no element.
const Whole = -1

// ID identifies a job: its run, task, element and attempt.
func (j *Job) ID() string {
	return id(j.Run, j.Task, j.Element, j.Attempt, j.Cause != nil)
}

// id is "run/task/attempt", the same with an element, or with "fallback" in the
// place of the attempt. A slash in a name is escaped.
func id(run, task string, element, attempt int, fallback bool) string {
	var b strings.Builder
	b.WriteString(escaper.Replace(run))
	b.WriteByte('/')
	b.WriteString(escaper.Replace(task))
	if element != Whole {
		b.WriteByte('/')
		b.WriteString(strconv.Itoa(element))
	}
	if fallback {
		b.WriteString("/fallback")
	} else {
		b.WriteString("/#")
		b.WriteString(strconv.Itoa(attempt))
	}
	return b.String()
}

var escaper = strings.NewReplacer("%", "%25", "/", "%2F")

// Priority says which jobs of a queue go first.
type Priority int

const (
	Low    Priority = -1 // after all others
	Normal Priority = 0
	High   Priority = 1 // before all others
)

// String is the priority's name.
func (p Priority) String() string {
	switch p {
	case Low:
		return "low"
	case Normal:
		return "normal"
	case High:
		return "high"
	}
	return fmt.Sprintf("Priority(%d)", int(p))
}

// An Input is one value that a job is done with.
type Input struct {
	Name  string // of the data
	Value Value  // nil for an optional input that is absent
	// Whole says that all jobs of the run that take this data as a whole take the
	// same value, so that a broker may send it once. Elements are sent each.
	Whole bool
	// Holes says which elements of the value are missing, and why, for a task that
	// takes a mapped output with holes.
	Holes map[int]*Failure
}

// A Result is what became of a job.
type Result struct {
	Run      string
	Task     string
	Element  int
	Attempt  int
	Fallback bool // it is that of the fallback

	Outputs []Value  // in the order in which the task declares them; nil unless it succeeded
	Skipped string   // why the task did not want to run, empty if it did
	Failure *Failure // nil unless it failed

	Worker     string        // id of the worker, empty when the broker gave the job up
	Deliveries int           // how many there were
	Took       time.Duration // of the last one
}

// ResultOf is an empty result for a job.
func ResultOf(j *Job) *Result {
	return &Result{Run: j.Run, Task: j.Task, Element: j.Element, Attempt: j.Attempt, Fallback: j.Cause != nil}
}

// ID is that of the job.
func (r *Result) ID() string { return id(r.Run, r.Task, r.Element, r.Attempt, r.Fallback) }

// A Failure is an error on its way.
type Failure struct {
	// Err is the error itself in the process where it happened. A broker that
	// encodes leaves it out.
	Err  error
	Text string // of the error
	Kind Kind
	// Permanent says that another attempt is of no use.
	Permanent bool
	Stack     []byte // of a panic
}

// Kind tells failures apart that callers look for.
type Kind string

const (
	Returned  Kind = ""          // the task returned an error
	Panicked  Kind = "panic"     // the task panicked
	Exited    Kind = "goexit"    // the task ended its goroutine
	TimedOut  Kind = "timeout"   // the task's own timeout ended the attempt
	Cancelled Kind = "cancelled" // the task returned context.Canceled by itself
	Stopped   Kind = "stopped"   // the run has ended, and the task with it
	Skipped   Kind = "skipped"   // a hole: the element was skipped
	Undone    Kind = "undone"    // the job was delivered too often and never finished
)

// A DeadLetter is a job that was given up.
type DeadLetter struct {
	Job   *Job
	At    time.Time
	Story []Delivered
}

// Delivered is one delivery of a job that was given up.
type Delivered struct {
	Worker string
	At     time.Time
}

// Result is the result of a job that was given up: a failure that tells the story
// of its deliveries.
func (l *DeadLetter) Result() *Result {
	var b strings.Builder
	fmt.Fprintf(&b, "it was delivered %d times and never finished; its workers died or were cut off:", len(l.Story))
	for i, d := range l.Story {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " worker %s at %s", d.Worker, d.At.UTC().Format(time.RFC3339))
	}
	r := ResultOf(l.Job)
	r.Deliveries = len(l.Story)
	r.Failure = &Failure{Text: b.String(), Kind: Undone, Permanent: true}
	return r
}
