package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// odd declares a mapped task that fails for odd numbers.
func odd(output string) *runnel.MapTask[onNumbers, int] {
	return runnel.NewMapTask(output+"[i]", func(_ context.Context, in onNumbers) (int, error) {
		if in.N%2 == 1 {
			return 0, fmt.Errorf("%w: %d is odd", errFlaky, in.N)
		}
		return in.N, nil
	})
}

func TestAFailedElementFailsAloneInModesThatGoOn(t *testing.T) {
	next := doubledEach().Bind("numbers", "even")
	whole := runnel.NewTask("whole", takes[struct{ Even []int }])
	whole2 := runnel.NewTask("whole2", takes[struct{ Doubled []int }])
	maybe := runnel.NewTask("maybe", runnel.Pure(func(in struct{ Even runnel.Opt[[]int] }) bool { return in.Even.Ok }))
	some := runnel.NewTask("some", runnel.Pure(func(in struct{ Doubled runnel.Partial[int] }) []int { return in.Doubled.Values }))
	after := runnel.NewTask("after", constant(1), runnel.After("even"))
	p := pipelineOf(t, odd("even"), next, whole, whole2, maybe, some, after)
	for _, mode := range []runnel.ErrorMode{runnel.ContinueOnError, runnel.SkipFailed} {
		for _, limit := range limits {
			res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1, 2, 3}}, runnel.OnError(mode), runnel.MaxParallel(limit))
			if (mode == runnel.SkipFailed) != (err == nil) {
				t.Errorf("%v: error %v", mode, err)
			}
			if e, ok := errors.AsType[*runnel.RunError](err); err != nil && (!ok || len(e.Tasks) != 2) {
				t.Errorf("%v: error %v, want the two elements that failed and no other", mode, err)
			}
			r := res.Report()
			wantState(t, r, "even", runnel.Failed)
			wantState(t, r, "doubled", runnel.Skipped)
			wantState(t, r, "whole", runnel.Skipped)
			wantState(t, r, "whole2", runnel.Skipped)
			wantState(t, r, "after", runnel.Skipped)
			wantGet(t, res, "maybe", false)
			wantGet(t, res, "some", []int{0, 0, 4, 0})
			if got, want := taskReport(t, r, "even").Reason, "2 of 4 elements failed"; got != want {
				t.Errorf("reason %q, want %q", got, want)
			}
			if got, want := taskReport(t, r, "doubled").Reason, "2 of 4 elements were skipped"; got != want {
				t.Errorf("reason %q, want %q", got, want)
			}
			if got := taskReport(t, r, "whole").Reason; !strings.Contains(got, `its input "even" is missing: task "even" failed`) {
				t.Errorf("reason %q", got)
			}
			part, err := runnel.Get[runnel.Partial[int]](res, "doubled")
			if err != nil || !errors.Is(part.Errs[1], runnel.ErrSkipped) || !errors.Is(part.Errs[1], errFlaky) || !strings.Contains(part.Errs[1].Error(), `its input "even" is missing: task "even[1]" failed`) {
				t.Errorf("%v, %v: a skipped element says which element it lacks, and why", part, err)
			}
			if _, err := next.Get(res); !errors.Is(err, runnel.ErrSkipped) {
				t.Errorf("Get of an output with holes is %v", err)
			}
			if _, err := runnel.Get[[]int](res, "even"); !errors.Is(err, runnel.ErrNotProduced) {
				t.Errorf("Get of an output with holes is %v", err)
			}
			for _, name := range []string{"even", "doubled", "whole"} {
				if _, there := res.Outputs()[name]; there {
					t.Errorf("%s, which has holes, is among the outputs", name)
				}
			}
		}
	}
}

