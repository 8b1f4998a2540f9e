package runnel_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// drawNeeds draws needs around a budget of 4 CPUs and 100 MB.
func drawNeeds(t *rapid.T) runnel.Resources {
	return runnel.Resources{
		CPU:      rapid.SampledFrom([]float64{0, 0, 0.1, 0.5, 1, 2, 4, 4.5}).Draw(t, "cpu"),
		MemoryMB: rapid.SampledFrom([]float64{0, 0, 1, 10, 33, 100, 101}).Draw(t, "memory"),
		IOBound:  rapid.IntRange(0, 5).Draw(t, "I/O") == 0,
	}
}

// countedNeeds is what a gate counts of needs.
func countedNeeds(r runnel.Resources) runnel.Resources {
	if r.IOBound {
		r.CPU = 0
	}
	r.IOBound = false
	return r
}

// TestRandomGraphsStayWithinTheBudget: what runs at once needs no more than the budget
// has, every task runs, and the results are those of a run without one; at any limit,
// and when tasks fail.
func TestRandomGraphsStayWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, rapid.Bool().Draw(rt, "failures"))
		p, want := buildRandom(rt, g), g.reference()
		profile, largest := map[string]runnel.Resources{}, runnel.Resources{CPU: 4, MemoryMB: 100}
		budget := largest
		for _, m := range g.tasks {
			r := drawNeeds(rt)
			profile[m.name] = r
			largest.CPU, largest.MemoryMB = max(largest.CPU, countedNeeds(r).CPU), max(largest.MemoryMB, r.MemoryMB)
		}
		for _, limit := range randomLimits {
			b := &table{}
			ctx, w := newWitness(t.Context())
			res, err := p.Run(ctx, g.supplied, runnel.OnError(runnel.SkipFailed), runnel.ResourceAware(calm(budget.CPU, budget.MemoryMB)), runnel.Profiles(profile),
				runnel.MaxParallel(limit), runnel.Intercept(b.around(budget, func(task string) runnel.Resources { return countedNeeds(profile[task]) })))
			if err != nil {
				rt.Fatalf("limit %d: %v", limit, err)
			}
			checkRun(rt, g, w, res, want)
			if b.broken != "" {
				rt.Fatalf("limit %d: %s", limit, b.broken)
			}
			peak := res.Report().Resources.Peak
			if peak.CPU > largest.CPU || peak.MemoryMB > largest.MemoryMB || peak.CPU < b.peak.CPU-1e-9 || peak.MemoryMB < b.peak.MemoryMB-1e-9 {
				rt.Fatalf("limit %d: the report has a peak of %v, seen were %v, the largest task needs %v", limit, peak, b.peak, largest)
			}
		}
	})
}

// branch is a task of a random tree of runs: it takes its time, and runs the tasks below
// it, if any, as a pipeline.
type branch struct {
	needs runnel.Resources
	nap   time.Duration
	fails int // attempts
	below []*branch
}

// drawBranches draws a tree.
func drawBranches(t *rapid.T, depth int) (tasks []*branch) {
	for range rapid.IntRange(1, 4).Draw(t, "tasks") {
		b := &branch{needs: drawNeeds(t), nap: time.Duration(rapid.IntRange(0, 3).Draw(t, "nap")) * time.Second, fails: rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "fails")}
		if depth > 0 && rapid.Bool().Draw(t, "nested") {
			b.below = drawBranches(t, depth-1)
		}
		tasks = append(tasks, b)
	}
	return tasks
}

// size counts the tasks.
func size(tasks []*branch) (n int) {
	for _, b := range tasks {
		n += 1 + size(b.below)
	}
	return n
}

