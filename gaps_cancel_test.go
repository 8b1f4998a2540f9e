package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// TestATaskThatCancelsIsTheLastToRun: what became ready by it is not called,
// though the run has not had time to stop its workers.
func TestATaskThatCancelsIsTheLastToRun(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		called := false
		p := pipelineOf(t,
			step("a", nil, func(context.Context) error { cancel(); return nil }),
			step("b", from("a"), func(context.Context) error { called = true; return nil }))
		res, err := p.Run(ctx, nil, runnel.MaxParallel(1))
		if called {
			t.Fatal("b was called after a had cancelled the run's context: no attempt begins after that")
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		wantState(t, res.Report(), "a", runnel.Succeeded)
		wantState(t, res.Report(), "b", runnel.Cancelled)
	}
}

// TestATaskThatReturnsTheCauseWasCancelled: the cause of its context is no
// failure of its own, whether another task failed or the caller cancelled.
func TestATaskThatReturnsTheCauseWasCancelled(t *testing.T) {
	returnsCause := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("bad", nil, failsWith(io.EOF, time.Second)), step("long", nil, returnsCause))
		res, err := p.Run(t.Context(), nil)
		failure, _ := errors.AsType[*runnel.RunError](err)
		if failure == nil || len(failure.Tasks) != 1 || failure.Tasks[0].Task != "bad" {
			t.Errorf("error %v, want task bad alone: the other one was cancelled by its failure", err)
		}
		wantState(t, res.Report(), "long", runnel.Cancelled)
	})
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the operator went home")
		r, err := pipelineOf(t, step("long", nil, returnsCause)).Start(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.Cancel(why)
		res, err := r.Wait(context.Background())
		failure, _ := errors.AsType[*runnel.RunError](err)
		if failure == nil || len(failure.Tasks) != 0 || failure.Cause != why {
			t.Errorf("error %v, want the cause and no failed task", err)
		}
		wantState(t, res.Report(), "long", runnel.Cancelled)
	})
}

// TestACancelledTaskDidNotTimeOut: its Timeout is not to blame for the end of
// the run's context.
func TestACancelledTaskDidNotTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p := pipelineOf(t, step("a", nil, sleeps(time.Hour), runnel.Timeout(time.Minute)))
		res, err := p.Run(ctx, nil)
		got := taskReport(t, res.Report(), "a")
		if got.Err == nil || strings.Contains(fmt.Sprint(err, got.Err), "timeout of") || errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("the run gave %v, the task %v: want the cancellation, no timeout was reached", err, got.Err)
		}
		if got.State != runnel.Cancelled {
			t.Errorf("the task is %v, want cancelled", got.State)
		}
	})
}

// TestAContextThatATaskKeptIsDoneAfterTheRun, or what waits for it would wait
// for ever.
func TestAContextThatATaskKeptIsDoneAfterTheRun(t *testing.T) {
	var kept []context.Context
	keep := func(ctx context.Context) error { kept = append(kept, ctx); return nil }
	p := pipelineOf(t, step("a", nil, keep), step("b", from("a"), keep, runnel.Timeout(time.Hour)))
	mustRun(t, p, nil)
	r, err := p.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, ctx := range kept {
		select {
		case <-ctx.Done():
			if ctx.Err() == nil {
				t.Errorf("context %d of %d is done without an error", i+1, len(kept))
			}
		default:
			t.Errorf("context %d of %d is not done, though the run has ended", i+1, len(kept))
		}
	}
}

// TestCancelledRetryWaitTellsWhyItWaited: the event has the error of the last
// attempt, as the report does.
func TestCancelledRetryWaitTellsWhyItWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := pipelineOf(t, step("a", nil, failsWith(errFlaky, 0), runnel.Retries(3), runnel.RetryDelay(time.Minute)))
		var finished []runnel.TaskFinished
		res, _ := p.Run(ctx, nil, runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.TaskFinished); ok {
				finished = append(finished, e)
			}
		}))
		if len(finished) != 1 || finished[0].Err != errFlaky || finished[0].State != runnel.Cancelled || finished[0].Attempts != 1 {
			t.Errorf("events %+v, want one: cancelled after 1 attempt, with its error %v", finished, errFlaky)
		}
		if got := taskReport(t, res.Report(), "a"); got.Err != errFlaky {
			t.Errorf("the report has error %v, want %v", got.Err, errFlaky)
		}
	})
}

// TestALateNameComesBeforeTheEnd: many attempts end at the very moment at which
// they are named; the name is never later than their end.
func TestALateNameComesBeforeTheEnd(t *testing.T) {
	named := 0
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var tasks []runnel.AnyTask
			for i := range 100 {
				// 5 s after its Timeout a task is named.
				tasks = append(tasks, step(fmt.Sprint("t", i), nil, func(context.Context) error { time.Sleep(6 * time.Second); return io.EOF }, runnel.Timeout(time.Second)))
			}
			ended := map[string]bool{}
			_, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.OnError(runnel.ContinueOnError), runnel.Observe(func(e runnel.Event) {
				switch e := e.(type) {
				case runnel.TaskUnresponsive:
					named++
					if ended[e.Task] {
						t.Errorf("task %q is named unresponsive after the event of its end", e.Task)
					}
				case runnel.AttemptFailed:
					ended[e.Task] = true
				}
			}))
			if err == nil || len(ended) != len(tasks) {
				t.Errorf("%d tasks failed (%v), want all", len(ended), err)
			}
		})
	}
	if named == 0 {
		t.Error("no task was named: the test has lost its subject")
	}
}

// TestNothingHoldsOnToACancelledRun: a retry that is due in an hour keeps
// neither its timer nor what the run's tasks refer to.
func TestNothingHoldsOnToACancelledRun(t *testing.T) {
	gone := make(chan struct{})
	func() {
		held := new([1 << 16]byte)
		runtime.AddCleanup(held, func(c chan struct{}) { close(c) }, gone)
		ctx, cancel := context.WithCancel(t.Context())
		p := pipelineOf(t,
			step("flaky", nil, func(context.Context) error { held[0]++; return errFlaky },
				runnel.Retries(1), runnel.RetryDelay(time.Hour), runnel.MaxRetryTime(0)),
			step("stop", nil, func(context.Context) error { return nil }))
		_, err := p.Run(ctx, nil, runnel.MaxParallel(1), runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.AttemptFailed); ok && e.Retry {
				cancel()
			}
		}))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the cancellation during the wait", err)
		}
	}()
	deadline := time.After(20 * time.Second)
	for {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-deadline:
			t.Fatal("what a task of a cancelled run refers to is still held: its retry timer outlives the run")
		default:
			// The runtime takes a stopped timer out of the heap of its processor when that
			// processor looks at its timers.
			var short sync.WaitGroup
			for range 4 * runtime.GOMAXPROCS(0) {
				short.Go(func() { <-time.After(time.Millisecond) })
			}
			short.Wait()
		}
	}
}
