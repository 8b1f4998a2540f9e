package benchmarks

import (
	"context"
	"testing"

	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
)

// The benchmarks are for profiles and for comparing two commits; cmd/core is
// for comparing executors.

// BenchmarkRun executes one built graph again and again.
func BenchmarkRun(b *testing.B) {
	forEach(b, func(b *testing.B, g *shape.Graph, s subject.Subject) {
		run, err := s.Build(g, subject.NoOp)
		if err != nil {
			b.Fatal(err)
		}
		ctx := context.Background()
		for b.Loop() {
			if _, err := run(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkBuild makes the graph.
func BenchmarkBuild(b *testing.B) {
	forEach(b, func(b *testing.B, g *shape.Graph, s subject.Subject) {
		for b.Loop() {
			if _, err := s.Build(g, subject.NoOp); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func forEach(b *testing.B, f func(*testing.B, *shape.Graph, subject.Subject)) {
	for _, g := range Shapes() {
		for _, s := range Subjects() {
			b.Run(g.Name()+"/"+s.Name, func(b *testing.B) {
				b.ReportAllocs()
				f(b, g, s)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(g.N()), "ns/task")
			})
		}
	}
}

// BenchmarkTaskBench runs the graphs of Task Bench with tasks of no iterations:
// they check what they are handed.
func BenchmarkTaskBench(b *testing.B) {
	for _, p := range taskbench.Patterns {
		bench, err := taskbench.New(string(p), taskbench.Default(p, 1000, 16))
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range taskbench.Executors() {
			b.Run(bench.Name+"/"+e.Name, func(b *testing.B) {
				run, err := e.Build(bench)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := run(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bench.Graph.N()), "ns/task")
			})
		}
	}
}
