package runnelgraph

import (
	"context"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

const (
	// Default is the subject that the targets are set for: no option given.
	Default = "Runnel"
	// Observed has an observer, so that every event is made and delivered.
	Observed = "Runnel, Observe"
)

// Subjects are Runnel as it is by default, without timings, and with an
// observer that receives every event.
func Subjects() []subject.Subject {
	return []subject.Subject{
		with(Default),
		with("Runnel, Timings(false)", runnel.Timings(false)),
		with(Observed, runnel.Observe(discard)),
	}
}

func discard(runnel.Event) {}

func with(name string, opts ...runnel.RunOption) subject.Subject {
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
				return func(node int) (subject.Value, error) {
					return runnel.Get[subject.Value](res, subject.NodeName(node))
				}, nil
			}, nil
		},
	}
}