func TestARowWithAHoleSkipsItsElementOnly(t *testing.T) {
	cells := runnel.NewMapTask("cells[i,j]", func(_ context.Context, in struct {
		A int `runnel:"a[i]"`
		B int `runnel:"b[j]"`
	}) (int, error) {
		if in.A == 1 && in.B == 2 {
			return 0, errFlaky
		}
		return 10*in.A + in.B, nil
	})
	sums := runnel.NewMapTask("sums[i]", runnel.Pure(func(in struct {
		Row []int `runnel:"cells[i]"`
	}) (sum int) {
		for _, n := range in.Row {
			sum += n
		}
		return sum
	}))
	p := pipelineOf(t, cells, sums)
	for _, limit := range limits {
		res, err := p.Run(t.Context(), runnel.Values{"a": []int{0, 1, 2}, "b": []int{1, 2}}, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
		if err == nil || !strings.Contains(err.Error(), `task "cells[1,1]" (`) {
			t.Errorf("error %v, want that of the cell", err)
		}
		got, err := runnel.Get[runnel.Partial[int]](res, "sums")
		if err != nil || !slices.Equal(got.Values, []int{3, 0, 43}) || len(got.Errs) != 1 || !errors.Is(got.Errs[1], runnel.ErrSkipped) {
			t.Errorf("sums %v, %v", got, err)
		}
		flat, err := runnel.Get[runnel.Partial[int]](res, "cells")
		if err != nil || !slices.Equal(flat.Values, []int{1, 2, 11, 0, 21, 22}) || len(flat.Errs) != 1 || !errors.Is(flat.Errs[3], errFlaky) {
			t.Errorf("cells %v, %v", flat, err)
		}
	}
}

func TestFailFastStopsAtTheFirstFailedElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started, finished atomic.Int32
		task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
			started.Add(1)
			if in.N == 2 {
				return 0, failsWith(errFlaky, time.Second)(ctx)
			}
			if err := sleeps(time.Minute)(ctx); err != nil {
				return 0, err
			}
			finished.Add(1)
			return in.N, nil
		}, runnel.MaxParallel(5))
		next := doubledEach().Bind("numbers", "out")
		in := make([]int, 100)
		for i := range in {
			in[i] = i
		}
		start := time.Now()
		res, err := pipelineOf(t, task, next).Run(t.Context(), runnel.Values{"numbers": in})
		wantTook(t, "the run", start, time.Second)
		e, ok := errors.AsType[*runnel.RunError](err)
		if !ok || len(e.Tasks) != 1 || e.Tasks[0].Task != "out" || !slices.Equal(e.Tasks[0].Index, []int{2}) || errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of element 2 only", err)
		}
		if started.Load() != 5 || finished.Load() != 0 {
			t.Errorf("%d elements started and %d finished, want 5 and none", started.Load(), finished.Load())
		}
		// The task in which an element failed has failed, as the report says in every
		// mode; what was stopped for it is cancelled.
		r := res.Report()
		wantState(t, r, "out", runnel.Failed)
		wantState(t, r, "doubled", runnel.Cancelled)
		if r.Totals.Failed != 1 || r.Totals.Cancelled != 1 {
			t.Errorf("totals %+v, want one failed and one cancelled", r.Totals)
		}
		if got := taskReport(t, r, "out").Elements; got == nil || got.Failed != 1 || got.Cancelled != 99 {
			t.Errorf("elements %+v, want 1 failed and 99 cancelled", got)
		}
	})
}

func TestCancelInTheMiddleOfAMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
			return in.N, sleeps(time.Second)(ctx)
		}, runnel.MaxParallel(2))
		next := doubledEach().Bind("numbers", "out")
		whole := runnel.NewTask("whole", takes[struct{ Doubled []int }])
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2500*time.Millisecond, func() { cancel(why) })
		start := time.Now()
		res, err := pipelineOf(t, task, next, whole).Run(ctx, runnel.Values{"numbers": []int{1, 2, 3, 4, 5, 6, 7}})
		wantTook(t, "the run", start, 2500*time.Millisecond)
		if !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the cause", err)
		}
		if e, ok := errors.AsType[*runnel.RunError](err); !ok || len(e.Tasks) != 0 {
			t.Errorf("error %v, want no failed element", err)
		}
		for _, name := range []string{"out", "doubled", "whole"} {
			wantState(t, res.Report(), name, runnel.Cancelled)
		}
		got, err := runnel.Get[runnel.Partial[int]](res, "doubled")
		if err != nil || !slices.Equal(got.Values, []int{2, 4, 6, 8, 0, 0, 0}) || len(got.Errs) != 3 {
			t.Errorf("what was produced is there: %v, %v", got, err)
		}
		if err := got.Errs[6]; err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("an element that was not reached says why: %v", err)
		}
		if _, err := task.Get(res); !errors.Is(err, runnel.ErrNotProduced) {
			t.Errorf("Get of a cancelled map is %v", err)
		}
	})
}

func TestCancelWhileElementsWaitToBeRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := runnel.NewMapTask("out[i]", func(context.Context, onNumbers) (int, error) { return 0, errFlaky },
			runnel.Retries(3), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := pipelineOf(t, task).Run(ctx, runnel.Values{"numbers": make([]int, 50)})
		wantTook(t, "the run", start, time.Minute)
		run, ok := errors.AsType[*runnel.RunError](err)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errFlaky) || !ok || len(run.Retrying) != 50 || len(run.Tasks) != 0 {
			t.Errorf("error %v: it has the cause, and what the attempts before ended with", err)
		}
	})
}

func TestCancelWhileATaskWaitsToBeRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := runnel.NewTask("out", func(context.Context, struct{}) (int, error) { return 0, errFlaky }, runnel.Retries(3), runnel.RetryDelay(time.Hour), runnel.MaxRetryTime(0))
		other := runnel.NewTask("other", func(ctx context.Context, _ struct{}) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := pipelineOf(t, task, other).Run(ctx, nil)
		if err == nil || !strings.Contains(err.Error(), "was cancelled: context deadline exceeded; waiting for the next attempt, task \"out\" (mapmode_test.go:") || !errors.Is(err, errFlaky) {
			t.Errorf("error %v", err)
		}
		// A task that failed is why the run ended, not what others waited for.
		bad := runnel.NewTask("bad", func(context.Context, struct{}) (int, error) { time.Sleep(time.Second); return 0, errors.New("bad") })
		_, err = pipelineOf(t, task, bad).Run(t.Context(), nil)
		if err == nil || errors.Is(err, errFlaky) {
			t.Errorf("error %v", err)
		}
	})
}
