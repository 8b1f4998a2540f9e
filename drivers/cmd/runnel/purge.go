package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// purge removes things for good.
func (t *tool) purge() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Removes a run, the jobs of a queue, or everything of the namespace",
		Long: `Removes a run with its results, the jobs of a queue, or everything of the namespace,
for good. The jobs of a queue have failed then, for the runs that wait for them.
What is removed is named before --yes does it.`,
		Args: noArguments,
	}
	run := cmd.Flags().String("run", "", "`id` of the run")
	queue := cmd.Flags().String("queue", "", "`name` of the queue")
	all := cmd.Flags().Bool("all", false, "everything of the namespace, when no worker is alive")
	yes := cmd.Flags().Bool("yes", false, "do it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		given := 0
		for _, is := range []bool{*run != "", *queue != "", *all} {
			if is {
				given++
			}
		}
		if given != 1 {
			return wrong(cmd, "expected one of --run, --queue and --all, got %d", given)
		}
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			what := fmt.Sprintf("run %s, with its jobs, results and dead letters", *run)
			switch {
			case *queue != "":
				what = fmt.Sprintf("the jobs of queue %s, which then have failed", *queue)
			case *all:
				what = fmt.Sprintf("every run, job, result, dead letter and schedule of the namespace %s", t.namespace)
			}
			if !*yes {
				return wrong(cmd, "this removes %s: add --yes to do it", clean(what))
			}
			var err error
			switch {
			case *queue != "":
				var n int
				n, err = b.PurgeQueue(ctx, *queue)
				what += ": " + count(n, "message", "messages")
			case *all:
				err = b.PurgeAll(ctx)
			default:
				err = b.PurgeRun(ctx, *run)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "removed: %s\n", clean(what))
			return err
		})
	}
	return cmd
}
