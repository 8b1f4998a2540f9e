package runnel

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotProduced is the error of [Get] for data that is not in a result: no
	// task produces it, its task failed or was cancelled, or it was outside the
	// run's targets.
	ErrNotProduced = errors.New("not produced")
	// ErrSkipped is the error of [Get] for data whose task was skipped.
	ErrSkipped = errors.New("skipped")
	// ErrNotCached is the error of a [DataCache] for data that is not in it.
	ErrNotCached = errors.New("not in the data cache")
	// ErrGoexit is the error of a task, interceptor or observer that ended its
	// goroutine with [runtime.Goexit], as testing.T's FailNow does.
	ErrGoexit = errors.New("runtime.Goexit was called (testing's FailNow and SkipNow do that): return an error instead")
)

// A TaskError is the final failure of one task.
type TaskError struct {
	Task     string
	Location string // of the declaration, as in "stats.go:41"
	Attempt  int    // the last one made, from 1
	Index    []int  // of the element, nil for a plain task
	Err      error  // what the last attempt returned
}

// Error names the task, its declaration, the attempt and the cause.
func (e *TaskError) Error() string {
	attempt := ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf(" on attempt %d", e.Attempt)
	}
	return fmt.Sprintf("task %q (%s) failed%s: %v", label(e.Task, e.Index), e.Location, attempt, e.Err)
}

// Unwrap is the cause.
func (e *TaskError) Unwrap() error { return e.Err }

// A RunError is why a run did not succeed: the tasks that failed, and the cause
// of a cancellation. Tasks that were cancelled because another one failed are
// not in it, so errors.Is(err, context.Canceled) means that the caller
// cancelled, unless a task failed with that error of its own accord.
type RunError struct {
	Pipeline string
	RunID    string
	Tasks    []*TaskError // in the order in which they failed
	Cause    error        // context.Cause when the caller cancelled, else nil
	// Retrying are tasks that waited for their next attempt when the caller cancelled,
	// with the error of the last one.
	Retrying []*TaskError

	kind error // context.Canceled or context.DeadlineExceeded, with a Cause of this process
}

// Error lists the cause and the failed tasks.
func (e *RunError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "runnel: run %s of %s", e.RunID, pipelineLabel(e.Pipeline))
	if e.Cause != nil {
		fmt.Fprintf(&b, " was cancelled: %v", e.Cause)
	}
	listTasks(&b, ": ", "tasks failed", e.Tasks)
	listTasks(&b, "; waiting for the next attempt, ", "tasks", e.Retrying)
	return b.String()
}

// listTasks writes the errors of tasks: one behind the text, several below it.
func listTasks(b *strings.Builder, before, what string, tasks []*TaskError) {
	switch len(tasks) {
	case 0:
		return
	case 1:
		fmt.Fprintf(b, "%s%v", before, tasks[0])
		return
	}
	fmt.Fprintf(b, "%s%d %s", before, len(tasks), what)
	for i, t := range tasks {
		if i == mostNames {
			fmt.Fprintf(b, "\n  and %d more", len(tasks)-i)
			break
		}
		fmt.Fprintf(b, "\n  %v", t)
	}
}

// Unwrap is the failed tasks, the cause and the tasks it kept from their next attempt, for errors.Is and errors.As.
func (e *RunError) Unwrap() []error {
	var errs []error
	for _, t := range e.Tasks {
		errs = append(errs, t)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	if e.Cause != nil && e.kind != nil {
		errs = append(errs, e.kind)
	}
	for _, t := range e.Retrying {
		errs = append(errs, t)
	}
	return errs
}

// A PanicError is a panic of a task or of an observer, turned into an error.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // as from debug.Stack, where it happened
}

// Error is the panic's value and its stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap is the panic's value when that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
