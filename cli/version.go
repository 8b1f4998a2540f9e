package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version shows what the binary was built from.
func (c *call) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "shows what the program was built from",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("the program was built without module information")
			}
			c.writeVersion(info)
			return nil
		},
	}
}

func (c *call) writeVersion(info *debug.BuildInfo) {
	fmt.Fprintf(c.Out, "%s %s (%s)\n", c.tool.name, or(info.Main.Version, "(devel)"), or(info.Main.Path, info.Path))
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		changed := ""
		if settings["vcs.modified"] == "true" {
			changed = ", with changes"
		}
		fmt.Fprintf(c.Out, "commit %s of %s%s\n", commit, settings["vcs.time"], changed)
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/runnelflow/runnel" {
			fmt.Fprintf(c.Out, "runnel %s\n", m.Version)
		}
	}
	fmt.Fprintf(c.Out, "%s %s/%s\n", info.GoVersion, runtime.GOOS, runtime.GOARCH)
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
