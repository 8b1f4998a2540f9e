package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runnelflow/runnel"
)

func blowsUp(v any) func(context.Context) error { return func(context.Context) error { panic(v) } }

func TestAPanicIsAnErrorWithItsStack(t *testing.T) {
	_, err := pipelineOf(t, step("a", nil, blowsUp("boom"))).Run(t.Context(), nil)
	p, ok := errors.AsType[*runnel.PanicError](err)
	if !ok {
		t.Fatalf("error %v, want a *PanicError", err)
	}
	if p.Value != "boom" || !strings.Contains(string(p.Stack), "blowsUp") || !strings.Contains(string(p.Stack), "panic_test.go:") {
		t.Errorf("value %v, stack\n%s\nwant the value and the function that panicked", p.Value, p.Stack)
	}
	if failure, ok := errors.AsType[*runnel.TaskError](err); !ok || failure.Task != "a" {
		t.Errorf("error %v does not name the task", err)
	}
	if !strings.Contains(err.Error(), "failed: panic: boom") || p.Unwrap() != nil {
		t.Errorf("error %q, want the panic's value in it", err)
	}
}

func TestAPanicWithAnErrorWrapsIt(t *testing.T) {
	_, err := pipelineOf(t, step("a", nil, blowsUp(fmt.Errorf("read: %w", io.EOF)))).Run(t.Context(), nil)
	if !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want errors.Is through the panic", err)
	}
}

func TestRuntimePanics(t *testing.T) {
	for name, work := range map[string]func(context.Context) error{
		"nil panic": blowsUp(nil),
		"index":     func(context.Context) error { var s []int; return fmt.Errorf("%d", s[3]) },
		"nil map":   func(context.Context) error { noMap()[1] = 1; return nil },
	} {
		_, err := pipelineOf(t, step("a", nil, work)).Run(t.Context(), nil)
		if _, ok := errors.AsType[runtime.Error](err); !ok {
			t.Errorf("%s gave %v, want the runtime.Error", name, err)
		}
	}
}

func noMap() map[int]int { return nil }

func TestPanicsAndExitsAreTriedAgainLikeErrors(t *testing.T) {
	for name, work := range map[string]func(context.Context) error{
		"panic":  blowsUp("boom"),
		"Goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at, _ := attempts(t, work, runnel.Retries(2))
				if len(at) != 3 {
					t.Errorf("%d attempts, want 3", len(at))
				}
				p := pipelineOf(t, step("a", nil, func(ctx context.Context) error {
					if runnel.Info(ctx).Attempt < 3 {
						return work(ctx)
					}
					return nil
				}, runnel.Retries(2), runnel.RetryDelay(0)))
				if _, err := p.Run(t.Context(), nil, runnel.MaxParallel(1)); err != nil {
					t.Errorf("the third attempt succeeded, but the run gave %v", err)
				}
			})
		})
	}
}

func TestGoexitIsAnError(t *testing.T) {
	p := pipelineOf(t, step("a", nil, func(context.Context) error {
		defer func() { _ = recover() }() // a FailNow runs deferred functions
		runtime.Goexit()
		return nil
	}))
	res, err := p.Run(t.Context(), nil)
	if !errors.Is(err, runnel.ErrGoexit) {
		t.Errorf("error %v, want ErrGoexit", err)
	}
	wantState(t, res.Report(), "a", runnel.Failed)
}

func TestPanicsAndExitsDoNotHarmWhatFollows(t *testing.T) {
	for _, limit := range []int{1, 2, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			var tasks []runnel.AnyTask
			for i := range 60 {
				work := works
				switch i % 3 {
				case 1:
					work = blowsUp(i)
				case 2:
					work = func(context.Context) error { runtime.Goexit(); return nil }
				}
				name := fmt.Sprintf("t%d", i)
				tasks = append(tasks, step(name, nil, work), step(name+"/next", from(name), works))
			}
			res, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
			failure, _ := errors.AsType[*runnel.RunError](err)
			if failure == nil || len(failure.Tasks) != 40 {
				t.Errorf("error %v, want 40 failed tasks", err)
			}
			if got := res.Report().Totals; got.Succeeded != 40 || got.Failed != 40 || got.Skipped != 40 {
				t.Errorf("totals %+v, want 40 of each", got)
			}
		})
	}
}

func TestGoexitInRetryIfFailsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, err := attempts(t, failsWith(errFlaky, 0), runnel.Retries(2), runnel.RetryIf(func(error) bool { runtime.Goexit(); return true }))
		if len(at) != 1 || !errors.Is(err, runnel.ErrGoexit) {
			t.Errorf("%d attempts, error %v; want one and ErrGoexit", len(at), err)
		}
	})
}

func TestGoexitInAnInterceptorFailsTheAttempt(t *testing.T) {
	p := pipelineOf(t, step("a", nil, works))
	_, err := p.Run(t.Context(), nil, runnel.Intercept(func(context.Context, runnel.TaskInfo, func(context.Context) error) error {
		runtime.Goexit()
		return nil
	}))
	if !errors.Is(err, runnel.ErrGoexit) {
		t.Errorf("error %v, want ErrGoexit", err)
	}
}

func TestErrorsWhoseMethodsPanicDoNotHarmTheRun(t *testing.T) {
	// A nil pointer of an error type is an error, and its methods may dereference it.
	p := pipelineOf(t, step("a", nil, func(context.Context) error { return (*brokenError)(nil) }, runnel.Retries(1), runnel.RetryDelay(0)))
	res, err := p.Run(t.Context(), nil)
	if _, ok := errors.AsType[*runnel.RunError](err); !ok {
		t.Errorf("got %T, want a *RunError", err)
	}
	wantState(t, res.Report(), "a", runnel.Failed)
	if text := res.Report().String(); !strings.Contains(text, "failed") {
		t.Errorf("the report is\n%s", text)
	}
}

type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }
func (e *brokenError) Unwrap() error { return e.cause }
