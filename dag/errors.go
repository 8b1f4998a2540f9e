package dag

import (
	"fmt"
	"slices"
	"strings"
)

// Error holds every problem found with a graph or with a request to one.
// errors.As finds each kind of problem through it.
type Error struct {
	// Problems holds *UnnamedError, *DuplicateTaskError,
	// *DuplicateProducerError, *UnknownTaskError, *CycleError and
	// *UnknownDataError values, in this order, and by name within each.
	Problems []error
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "dag: " + e.Problems[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "dag: %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  - ")
		b.WriteString(p.Error())
	}
	return b.String()
}

// Unwrap returns the problems.
func (e *Error) Unwrap() []error { return e.Problems }

// UnnamedError reports a task or a port with an empty name.
type UnnamedError struct {
	Spec int    // place among the specs given to New
	Task string // the task's name; empty when it is the task that has none
	Port string // "input" or "output"; empty when it is the task
}

func (e *UnnamedError) Error() string {
	if e.Port == "" {
		return fmt.Sprintf("the task at place %d has no name; every task needs one", e.Spec)
	}
	return fmt.Sprintf("task %q has an %s without a name; name the data", e.Task, e.Port)
}

// DuplicateTaskError reports a name that several tasks have.
type DuplicateTaskError struct {
	Task  string
	Specs []int // places among the specs given to New, two or more
}

func (e *DuplicateTaskError) Error() string {
	return fmt.Sprintf("%d tasks are named %q (at places %s); rename all but one",
		len(e.Specs), e.Task, list(e.Specs, func(i int) string { return fmt.Sprint(i) }))
}

// DuplicateProducerError reports data that is produced more than once.
type DuplicateProducerError struct {
	Data      string
	Producers []string // task names, sorted; a task that lists the output twice stands there twice
	Specs     []int    // places of the producers among the specs given to New
}

func (e *DuplicateProducerError) Error() string {
	if distinct := slices.Compact(slices.Clone(e.Producers)); len(distinct) == 1 {
		return fmt.Sprintf("task %q lists its output %q %d times; list it once", distinct[0], e.Data, len(e.Producers))
	}
	return fmt.Sprintf("data %q is produced by tasks %s; rename the output of all but one",
		e.Data, list(e.Producers, quoted))
}

// UnknownTaskError reports a task that is to run after one that is not there.
type UnknownTaskError struct {
	Task    string
	After   string // the name that no task has
	Nearest string // the task name that was probably meant, or empty
}

func (e *UnknownTaskError) Error() string {
	return fmt.Sprintf("task %q is to run after %q, but there is no such task; %s",
		e.Task, e.After, didYouMean(e.Nearest, "add that task or drop the order"))
}

// UnknownDataError reports a target that no task produces or consumes.
type UnknownDataError struct {
	Data    string
	Nearest string // the data name that was probably meant, or empty
}

func (e *UnknownDataError) Error() string {
	return fmt.Sprintf("no task produces or consumes %q; %s",
		e.Data, didYouMean(e.Nearest, "targets are names of data"))
}

// CycleError reports tasks that wait for each other in a ring. Of several
// rings through the same tasks a short one is shown.
type CycleError struct {
	// Steps are the tasks along the cycle, from its first name in byte order;
	// the last one leads back to the first.
	Steps []CycleStep
}

// CycleStep is one task of a cycle and what makes the next task wait for it.
type CycleStep struct {
	Task  string
	Data  []string // what it produces and the next task consumes, sorted
	After bool     // the next task was declared to run after it
}

// Path returns the names along the cycle, the first one again at the end.
func (e *CycleError) Path() []string {
	path := make([]string, 0, len(e.Steps)+1)
	for _, s := range e.Steps {
		path = append(path, s.Task)
	}
	return append(path, path[0])
}

func (e *CycleError) Error() string {
	path := e.Path()
	for k, name := range path {
		path[k] = shown(name)
	}
	var b strings.Builder
	b.WriteString("cycle: ")
	b.WriteString(strings.Join(path, " → "))
	for k, s := range e.Steps {
		sep := "; "
		if k == 0 {
			sep = " ("
		}
		b.WriteString(sep)
		next := path[k+1]
		switch {
		case len(s.Data) > 0:
			fmt.Fprintf(&b, "%s needs %s from %s", next, list(s.Data, quoted), path[k])
		default:
			fmt.Fprintf(&b, "%s runs after %s", next, path[k])
		}
	}
	b.WriteString("); take one of these needs away")
	return b.String()
}

func didYouMean(nearest, otherwise string) string {
	if nearest == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", nearest)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// list writes "a", "a and b" or "a, b and c".
func list[T any](items []T, text func(T) string) string {
	var b strings.Builder
	for k, item := range items {
		switch {
		case k > 0 && k == len(items)-1:
			b.WriteString(" and ")
		case k > 0:
			b.WriteString(", ")
		}
		b.WriteString(text(item))
	}
	return b.String()
}
