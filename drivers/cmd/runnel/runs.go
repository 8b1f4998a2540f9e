package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// runs is about runs that are kept.
func (t *tool) runs() *cobra.Command {
	id := named("the id of a run", "runnel runs list")
	list := &cobra.Command{Use: "list", Short: "Shows the runs that are kept", Args: noArguments}
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			all, err := keptRuns(ctx, b, "")
			if err != nil {
				return err
			}
			return t.writeRuns(all)
		})
	}
	show := &cobra.Command{Use: "show RUN", Short: "Shows a run: its inputs, its tasks, and how it ended", Args: id}
	show.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			r, err := keptRun(ctx, b, args[0])
			if err != nil {
				return err
			}
			done, err := progress(ctx, b, r)
			if err != nil {
				return err
			}
			return t.showRun(r, done)
		})
	}
	cancel := &cobra.Command{Use: "cancel RUN", Short: "Asks who drives a run to end it", Args: id}
	why := cancel.Flags().String("why", "cancelled by runnel runs cancel", "the cause that its tasks see")
	cancel.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			r, err := keptRun(ctx, b, args[0])
			if err != nil {
				return err
			}
			if err := b.Cancel(ctx, r.ID, *why); err != nil {
				return err
			}
			who := "it ends when somebody drives it again"
			if r.Owner != "" {
				who = "it is driven by " + r.Owner
			}
			_, err = fmt.Fprintf(t.out, "run %s is to end; %s\n", clean(r.ID), clean(who))
			return err
		})
	}
	retry := &cobra.Command{
		Use:   "retry RUN",
		Short: "Forgets the failures of a run and opens it again",
		Long: `Forgets the failures of a run and opens it again: whoever drives it next does what
had failed, and what could not run because of it. What succeeded is not run again.`,
		Args: id,
	}
	retry.RunE = func(cmd *cobra.Command, args []string) error {
		return t.with(cmd, func(ctx context.Context, b *natsbroker.Broker) error {
			if _, err := keptRun(ctx, b, args[0]); err != nil {
				return err
			}
			n, err := b.RetryRun(ctx, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "run %s is open again, %s forgotten; it is to be driven %s\n", clean(args[0]), count(n, "failure", "failures"), driven)
			return err
		})
	}
	return group("runs", "Shows, cancels and retries runs that are kept", list, show, cancel, retry)
}

func keptRuns(ctx context.Context, b *natsbroker.Broker, id string) ([]*broker.Run, error) {
	return first(ctx, func(ctx context.Context, deliver func([]*broker.Run)) error { return b.Runs(ctx, id, deliver) })
}

