package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/drivers/natsbroker"
	"github.com/runnelflow/runnel/schedule"
)

// schedules is about what fires at set times.
func (t *tool) schedules() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "Shows the schedules, and when they fire next", Args: noArguments}
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			all, err := schedule.NewOperator(b.Schedules()).List(ctx)
			if err != nil {
				return err
			}
			return t.writeSchedules(all)
		})
	}
	show := t.steer("show LABEL", "Shows a schedule: what goes on, and what became of its last fire times", "", func(ctx context.Context, o *schedule.Operator, label string) error {
		one, err := o.Get(ctx, label)
		if err != nil {
			return err
		}
		var ended []schedule.Fire
		if one.Err == nil {
			if ended, err = o.History(ctx, label); err != nil {
				return err
			}
		}
		return t.showSchedule(one, ended)
	})
	pause := t.steer("pause LABEL", "Has a schedule let its fire times go until it is resumed", "", func(ctx context.Context, o *schedule.Operator, label string) error {
		return t.done(o.Pause(ctx, label), "schedule %s is paused: its fire times are let go until it is resumed", label)
	})
	resume := t.steer("resume LABEL", "Has a paused schedule fire again, from its next fire time on", "", func(ctx context.Context, o *schedule.Operator, label string) error {
		return t.done(o.Resume(ctx, label), "schedule %s fires again, from its next fire time on", label)
	})
	trigger := t.steer("trigger LABEL", "Asks for a run of a schedule's pipeline now", `Asks for a run of a schedule's pipeline now, paused or not, as if this were a fire
time. A scheduler that has the schedule deals with it, by the overlap policy: now, or
when the next one is started.`, func(ctx context.Context, o *schedule.Operator, label string) error {
		f, err := o.Trigger(ctx, label)
		return t.done(err, "run %s is asked for", f.RunID)
	})
	yes := false
	var remove *cobra.Command
	remove = t.steer("remove LABEL", "Removes a schedule and its history", `Removes a schedule and its history. Schedulers stop firing it, and runs that go on do
so to their end. A program that declares it makes it anew when it is started.`, func(ctx context.Context, o *schedule.Operator, label string) error {
		if _, err := o.Get(ctx, label); err != nil {
			return err
		}
		if !yes {
			return wrong(remove, "this removes schedule %s and its history: add --yes to do it", clean(label))
		}
		return t.done(o.Remove(ctx, label), "removed: schedule %s and its history", label)
	})
	remove.Flags().BoolVar(&yes, "yes", false, "do it")
	return group("schedules", "Shows schedules, pauses, resumes, triggers and removes them", list, show, pause, resume, trigger, remove)
}

// steer is a command about one schedule.
func (t *tool) steer(use, short, long string, do func(context.Context, *schedule.Operator, string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: named("the label of a schedule", "runnel schedules list")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			o := schedule.NewOperator(b.Schedules())
			err := do(ctx, o, args[0])
			if errors.Is(err, schedule.ErrUnknownLabel) {
				return noSchedule(ctx, o, args[0])
			}
			return err
		})
	}
	return cmd
}

// noSchedule is an error that names the schedule that was probably meant.
func noSchedule(ctx context.Context, o *schedule.Operator, label string) error {
	all, err := o.List(ctx)
	if err != nil {
		return err
	}
	var labels []string
	for _, s := range all {
		labels = append(labels, s.Label)
	}
	return fmt.Errorf("there is no schedule %q%s: \"runnel schedules list\" shows those there are", label, near(label, labels))
}

// done says what was done, if it was.
func (t *tool) done(err error, format, name string) error {
	if err == nil {
		_, err = fmt.Fprintf(t.out, format+"\n", clean(name))
	}
	return err
}

// stateOfSchedule is the state of a schedule, for people and programs.
func stateOfSchedule(s schedule.Schedule) string {
	switch {
	case s.Err != nil:
		return "unreadable"
	case s.Paused:
		return "paused"
	case len(s.Open) > 0:
		return string(s.Open[0].Status)
	case s.Next.IsZero():
		return "over"
	}
	return "waiting"
}

