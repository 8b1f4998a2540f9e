package runnel_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

type attemptFunc = func(context.Context) error

func TestInterceptorsGoAroundEveryAttemptPipelineOutsideRun(t *testing.T) {
	var calls []string
	note := func(name string) runnel.Interceptor {
		return func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
			calls = append(calls, name+" before "+task.Task)
			err := next(ctx)
			calls = append(calls, name+" after "+task.Task)
			return err
		}
	}
	p := runnel.NewPipeline(runnel.Intercept(note("p1"), note("p2"))).Add(step("a", nil, func(ctx context.Context) error {
		calls = append(calls, "a")
		if runnel.Info(ctx).Attempt == 1 {
			return errFlaky
		}
		return nil
	}, runnel.Retries(1), runnel.RetryDelay(0)))
	if _, err := p.Run(t.Context(), nil, runnel.Intercept(note("r1")), runnel.Intercept(note("r2"))); err != nil {
		t.Fatal(err)
	}
	once := from("p1 before a", "p2 before a", "r1 before a", "r2 before a", "a", "r2 after a", "r1 after a", "p2 after a", "p1 after a")
	if want := slices.Concat(once, once); !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

func TestInterceptorsSeeTheTaskAndItsInputs(t *testing.T) {
	type in struct {
		X      int
		Absent runnel.Opt[string]
		Preset int `runnel:",default=3"`
		Given  int `runnel:",optional"`
	}
	p := pipelineOf(t, runnel.NewTask("a", func(_ context.Context, in in) (int, error) { return in.X, nil }, runnel.Name("load")))
	var got runnel.TaskInfo
	var inputs runnel.Values
	_, err := p.Run(t.Context(), runnel.Values{"x": 1, "given": 2}, runnel.RunID("r"),
		runnel.Intercept(func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
			got, inputs = task, task.Inputs()
			return next(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	if want := (runnel.TaskInfo{RunID: "r", Task: "load", Attempt: 1, IdempotencyKey: "r/load"}); !reflect.DeepEqual(public(got), want) {
		t.Errorf("info %+v, want %+v", public(got), want)
	}
	if want := (runnel.Values{"x": 1, "given": 2}); !reflect.DeepEqual(inputs, want) {
		t.Errorf("inputs %v, want those that are there: %v", inputs, want)
	}
}

// TestAnInterceptorsContextReachesTheTask in the same process; the values of a context do
// not travel to workers.
func TestAnInterceptorsContextReachesTheTask(t *testing.T) {
	type key struct{}
	var want any = 7
	if runnel.HasWorkers() {
		want = nil
	}
	p := pipelineOf(t, runnel.NewTask("a", func(ctx context.Context, _ struct{}) (int, error) {
		if ctx.Value(key{}) != want || runnel.Info(ctx).Task != "a" {
			t.Errorf("the task's context has %v, task %q", ctx.Value(key{}), runnel.Info(ctx).Task)
		}
		return 0, nil
	}))
	_, err := p.Run(t.Context(), nil, runnel.Intercept(func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
		return next(context.WithValue(ctx, key{}, 7))
	}))
	if err != nil {
		t.Error(err)
	}
}

func TestWhatAnInterceptorReturnsDecides(t *testing.T) {
	const swallowed = "an interceptor returned no error, but the task did not succeed: return the error of next"
	for name, c := range map[string]struct {
		work      attemptFunc
		intercept runnel.Interceptor
		calls     int
		is        error
		text      string
	}{
		"another error": {failsWith(io.EOF, 0), func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
			return errors.Join(errFlaky, next(ctx))
		}, 3, errFlaky, "flaky"},
		"an error after success": {works, func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
			if err := next(ctx); err != nil {
				t.Error(err)
			}
			return errFlaky
		}, 3, errFlaky, "flaky"},
		"an error instead of the task": {works, func(context.Context, runnel.TaskInfo, func(context.Context) error) error { return errFlaky }, 0, errFlaky, "flaky"},
		"a swallowed error": {failsWith(io.EOF, 0), func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
			_ = next(ctx)
			return nil
		}, 1, io.EOF, swallowed},
		"next not called": {works, func(context.Context, runnel.TaskInfo, func(context.Context) error) error { return nil }, 0, nil, swallowed},
		"a panic":         {works, func(context.Context, runnel.TaskInfo, func(context.Context) error) error { panic(io.EOF) }, 0, io.EOF, "panic: EOF"},
		"next called twice": {works, func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
			if err := next(ctx); err != nil {
				t.Error(err)
			}
			return next(ctx)
		}, 1, nil, "an interceptor called next twice: call it once, and let Retries repeat the task"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			p := pipelineOf(t, step("a", nil, func(ctx context.Context) error { calls++; return c.work(ctx) }, runnel.Retries(2), runnel.RetryDelay(0)))
			res, err := p.Run(t.Context(), nil, runnel.Intercept(c.intercept))
			if err == nil || !strings.Contains(err.Error(), c.text) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %q", err, c.text)
			}
			if calls != c.calls {
				t.Errorf("the task was called %d times, want %d", calls, c.calls)
			}
			if _, err := runnel.Get[string](res, "a"); !errors.Is(err, runnel.ErrNotProduced) {
				t.Errorf("Get gave %v, want ErrNotProduced: the attempt failed", err)
			}
		})
	}
}

func TestANilInterceptorIsAProblem(t *testing.T) {
	err := runnel.NewPipeline(runnel.Intercept(nil)).Add(step("a", nil, works)).Build()
	if err == nil || !strings.Contains(err.Error(), "the interceptor is nil") {
		t.Errorf("got %v", err)
	}
}

func TestInputsOfEveryKindOfTaskGoByTheNamesOfTheirData(t *testing.T) {
	type both struct{ Sum, Difference int }
	typed := runnel.NewTask("typed", func(_ context.Context, in struct{ A int }) (int, error) { return in.A, nil }).Bind("a", "x")
	multi := runnel.NewMultiTask(func(_ context.Context, in struct{ A, Y int }) (both, error) {
		return both{in.A + in.Y, in.A - in.Y}, nil
	}).Bind("a", "x")
	plain := runnel.Func("plain", func(a, b int) int { return a * b }, runnel.Inputs("a", "sum")).Bind("a", "x")
	values := runnel.NewValuesTask("values", from("a", "difference"), from("values"), func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		return runnel.Values{"values": in["a"]}, nil // under the name of its declaration
	}).Bind("a", "x")
	got := map[string]runnel.Values{}
	_, err := pipelineOf(t, typed, multi, plain, values).Run(t.Context(), runnel.Values{"x": 1, "y": 2}, runnel.MaxParallel(1),
		runnel.Intercept(func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
			got[task.Task] = task.Inputs()
			return next(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]runnel.Values{"typed": {"x": 1}, "sum": {"x": 1, "y": 2}, "plain": {"x": 1, "sum": 3}, "values": {"x": 1, "difference": -1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("inputs %v, want %v", got, want)
	}
}
