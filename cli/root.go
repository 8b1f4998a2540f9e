package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runnelflow/runnel/internal/nearest"
)

// root makes the tree of commands.
func (c *call) root() *cobra.Command {
	t := c.tool
	root := &cobra.Command{
		Use:           t.name,
		Short:         "lists, draws, runs and measures " + c.subject(),
		Args:          c.noCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	if t.action != nil {
		root.Use += " " + t.args
		root.Args = cobra.ArbitraryArgs
		root.RunE = func(cmd *cobra.Command, args []string) error {
			if code := t.action(cmd.Context(), args, c.Streams); code != ExitOK {
				return status(code)
			}
			return nil
		}
	}
	if t.action == nil {
		root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	root.SetHelpFunc(c.help)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(c.list(), c.graph(), c.run(), c.sweep(), c.bench(), c.version())
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Short, completion.Long = "writes a script for completion in bash, zsh, fish or powershell", ""
		for _, shell := range completion.Commands() {
			shell.Short = "writes the script for " + shell.Name()
		}
	}
	return root
}

func (c *call) subject() string {
	if len(c.flows) == 1 {
		return "its pipeline"
	}
	return "its pipelines"
}

// noCommand refuses the arguments of a tool without an action.
func (c *call) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return wrong(cmd, "there is no command %q%s; there are %s", args[0], near(args[0], names), listed(names))
}

// near is a hint at the name that was probably meant.
func near(name string, known []string) string {
	if found, ok := nearest.Name(name, slices.Values(known)); ok {
		return didYouMean(found)
	}
	return ""
}

// noArguments refuses what is no flag.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return wrong(cmd, "expected no argument, got %q: inputs are given as flags", args[0])
}

// flagError says what is wrong with a flag, and which was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return wrong(cmd, "%v", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	name := "--" + unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		return wrong(cmd, "there is no flag -%s (in -%s); flags have two hyphens", unknown.GetSpecifiedName(), short)
	}
	return wrong(cmd, "there is no flag %s%s", name, near(name, names))
}

// eachFlow completes a command that is about one pipeline: by itself when there
// is one, with a subcommand for each when there are several.
func (c *call) eachFlow(cmd *cobra.Command, complete func(*cobra.Command, *flow)) *cobra.Command {
	if len(c.flows) == 1 {
		cmd.Args = noArguments
		complete(cmd, c.flows[0])
		return c.guarded(cmd, c.flows[0])
	}
	use := cmd.Use
	cmd.Use += " PIPELINE"
	var names []string
	for _, f := range c.flows {
		names = append(names, f.name)
		sub := &cobra.Command{Use: f.name, Short: cmd.Short, Long: cmd.Long, Args: noArguments}
		complete(sub, f)
		cmd.AddCommand(c.guarded(sub, f))
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(names) == 0 {
			return buildError{errors.New("the tool has no pipeline: hand one to cli.Main or cli.New")}
		}
		e := wrong(cmd, "%s needs the name of a pipeline; there are %s", use, listed(names))
		if len(args) > 0 {
			e = wrong(cmd, "there is no pipeline %q%s; there are %s", args[0], near(args[0], names), listed(names))
		}
		e.example = fmt.Sprintf("%s %s", cmd.CommandPath(), quote(names[0]))
		return e
	}
	return cmd
}

// guarded makes a command say what is wrong with its pipeline.
func (c *call) guarded(cmd *cobra.Command, f *flow) *cobra.Command {
	if f.err != nil {
		cmd.FParseErrWhitelist.UnknownFlags = true // of inputs that are not known
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return buildError{f.err} }
		cmd.Args = cobra.ArbitraryArgs
	}
	return cmd
}
