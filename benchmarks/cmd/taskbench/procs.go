package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
)

// mostCollapse is how much longer a run may take with more processors than the
// machine has, than with as many: goroutines that wait for each other's locks and
// cache lines would make it many times.
const mostCollapse = 1.5

// procsSection runs wide graphs of small tasks with more and more processors.
func procsSection(set settings, goals *report.Targets) error {
	defer runtime.GOMAXPROCS(set.procs)
	counts := []int{1, 2, 4, 8, 16}
	var columns []string
	for _, p := range counts {
		columns = append(columns, fmt.Sprint(p))
	}
	t := report.NewTable("GOMAXPROCS, nanoseconds a task: 16 points wide, 10 iterations a task", columns...)
	const width = 16
	for _, p := range []taskbench.Pattern{taskbench.NoComm, taskbench.Stencil1D, taskbench.RandomNearest, taskbench.AllToAll} {
		b, err := taskbench.New(string(p), taskbench.Default(p, set.steps/4, width))
		if err != nil {
			return err
		}
		b.SetIterations(10)
		executors := []taskbench.Executor{taskbench.Find(taskbench.Stealing), taskbench.Find(taskbench.Own)}
		var cases []measure.Case
		for _, e := range executors {
			for _, p := range counts {
				c, err := withProcs(b, e, p)
				if err != nil {
					return err
				}
				cases = append(cases, c)
			}
		}
		series, err := measure.Interleave(cases, set.rounds, set.window)
		if err != nil {
			return err
		}
		for i, e := range executors {
			var cells []string
			own := series[i*len(counts) : (i+1)*len(counts)]
			for _, s := range own {
				cells = append(cells, report.Number(s.Median().Nanoseconds))
			}
			t.Row(string(p)+": "+e.Name, cells...)
			if e.Name != taskbench.Own {
				continue
			}
			for k := 2; k < len(counts); k++ {
				goals.Add(report.Target{
					What:     fmt.Sprintf("%s: GOMAXPROCS %d ÷ 2, time per task", p, counts[k]),
					Measured: own[k].Ratio(own[1]), Bound: mostCollapse, Timed: true,
				})
			}
		}
	}
	t.Print()
	return nil
}

// withProcs is a case that runs with so many processors. The graph is built with
// them too, since executors by hand look at their number then.
func withProcs(b *taskbench.Bench, e taskbench.Executor, procs int) (measure.Case, error) {
	runtime.GOMAXPROCS(procs)
	run, err := e.Build(b)
	if err != nil {
		return measure.Case{}, fmt.Errorf("%s: %s: %w", b.Name, e.Name, err)
	}
	return measure.Case{Name: fmt.Sprintf("%s with %d", e.Name, procs), Tasks: b.Graph.N(), Run: func() error {
		if runtime.GOMAXPROCS(0) != procs {
			runtime.GOMAXPROCS(procs)
		}
		return run(context.Background())
	}}, nil
}
