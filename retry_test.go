package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// attempts runs a task that always fails and returns when each of its attempts
// began, counted from the run's start, and the run's error.
func attempts(t *testing.T, work func(context.Context) error, opts ...runnel.TaskOption) ([]time.Duration, error) {
	t.Helper()
	var at []time.Duration
	start := time.Now()
	p := pipelineOf(t, step("a", nil, func(ctx context.Context) error {
		at = append(at, time.Since(start))
		return work(ctx)
	}, opts...))
	res, err := p.Run(t.Context(), nil)
	if err == nil {
		t.Fatal("the task failed each time, but the run has no error")
	}
	if got := taskReport(t, res.Report(), "a"); got.Attempts != len(at) || got.Err == nil || got.State != runnel.Failed {
		t.Errorf("the report says %d attempts, %v, %v; want %d, failed, with the last error", got.Attempts, got.State, got.Err, len(at))
	}
	failure, _ := errors.AsType[*runnel.TaskError](err)
	if failure == nil || failure.Attempt != len(at) {
		t.Errorf("the error is %v, want attempt %d", err, len(at))
	}
	return at, err
}

var errFlaky = errors.New("flaky")

func seconds(s ...float64) []time.Duration {
	d := make([]time.Duration, len(s))
	for i := range s {
		d[i] = time.Duration(s[i] * float64(time.Second))
	}
	return d
}

func TestRetriesAndDelays(t *testing.T) {
	still := runnel.RetryJitter(false)
	none := failsWith(errFlaky, 0)
	half := failsWith(errFlaky, 500*time.Millisecond)
	permanent := func(err error) func(context.Context) error { return failsWith(err, 0) }
	for _, c := range []struct {
		rule string
		work func(context.Context) error
		opts []runnel.TaskOption
		want []time.Duration
	}{
		{"no retries by default", none, nil, seconds(0)},
		{"Retries(0) is one attempt", none, []runnel.TaskOption{runnel.Retries(0)}, seconds(0)},
		{"Retries(3) is four attempts, 1 s, 2 s and 4 s apart", none, []runnel.TaskOption{runnel.Retries(3), still}, seconds(0, 1, 3, 7)},
		{"the delay counts from the failure", half, []runnel.TaskOption{runnel.Retries(2), still}, seconds(0, 1.5, 4)},
		{"RetryDelay is the first delay", none, []runnel.TaskOption{runnel.Retries(2), still, runnel.RetryDelay(3 * time.Second)}, seconds(0, 3, 9)},
		{"RetryDelay(0) tries again at once", none, []runnel.TaskOption{runnel.Retries(3), runnel.RetryDelay(0)}, seconds(0, 0, 0, 0)},
		{"RetryBackoff(1) keeps the delay", none, []runnel.TaskOption{runnel.Retries(3), still, runnel.RetryBackoff(1)}, seconds(0, 1, 2, 3)},
		{"RetryBackoff(3) triples it", none, []runnel.TaskOption{runnel.Retries(3), still, runnel.RetryBackoff(3)}, seconds(0, 1, 4, 13)},
		{"RetryMaxDelay caps each delay", none, []runnel.TaskOption{runnel.Retries(4), still, runnel.RetryMaxDelay(2500 * time.Millisecond)}, seconds(0, 1, 3, 5.5, 8)},
		{"RetryMaxDelay caps jitter too", none, []runnel.TaskOption{runnel.Retries(3), runnel.RetryDelay(time.Minute), runnel.RetryMaxDelay(time.Second)}, seconds(0, 1, 2, 3)},
		{"MaxRetryTime admits an attempt that begins at the bound", none, []runnel.TaskOption{runnel.Retries(9), still, runnel.RetryBackoff(1), runnel.MaxRetryTime(3 * time.Second)}, seconds(0, 1, 2, 3)},
		{"MaxRetryTime refuses one that would begin later", none, []runnel.TaskOption{runnel.Retries(9), still, runnel.RetryBackoff(1), runnel.MaxRetryTime(3*time.Second - 1)}, seconds(0, 1, 2)},
		{"MaxRetryTime counts the attempts themselves", half, []runnel.TaskOption{runnel.Retries(9), still, runnel.RetryBackoff(1), runnel.MaxRetryTime(3 * time.Second)}, seconds(0, 1.5, 3)},
		{"retries end after 300 s by default", none, []runnel.TaskOption{runnel.Retries(9), still, runnel.RetryBackoff(1), runnel.RetryDelay(100 * time.Second)}, seconds(0, 100, 200, 300)},
		{"MaxRetryTime(0) lifts the bound", none, []runnel.TaskOption{runnel.Retries(4), still, runnel.RetryBackoff(1), runnel.RetryDelay(100 * time.Second), runnel.MaxRetryTime(0)}, seconds(0, 100, 200, 300, 400)},
		{"Permanent ends at once", permanent(runnel.Permanent(errFlaky)), []runnel.TaskOption{runnel.Retries(3), still}, seconds(0)},
		{"Permanent counts when wrapped", permanent(fmt.Errorf("a: %w", fmt.Errorf("b: %w", runnel.Permanent(errFlaky)))), []runnel.TaskOption{runnel.Retries(3), still}, seconds(0)},
		{"Permanent counts when joined", permanent(errors.Join(io.EOF, fmt.Errorf("b: %w", runnel.Permanent(errFlaky)))), []runnel.TaskOption{runnel.Retries(3), still}, seconds(0)},
		{"RetryIf stops what is not worth it", none, []runnel.TaskOption{runnel.Retries(3), still, runnel.RetryIf(func(err error) bool { return errors.Is(err, io.EOF) })}, seconds(0)},
		{"RetryIf goes on with what is", none, []runnel.TaskOption{runnel.Retries(2), still, runnel.RetryIf(func(err error) bool { return errors.Is(err, errFlaky) })}, seconds(0, 1, 3)},
		{"RetryIf does not overrule Permanent", permanent(runnel.Permanent(errFlaky)), []runnel.TaskOption{runnel.Retries(2), still, runnel.RetryIf(func(error) bool { return true })}, seconds(0)},
		{"the last option counts", none, []runnel.TaskOption{runnel.Retries(5), still, runnel.Retries(1)}, seconds(0, 1)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := attempts(t, c.work, c.opts...)
				if !slices.Equal(got, c.want) {
					t.Errorf("attempts began at %v, want %v", got, c.want)
				}
				if !errors.Is(err, errFlaky) {
					t.Errorf("error %v, want that of the task", err)
				}
			})
		})
	}
}

