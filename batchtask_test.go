package runnel_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

type point struct {
	X int
	Y runnel.Opt[int] `runnel:"why"`
	Z int             `runnel:"z,default=5"`
}

// TestTaskFuncKeepsWhatTheTaskHas: retries, timeout, condition, fallback, and the
// input as it is.
func TestTaskFuncKeepsWhatTheTaskHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		task := runnel.NewTask("sum", func(ctx context.Context, in point) (int, error) {
			calls.Add(1)
			info := runnel.Info(ctx)
			if info.Task != "sum" || info.Index != nil {
				t.Errorf("the task got %+v", info)
			}
			switch {
			case in.X == 1 && info.Attempt < 3:
				return 0, errItem
			case in.X == 2:
				<-ctx.Done()
				return 0, ctx.Err()
			case in.X == 3:
				panic(errItem)
			case in.X == 4:
				runtime.Goexit()
			}
			return in.X + in.Y.Or(100) + in.Z, nil
		}, runnel.Retries(2), runnel.RetryJitter(false), runnel.Timeout(time.Second))
		start := time.Now()
		res, err := runnel.Map(t.Context(), []point{{X: 0}, {X: 1, Y: runnel.Opt[int]{Value: 1, Ok: true}, Z: 1}, {X: 2}, {X: 3}, {X: 4}}, task.Func())
		if !slices.Equal(res.Results, []int{100, 3, 0, 0, 0}) || len(res.Errors) != 3 || calls.Load() != 1+4*3 {
			t.Errorf("got %v, %v after %d calls", res.Results, err, calls.Load())
		}
		for i, want := range map[int]error{2: context.DeadlineExceeded, 3: errItem, 4: runnel.ErrGoexit} {
			e, ok := errors.AsType[*runnel.TaskError](res.Errors[i])
			if !ok || e.Task != "sum" || e.Attempt != 3 || e.Index != nil || !errors.Is(e, want) {
				t.Errorf("item %d: %v, want %v", i, res.Errors[i], want)
			}
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("took %v, want 3 attempts of 1 s, and waits of 1 s and 2 s", took)
		}

		small := task.When(func(in point) bool { return in.X < 0 }).Func()
		if _, err := small(t.Context(), point{X: 5}); !errors.Is(err, runnel.ErrSkipped) {
			t.Errorf("its condition does not hold: %v", err)
		}
		saved := task.Fallback(func(_ context.Context, in point, err error) (int, error) {
			if !errors.Is(err, errItem) {
				t.Errorf("the fallback got %v", err)
			}
			return -in.X, nil
		}).Func()
		if got, err := saved(t.Context(), point{X: 3}); got != -3 || err != nil {
			t.Errorf("the fallback gave %d, %v", got, err)
		}
	})
}

// TestTaskFuncSweeps: the task's input is the parameters.
func TestTaskFuncSweeps(t *testing.T) {
	task := runnel.NewTask("sum", runnel.Pure(func(in point) int { return in.X + in.Y.Or(100) + in.Z }))
	res, err := runnel.Sweep(t.Context(), runnel.Grid{"x": []int{1, 2}, "why": []int{10, 20}}, task.Func())
	if err != nil || !slices.Equal(res.Results, []int{16, 26, 17, 27}) {
		t.Errorf("got %v, %v", res.Results, err)
	}
}

func TestTaskFuncOfSeveralOutputsAndNests(t *testing.T) {
	type both struct{ Sum, Product int }
	task := runnel.NewMultiTask(runnel.Pure(func(in struct{ A, B int }) both { return both{in.A + in.B, in.A * in.B} }))
	if got, err := task.Func()(t.Context(), struct{ A, B int }{2, 3}); got != (both{5, 6}) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	inner, err := runnel.FromTasks(task, runnel.NewTask("diff", runnel.Pure(func(in struct{ Sum, Product int }) int { return in.Product - in.Sum })))
	if err != nil {
		t.Fatal(err)
	}
	nest := runnel.Nest[struct {
		A int
		B runnel.Opt[int]
	}, int]("d", inner, "diff")
	if _, err := nest.Func()(t.Context(), struct {
		A int
		B runnel.Opt[int]
	}{A: 1}); err == nil {
		t.Error("b is needed, and optional: want an error")
	}
	nested := runnel.Nest[struct{ A, B int }, int]("d", inner, "diff", runnel.After("other"))
	res, err := runnel.Map(t.Context(), []struct{ A, B int }{{2, 3}, {4, 5}}, nested.Func())
	if err != nil || !slices.Equal(res.Results, []int{1, 11}) {
		t.Errorf("got %v, %v", res.Results, err)
	}
}

