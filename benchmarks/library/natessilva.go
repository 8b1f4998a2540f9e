package library

import (
	"context"

	natessilva "github.com/natessilva/dag"

	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Natessilva is github.com/natessilva/dag: a goroutine per task and one
// coordinator.
func Natessilva() subject.Subject {
	return subject.Subject{Name: "natessilva/dag", Kind: subject.Library, Build: buildNatessilva}
}

func buildNatessilva(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
	var runner natessilva.Runner
	for i := range g.N() {
		runner.AddVertex(subject.NodeName(i), func() error { visit(i); return nil })
		for _, d := range g.Deps(i) {
			runner.AddEdge(subject.NodeName(int(d)), subject.NodeName(i))
		}
	}
	return func(context.Context) (subject.Values, error) { return nil, runner.Run() }, nil
}

// Subjects are both libraries.
func Subjects() []subject.Subject {
	return []subject.Subject{Taskflow(), Natessilva()}
}
