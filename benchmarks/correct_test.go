package benchmarks

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel/benchmarks/library"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// A number for an executor that runs a task twice, too early or with another
// task's values would be worth nothing.
func TestEveryExecutorRunsTheGraph(t *testing.T) {
	graphs := []*shape.Graph{
		shape.Chain(1), shape.Chain(200), shape.Fan(runnelgraph.WideDegree),
		shape.Tree(64), shape.Random(10, 10), shape.Random(300, 3), shape.Random(100, 100),
	}
	for _, g := range graphs {
		for _, s := range append(Subjects(), library.Pond(), runnelgraph.Order(), runnelgraph.Reported()) {
			t.Run(g.Name()+"/"+s.Name, func(t *testing.T) {
				w := newWitness(g)
				run, err := s.Build(g, w.visit)
				if err != nil {
					t.Fatal(err)
				}
				for n := int64(1); n <= 5; n++ {
					values, err := run(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					w.check(t, n)
					checkValues(t, g, s, values)
				}
			})
		}
	}
}

// A witness notes when each task began and ended, on a clock that ticks at
// each of these moments and nowhere else.
type witness struct {
	g          *shape.Graph
	clock      atomic.Int64
	began      []atomic.Int64
	ended      []atomic.Int64
	executions []atomic.Int64
}

func newWitness(g *shape.Graph) *witness {
	return &witness{
		g:          g,
		began:      make([]atomic.Int64, g.N()),
		ended:      make([]atomic.Int64, g.N()),
		executions: make([]atomic.Int64, g.N()),
	}
}

func (w *witness) visit(i int) {
	w.began[i].Store(w.clock.Add(1))
	w.executions[i].Add(1)
	if i%7 == 0 {
		runtime.Gosched() // lets another worker in between
	}
	w.ended[i].Store(w.clock.Add(1))
}

func (w *witness) check(t *testing.T, runs int64) {
	t.Helper()
	for i := range w.g.N() {
		if got := w.executions[i].Load(); got != runs {
			t.Fatalf("after run %d, task %d has run %d times", runs, i, got)
		}
		for _, d := range w.g.Deps(i) {
			if w.ended[d].Load() > w.began[i].Load() {
				t.Fatalf("run %d: task %d began before task %d, which it needs, ended", runs, i, d)
			}
		}
	}
}

func checkValues(t *testing.T, g *shape.Graph, s subject.Subject, values subject.Values) {
	t.Helper()
	if s.Typed != (values != nil) {
		t.Fatalf("typed is %v, but values are returned: %v", s.Typed, values != nil)
	}
	if values == nil {
		return
	}
	for i, want := range subject.Expected(g) {
		got, err := values(i)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("value of task %d is %+v, want %+v", i, got, want)
		}
	}
}
