package benchmarks

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// A run may allocate for its types, its workers and its report, but not for
// its tasks. The allowance is what deques and the workers' stacks may add as
// they double.
func TestRunAllocationsDoNotGrowWithTasks(t *testing.T) {
	const allowance = 100
	for _, c := range []struct {
		name         string
		small, large *shape.Graph
	}{
		{"chain", shape.Chain(1000), shape.Chain(10_000)},
		{"tree", shape.Tree(512), shape.Tree(8192)},
		{"random", shape.Random(10, 100), shape.Random(100, 100)},
		{"wide layers", shape.Random(10, 100), shape.Random(10, 1000)},
	} {
		for _, s := range runnelgraph.Subjects() {
			if s.Name == runnelgraph.Observed {
				continue // events are allocated, one by one, when somebody asks for them
			}
			t.Run(c.name+"/"+s.Name, func(t *testing.T) {
				small, large := allocations(t, s, c.small), allocations(t, s, c.large)
				t.Logf("%d tasks: %.0f allocations; %d tasks: %.0f", c.small.N(), small, c.large.N(), large)
				if large-small > allowance {
					t.Errorf("a run of %d tasks makes %.0f allocations, one of %d makes %.0f; at most %d more are allowed",
						c.large.N(), large, c.small.N(), small, allowance)
				}
			})
		}
	}
}

// allocations are those of one run with two processors, the fewest of several:
// testing.AllocsPerRun would leave one processor, and so no stealing.
func allocations(t *testing.T, s subject.Subject, g *shape.Graph) float64 {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	run, err := s.Build(g, subject.NoOp)
	if err != nil {
		t.Fatal(err)
	}
	fewest := math.Inf(1)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := run(context.Background()); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		fewest = min(fewest, float64(after.Mallocs-before.Mallocs))
	}
	return fewest
}
