package main

import (
	"context"
	"slices"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// mostBuild is the most that inferring and checking the graph of declared tasks
// may take, in nanoseconds a task. Declaring them is a row of its own: a program
// does that once, this for each pipeline.
const mostBuild = 2000

// The steps of Runnel's build, measured on their own.
const (
	declareRow = "Runnel: NewTask, Bind"
	fromRow    = "Runnel: FromTasks"
)

// buildSection makes graphs, and then makes them and runs them once.
func buildSection(set settings, goals *report.Targets) error {
	build, oneShot := grid{title: "Build"}, grid{title: "Build and run once"}
	for k, g := range benchmarks.Shapes() {
		cases, err := buildCases(g)
		if err != nil {
			return err
		}
		if err := build.measure(set, g, cases); err != nil {
			return err
		}
		if err := oneShot.measure(set, g, oneShotCases(g)); err != nil {
			return err
		}
		goals.Add(report.Target{
			What:     g.Name() + ": build (FromTasks), ns per task",
			Measured: build.at(k, fromRow).Median().Nanoseconds, Bound: mostBuild, Timed: true,
		})
	}
	build.print()
	oneShot.print()
	return nil
}

// buildSubjects are those whose build is worth a row: all typed hand-written
// executors share one plan.
func buildSubjects() []subject.Subject {
	return slices.DeleteFunc(benchmarks.Subjects(), func(s subject.Subject) bool {
		return s.Kind == subject.Hand && s.Name != hand.ErrgroupTyped ||
			s.Kind == subject.Runnel && s.Name != runnelgraph.Default
	})
}

func buildCases(g *shape.Graph) ([]measure.Case, error) {
	var cases []measure.Case
	for _, s := range buildSubjects() {
		cases = append(cases, measure.Case{Name: s.Name, Tasks: g.N(), Run: func() error {
			_, err := s.Build(g, subject.NoOp)
			return err
		}})
	}
	tasks, err := runnelgraph.Declare(g, subject.NoOp)
	if err != nil {
		return nil, err
	}
	return append(cases,
		measure.Case{Name: declareRow, Tasks: g.N(), Run: func() error {
			_, err := runnelgraph.Declare(g, subject.NoOp)
			return err
		}},
		measure.Case{Name: fromRow, Tasks: g.N(), Run: func() error {
			_, err := runnel.FromTasks(tasks...)
			return err
		}},
	), nil
}

func oneShotCases(g *shape.Graph) []measure.Case {
	ctx := context.Background()
	var cases []measure.Case
	for _, s := range buildSubjects() {
		cases = append(cases, measure.Case{Name: s.Name, Tasks: g.N(), Run: func() error {
			run, err := s.Build(g, subject.NoOp)
			if err != nil {
				return err
			}
			_, err = run(ctx)
			return err
		}})
	}
	return cases
}