func TestManyImmediateRetriesStayImmediate(t *testing.T) {
	// 2^1200 is beyond a float64: no delay times that must still be no delay.
	synctest.Test(t, func(t *testing.T) {
		at, _ := attempts(t, failsWith(errFlaky, 0), runnel.Retries(1200), runnel.RetryDelay(0))
		if len(at) != 1201 || at[1200] != 0 {
			t.Errorf("%d attempts, the last at %v; want 1201 at 0s", len(at), at[len(at)-1])
		}
	})
}

func TestHugeDelaysDoNotOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, _ := attempts(t, failsWith(errFlaky, 0), runnel.Retries(200), runnel.RetryBackoff(1e9), runnel.RetryJitter(false))
		if len(at) != 2 {
			t.Errorf("attempts at %v, want two: the second delay is far beyond MaxRetryTime", at)
		}
	})
}

func TestJitterIsUniformWithinHalfOfTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		second := make([]time.Duration, n)
		start := time.Now()
		tasks := make([]runnel.AnyTask, n)
		for i := range tasks {
			tasks[i] = step(fmt.Sprintf("t%d", i), nil, func(ctx context.Context) error {
				if runnel.Info(ctx).Attempt == 1 {
					return errFlaky
				}
				second[i] = time.Since(start)
				return nil
			}, runnel.Retries(1), runnel.RetryDelay(10*time.Second))
		}
		if _, err := pipelineOf(t, tasks...).Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		var sum time.Duration
		quarters := [4]int{}
		for _, d := range second {
			if d < 5*time.Second || d >= 15*time.Second {
				t.Fatalf("a delay of %v is outside 10 s ± 50 %%", d)
			}
			sum += d
			quarters[int((d-5*time.Second)/(2500*time.Millisecond))]++
		}
		// The mean has a standard deviation of 65 ms, a quarter's count one of 19.
		if mean := sum / n; mean < 9500*time.Millisecond || mean > 10500*time.Millisecond {
			t.Errorf("the mean delay is %v, want about 10 s", mean)
		}
		for q, got := range quarters {
			if got < 350 || got > 650 {
				t.Errorf("quarter %d of the range has %d of %d delays, want about a quarter", q, got, n)
			}
		}
	})
}

