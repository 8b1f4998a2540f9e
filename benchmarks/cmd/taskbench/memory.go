package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// mostMemory is the most that a run may hold, in bytes a task.
const mostMemory = 200.0

// memorySection measures what a run holds: the bytes of reachable objects while its
// last task runs, when all values are there and all times are known, less those
// before it began. The values of the tasks, 24 bytes each, count; the pipeline does
// not, since it is there before the run and serves many. It has a column of its own.
func memorySection(set settings, goals *report.Targets) error {
	t := report.NewTable(fmt.Sprintf("Live bytes a task, of %d", set.many), "built", "running")
	for _, f := range families() {
		g := f.of(set.many)
		for _, s := range []subject.Subject{f.hand, f.own} {
			built, running, err := held(s, g)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", g.Name(), s.Name, err)
			}
			t.Row(f.name+": "+s.Name, report.Number(built), report.Number(running))
			if s.Kind == subject.Runnel {
				goals.Add(report.Target{What: f.name + ": live bytes of a run, per task", Measured: running, Bound: mostMemory})
			}
		}
	}
	t.Print()
	return nil
}

// held is what a built graph holds, and what a run adds to that at its last task,
// in bytes a task.
func held(s subject.Subject, g *shape.Graph) (built, running float64, err error) {
	n := int64(g.N())
	var calls, most atomic.Int64
	empty := measure.LiveHeap()
	run, err := s.Build(g, func(int) {
		if calls.Add(1)%n == 0 {
			most.Store(measure.LiveHeap())
		}
	})
	if err != nil {
		return 0, 0, err
	}
	// The second run is measured: what the first one leaves for others is there.
	for range 2 {
		before := measure.LiveHeap()
		if _, err := run(context.Background()); err != nil {
			return 0, 0, err
		}
		built, running = float64(before-empty)/float64(n), float64(most.Load()-before)/float64(n)
	}
	return built, running, nil
}
