// Package library holds the two Go libraries with a dependency graph of their
// own that run graphs of no-op tasks fastest, among those whose built graph
// can run more than once. Neither hands values from task to task.
package library

import (
	"context"
	"runtime"

	gotaskflow "github.com/noneback/go-taskflow"

	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Taskflow is github.com/noneback/go-taskflow with four goroutines a processor,
// as in its tracing example. From one to sixteen a processor its times on the
// four shapes stay within a quarter of each other, and more make it slower.
func Taskflow() subject.Subject {
	return subject.Subject{Name: "go-taskflow", Kind: subject.Library, Build: buildTaskflow}
}

func buildTaskflow(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
	flow := gotaskflow.NewTaskFlow(g.Name())
	tasks := make([]*gotaskflow.Task, g.N())
	for i := range tasks {
		tasks[i] = flow.NewTask(subject.NodeName(i), func() { visit(i) })
		for _, d := range g.Deps(i) {
			tasks[d].Precede(tasks[i])
		}
	}
	executor := gotaskflow.NewExecutor(uint(runtime.GOMAXPROCS(0)) * 4)
	return func(context.Context) (subject.Values, error) {
		executor.Run(flow).Wait()
		return nil, nil
	}, nil
}
