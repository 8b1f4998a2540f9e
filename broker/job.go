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
	Round    int    // how often this attempt was handed back and submitted again
	Key      string // the idempotency key: the same for all attempts

	Fingerprint string // of the types that the task has in the run
	Queue       string
	Priority    Priority

	Inputs []Input // in the order in which the task declares them

	// Left is how much of its time the run had left when it made the job, 0 where it
	// has no deadline. It is no instant, since clocks differ.
	Left time.Duration
	// Once says that the run is never taken up again: who follows it is handed the
	// result, and then a broker need only know that the job is finished.
	Once bool
	// Direct says that nothing of the result is to be kept: it goes straight to who
	// follows the run through the [Broker] that the job was submitted to, where the first
	// one of an ID counts, and its worker keeps it until it is there. The run is lost
	// with the process of that Broker. It is for jobs that are wanted Once, and for all
	// jobs of a run or none.
	Direct bool
	// Cause asks for the task's fallback instead of the task: it is how the last
	// attempt failed.
	Cause *Failure
}

// A Batch is one or several jobs that one worker does one after the other: of the
// same run, pipeline, queue and priority. They may be of different tasks.
type Batch []*Job

// DefaultQueue is the queue of jobs whose task names none.
const DefaultQueue = "default"

// Whole is the Element of a job that is no element.
const Whole = -1

// ID identifies a job: its run, task, element, attempt and round.
func (j *Job) ID() string {
	return id(j.Run, j.Task, j.Element, j.Attempt, j.Round, j.Cause != nil)
}

// id is "run/task/attempt", the same with an element, or with "fallback" in the
// place of the attempt. A round other than the first comes last. A slash in a name is
// escaped.
func id(run, task string, element, attempt, round int, fallback bool) string {
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
	if round > 0 {
		b.WriteString("/~")
		b.WriteString(strconv.Itoa(round))
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
	// takes a mapped output with holes. Hole 0 of an absent input says why that is
	// missing, for a task that asks.
	Holes map[int]*Failure
}

// A Result is what became of a job.
type Result struct {
	Run      string
	Task     string
	Element  int
	Attempt  int
	Round    int
	Fallback bool // it is that of the fallback

	Outputs []Value  // in the order in which the task declares them; nil unless it succeeded
	Skipped string   // why the task did not want to run, empty if it did
	Failure *Failure // nil unless it failed

	Worker     string // id of the worker, empty when the broker gave the job up
	Deliveries int    // how many there were
	// Took is how long the last one took. Of a job that was handed back it is how long
	// the batch had gone on by then.
	Took time.Duration
}

// ResultOf is an empty result for a job.
func ResultOf(j *Job) *Result {
	return &Result{Run: j.Run, Task: j.Task, Element: j.Element, Attempt: j.Attempt, Round: j.Round, Fallback: j.Cause != nil}
}

// ID is that of the job.
func (r *Result) ID() string { return id(r.Run, r.Task, r.Element, r.Attempt, r.Round, r.Fallback) }

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

// HandBackOf is the result of a job that is to be submitted again, of kind [HandedBack]
// or [Orphaned].
func HandBackOf(j *Job, k Kind) *Result {
	r := ResultOf(j)
	r.Failure = &Failure{Text: "the job was " + string(k), Kind: k}
	return r
}

// IsHandBack reports whether the job is to be submitted again, with the next round.
func (r *Result) IsHandBack() bool {
	return r.Failure != nil && (r.Failure.Kind == HandedBack || r.Failure.Kind == Orphaned)
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
	Undone    Kind = "undone"    // the job was delivered too often and never finished, or the run taken over too often

	// HandedBack is no failure of the job: its worker has not begun with it and leaves
	// it to others. It is submitted again with the next round.
	HandedBack Kind = "handed back"
	// Orphaned is the same when the worker that had the job in a batch has died or was
	// cut off, as the broker says, or has other tasks of the batch and not that of the
	// job, as it says itself. It is submitted again alone.
	Orphaned Kind = "orphaned"
)

// A DeadLetter is a job that was given up.
type DeadLetter struct {
	Job   *Job
	At    time.Time
	Story []Delivered
}

// Delivered is one delivery of a job that was given up. Both are zero where nobody has
// written them down, as the first delivery of a job that is [Job.Direct].
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
		if d.Worker == "" {
			b.WriteString(" a worker that is not known")
			continue
		}
		fmt.Fprintf(&b, " worker %s at %s", d.Worker, d.At.UTC().Format(time.RFC3339))
	}
	r := ResultOf(l.Job)
	r.Deliveries = len(l.Story)
	r.Failure = &Failure{Text: b.String(), Kind: Undone, Permanent: true}
	return r
}
