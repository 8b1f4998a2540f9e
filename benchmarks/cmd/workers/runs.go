package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// The tasks that the worker does: each does nothing.
var (
	elements = runnel.NewMapTask("elements[i]", runnel.Pure(func(in struct {
		N int `runnel:"numbers[i]"`
	}) int {
		return in.N
	}))
	singles = tasksOf(full.tasks, "single", false)
	chained = tasksOf(full.chain, "chained", true)
)

// tasksOf are tasks that depend on no other, or each on the one before.
func tasksOf(n int, name string, chain bool) []runnel.AnyTask {
	tasks := make([]runnel.AnyTask, n)
	for k := range tasks {
		var takes []string
		if chain && k > 0 {
			takes = []string{fmt.Sprint(name, k-1)}
		}
		makes := fmt.Sprint(name, k)
		tasks[k] = runnel.NewValuesTask(makes, takes, []string{makes}, func(context.Context, runnel.Values) (runnel.Values, error) {
			return runnel.Values{makes: k}, nil
		})
	}
	return tasks
}

// work is the process of the worker.
func work(ctx context.Context, url string) error {
	b, err := natsbroker.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer b.Close()
	w := runnel.NewWorker(b, elements, runnel.Tasks(singles...), runnel.Tasks(owners...), runnel.Tasks(chained...), runnel.Concurrency(fetch))
	ready()
	return w.Run(ctx)
}

// runs are those of Runnel that are measured.
type runs struct {
	broker                      broker.Broker
	mapped, single, own, inLine *runnel.Pipeline
	numbers                     []int
}

func newRuns(b broker.Broker, set settings) (*runs, error) {
	r := &runs{broker: b, numbers: make([]int, set.elements)}
	for k := range r.numbers {
		r.numbers[k] = k
	}
	for p, tasks := range map[**runnel.Pipeline][]runnel.AnyTask{
		&r.mapped: {elements}, &r.single: singles[:set.tasks], &r.own: owners[:set.tasks], &r.inLine: chained[:set.chain],
	} {
		var err error
		if *p, err = runnel.FromTasks(tasks...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// allElements is a run of one mapped task.
func (r *runs) allElements(ctx context.Context, opts ...runnel.RunOption) error {
	_, err := r.mapped.Run(ctx, runnel.Values{"numbers": r.numbers}, append(opts, runnel.WithBroker(r.broker))...)
	return err
}

// allSingles is a run of tasks that depend on no other.
func (r *runs) allSingles(ctx context.Context, opts ...runnel.RunOption) error {
	_, err := r.single.Run(ctx, nil, append(opts, runnel.WithBroker(r.broker))...)
	return err
}

// allOwn is a run of tasks that depend on no other and share no function.
func (r *runs) allOwn(ctx context.Context, opts ...runnel.RunOption) error {
	_, err := r.own.Run(ctx, nil, append(opts, runnel.WithBroker(r.broker))...)
	return err
}

// latency is a run of tasks one after another, and the median of what one took, in
// nanoseconds, from when it could begin until its result was there.
func (r *runs) latency(ctx context.Context, opts ...runnel.RunOption) (float64, error) {
	res, err := r.inLine.Run(ctx, nil, append(opts, runnel.WithBroker(r.broker))...)
	if err != nil {
		return 0, err
	}
	var took []time.Duration
	for _, t := range res.Report().Tasks {
		took = append(took, t.Ended.Sub(t.Ready))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()), nil
}
