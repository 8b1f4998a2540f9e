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

// many is how many elements a run admits, so that what a run costs once is little of it,
// and some is how many tasks of their own.
const (
	many = 100_000
	some = 10_000
)

// budgetSection measures runs without a budget and with one that all tasks fit, in the
// same round: the difference is what admission costs, its share of the clock and of the
// report included. Then it measures the gate by itself. Targets are for processor time,
// which other programs on the machine do not add to.
func budgetSection(set settings, goals *report.Targets) error {
	needs := runnel.Needs(runnel.Resources{CPU: 1, MemoryMB: 1})
	element, err := runnel.FromTasks(runnel.Each("b", "a", func(_ context.Context, n int) (int, error) { return n, nil }, needs))
	if err != nil {
		return err
	}
	// separate is tasks of their own, with so many different needs.
	separate := func(kinds int) (*runnel.Pipeline, error) {
		all := make([]runnel.AnyTask, some)
		for i := range all {
			all[i] = runnel.NewTask(fmt.Sprintf("t%d", i), runnel.Pure(func(struct{}) int { return 0 }),
				runnel.Needs(runnel.Resources{CPU: float64(1 + i%kinds), MemoryMB: 1}))
		}
		return runnel.FromTasks(all...)
	}
	alike, err := separate(1)
	if err != nil {
		return err
	}
	different, err := separate(10)
	if err != nil {
		return err
	}
	// The load of the machine is none of the cost.
	calm := func(cpus float64) runnel.RunOption {
		return runnel.ResourceAware(runnel.Budget{MaxCPUPercent: 100, MaxMemoryPercent: 100, Machine: runnel.Resources{CPU: cpus, MemoryMB: 1e9}})
	}
	run := func(p *runnel.Pipeline, tasks int, in runnel.Values, opts ...runnel.RunOption) measure.Case {
		return measure.Case{Name: "a run", Tasks: tasks, Run: func() error {
			_, err := p.Run(context.Background(), in, opts...)
			return err
		}}
	}
	numbers := func(n int) runnel.Values { return runnel.Values{"a": make([]int, n)} }
	rows := []struct {
		name       string
		base, with measure.Case
		target     bool
	}{
		{"elements, all fit, on one worker", run(element, many, numbers(many), runnel.MaxParallel(1)), run(element, many, numbers(many), runnel.MaxParallel(1), calm(1e6)), true},
		{"elements, all fit", run(element, many, numbers(many)), run(element, many, numbers(many), calm(1e6)), true},
		{"tasks of their own, all fit", run(alike, some, nil), run(alike, some, nil, calm(1e6)), true},
		{"tasks of their own with ten different needs, all fit", run(different, some, nil), run(different, some, nil, calm(1e6)), false},
		{"elements, one fits at a time, beside MaxParallel(1)", run(element, many, numbers(many), runnel.MaxParallel(1)), run(element, many, numbers(many), calm(1)), false},
		{"a run of one element", run(element, 1, numbers(1)), run(element, 1, numbers(1), calm(1e6)), false},
		{"a run of one element, which finds out what there is", run(element, 1, numbers(1)), run(element, 1, numbers(1), runnel.ResourceAware(runnel.Budget{})), false},
	}
	gates := []measure.Case{gateCase("the gate alone, fits at once", 1, 0), gateCase("the gate alone, with a thousand in line", 1, 1000)}
	var cases []measure.Case
	for _, r := range rows {
		cases = append(cases, r.base, r.with)
	}
	series, err := measure.Interleave(append(cases, gates...), set.rounds, set.window)
	if err != nil {
		return err
	}
	table := report.NewTable("Admission, in ns a task", "without a budget", "with one", "difference", "difference in processor time")
	for i, r := range rows {
		base, with := series[2*i], series[2*i+1]
		more := with.Median().CPU - base.Median().CPU
		table.Row(r.name, report.Number(base.Median().Nanoseconds), report.Number(with.Median().Nanoseconds), report.Number(with.Difference(base)), report.Number(more))
		if r.target {
			goals.Add(report.Target{What: "admission: " + r.name + ", ns", Measured: more, Bound: mostAdmission, Timed: true})
		}
	}
	for i, g := range gates {
		m := series[2*len(rows)+i].Median()
		table.Row(g.Name, "", "", report.Number(m.Nanoseconds), report.Number(m.CPU))
		goals.Add(report.Target{What: "admission: " + g.Name + ", ns", Measured: m.CPU, Bound: mostAdmission, Timed: true})
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
	return measure.Case{Name: name, Tasks: some, Run: func() error {
		for range some {
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
