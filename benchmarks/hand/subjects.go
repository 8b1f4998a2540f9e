package hand

import (
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Names that tables and targets refer to: the errgroup ones are what Runnel's
// targets are set against.
const (
	Errgroup      = "errgroup, counters"
	ErrgroupTyped = "errgroup, counters, typed"
	StealingTyped = "work stealing, typed"
)

// Subjects are the hand-written executors, the plain form before the typed one.
func Subjects() []subject.Subject {
	return []subject.Subject{
		of("loop in order", false, sequential),
		of("loop in order, typed", true, sequential),
		of(Errgroup, false, errgroupCounters),
		of(ErrgroupTyped, true, errgroupCounters),
		of("errgroup, counters, inline successor", false, errgroupInline),
		of("errgroup, counters, inline successor, typed", true, errgroupInline),
		WorkStealing(),
		WorkStealingTyped(),
	}
}

// WorkStealing is the plain form of the work-stealing executor.
func WorkStealing() subject.Subject { return of("work stealing", false, workStealing) }

// WorkStealingTyped is its typed form.
func WorkStealingTyped() subject.Subject { return of(StealingTyped, true, workStealing) }

// Static is no way to run tasks, and so is not among the subjects: it is a bound for what
// the machine allows.
func Static() subject.Subject { return of("static schedule", false, static) }

func of(name string, typed bool, executor func(*plan) subject.Run) subject.Subject {
	return subject.Subject{
		Name:  name,
		Kind:  subject.Hand,
		Typed: typed,
		Build: func(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
			return executor(newPlan(g, visit, typed)), nil
		},
	}
}
