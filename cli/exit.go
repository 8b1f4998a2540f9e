package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// usageError is a wrong call: what is wrong with it, and a right one.
type usageError struct {
	problems []string
	example  string // a command line that can be copied, empty when there is none
	help     string // the command that explains more
}

func (e *usageError) Error() string { return strings.Join(e.problems, "\n") }

// wrong makes a usage error of a command.
func wrong(cmd *cobra.Command, format string, args ...any) *usageError {
	return &usageError{problems: []string{fmt.Sprintf(format, args...)}, help: cmd.CommandPath() + " --help"}
}

// status is an exit status other than 0 of a command that has said why.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// buildError is a pipeline that cannot be used.
type buildError struct{ err error }

func (e buildError) Error() string { return e.err.Error() }

// end reports what a command returned and gives the exit status.
func (c *call) end(err error) int {
	if err == nil {
		return ExitOK
	}
	if s, ok := errors.AsType[status](err); ok {
		return int(s)
	}
	if e, ok := errors.AsType[*usageError](err); ok {
		c.say("%s", strings.Join(e.problems, "\n"))
		if e.example != "" {
			fmt.Fprintf(c.Err, "for example:\n  %s\n", e.example)
		}
		fmt.Fprintf(c.Err, "more: %s\n", e.help)
		return ExitUsage
	}
	c.say("%v", err)
	if _, ok := errors.AsType[buildError](err); ok {
		return ExitBuild
	}
	return ExitFailed
}

// say writes a message with the tool's name in front.
func (c *call) say(format string, args ...any) {
	fmt.Fprintf(c.Err, "%s: %s\n", c.tool.name, fmt.Sprintf(format, args...))
}

// refused makes the right kind of error of one that a run did not start with,
// or returns nil when the run has started.
func (f *flow) refused(cmd *cobra.Command, err error) error {
	if _, ok := errors.AsType[*runnel.BuildError](err); ok {
		return buildError{err}
	}
	e, ok := errors.AsType[*runnel.InputError](err)
	if !ok {
		return nil
	}
	u := &usageError{help: cmd.CommandPath() + " --help"}
	for _, p := range e.Problems {
		u.problems = append(u.problems, p.String())
	}
	return u
}

// needed are the inputs and the graph that some targets need, all of them
// without targets.
func (f *flow) needed(cmd *cobra.Command, targets []string) (*dag.Graph, error) {
	if len(targets) == 0 {
		return f.graph, nil
	}
	g, err := f.graph.Subgraph(targets...)
	if err == nil {
		return g, nil
	}
	u := &usageError{help: cmd.CommandPath() + " --help"}
	for _, name := range targets {
		if _, err := f.graph.Subgraph(name); err != nil {
			near := ""
			if e, ok := errors.AsType[*dag.UnknownDataError](err); ok && e.Nearest != "" {
				near = didYouMean(e.Nearest)
			}
			u.problems = append(u.problems, fmt.Sprintf("--target: no task produces %q%s; there are %s", name, near, listed(f.graph.Outputs())))
		}
	}
	return nil, u
}

func didYouMean(name string) string { return fmt.Sprintf(" (did you mean %s?)", name) }

// listed writes the first names of a list.
func listed(names []string) string {
	const most = 10
	if more := len(names) - most; more > 0 {
		return clean(strings.Join(names[:most], ", ")) + fmt.Sprintf(" and %d more", more)
	}
	return clean(strings.Join(names, ", "))
}

// exitOf is the exit status of a run that ended with an error.
func exitOf(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return ExitCancelled
	}
	return ExitFailed
}

// clean replaces what could break a line or steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return '?'
		}
		return r
	}, s)
}

// firstLine is the first line of an error's text.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(fmt.Sprint(err), "\n")
	return clean(line)
}
