package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// workers shows who is alive.
func (t *tool) workers() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workers",
		Short: "Shows the workers that are alive, their queues and their tasks",
		Args:  noArguments,
	}
	tasks := cmd.Flags().Bool("tasks", false, "show each task with the fingerprint of its types")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			all, err := first(ctx, b.Workers)
			if err != nil {
				return err
			}
			return t.writeWorkers(all, *tasks)
		})
	}
	return cmd
}

func (t *tool) writeWorkers(all []*broker.Worker, tasks bool) error {
	if t.json {
		type taskJSON struct {
			Pipeline    string `json:"pipeline,omitempty"`
			Name        string `json:"name"`
			Fingerprint string `json:"fingerprint"`
		}
		type workerJSON struct {
			ID     string     `json:"id"`
			Host   string     `json:"host"`
			Queues []string   `json:"queues"`
			Tasks  []taskJSON `json:"tasks"`
		}
		list := []workerJSON{}
		for _, w := range all {
			j := workerJSON{ID: w.ID, Host: w.Host, Queues: w.Queues, Tasks: []taskJSON{}}
			for _, task := range w.Tasks {
				j.Tasks = append(j.Tasks, taskJSON{task.Pipeline, task.Name, task.Fingerprint})
			}
			list = append(list, j)
		}
		return t.writeJSON(list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(t.out, "no worker is alive")
		return err
	}
	heads := []string{"WORKER", "HOST", "QUEUES", "TASKS"}
	if tasks {
		heads = append(heads[:3:3], "TASK", "TYPES")
	}
	tab := t.table(heads...)
	for _, w := range all {
		if !tasks {
			tab.row(w.ID, w.Host, strings.Join(w.Queues, ","), fmt.Sprint(len(w.Tasks)))
			continue
		}
		for _, task := range w.Tasks {
			name := task.Name
			if task.Pipeline != "" {
				name = task.Pipeline + ": " + name
			}
			tab.row(w.ID, w.Host, strings.Join(w.Queues, ","), name, task.Fingerprint)
		}
	}
	return tab.flush()
}