// keptRun is a run, or an error that names one that was probably meant.
func keptRun(ctx context.Context, b *natsbroker.Broker, id string) (*broker.Run, error) {
	found, err := keptRuns(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	all, err := keptRuns(ctx, b, "")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return nil, fmt.Errorf("no run %q is kept%s: \"runnel runs list\" shows those that are, which are runs that have a RunID", id, near(id, ids))
}

// stateOf is the state of a run, for people and programs.
func stateOf(r *broker.Run) string {
	switch {
	case r.Outcome != nil:
		return r.Outcome.State
	case r.Cancelled != "":
		return "cancelling"
	case r.Owner != "":
		return "running"
	}
	return "waiting"
}

// done counts the results of a task so far.
type done struct{ succeeded, failed int }

// toldOf reports whether it was recorded how each task of a run has ended. It was not
// where the run goes on, or nobody was there to tell.
func toldOf(r *broker.Run) bool { return r.Outcome != nil && len(r.Outcome.Tasks) > 0 }

// progress counts the tasks and elements of a run of which nothing else is told.
func progress(ctx context.Context, b *natsbroker.Broker, r *broker.Run) (map[string]done, error) {
	if toldOf(r) {
		return nil, nil
	}
	results, err := first(ctx, func(ctx context.Context, deliver func([]*broker.Result)) error { return b.Results(ctx, r.ID, deliver) })
	if err != nil {
		return nil, err
	}
	type element struct {
		task string
		n    int
	}
	last := map[element]bool{}
	for _, res := range results {
		e := element{res.Task, res.Element}
		last[e] = last[e] || res.Failure == nil
	}
	counts := map[string]done{}
	for e, ok := range last {
		d := counts[e.task]
		if ok {
			d.succeeded++
		} else {
			d.failed++
		}
		counts[e.task] = d
	}
	return counts, nil
}

type runJSON struct {
	Run       string     `json:"run"`
	Pipeline  string     `json:"pipeline,omitempty"`
	State     string     `json:"state"`
	Owner     string     `json:"owner,omitempty"`
	Cancelled string     `json:"cancelled,omitempty"`
	Opened    *time.Time `json:"opened"`
	Ended     *time.Time `json:"ended,omitempty"`
	Error     string     `json:"error,omitempty"`
	Graph     string     `json:"graph,omitempty"`
	Inputs    []string   `json:"inputs,omitempty"`
	Tasks     []taskJSON `json:"tasks,omitempty"`
}

type taskJSON struct {
	Task      string `json:"task"`
	State     string `json:"state,omitempty"`
	Attempts  int    `json:"attempts,omitempty"`
	Elements  int    `json:"elements,omitempty"`
	Succeeded int    `json:"succeeded,omitempty"`
	Failed    int    `json:"failed,omitempty"`
	Text      string `json:"text,omitempty"`
}

func jsonOf(r *broker.Run) runJSON {
	j := runJSON{Run: r.ID, Pipeline: r.Pipeline, State: stateOf(r), Owner: r.Owner, Cancelled: r.Cancelled, Opened: jsonTime(r.Opened)}
	if r.Outcome != nil {
		j.Ended = jsonTime(r.Outcome.Ended)
		if r.Outcome.Failure != nil {
			j.Error = r.Outcome.Failure.Text
		}
	}
	return j
}

func (t *tool) writeRuns(all []*broker.Run) error {
	if t.json {
		list := []runJSON{}
		for _, r := range all {
			list = append(list, jsonOf(r))
		}
		return t.writeJSON(list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(t.out, "no run is kept: runs that have a RunID are")
		return err
	}
	tab := t.table("RUN", "PIPELINE", "STATE", "OPENED", "ENDED", "DRIVEN BY")
	for _, r := range all {
		ended := ""
		if r.Outcome != nil {
			ended = when(r.Outcome.Ended)
		}
		tab.row(r.ID, r.Pipeline, stateOf(r), when(r.Opened), ended, r.Owner)
	}
	return tab.flush()
}

// tasksOf are the tasks of a run: as they ended, or how far they are.
func tasksOf(r *broker.Run, counts map[string]done) []taskJSON {
	var tasks []taskJSON
	if toldOf(r) {
		for _, o := range r.Outcome.Tasks {
			tasks = append(tasks, taskJSON{Task: o.Task, State: o.State, Attempts: o.Attempts, Elements: o.Elements, Failed: o.Failed, Text: o.Text})
		}
		return tasks
	}
	for _, n := range r.Nodes {
		d := counts[n.Task]
		tasks = append(tasks, taskJSON{Task: n.Task, Succeeded: d.succeeded, Failed: d.failed})
	}
	return tasks
}

func (t *tool) showRun(r *broker.Run, counts map[string]done) error {
	tasks := tasksOf(r, counts)
	var inputs []string
	for _, in := range r.Inputs {
		inputs = append(inputs, in.Name)
	}
	j := jsonOf(r)
	if t.json {
		j.Graph, j.Inputs, j.Tasks = r.Graph, inputs, tasks
		return t.writeJSON(j)
	}
	tab := t.table("run", r.ID)
	for _, line := range [][2]string{{"pipeline", r.Pipeline}, {"state", j.State}, {"driven by", r.Owner}, {"cancelled", r.Cancelled}, {"opened", when(r.Opened)}, {"inputs", strings.Join(inputs, ", ")}} {
		if line[1] != "" {
			tab.row(line[0], line[1])
		}
	}
	if r.Outcome != nil {
		tab.row("ended", when(r.Outcome.Ended))
		if j.Error != "" {
			tab.row("error", j.Error)
		}
	}
	if err := tab.flush(); err != nil {
		return err
	}
	fmt.Fprintln(t.out)
	if !toldOf(r) {
		tab = t.table("TASK", "SUCCEEDED", "FAILED")
		for _, k := range tasks {
			tab.row(k.Task, fmt.Sprint(k.Succeeded), fmt.Sprint(k.Failed))
		}
		return tab.flush()
	}
	tab = t.table("TASK", "STATE", "ATTEMPTS", "ELEMENTS", "FAILED", "TEXT")
	for _, k := range tasks {
		elements, failed := "", ""
		if k.Elements > 0 {
			elements, failed = fmt.Sprint(k.Elements), fmt.Sprint(k.Failed)
		}
		tab.row(k.Task, k.State, fmt.Sprint(k.Attempts), elements, failed, k.Text)
	}
	return tab.flush()
}
