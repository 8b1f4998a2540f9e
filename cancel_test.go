package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func TestPreCancelledContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := pipelineOf(t, step("a", nil, func(context.Context) error { t.Error("a task was called"); return nil }), step("b", from("a"), works))
	res, err := p.Run(ctx, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	for _, name := range from("a", "b") {
		if got := taskReport(t, res.Report(), name); got.State != runnel.Cancelled || got.Attempts != 0 || got.Reason != "the run was stopped: context canceled" {
			t.Errorf("%s is %v after %d attempts because %q", name, got.State, got.Attempts, got.Reason)
		}
	}
	if got := res.Report().State; got != runnel.Cancelled {
		t.Errorf("the run is %v, want cancelled", got)
	}
}

func TestEveryCancellationReachesTheTasksAndIsTheError(t *testing.T) {
	why := errors.New("the operator went home")
	type outcome struct {
		is, not []error
		text    string
	}
	cancelled, late := []error{context.Canceled}, []error{context.DeadlineExceeded}
	for name, c := range map[string]struct {
		cancel func(parent context.Context) (context.Context, func(*runnel.Run))
		want   outcome
	}{
		"context": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			ctx, cancel := context.WithCancel(parent)
			return ctx, func(*runnel.Run) { cancel() }
		}, outcome{cancelled, late, "context canceled"}},
		"context with a cause": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			ctx, cancel := context.WithCancelCause(parent)
			return ctx, func(*runnel.Run) { cancel(why) }
		}, outcome{append(cancelled, why), late, why.Error()}},
		"deadline": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			ctx, cancel := context.WithTimeout(parent, time.Second)
			context.AfterFunc(ctx, cancel)
			return ctx, func(*runnel.Run) {}
		}, outcome{late, cancelled, "context deadline exceeded"}},
		"deadline with a cause": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			ctx, cancel := context.WithTimeoutCause(parent, time.Second, why)
			context.AfterFunc(ctx, cancel)
			return ctx, func(*runnel.Run) {}
		}, outcome{append(late, why), cancelled, why.Error()}},
		"Run.Cancel": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			return parent, func(r *runnel.Run) { r.Cancel(why) }
		}, outcome{append(cancelled, why), late, why.Error()}},
		"Run.Cancel without a cause": {func(parent context.Context) (context.Context, func(*runnel.Run)) {
			return parent, func(r *runnel.Run) { r.Cancel(nil); r.Cancel(why) }
		}, outcome{cancelled, append(late, why), "context canceled"}},
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := c.cancel(t.Context())
					var cause error
					p := pipelineOf(t, step("done", nil, works), step("long", from("done"), func(ctx context.Context) error {
						err := sleeps(time.Hour)(ctx)
						cause = context.Cause(ctx)
						return err
					}), step("next", from("long"), works))
					start := time.Now()
					r, err := p.Start(ctx, nil, runnel.OnError(mode), runnel.RunID("r1"))
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					cancel(r)
					res, err := r.Wait(context.Background())
					wantTook(t, "the run", start, time.Second)
					for _, is := range c.want.is {
						if !errors.Is(err, is) {
							t.Errorf("error %v is not %v", err, is)
						}
					}
					for _, not := range c.want.not {
						if errors.Is(err, not) {
							t.Errorf("error %v is %v", err, not)
						}
					}
					if want := "runnel: run r1 of the pipeline was cancelled: " + c.want.text; err == nil || err.Error() != want {
						t.Errorf("error %q, want %q", err, want)
					}
					failure, _ := errors.AsType[*runnel.RunError](err)
					if failure == nil || len(failure.Tasks) != 0 || failure.Cause == nil || failure.Cause.Error() != c.want.text {
						t.Errorf("error %#v, want a *RunError with the cause and no tasks", err)
					}
					if cause == nil || cause.Error() != c.want.text {
						t.Errorf("the task's context has cause %v, want %s", cause, c.want.text)
					}
					for name, want := range map[string]runnel.State{"done": runnel.Succeeded, "long": runnel.Cancelled, "next": runnel.Cancelled} {
						wantState(t, res.Report(), name, want)
					}
					if got := res.Report().State; got != runnel.Cancelled {
						t.Errorf("the run is %v, want cancelled", got)
					}
					if got, err := runnel.Get[string](res, "done"); got != "done" || err != nil {
						t.Errorf("what was produced before is gone: %q, %v", got, err)
					}
				})
			})
		}
	}
}

func TestCancellationAfterTheLastTaskChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := pipelineOf(t, step("a", nil, func(context.Context) error { cancel(); return nil }))
		res, err := p.Run(ctx, nil)
		if err != nil {
			t.Errorf("error %v, want none: every task succeeded", err)
		}
		wantState(t, res.Report(), "a", runnel.Succeeded)
	})
}

func TestCancelledRunKeepsTrueFailuresToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := pipelineOf(t, step("bad", nil, failsWith(io.EOF, time.Second)), step("long", nil, sleeps(time.Hour)))
		_, err := p.Run(ctx, nil, runnel.OnError(runnel.ContinueOnError))
		if !errors.Is(err, io.EOF) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the failure and the deadline", err)
		}
		_, err = p.Run(ctx, nil, runnel.OnError(runnel.SkipFailed))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SkipFailed gave %v, want the deadline: a cancellation is no failed task", err)
		}
	})
}

func TestFailureWhileCancelledIsAFailureUnlessItIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stubborn := func(ctx context.Context) error { <-ctx.Done(); return io.EOF }
		p := pipelineOf(t, step("final", nil, stubborn), step("again", nil, stubborn, runnel.Retries(3), runnel.RetryDelay(0)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		res, err := p.Run(ctx, nil)
		wantTook(t, "the run", start, time.Second)
		wantState(t, res.Report(), "final", runnel.Failed)
		wantState(t, res.Report(), "again", runnel.Cancelled)
		if got := taskReport(t, res.Report(), "again"); got.Attempts != 1 || got.Err != io.EOF {
			t.Errorf("%d attempts, error %v; want no further attempt and the last error", got.Attempts, got.Err)
		}
		failure, _ := errors.AsType[*runnel.RunError](err)
		if failure == nil || len(failure.Tasks) != 1 || failure.Tasks[0].Task != "final" {
			t.Errorf("error %v, want task final in it", err)
		}
	})
}

func TestRunWaitsForATaskThatIgnoresItsContextAndNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := pipelineOf(t,
			step("deaf", nil, func(context.Context) error { time.Sleep(time.Minute); return nil }),
			step("slow", nil, func(ctx context.Context) error { <-ctx.Done(); time.Sleep(4 * time.Second); return ctx.Err() }),
			step("next", from("deaf"), works))
		start := time.Now()
		var named []runnel.TaskUnresponsive
		res, err := p.Run(ctx, nil, runnel.Observe(func(e runnel.Event) {
			if u, ok := e.(runnel.TaskUnresponsive); ok {
				named = append(named, u)
			}
		}), runnel.RunID("r1"))
		wantTook(t, "the run", start, time.Minute)
		if want := (runnel.TaskUnresponsive{At: start.Add(6 * time.Second), RunID: "r1", Task: "deaf", For: 5 * time.Second}); len(named) != 1 || !reflect.DeepEqual(named[0], want) {
			t.Errorf("events %+v, want %+v alone", named, want)
		}
		wantState(t, res.Report(), "deaf", runnel.Succeeded)
		wantState(t, res.Report(), "next", runnel.Cancelled)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAnAttemptThatIgnoresItsTimeoutIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("deaf", nil, func(context.Context) error { time.Sleep(time.Minute); return io.EOF }, runnel.Timeout(time.Second)))
		start := time.Now()
		var named []runnel.Event
		_, err := p.Run(t.Context(), nil, runnel.RunID("r1"), runnel.Observe(func(e runnel.Event) {
			if _, ok := e.(runnel.TaskUnresponsive); ok {
				named = append(named, e)
			}
		}))
		if want := fmt.Sprint([]runnel.Event{runnel.TaskUnresponsive{At: start.Add(6 * time.Second), RunID: "r1", Task: "deaf", For: 5 * time.Second}}); fmt.Sprint(named) != want {
			t.Errorf("events %v, want %v", named, want)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, io.EOF) {
			t.Errorf("error %v", err)
		}
	})
}

