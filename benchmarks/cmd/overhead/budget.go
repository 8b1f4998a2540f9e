package main

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/internal/budget"
)

// mostAdmission is the most that the admission of a task may add to a run, in
// nanoseconds.
const mostAdmission = 200

// tasks is how many a run admits.
const tasks = 10_000

// budgetSection measures runs of tasks that do nothing, without a budget and with one
// that all of them fit, in the same round: the difference is what admission costs, its
// share of the report and of the clock included. Then it measures the gate by itself.
func budgetSection(set settings, goals *report.Targets) error {
	needs := runnel.Needs(runnel.Resources{CPU: 1, MemoryMB: 1})
	element, err := runnel.FromTasks(runnel.Each("b", "a", func(_ context.Context, n int) (int, error) { return n, nil }, needs))
	if err != nil {
		return err
	}
	all := make([]runnel.AnyTask, tasks)
	for i := range all {
		all[i] = runnel.NewTask(fmt.Sprintf("t%d", i), runnel.Pure(func(struct{}) int { return 0 }), needs)
	}
	plain, err := runnel.FromTasks(all...)
	if err != nil {
		return err
	}
	numbers := runnel.Values{"a": make([]int, tasks)}
	// The load of the machine is none of the cost.
	calm := func(cpus float64) runnel.RunOption {
		return runnel.ResourceAware(runnel.Budget{MaxCPUPercent: 100, MaxMemoryPercent: 100, Machine: runnel.Resources{CPU: cpus, MemoryMB: 1e9}})
	}
	run := func(name string, p *runnel.Pipeline, in runnel.Values, opts ...runnel.RunOption) measure.Case {
		return measure.Case{Name: name, Tasks: tasks, Run: func() error {
			_, err := p.Run(context.Background(), in, opts...)
			return err
		}}
	}
	series, err := measure.Interleave([]measure.Case{
		run("elements, without a budget", element, numbers),
		run("elements, all fit", element, numbers, calm(1e6)),
		run("elements, one at a time", element, numbers, runnel.MaxParallel(1)),
		run("elements, one fits at a time", element, numbers, calm(1)),
		run("plain tasks, without a budget", plain, nil),
		run("plain tasks, all fit", plain, nil, calm(1e6)),
		gateCase("the gate alone, fits at once", 1, 0),
		gateCase("the gate alone, in line with a thousand others", 1, 1000),
	}, set.rounds, set.window)
	if err != nil {
		return err
	}
	table := report.NewTable("Admission", "ns a task, the whole run", "ns a task more than without a budget")
	for _, r := range []struct {
		name       string
		base, with int
		bounded    bool
	}{
		{"elements of a mapped task, all fit", 0, 1, true},
		{"elements, one fits at a time, beside MaxParallel(1)", 2, 3, true},
		{"plain tasks, all fit", 4, 5, true},
	} {
		more := series[r.with].Difference(series[r.base])
		table.Row(r.name, report.Number(series[r.with].Median().Nanoseconds), report.Number(more))
		if r.bounded {
			goals.Add(report.Target{What: "admission: " + r.name + ", ns", Measured: more, Bound: mostAdmission, Timed: true})
		}
	}
	for i, name := range []string{"the gate alone, fits at once", "the gate alone, in line with a thousand others"} {
		took := series[6+i].Median().Nanoseconds
		table.Row(name, "", report.Number(took))
		goals.Add(report.Target{What: "admission: " + name + ", ns", Measured: took, Bound: mostAdmission, Timed: true})
	}
	table.Print()
	return nil
}

// gateCase admits items and lets them go, while others wait.
func gateCase(name string, fit int64, waiting int) measure.Case {
	var next uint64
	resumed := false
	g := budget.New(budget.Config{Limit: budget.Need{CPU: 1 + fit, Memory: budget.Unlimited}, Needs: []budget.Need{{CPU: 1}},
		Resume: func(item uint64) { next, resumed = item, true }})
	g.Ask(0, 0, false) // one runs all the time, so that none is alone
	for i := range waiting {
		g.Ask(0, uint64(i+1), false)
	}
	return measure.Case{Name: name, Tasks: tasks, Run: func() error {
		for range tasks {
			if waiting == 0 {
				if !g.Ask(0, 1, false) {
					return fmt.Errorf("%s: it does not fit", name)
				}
				g.Leave(0, 0)
				continue
			}
			resumed = false
			g.Leave(0, 0)
			if !resumed {
				return fmt.Errorf("%s: nobody went on", name)
			}
			g.Ask(0, next, false)
		}
		return nil
	}}
}