// TestTaskFuncIsCancelled with the context that it is called with.
func TestTaskFuncIsCancelled(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	task := runnel.NewTask("wait", func(ctx context.Context, _ struct{}) (int, error) {
		cancel(why)
		<-ctx.Done()
		return 0, ctx.Err()
	}, runnel.Retries(5), runnel.After("another")).Func()
	for range 2 {
		if _, err := task(ctx, struct{}{}); !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	res, err := runnel.Map(ctx, make([]struct{}, 3), task)
	if !errors.Is(err, why) || len(res.Errors) != 3 {
		t.Errorf("in a batch: %v", err)
	}
}

func TestTaskFuncOfAWrongDeclaration(t *testing.T) {
	task := runnel.NewTask("", runnel.Pure(func(in struct{ X int }) int { return in.X }), runnel.Retries(-1))
	_, err := task.Func()(t.Context(), struct{ X int }{1})
	if e, ok := errors.AsType[*runnel.BuildError](err); !ok || len(e.Problems) != 2 {
		t.Errorf("want both problems, got %v", err)
	}
	var none context.Context
	if _, err := runnel.NewTask("x", runnel.Pure(func(struct{}) int { return 1 })).Func()(none, struct{}{}); err == nil || err.Error() != `runnel: task "x" cannot run: the context is nil: use context.Background() when there is none` {
		t.Errorf("no context: %v", err)
	}
}

// TestFuncOfNoTask: a task that was never declared has no function to call, and says so.
func TestFuncOfNoTask(t *testing.T) {
	var none *runnel.Task[onNumbers, int]
	for what, f := range map[string]func(context.Context, onNumbers) (int, error){"zero": new(runnel.Task[onNumbers, int]).Func(), "nil": none.Func()} {
		if _, err := f(t.Context(), onNumbers{}); err == nil || !strings.Contains(err.Error(), "was never declared: make it with NewTask") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTaskFuncGivesWhatTheFunctionReturns, whatever its type.
func TestTaskFuncGivesWhatTheFunctionReturns(t *testing.T) {
	type hidden struct {
		Shown int
		kept  []int
	}
	number := 7
	givesBack(t, any(nil))
	givesBack(t, any(hidden{1, nil}.Shown))
	givesBack(t, error(nil))
	givesBack[error](t, context.Canceled)
	givesBack(t, &number)
	givesBack[*int](t, nil)
	givesBack(t, hidden{1, []int{2}})
	givesBack(t, struct{}{})
	both := runnel.NewMultiTask(runnel.Pure(func(in hidden) hidden { return in }))
	if got, err := both.Func()(t.Context(), hidden{1, []int{2}}); err != nil || got.Shown != 1 || len(got.kept) != 1 {
		t.Errorf("of several outputs: %+v, %v", got, err)
	}
	failing := runnel.NewTask("out", func(context.Context, struct{}) (int, error) { return 5, errFlaky })
	if got, err := failing.Func()(t.Context(), struct{}{}); got != 0 || !errors.Is(err, errFlaky) {
		t.Errorf("of one that fails: %d, %v", got, err)
	}
}

func givesBack[Out any](t *testing.T, want Out) {
	t.Helper()
	task := runnel.NewTask("out", runnel.Pure(func(in struct{ Value Out }) Out { return in.Value }))
	if got, err := task.Func()(t.Context(), struct{ Value Out }{want}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%T: got %v, %v, want %v", want, got, err, want)
	}
}
