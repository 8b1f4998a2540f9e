package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// complete tells the shell what the values of a command's flags can be.
func complete(cmd *cobra.Command, f *flow) {
	offer := func(flag string, directive cobra.ShellCompDirective, values ...string) {
		if cmd.Flags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, directive)) // it is there, and has none
		}
	}
	const only = cobra.ShellCompDirectiveNoFileComp
	var outputs, named, grids []string
	for _, name := range f.graph.Outputs() {
		data, _ := f.graph.Data(name)
		outputs = append(outputs, cobra.CompletionWithDesc(clean(name), "of task "+clean(data.Producer.Name)))
	}
	for _, in := range f.inputs {
		named = append(named, cobra.CompletionWithDesc(clean(in.name)+"=", in.about()))
		grids = append(grids, cobra.CompletionWithDesc(clean(in.name)+"=", in.about()))
		if in.isBool() && in.flag != "" && cmd.Flags().Lookup(in.flag) != nil {
			offer(in.flag, only, "true", "false")
		}
	}
	offer("target", only, outputs...)
	offer("input", only|cobra.ShellCompDirectiveNoSpace, named...)
	offer("grid", only|cobra.ShellCompDirectiveNoSpace, grids...)
	offer("on-error", only, errorModeNames...)
	offer("progress", only, progressNames...)
}

func contains(names []string, name string) bool { return slices.Contains(names, name) }

// extension is that of a file's name, in lower case and without the dot.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
}

// offerFormats tells the shell the formats of a command.
func offerFormats(cmd *cobra.Command, formats []string) {
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

func unknownFormat(cmd *cobra.Command, format string, formats []string) error {
	return wrong(cmd, "--format %s is unknown%s; there are %s", quote(format), near(format, formats), listed(formats))
}
