package runnel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// TestStepsOfASequenceNeedTheirs: the option of a step is that of its elements.
func TestStepsOfASequenceNeedTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := runnel.NewSequence().Map(func(n int) int { time.Sleep(time.Second); return n + 1 }, runnel.Needs(runnel.Resources{CPU: 1})).Build()
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r := mustRun(t, p, runnel.Values{"input": upTo(8)}, runnel.ResourceAware(calm(2, 1))).Report()
		wantTook(t, "the run", start, 4*time.Second)
		if r.Resources.Peak.CPU != 2 {
			t.Errorf("the peak is %v, want 2 CPUs", r.Resources.Peak)
		}
	})
}

// TestNestedPipelinesShareTheBudget: their tasks are those of the run, by their paths.
func TestNestedPipelinesShareTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, b := naps(1, runnel.Resources{CPU: 2})
		left := runnel.Nest[struct{}, int]("left", pipelineOf(t, tasks[0].(*runnel.Task[nothing, int]).As("nap")), "nap")
		p := pipelineOf(t, left, left.As("right"))
		aware := runnel.ResourceAware(calm(2, 1))
		start := time.Now()
		mustRun(t, p, nil, aware)
		wantTook(t, "the run", start, 2*time.Second)
		if b.most != 1 {
			t.Errorf("%d ran at once, want 1", b.most)
		}
		start = time.Now()
		half := runnel.Resources{CPU: 1}
		r := mustRun(t, p, nil, aware, runnel.Profiles(map[string]runnel.Resources{"left/nap": half, "right/nap": half})).Report()
		wantTook(t, "with half of the needs", start, time.Second)
		if got := r.Profile(); got["left/nap"] != half || got["right/nap"] != half {
			t.Errorf("the profile is %v", got)
		}
		wantProblems(t, inputProblems(t, p, nil, aware, runnel.Profiles(map[string]runnel.Resources{"left": half})), `Profiles: there is no task "left"`)
	})
}

// TestBatchesInATaskAreItsOwn: their items ask for nothing, and a run in one of them has
// no more than the task was given.
func TestBatchesInATaskAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := runnel.Needs(runnel.Resources{CPU: 2, MemoryMB: 8})
		inner := pipelineOf(t, runnel.NewTask("inner", constant(1), all))
		declared := runnel.NewTask("declared", func(ctx context.Context, _ struct{ N int }) (int, error) {
			time.Sleep(time.Second)
			res, err := inner.Run(ctx, nil, runnel.ResourceAware(calm(100, 1000)))
			if err != nil {
				return 0, err
			}
			if got, want := res.Report().Resources.Budget, (runnel.Resources{CPU: 2, MemoryMB: 8}); got != want {
				t.Errorf("a run in a batch in a task has a budget of %v, want %v", got, want)
			}
			return 1, nil
		}, all)
		p := pipelineOf(t, runnel.NewTask("outer", func(ctx context.Context, _ nothing) (int, error) {
			res, err := runnel.Map(ctx, []struct{ N int }{{1}, {2}, {3}, {4}, {5}}, declared.Func())
			return len(res.Results), err
		}, all))
		start := time.Now()
		res := mustRun(t, p, nil, runnel.ResourceAware(calm(4, 10)))
		wantTook(t, "the run", start, time.Second)
		if got, err := runnel.Get[int](res, "outer"); got != 5 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	})
}
