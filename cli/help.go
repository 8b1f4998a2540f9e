package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help writes what a command does, its inputs and its flags.
func (c *call) help(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	width := 80
	if t, ok := terminalOf(out); ok {
		width, _ = t.size()
	}
	fmt.Fprintf(out, "%s %s.\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	if cmd.Long != "" {
		fmt.Fprintf(out, "\n%s\n", strings.TrimSpace(cmd.Long))
	}
	fmt.Fprint(out, "\nUsage:\n")
	if cmd.Runnable() && (cmd.HasParent() || c.tool.action != nil) && !(cmd.HasParent() && cmd.HasAvailableSubCommands()) {
		line := "  " + cmd.UseLine()
		if !cmd.HasParent() {
			line = fmt.Sprintf("  %s %s\n        %s", c.tool.name, c.tool.args, c.tool.does)
		}
		fmt.Fprintln(out, line)
	}
	if cmd.HasAvailableSubCommands() {
		what := "COMMAND"
		if cmd.HasParent() && cmd.Name() != "completion" {
			what = "PIPELINE"
		}
		fmt.Fprintf(out, "  %s %s\n\n%ss:\n", cmd.CommandPath(), what, title(what))
		t := newTable(out, 3)
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				t.row("  "+sub.Name(), c.short(sub))
			}
		}
		_ = t.flush() // as for the lines around it, nobody can be told
	}
	own := pflag.NewFlagSet("flags", pflag.ContinueOnError)
	g := c.givens[cmd]
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if g == nil || g.shown.Lookup(f.Name) == nil {
			own.AddFlag(f)
		}
	})
	if g != nil && len(g.flow.inputs) > 0 {
		fmt.Fprintf(out, "\nInputs:\n%s", g.shown.FlagUsagesWrapped(width))
		t := newTable(out, 3)
		for _, in := range g.bare {
			t.row("      --input "+quote(clean(in.name)+"=…"), in.about())
		}
		_ = t.flush()
	}
	if own.HasAvailableFlags() {
		fmt.Fprintf(out, "\nFlags:\n%s", own.FlagUsagesWrapped(width))
	}
	if !cmd.HasParent() {
		fmt.Fprintf(out, "\nExit status: %d done, %d failed, %d wrong call or inputs, %d a pipeline does not\nbuild, %d cancelled. More on a command: %s COMMAND --help\n",
			ExitOK, ExitFailed, ExitUsage, ExitBuild, ExitCancelled, c.tool.name)
		if c.tool.action != nil {
			fmt.Fprintf(out, "A file that is called like a command is reached by a path, as in ./list.\n")
		}
	}
}

// title writes a placeholder as a heading.
func title(word string) string { return word[:1] + strings.ToLower(word[1:]) }

// short says in a line what a command does, and of one pipeline of several what
// it is.
func (c *call) short(cmd *cobra.Command) string {
	for _, f := range c.flows {
		if cmd.Parent().HasParent() && f.name == cmd.Name() {
			return fmt.Sprintf("%s, %s", plural(f.graph.Len(), "task", "tasks"), plural(len(f.inputs), "input", "inputs"))
		}
	}
	return cmd.Short
}
