package runnel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a graph or with the inputs of a run.
type Problem struct {
	// Task is the name of the task concerned, empty when it is the whole pipeline.
	Task string
	// Location is where that task was declared, as in "stats.go:41".
	Location string
	// Text says what was expected, what was found, and the mend.
	Text string

	hint func() string // for the hintMark in Text
}

// String is the problem in a line.
func (p Problem) String() string {
	if p.Task == "" && p.Location == "" {
		return p.Text
	}
	return fmt.Sprintf("task %q (%s): %s", p.Task, p.Location, p.Text)
}

// BuildError lists everything that is wrong with a graph, or with a [Worker] or
// a [Coordinator].
// Nothing of it has run.
type BuildError struct {
	Pipeline string
	Problems []Problem

	what string // has the problems, if it is no pipeline
}

// Error lists the problems, a line each.
func (e *BuildError) Error() string {
	return list(fmt.Sprintf("runnel: %s cannot be built", cmp.Or(e.what, pipelineLabel(e.Pipeline))), e.Problems)
}

// InputError lists everything that is wrong with the inputs and options of a
// run, or of a batch helper like [Map], which has not started.
type InputError struct {
	Pipeline string
	Problems []Problem

	caller string // the batch helper, when it is no pipeline
}

// Error lists the problems, a line each.
func (e *InputError) Error() string {
	return list(fmt.Sprintf("runnel: %s cannot run", cmp.Or(e.caller, pipelineLabel(e.Pipeline))), e.Problems)
}

func pipelineLabel(name string) string {
	if name == "" {
		return "the pipeline"
	}
	return fmt.Sprintf("pipeline %q", name)
}

// mostProblems is how many problems the text of an error lists; all of them are
// in its Problems.
const mostProblems = 200

func list(head string, problems []Problem) string {
	if len(problems) == 1 {
		return head + ": " + problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d problems", head, len(problems))
	for i, p := range problems {
		if i == mostProblems {
			fmt.Fprintf(&b, "\n  and %d more", len(problems)-i)
			break
		}
		b.WriteString("\n  ")
		b.WriteString(strings.ReplaceAll(p.String(), "\n", "\n  "))
	}
	return b.String()
}

// sortProblems puts problems in an order that does not depend on the order of
// registration.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Location, b.Location))
	})
}

// mostNames is how many names a message lists before it counts the rest.
const mostNames = 10

// quoted lists names in quotes.
func quoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, name := range names {
		if i == mostNames {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}

// orList is prefix and the names, or nothing when there are none.
func orList(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return prefix + quoted(names)
}
