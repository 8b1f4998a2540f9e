package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// dead is about jobs that were given up.
func (t *tool) dead() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "Shows the dead letters", Args: noArguments}
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			letters, err := b.Dead(ctx)
			if err != nil {
				return err
			}
			return t.writeDead(letters)
		})
	}
	show := &cobra.Command{Use: "show JOB", Short: "Shows a dead letter with the story of its deliveries", Args: named("the ID of a job", "runnel dead list")}
	show.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			letters, err := b.Dead(ctx)
			if err != nil {
				return err
			}
			var ids []string
			for _, l := range letters {
				if l.Job.ID() == args[0] {
					return t.showDead(l)
				}
				ids = append(ids, l.Job.ID())
			}
			return fmt.Errorf("there is no dead letter of a job %q%s: \"runnel dead list\" shows those there are", args[0], near(args[0], ids))
		})
	}
	retry := &cobra.Command{
		Use:   "retry JOB",
		Short: "Forgets that a job was given up, and opens its run again",
		Long: `Forgets that a job was given up, and opens its run again, if that is kept: whoever
drives the run next submits the job anew. The dead letter is removed.`,
		Args: named("the ID of a job", "runnel dead list"),
	}
	retry.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			if err := b.RetryDead(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(t.out, "job %s will be done anew when its run is driven again: %s\n", clean(args[0]), driven)
			return err
		})
	}
	return group("dead", "Shows and retries jobs that were given up", list, show, retry)
}

// driven says who drives a run that was opened again.
const driven = "by a coordinator, or by a program that starts it under its id"

type letterJSON struct {
	Job      string          `json:"job"`
	Run      string          `json:"run"`
	Pipeline string          `json:"pipeline,omitempty"`
	Task     string          `json:"task"`
	Index    []int           `json:"index,omitempty"`
	Queue    string          `json:"queue"`
	At       *time.Time      `json:"at"`
	Story    []deliveredJSON `json:"deliveries"`
}

type deliveredJSON struct {
	Worker string     `json:"worker"`
	At     *time.Time `json:"at"`
}

func letterOf(l *broker.DeadLetter) letterJSON {
	j := letterJSON{l.Job.ID(), l.Job.Run, l.Job.Pipeline, l.Job.Task, l.Job.Index, l.Job.Queue, jsonTime(l.At), nil}
	for _, d := range l.Story {
		j.Story = append(j.Story, deliveredJSON{d.Worker, jsonTime(d.At)})
	}
	return j
}

func (t *tool) writeDead(letters []*broker.DeadLetter) error {
	if t.json {
		list := []letterJSON{}
		for _, l := range letters {
			list = append(list, letterOf(l))
		}
		return t.writeJSON(list)
	}
	if len(letters) == 0 {
		_, err := fmt.Fprintln(t.out, "there are no dead letters")
		return err
	}
	tab := t.table("JOB", "QUEUE", "DELIVERIES", "GIVEN UP")
	for _, l := range letters {
		tab.row(l.Job.ID(), l.Job.Queue, fmt.Sprint(len(l.Story)), when(l.At))
	}
	return tab.flush()
}

func (t *tool) showDead(l *broker.DeadLetter) error {
	if t.json {
		return t.writeJSON(letterOf(l))
	}
	tab := t.table("job", l.Job.ID())
	tab.row("run", l.Job.Run)
	if l.Job.Pipeline != "" {
		tab.row("pipeline", l.Job.Pipeline)
	}
	task := l.Job.Task
	if l.Job.Index != nil {
		task += fmt.Sprint(l.Job.Index)
	}
	tab.row("task", task)
	tab.row("queue", l.Job.Queue)
	tab.row("given up", when(l.At))
	for i, d := range l.Story {
		to := "to a worker that is not known"
		if d.Worker != "" {
			to = when(d.At) + " to worker " + d.Worker
		}
		tab.row(fmt.Sprintf("delivery %d", i+1), to)
	}
	return tab.flush()
}
