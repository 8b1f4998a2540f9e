package runnelgraph

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

const (
	// Default is the subject that the targets are set for: no option given.
	Default = "Runnel"
	// Untimed keeps no times.
	Untimed = "Runnel, Timings(false)"
	// WithReport makes a report of each run.
	WithReport = "Runnel, Report"
	// Observed has an observer, so that every event is made and delivered.
	Observed = "Runnel, Observe"
)

// Subjects are Runnel as it is by default, without timings, and with an
// observer that receives every event.
func Subjects() []subject.Subject {
	return []subject.Subject{
		ByDefault(),
		with(Untimed, runnel.Timings(false)),
		Watched(),
	}
}

func discard(runnel.Event) {}

// ByDefault is Runnel as it is without options.
func ByDefault() subject.Subject { return with(Default) }

// Watched is Runnel with an observer that receives every event.
func Watched() subject.Subject { return with(Observed, runnel.Observe(discard)) }

// Reported is Runnel with the report of each run, as it is by default.
func Reported() subject.Subject {
	return reading(WithReport, func(r *runnel.Result) error {
		if got := r.Report(); got.State != runnel.Succeeded {
			return fmt.Errorf("the report says %s", got.State)
		}
		return nil
	})
}

func with(name string, opts ...runnel.RunOption) subject.Subject {
	return reading(name, func(*runnel.Result) error { return nil }, opts...)
}

// reading is Runnel with something that is done to the result of each run.
func reading(name string, read func(*runnel.Result) error, opts ...runnel.RunOption) subject.Subject {
	return subject.Subject{
		Name:  name,
		Kind:  subject.Runnel,
		Typed: true,
		Build: func(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
			tasks, err := Declare(g, visit)
			if err != nil {
				return nil, err
			}
			p, err := runnel.FromTasks(tasks...)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) (subject.Values, error) {
				res, err := p.Run(ctx, nil, opts...)
				if err != nil {
					return nil, err
				}
				if err := read(res); err != nil {
					return nil, err
				}
				return func(node int) (subject.Value, error) {
					return runnel.Get[subject.Value](res, subject.NodeName(node))
				}, nil
			}, nil
		},
	}
}
