package main

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel/benchmarks"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// The targets of the cost section, in nanoseconds.
const (
	mostOrdered  = 150.0 // a task that hands on no data
	mostTyped    = 250.0 // one with a typed struct of inputs, whose panics are recovered
	mostReported = 400.0 // the same, with its times, and a report of the run
	mostEvent    = 200.0 // an event that an observer gets
)

// costSection measures what a task costs that does nothing, by what it is given.
func costSection(set settings, goals *report.Targets) error {
	subjects := []subject.Subject{hand.WorkStealing(), hand.WorkStealingTyped(), runnelgraph.Order()}
	subjects = append(append(subjects, runnelgraph.Subjects()...), runnelgraph.Reported())
	shapes := benchmarks.Shapes()
	series := make([][]measure.Series, len(shapes))
	var columns []string
	for k, g := range shapes {
		cases, err := casesOf(g, subjects)
		if err != nil {
			return err
		}
		if series[k], err = measure.Interleave(cases, set.rounds, set.window); err != nil {
			return fmt.Errorf("%s: %w", g.Name(), err)
		}
		columns = append(columns, g.Name())
	}
	nanoseconds := func(c measure.Cost) float64 { return c.Nanoseconds }
	median := func(k, i int) float64 { return series[k][i].Median().Nanoseconds }
	t := costTable("Cost of a task that does nothing, nanoseconds", columns, subjects, series, nanoseconds)
	at := func(name string) int {
		for i, s := range subjects {
			if s.Name == name {
				return i
			}
		}
		panic("no subject is called " + name)
	}
	var events []string
	for k, g := range shapes {
		for _, x := range []struct {
			name  string
			bound float64
		}{{runnelgraph.Ordered, mostOrdered}, {runnelgraph.Untimed, mostTyped}, {runnelgraph.WithReport, mostReported}} {
			goals.Add(report.Target{What: g.Name() + ": " + x.name + ", ns per task", Measured: median(k, at(x.name)), Bound: x.bound, Timed: true})
		}
		// A run tells of its start and its end, and of those of each task.
		n := float64(g.N())
		event := series[k][at(runnelgraph.Observed)].Difference(series[k][at(runnelgraph.Default)]) * n / (2*n + 2)
		events = append(events, report.Number(event))
		goals.Add(report.Target{What: g.Name() + ": an event to an observer, ns", Measured: event, Bound: mostEvent, Timed: true})
	}
	t.Row("an event: (Observe − default) ÷ events", events...)
	t.Print()
	costTable("The same in processor time, on all processors together", columns, subjects, series,
		func(c measure.Cost) float64 { return c.CPU }).Print()
	return nil
}

func costTable(title string, columns []string, subjects []subject.Subject, series [][]measure.Series, unit func(measure.Cost) float64) *report.Table {
	t := report.NewTable(title, columns...)
	for i, s := range subjects {
		var cells []string
		for k := range columns {
			cells = append(cells, report.Number(unit(series[k][i].Median())))
		}
		t.Row(s.Name, cells...)
	}
	return t
}

// casesOf are one case a subject.
func casesOf(g *shape.Graph, subjects []subject.Subject) ([]measure.Case, error) {
	cases := make([]measure.Case, len(subjects))
	for i, s := range subjects {
		run, err := s.Build(g, subject.NoOp)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.Name(), s.Name, err)
		}
		cases[i] = measure.Case{Name: s.Name, Tasks: g.N(), Run: once(run)}
	}
	return cases, nil
}

// once runs a graph and drops its values.
func once(run subject.Run) func() error {
	return func() error {
		_, err := run(context.Background())
		return err
	}
}
