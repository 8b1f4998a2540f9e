package runnelgraph

import (
	"context"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Ordered is Runnel with tasks that hand on no data, and keep no times.
const Ordered = "Runnel, After, Timings(false)"

// Order is a subject whose tasks take and make nothing: each runs after the tasks
// that it depends on.
func Order() subject.Subject {
	return subject.Subject{
		Name: Ordered,
		Kind: subject.Runnel,
		Build: func(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
			tasks := make([]runnel.AnyTask, g.N())
			for i := range tasks {
				after := make([]string, len(g.Deps(i)))
				for k := range after {
					after[k] = producer(g.Deps(i), k)
				}
				tasks[i] = runnel.NewTask(subject.NodeName(i), func(context.Context, struct{}) (struct{}, error) {
					visit(i)
					return struct{}{}, nil
				}, runnel.After(after...))
			}
			p, err := runnel.FromTasks(tasks...)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) (subject.Values, error) {
				_, err := p.Run(ctx, nil, runnel.Timings(false))
				return nil, err
			}, nil
		},
	}
}
