package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runnelflow/runnel/internal/nearest"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a wrong call.
type usageError struct {
	text string
	help string // the command that explains more
}

func (e *usageError) Error() string { return e.text }

func wrong(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), cmd.CommandPath() + " --help"}
}

// call does what the arguments say, and returns the exit status.
func call(ctx context.Context, args []string, out, errs io.Writer) int {
	root := newRoot(out)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(errs, "runnel: %s\n", strings.TrimPrefix(err.Error(), "natsbroker: "))
	if e, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(errs, "more: %s\n", e.help)
		return exitUsage
	}
	return exitFailed
}

// newRoot makes the tree of commands.
func newRoot(out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "runnel",
		Short:         "Looks at workers, queues, dead letters, runs and schedules, and steers them",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          known,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	t := &tool{out: out}
	t.addFlags(root.PersistentFlags())
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(t.dev(), t.workers(), t.queues(), t.dead(), t.runs(), t.schedules(), t.purge())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// group is a command that has commands below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: known, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(below...)
	return cmd
}

// known refuses what is no command.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return wrong(cmd, "there is no command %q%s; there are %s", args[0], near(args[0], names), strings.Join(names, ", "))
}

// named wants exactly one argument.
func named(what, find string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return wrong(cmd, "expected %s and nothing else, got %d arguments: %s names them", what, len(args), find)
		}
		return nil
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return wrong(cmd, "expected no argument, got %q", args[0])
	}
	return nil
}

// near is a hint at the name that was probably meant.
func near(name string, all []string) string {
	if found, ok := nearest.Name(name, slices.Values(all)); ok {
		return fmt.Sprintf(" (did you mean %s?)", found)
	}
	return ""
}

// flagError says what is wrong with a flag, and which was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if errors.Is(err, pflag.ErrHelp) || !ok {
		return wrong(cmd, "%v", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	name := "--" + unknown.GetSpecifiedName()
	return wrong(cmd, "there is no flag %s%s", name, near(name, names))
}
