// Package runnelgraph makes the measured graphs as Runnel graphs: one declared
// task a node, with a typed struct of its producers' values as input.
package runnelgraph

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Declare makes the tasks of g. The functions are those of the hand-written
// executors' typed form. Up to three inputs are fields a, b and c, bound to
// the producers' names; the one with WideDegree inputs is a struct of as many
// fields, so that its edges carry values like all others. Another in-degree is
// an error.
func Declare(g *shape.Graph, visit subject.Visit) ([]runnel.AnyTask, error) {
	tasks := make([]runnel.AnyTask, g.N())
	for i := range tasks {
		name, deps := subject.NodeName(i), g.Deps(i)
		switch len(deps) {
		case 0:
			tasks[i] = runnel.NewTask(name, func(_ context.Context, in subject.In0) (subject.Value, error) {
				visit(i)
				return subject.Of0(i, in), nil
			})
		case 1:
			tasks[i] = runnel.NewTask(name, func(_ context.Context, in subject.In1) (subject.Value, error) {
				visit(i)
				return subject.Of1(in), nil
			}).Bind("a", producer(deps, 0))
		case 2:
			tasks[i] = runnel.NewTask(name, func(_ context.Context, in subject.In2) (subject.Value, error) {
				visit(i)
				return subject.Of2(in), nil
			}).Bind("a", producer(deps, 0)).Bind("b", producer(deps, 1))
		case 3:
			tasks[i] = runnel.NewTask(name, func(_ context.Context, in subject.In3) (subject.Value, error) {
				visit(i)
				return subject.Of3(in), nil
			}).Bind("a", producer(deps, 0)).Bind("b", producer(deps, 1)).Bind("c", producer(deps, 2))
		case WideDegree:
			if err := checkWide(deps); err != nil {
				return nil, err
			}
			tasks[i] = runnel.NewTask(name, func(_ context.Context, in wide) (subject.Value, error) {
				visit(i)
				return subject.OfMany(in.values()), nil
			})
		default:
			return nil, fmt.Errorf("node %d has %d dependencies; there are input structs for 0 to 3 and for %d", i, len(deps), WideDegree)
		}
	}
	return tasks, nil
}

func producer(deps []int32, k int) string { return subject.NodeName(int(deps[k])) }