// run runs the tasks with what there is of the budget, and returns how many have
// succeeded, those below included.
func (r *treeRun) run(ctx context.Context, tasks []*branch, budget runnel.Resources) (int, error) {
	var declared []runnel.AnyTask
	for k, b := range tasks {
		name := fmt.Sprint("t", k)
		declared = append(declared, runnel.NewTask(name, func(ctx context.Context, _ struct{}) (int, error) {
			time.Sleep(b.nap)
			if runnel.Info(ctx).Attempt <= b.fails {
				return 0, errDrawn
			}
			if b.below == nil {
				return 1, nil
			}
			// Its tasks have what this one has been given, where it has asked for some.
			own, needs := budget, countedNeeds(b.needs)
			if needs.CPU > 0 {
				own.CPU = min(own.CPU, needs.CPU)
			}
			if needs.MemoryMB > 0 {
				own.MemoryMB = min(own.MemoryMB, needs.MemoryMB)
			}
			n, err := r.run(ctx, b.below, own)
			return n + 1, err
		}, runnel.Needs(b.needs), runnel.Retries(2), runnel.RetryDelay(time.Second)))
	}
	p, err := runnel.FromTasks(declared...)
	if err != nil {
		return 0, err
	}
	seen := &table{}
	res, err := p.Run(ctx, nil, runnel.ResourceAware(calm(r.budget.CPU, r.budget.MemoryMB)), runnel.MaxParallel(r.limit),
		runnel.Intercept(seen.around(budget, func(task string) runnel.Resources {
			var k int
			fmt.Sscanf(task, "t%d", &k)
			return countedNeeds(tasks[k].needs)
		})))
	if err != nil {
		return 0, err
	}
	if seen.broken != "" {
		return 0, fmt.Errorf("a run of %d tasks: %s", len(tasks), seen.broken)
	}
	if got := res.Report().Resources.Budget; got != budget {
		return 0, fmt.Errorf("the budget is %v, want %v", got, budget)
	}
	n := 0
	for k := range tasks {
		of, err := runnel.Get[int](res, fmt.Sprint("t", k))
		if err != nil {
			return 0, err
		}
		n += of
	}
	return n, nil
}

type treeRun struct {
	budget runnel.Resources
	limit  int
}

// TestRandomNestedRunsStayWithinTheBudget: runs inside tasks, at any depth, with tasks
// that are tried again, end, and have no more than the task around them was given.
func TestRandomNestedRunsStayWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tasks := drawBranches(rt, 3)
		for _, limit := range []int{0, 1, 3} {
			synctest.Test(t, func(t *testing.T) {
				r := &treeRun{runnel.Resources{CPU: 4, MemoryMB: 100}, limit}
				if n, err := r.run(t.Context(), tasks, r.budget); err != nil || n != size(tasks) {
					rt.Errorf("limit %d: %d of %d tasks succeeded: %v", limit, n, size(tasks), err)
				}
			})
		}
	})
}

// TestANestedRunIsNotHeldUpByTheTaskAroundIt: which has all there is, at any depth; and
// without the option it has no budget at all.
func TestANestedRunIsNotHeldUpByTheTaskAroundIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		all := runnel.Needs(runnel.Resources{CPU: 2, MemoryMB: 10})
		var nest func(ctx context.Context, level int) (int, error)
		nest = func(ctx context.Context, level int) (int, error) {
			time.Sleep(time.Second)
			if level == 20 {
				return 1, nil
			}
			res, err := pipelineOf(t, runnel.NewTask("a", func(ctx context.Context, _ struct{}) (int, error) { return nest(ctx, level+1) }, all)).
				Run(ctx, nil, runnel.ResourceAware(calm(2, 10)), runnel.MaxParallel(1))
			if err != nil {
				return 0, err
			}
			return runnel.Get[int](res, "a")
		}
		if got, err := nest(t.Context(), 0); got != 1 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		wantTook(t, "the runs", start, 21*time.Second)

		tasks, b := naps(5, runnel.Resources{CPU: 2})
		free := pipelineOf(t, tasks...)
		outer := pipelineOf(t, runnel.NewTask("outer", func(ctx context.Context, _ struct{}) (int, error) {
			_, err := free.Run(ctx, nil)
			return 0, err
		}, all))
		mustRun(t, outer, nil, runnel.ResourceAware(calm(2, 10)))
		if b.most != 5 {
			t.Errorf("%d tasks of a run without a budget ran at once, want 5", b.most)
		}
	})
}