// next is the next fire time as far as it is known: nobody counts on for a schedule that
// is paused.
func next(s schedule.Schedule) time.Time {
	if s.Paused && s.Next.Before(time.Now()) {
		return time.Time{}
	}
	return s.Next
}

type scheduleJSON struct {
	Label    string     `json:"label"`
	Pipeline string     `json:"pipeline,omitempty"`
	Timing   string     `json:"timing"`
	State    string     `json:"state"`
	Reason   string     `json:"reason,omitempty"`
	Next     *time.Time `json:"next"`
	Runs     int        `json:"runs"`
	Failures int        `json:"failures"`
	Error    string     `json:"error,omitempty"`
	Open     []fireJSON `json:"open,omitempty"`
	Ended    []fireJSON `json:"ended,omitempty"`
}

type fireJSON struct {
	Run       string     `json:"run"`
	Time      *time.Time `json:"time"`
	Since     *time.Time `json:"since,omitempty"`
	Status    string     `json:"status"`
	Triggered bool       `json:"triggered,omitempty"`
	Scheduler string     `json:"scheduler,omitempty"`
	Takeovers int        `json:"takeovers,omitempty"`
	Started   *time.Time `json:"started,omitempty"`
	Ended     *time.Time `json:"ended,omitempty"`
	Error     string     `json:"error,omitempty"`
}

func scheduleOf(s schedule.Schedule) scheduleJSON {
	j := scheduleJSON{Label: s.Label, Pipeline: s.Pipeline, Timing: s.Timing, State: stateOfSchedule(s), Reason: s.Reason, Next: jsonTime(next(s)), Runs: s.Runs, Failures: s.Failures, Open: firesOf(s.Open)}
	if s.Err != nil {
		j.Error = s.Err.Error()
	}
	return j
}

func firesOf(fires []schedule.Fire) (list []fireJSON) {
	for _, f := range fires {
		list = append(list, fireJSON{f.RunID, jsonTime(f.Time), jsonTime(f.Since), string(f.Status), f.Triggered, f.Owner, f.Takeovers, jsonTime(f.Started), jsonTime(f.Ended), f.Error})
	}
	return list
}

func (t *tool) writeSchedules(all []schedule.Schedule) error {
	if t.json {
		list := []scheduleJSON{}
		for _, s := range all {
			list = append(list, scheduleOf(s))
		}
		return t.writeJSON(list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(t.out, "there is no schedule: no scheduler with this store was started")
		return err
	}
	tab := t.table("LABEL", "PIPELINE", "TIMING", "STATE", "NEXT", "RUNS", "FAILURES")
	for _, s := range all {
		tab.row(s.Label, s.Pipeline, s.Timing, stateOfSchedule(s), when(next(s)), fmt.Sprint(s.Runs), fmt.Sprint(s.Failures))
	}
	return tab.flush()
}

func (t *tool) showSchedule(s schedule.Schedule, ended []schedule.Fire) error {
	j := scheduleOf(s)
	if t.json {
		j.Ended = firesOf(ended)
		return t.writeJSON(j)
	}
	tab := t.table("schedule", s.Label)
	for _, line := range [][2]string{{"pipeline", s.Pipeline}, {"timing", s.Timing}, {"state", j.State}, {"reason", s.Reason}, {"next", when(next(s))}, {"error", j.Error}} {
		if line[1] != "" {
			tab.row(line[0], line[1])
		}
	}
	if s.Err == nil {
		tab.row("runs", fmt.Sprint(s.Runs))
		tab.row("failures in a row", fmt.Sprint(s.Failures))
	}
	if err := tab.flush(); err != nil {
		return err
	}
	fires := append(ended[:len(ended):len(ended)], s.Open...)
	if len(fires) == 0 {
		return nil
	}
	fmt.Fprintln(t.out)
	tab = t.table("RUN", "STATUS", "STARTED", "ENDED", "TAKEOVERS", "TEXT")
	for _, f := range fires {
		text := f.Error
		if !f.Since.IsZero() {
			text = "and others since " + when(f.Since) + ": " + text
		}
		tab.row(f.RunID, string(f.Status), when(f.Started), when(f.Ended), fmt.Sprint(f.Takeovers), text)
	}
	return tab.flush()
}
