package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/runnelflow/runnel/benchmarks"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// The targets of the linearity section.
const (
	mostGrowth      = 3.0  // times a task's time in the small graph: caches add to it, a quadratic step would make it 100
	mostLive        = 1024 // bytes a task: the pipeline and one result
	mostAllocations = 1e-3 // allocations a task of a run of the large graph: workers allocate, tasks do not
)

// families are shapes in two sizes. Random keeps its width, so that a node's
// producers stay as near to it as in the small graph.
var families = []struct {
	name         string
	small, large func() *shape.Graph
}{
	{"chain", func() *shape.Graph { return shape.Chain(10_000) }, func() *shape.Graph { return shape.Chain(1_000_000) }},
	{"tree", func() *shape.Graph { return shape.Tree(1 << 12) }, func() *shape.Graph { return shape.Tree(1 << 19) }},
	{"random", func() *shape.Graph { return shape.Random(100, 100) }, func() *shape.Graph { return shape.Random(10_000, 100) }},
}

// linearSection shows what a task costs in a graph of ten thousand and in one
// of a million. The rows of the hand-written executors show how much of the
// difference is the machine's caches and the collector.
func linearSection(set settings, goals *report.Targets) error {
	t := report.NewTable(fmt.Sprintf("From ten thousand to a million tasks (medians of %d turns)", set.large),
		"build ns/task", "at a million", "run ns/task", "at a million", "live B/task", "at a million", "allocations per run", "at a million")
	for _, f := range families {
		small, large := f.small(), f.large()
		for _, s := range benchmarks.Subjects() {
			if s.Name != runnelgraph.Default && s.Name != hand.ErrgroupTyped && s.Name != hand.StealingTyped {
				continue
			}
			few, err := measurePoint(s, small, set.large)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", small.Name(), s.Name, err)
			}
			many, err := measurePoint(s, large, set.large)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", large.Name(), s.Name, err)
			}
			t.Row(f.name+": "+s.Name,
				report.Number(few.build), report.Number(many.build), report.Number(few.run), report.Number(many.run),
				report.Number(few.live), report.Number(many.live), report.Number(few.allocations), report.Number(many.allocations))
			if s.Name == runnelgraph.Default {
				addLinearTargets(goals, f.name, few, many)
			}
		}
	}
	t.Print()
	return nil
}

func addLinearTargets(goals *report.Targets, family string, few, many point) {
	goals.Add(report.Target{
		What:     family + ": build, a million ÷ ten thousand, time per task",
		Measured: many.build / few.build, Bound: mostGrowth, Timed: true,
	})
	goals.Add(report.Target{
		What:     family + ": run, a million ÷ ten thousand, time per task",
		Measured: many.run / few.run, Bound: mostGrowth, Timed: true,
	})
	goals.Add(report.Target{
		What:     family + ": live bytes per task at a million",
		Measured: many.live, Bound: mostLive,
	})
	goals.Add(report.Target{
		What:     family + ": allocations per task in a run of a million",
		Measured: many.allocations / 1e6, Bound: mostAllocations,
	})
}

// A point is what one graph costs.
type point struct {
	build, run  float64 // nanoseconds per task
	live        float64 // bytes per task that the built graph and one result hold
	allocations float64 // of a whole run
}

// taskBudget is about how many tasks a turn handles, whatever the graph's size.
const taskBudget = 1_000_000

func measurePoint(s subject.Subject, g *shape.Graph, rounds int) (point, error) {
	calls := max(1, taskBudget/g.N())
	build := measure.Case{Name: "build", Tasks: g.N(), Run: func() error {
		_, err := s.Build(g, subject.NoOp)
		return err
	}}
	built, err := measure.Calls(build, rounds, calls)
	if err != nil {
		return point{}, err
	}
	before := measure.LiveHeap()
	run, err := s.Build(g, subject.NoOp)
	if err != nil {
		return point{}, err
	}
	ran, err := measure.Calls(measure.Case{Name: "run", Tasks: g.N(), Run: once(run)}, rounds, calls)
	if err != nil {
		return point{}, err
	}
	live, err := liveWithResult(run, before)
	if err != nil {
		return point{}, err
	}
	n := float64(g.N())
	return point{
		build:       built.Median().Nanoseconds,
		run:         ran.Median().Nanoseconds,
		live:        float64(live) / n,
		allocations: ran.Median().Allocations * n,
	}, nil
}

// liveWithResult is how much the heap has grown since before, with the graph
// and the values of one run held.
func liveWithResult(run subject.Run, before int64) (int64, error) {
	values, err := run(context.Background())
	if err != nil {
		return 0, err
	}
	live := measure.LiveHeap() - before
	runtime.KeepAlive(run)
	runtime.KeepAlive(values)
	return live, nil
}
