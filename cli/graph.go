package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *call) graph() *cobra.Command {
	cmd := &cobra.Command{Use: "graph", Short: "draws a pipeline's graph"}
	return c.eachFlow(cmd, func(cmd *cobra.Command, f *flow) {
		cmd.RunE = func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.Out, f.graph)
			return err
		}
	})
}
