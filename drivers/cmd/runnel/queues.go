package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// queues shows what waits.
func (t *tool) queues() *cobra.Command {
	return &cobra.Command{
		Use:   "queues",
		Short: "Shows what waits in each queue, and what workers have",
		Long: `Shows each queue by priority: messages that wait for a worker, that workers have, of
those the ones that a former worker did not finish, and since when the oldest is
there. A message is a job, or several short ones.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
				queues, err := b.Queues(ctx)
				if err != nil {
					return err
				}
				return t.writeQueues(queues)
			})
		},
	}
}

func (t *tool) writeQueues(queues []*natsbroker.Queue) error {
	if t.json {
		type queueJSON struct {
			Queue       string     `json:"queue"`
			Priority    string     `json:"priority"`
			Waiting     int        `json:"waiting"`
			WithWorkers int        `json:"withWorkers"`
			Redelivered int        `json:"redelivered"`
			Oldest      *time.Time `json:"oldest"`
		}
		list := []queueJSON{}
		for _, q := range queues {
			list = append(list, queueJSON{q.Name, q.Priority.String(), q.Waiting, q.WithWorkers, q.Redelivered, jsonTime(q.Oldest)})
		}
		return t.writeJSON(list)
	}
	if len(queues) == 0 {
		_, err := fmt.Fprintln(t.out, "there is no queue: no worker has asked for jobs, and none are queued")
		return err
	}
	tab := t.table("QUEUE", "PRIORITY", "WAITING", "WITH WORKERS", "REDELIVERED", "OLDEST")
	for _, q := range queues {
		tab.row(q.Name, q.Priority.String(), fmt.Sprint(q.Waiting), fmt.Sprint(q.WithWorkers), fmt.Sprint(q.Redelivered), when(q.Oldest))
	}
	return tab.flush()
}
