package main

import (
	"context"
	"fmt"
	"math"

	"github.com/runnelflow/runnel/benchmarks"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// The targets of the run section.
const (
	mostOfErrgroup   = 1.0 // times the hand-written errgroup executor, whichever form is faster
	leastOverLibrary = 5.0 // times faster than the faster library
)

// runSection executes graphs that are built once.
func runSection(set settings, goals *report.Targets) error {
	subjects := benchmarks.Subjects()
	results := grid{title: "Run"}
	for _, g := range benchmarks.Shapes() {
		cases := make([]measure.Case, len(subjects))
		for i, s := range subjects {
			run, err := s.Build(g, subject.NoOp)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", g.Name(), s.Name, err)
			}
			cases[i] = measure.Case{Name: s.Name, Tasks: g.N(), Run: once(run)}
		}
		if err := results.measure(set, g, cases); err != nil {
			return err
		}
	}
	results.print()
	compare(subjects, results, goals)
	return nil
}

// once runs a graph and drops its values.
func once(run subject.Run) func() error {
	ctx := context.Background()
	return func() error {
		_, err := run(ctx)
		return err
	}
}

// compare prints Runnel's ratios and sets them against the targets.
func compare(subjects []subject.Subject, results grid, goals *report.Targets) {
	var plain, typed, library []string
	for k, name := range results.columns {
		own := results.at(k, runnelgraph.Default)
		toPlain := own.Ratio(results.at(k, hand.Errgroup))
		toTyped := own.Ratio(results.at(k, hand.ErrgroupTyped))
		overLibrary := math.Inf(1)
		for _, s := range subjects {
			if s.Kind == subject.Library {
				overLibrary = min(overLibrary, results.at(k, s.Name).Ratio(own))
			}
		}
		plain, typed, library = append(plain, report.Ratio(toPlain)), append(typed, report.Ratio(toTyped)), append(library, report.Ratio(overLibrary))
		goals.Add(report.Target{
			What:     name + ": Runnel ÷ errgroup by hand (the faster form)",
			Measured: max(toPlain, toTyped), Bound: mostOfErrgroup, Timed: true,
		})
		goals.Add(report.Target{
			What:     name + ": faster library ÷ Runnel",
			Measured: overLibrary, Bound: leastOverLibrary, AtLeast: true, Timed: true,
		})
	}
	t := report.NewTable("Run, ratios (median of the ratios within each round)", results.columns...)
	t.Row(runnelgraph.Default+" ÷ "+hand.Errgroup, plain...)
	t.Row(runnelgraph.Default+" ÷ "+hand.ErrgroupTyped, typed...)
	t.Row("faster library ÷ "+runnelgraph.Default, library...)
	t.Print()
}