func TestRetryWaitHoldsNoSlotAndIsServedBeforeNewWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks := []runnel.AnyTask{step("flaky", nil, func(ctx context.Context) error {
			if runnel.Info(ctx).Attempt == 1 {
				return errFlaky
			}
			return sleeps(100 * time.Millisecond)(ctx)
		}, runnel.Retries(1), runnel.RetryJitter(false))}
		for i := range 6 {
			tasks = append(tasks, step(fmt.Sprintf("t%d", i), nil, sleeps(300*time.Millisecond)))
		}
		start := time.Now()
		res, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		// Four others run while it waits for 1 s; the fourth ends at 1.2 s, then
		// the retry goes before the fifth.
		flaky := taskReport(t, res.Report(), "flaky")
		if got := flaky.Ended.Sub(start); got != 1300*time.Millisecond {
			t.Errorf("the retry ended at %v, want 1.3s: after the task that held the slot when it was due", got)
		}
		if flaky.Waited != 200*time.Millisecond {
			t.Errorf("it waited %v for a slot, want 200ms: the delay itself is no such wait", flaky.Waited)
		}
		wantTook(t, "the run", start, 1900*time.Millisecond)
		if got := res.Report().PeakParallel; got != 2 {
			t.Errorf("peak %d, want 2: waiting for the next attempt counts as running", got)
		}
	})
}

func TestCancelEndsARetryWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		p := pipelineOf(t, step("a", nil, failsWith(errFlaky, 0), runnel.Retries(3), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0)))
		start := time.Now()
		res, err := p.Run(ctx, nil)
		wantTook(t, "the run", start, 10*time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		got := taskReport(t, res.Report(), "a")
		if got.State != runnel.Cancelled || got.Attempts != 1 || got.Err != errFlaky || got.Reason != "the run was stopped: context deadline exceeded" {
			t.Errorf("the task is %v after %d attempts with %v because %q", got.State, got.Attempts, got.Err, got.Reason)
		}
	})
}

func TestFailureElsewhereEndsARetryWaitInFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t,
			step("a", nil, failsWith(errFlaky, 0), runnel.Retries(3), runnel.RetryDelay(time.Minute), runnel.RetryJitter(false)),
			step("b", nil, failsWith(io.EOF, time.Second)))
		start := time.Now()
		res, err := p.Run(t.Context(), nil)
		wantTook(t, "the run", start, time.Second)
		if errors.Is(err, errFlaky) || !errors.Is(err, io.EOF) {
			t.Errorf("error %v, want that of b alone: a was cancelled", err)
		}
		wantState(t, res.Report(), "a", runnel.Cancelled)
	})
}

func TestTimeoutIsADeadlineForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, err := attempts(t, sleeps(time.Hour), runnel.Timeout(2*time.Second), runnel.Retries(2), runnel.RetryJitter(false))
		if want := seconds(0, 3, 7); !slices.Equal(at, want) {
			t.Errorf("attempts began at %v, want %v", at, want)
		}
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.DeadlineExceeded and not Canceled", err)
		}
		if !strings.Contains(err.Error(), "timeout of 2s: context deadline exceeded") {
			t.Errorf("error %q does not name the timeout", err)
		}
	})
}

func TestTimeoutIsTheReasonWhateverTheTaskReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := attempts(t, func(ctx context.Context) error {
			<-ctx.Done()
			return io.ErrUnexpectedEOF
		}, runnel.Timeout(time.Second))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error %v, want the deadline and what the task returned", err)
		}
	})
}

func TestTimeoutGivesEveryAttemptItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []time.Duration
		p := pipelineOf(t, step("a", nil, func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			left = append(left, time.Until(deadline))
			if len(left) < 3 {
				return failsWith(errFlaky, 4*time.Second)(ctx)
			}
			return nil
		}, runnel.Timeout(5*time.Second), runnel.Retries(2)))
		if _, err := p.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if want := seconds(5, 5, 5); !slices.Equal(left, want) {
			t.Errorf("the attempts had %v, want %v", left, want)
		}
	})
}

func TestPermanentIsTransparent(t *testing.T) {
	if runnel.Permanent(nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
	err := runnel.Permanent(fmt.Errorf("read: %w", io.EOF))
	if !errors.Is(err, io.EOF) || err.Error() != "read: EOF" {
		t.Errorf("got %v, want the error as it was", err)
	}
}

func TestRetryIfThatPanicsFailsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, err := attempts(t, failsWith(errFlaky, 0), runnel.Retries(3), runnel.RetryIf(func(error) bool { panic("no idea") }))
		if len(at) != 1 || !errors.Is(err, errFlaky) || !strings.Contains(err.Error(), "no idea") {
			t.Errorf("%d attempts, error %v; want one, with the task's error and the panic", len(at), err)
		}
		if p, ok := errors.AsType[*runnel.PanicError](err); !ok || p.Value != "no idea" {
			t.Errorf("error %v, want a *PanicError in it", err)
		}
	})
}
