package benchmarks

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
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
		{"fan", shape.Fan(1000), shape.Fan(10_000)},
		{"tree", shape.Tree(512), shape.Tree(8192)},
		{"random", shape.Random(10, 100), shape.Random(100, 100)},
		{"wide layers", shape.Random(10, 100), shape.Random(10, 1000)},
	} {
		for _, s := range append(runnelgraph.Subjects(), runnelgraph.Order(), runnelgraph.Reported()) {
			switch {
			case s.Name == runnelgraph.Observed:
				continue // events are allocated, one by one, when somebody asks for them
			case c.name == "fan" && s.Name != runnelgraph.Order().Name:
				continue // a task that takes so many values is of another type at each size
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

// The graphs of Task Bench have tasks of several types, which all are in the small
// graph too.
func TestAllocationsOfTaskBenchDoNotGrowWithTasks(t *testing.T) {
	const allowance = 100
	for _, p := range taskbench.Patterns {
		var made [2]float64
		for k, steps := range []int{100, 1000} {
			b, err := taskbench.New(string(p), taskbench.Default(p, steps, 8))
			if err != nil {
				t.Fatal(err)
			}
			run, err := taskbench.Find(taskbench.Own).Build(b)
			if err != nil {
				t.Fatal(err)
			}
			made[k] = fewest(t, func() error { return run(context.Background()) })
		}
		t.Logf("%s: 100 steps: %.0f allocations; 1000 steps: %.0f", p, made[0], made[1])
		if made[1]-made[0] > allowance {
			t.Errorf("%s: a run of 100 steps makes %.0f allocations, one of 1000 makes %.0f; at most %d more are allowed", p, made[0], made[1], allowance)
		}
	}
}

func allocations(t *testing.T, s subject.Subject, g *shape.Graph) float64 {
	t.Helper()
	run, err := s.Build(g, subject.NoOp)
	if err != nil {
		t.Fatal(err)
	}
	return fewest(t, func() error {
		_, err := run(context.Background())
		return err
	})
}

// fewest are the allocations of one run with two processors, the fewest of several:
// testing.AllocsPerRun would leave one processor, and so no stealing.
func fewest(t *testing.T, run func() error) float64 {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	least := math.Inf(1)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := run(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs))
	}
	return least
}