func TestNoGoroutineOutlivesARun(t *testing.T) {
	// The bubble ends only when every goroutine in it has: with all of these at
	// once a goroutine that stays would be reported as a deadlock.
	synctest.Test(t, func(t *testing.T) {
		var tasks []runnel.AnyTask
		for i := range 100 {
			tasks = append(tasks,
				step(fmt.Sprintf("long%d", i), nil, sleeps(time.Hour)),
				step(fmt.Sprintf("flaky%d", i), nil, failsWith(io.EOF, 0), runnel.Retries(9), runnel.RetryDelay(time.Minute)))
		}
		p := pipelineOf(t, tasks...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := p.Start(ctx, nil, runnel.Observe(func(runnel.Event) {}))
		if err != nil {
			t.Fatal(err)
		}
		for range r.Events() {
			break
		}
		if _, err := r.Wait(context.Background()); !strings.Contains(err.Error(), "deadline") {
			t.Error(err)
		}
	})
}

func TestCancellationAtAnyMomentLeavesACleanEnd(t *testing.T) {
	p, edges := grid(t, 12, 12)
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := p.Start(ctx, nil, runnel.MaxParallel(i%4))
		if err != nil {
			t.Fatal(err)
		}
		left := i % len(edges) // to finish before the cancellation
		for e := range r.Events() {
			if _, ok := e.(runnel.TaskFinished); ok {
				if left--; left <= 0 {
					cancel()
				}
			}
		}
		res, err := r.Wait(t.Context())
		cancel()
		report := res.Report()
		if got := report.Totals; got.Tasks != len(edges) || got.Succeeded+got.Cancelled != len(edges) {
			t.Fatalf("totals %+v, want %d tasks that succeeded or were cancelled", got, len(edges))
		}
		if cancelled := report.Totals.Cancelled > 0; errors.Is(err, context.Canceled) != cancelled || (report.State == runnel.Cancelled) != cancelled {
			t.Fatalf("%d tasks were cancelled, but the run is %v with %v", report.Totals.Cancelled, report.State, err)
		}
		for _, task := range report.Tasks {
			for _, producer := range edges[task.Name] {
				if task.State == runnel.Succeeded && taskReport(t, report, producer).State != runnel.Succeeded {
					t.Fatalf("%s succeeded without its producer %s", task.Name, producer)
				}
			}
		}
	}
}

func TestARunInsideATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := pipelineOf(t, step("slow", nil, sleeps(time.Hour)), step("quick", nil, func(ctx context.Context) error {
			if got := runnel.Info(ctx); got.Task != "quick" || got.RunID != "inner" {
				t.Errorf("a task of the inner run sees %+v", got)
			}
			return nil
		}))
		outer := pipelineOf(t, step("outer", nil, func(ctx context.Context) error {
			_, err := inner.Run(ctx, nil, runnel.RunID("inner"), runnel.MaxParallel(1))
			return err
		}))
		if _, err := outer.Run(t.Context(), nil, runnel.MaxParallel(1)); err != nil {
			t.Errorf("a run in a task, both of one slot, gave %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		res, err := outer.Run(ctx, nil)
		wantTook(t, "the cancelled run", start, time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		wantState(t, res.Report(), "outer", runnel.Cancelled)
	})
}

func TestATaskThatIgnoresAFailureElsewhereIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("bad", nil, failsWith(io.EOF, time.Second)), step("deaf", nil, func(context.Context) error { time.Sleep(time.Minute); return nil }))
		start := time.Now()
		var named []runnel.Event
		_, err := p.Run(t.Context(), nil, runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.TaskUnresponsive); ok && e.Task == "deaf" && e.At.Equal(start.Add(6*time.Second)) {
				named = append(named, e)
			}
		}))
		wantTook(t, "the run", start, time.Minute)
		if len(named) != 1 || !errors.Is(err, io.EOF) {
			t.Errorf("events %v, error %v; want task deaf named once, 5 s after the failure", named, err)
		}
	})
}
