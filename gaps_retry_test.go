package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// within ends the test binary with a reason, and the stacks of all goroutines,
// when the runs of a test have not ended in time.
func within(t *testing.T, limit time.Duration, why string) {
	timer := time.AfterFunc(limit, func() { panic(fmt.Sprintf("%s: not over after %v: %s", t.Name(), limit, why)) })
	t.Cleanup(func() { timer.Stop() })
}

// TestAnInputOfTheWrongTypeIsNotTriedAgain: another attempt gets the same value.
func TestAnInputOfTheWrongTypeIsNotTriedAgain(t *testing.T) {
	source := runnel.NewValuesTask("source", nil, from("count"), returns(runnel.Values{"count": "three"}))
	use := runnel.NewTask("use", takes[struct{ Count int }], runnel.Retries(3), runnel.RetryDelay(0))
	res, err := pipelineOf(t, source, use).Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "want int, got string") {
		t.Errorf("error %v, want one that names both types", err)
	}
	if got := taskReport(t, res.Report(), "use"); got.Attempts != 1 || got.State != runnel.Failed {
		t.Errorf("the task is %v after %d attempts, want failed after one", got.State, got.Attempts)
	}
}

// TestTimesOfAnAttemptThatFollowsAtOnce: the worker's clock goes on between two
// attempts, and while a goroutine is replaced.
func TestTimesOfAnAttemptThatFollowsAtOnce(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error":  func() error { return errFlaky },
		"panic":  func() error { panic("boom") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		for _, observed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/observed=%v", name, observed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { timesAfter(t, fail, observed) })
			})
		}
	}
}

func timesAfter(t *testing.T, fail func() error, observed bool) {
	p := pipelineOf(t,
		step("a", nil, func(ctx context.Context) error {
			time.Sleep(time.Second)
			if runnel.Info(ctx).Attempt == 1 {
				return fail()
			}
			return nil
		}, runnel.Retries(1), runnel.RetryDelay(0)),
		step("b", from("a"), sleeps(time.Second)))
	var opts []runnel.RunOption
	var retried []time.Time
	if observed {
		opts = append(opts, runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.TaskRetried); ok {
				retried = append(retried, e.At)
			}
		}))
	}
	start := time.Now()
	report := mustRun(t, p, nil, opts...).Report()
	for name, want := range map[string][2]time.Duration{"a": {0, 2 * time.Second}, "b": {2 * time.Second, 3 * time.Second}} {
		got := taskReport(t, report, name)
		if got.Started.Sub(start) != want[0] || got.Ended.Sub(start) != want[1] || got.Waited != 0 {
			t.Errorf("task %s ran from %v to %v and waited %v, want %v and no wait", name, got.Started.Sub(start), got.Ended.Sub(start), got.Waited, want)
		}
	}
	if observed && (len(retried) != 1 || retried[0].Sub(start) != time.Second) {
		t.Errorf("attempts after the first at %v, want one after 1s", retried)
	}
}

// TestTimesOfWhatRunsDuringARetryWait: the next task of the worker starts when
// the attempt before it ended, not when that one started.
func TestTimesOfWhatRunsDuringARetryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Those that the first one makes ready stay with its worker.
		tasks := []runnel.AnyTask{step("first", nil, sleeps(time.Second))}
		for i := range 3 {
			tasks = append(tasks, step(fmt.Sprint("t", i), from("first"), func(ctx context.Context) error {
				time.Sleep(time.Second)
				if runnel.Info(ctx).Attempt == 1 {
					return errFlaky
				}
				return nil
			}, runnel.Retries(1), runnel.RetryDelay(time.Minute), runnel.RetryJitter(false)))
		}
		start := time.Now()
		report := mustRun(t, pipelineOf(t, tasks...), nil, runnel.MaxParallel(1)).Report()
		for i, task := range report.Tasks[1:] {
			wait := time.Duration(i) * time.Second
			began, ended := wait+time.Second, wait+63*time.Second
			if task.Started.Sub(start) != began || task.Waited != wait || task.Ended.Sub(start) != ended {
				t.Errorf("%s started at %v, waited %v, ended at %v; want %v, %v and %v", task.Name, task.Started.Sub(start), task.Waited, task.Ended.Sub(start), began, wait, ended)
			}
		}
	})
}

// TestRetryIfThatEndsItsGoroutineFailsTheTask, once, and the run ends.
func TestRetryIfThatEndsItsGoroutineFailsTheTask(t *testing.T) {
	within(t, 20*time.Second, "the verdict on an attempt was lost with the goroutine that was to give it")
	asked := 0
	p := pipelineOf(t,
		step("a", nil, failsWith(errFlaky, 0), runnel.Retries(3), runnel.RetryDelay(0), runnel.RetryIf(func(error) bool {
			asked++
			runtime.Goexit()
			return true
		})),
		step("b", nil, func(context.Context) error { runtime.Goexit(); return nil }))
	res, err := p.Run(t.Context(), nil, runnel.MaxParallel(1), runnel.OnError(runnel.ContinueOnError))
	if !errors.Is(err, errFlaky) || !errors.Is(err, runnel.ErrGoexit) || asked != 1 {
		t.Errorf("RetryIf was asked %d times, error %v; want once, with the task's error and ErrGoexit", asked, err)
	}
	// The worker that gave no verdict judges the next task by what that one did.
	if got := taskReport(t, res.Report(), "b"); got.State != runnel.Failed || got.Err != runnel.ErrGoexit {
		t.Errorf("task b is %v with %v, want failed with ErrGoexit alone", got.State, got.Err)
	}
	if got := taskReport(t, res.Report(), "a"); got.State != runnel.Failed || got.Attempts != 1 {
		t.Errorf("task a is %v after %d attempts, want failed after one", got.State, got.Attempts)
	}
}
