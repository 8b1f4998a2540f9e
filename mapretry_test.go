package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func TestElementsAreRetriedOnTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Element n fails n times, each attempt taking a second.
		ended := make([]time.Duration, 4)
		start := time.Now()
		flaky := runnel.NewMapTask("a[i]", func(ctx context.Context, in onNumbers) (int, error) {
			if err := sleeps(time.Second)(ctx); err != nil {
				return 0, err
			}
			if runnel.Info(ctx).Attempt <= in.N {
				return 0, errFlaky
			}
			return 10 * in.N, nil
		}, runnel.Retries(3), runnel.RetryDelay(2*time.Second), runnel.RetryJitter(false))
		next := runnel.NewMapTask("b[i]", func(_ context.Context, in struct {
			N int `runnel:"a[i]"`
		}) (int, error) {
			ended[in.N/10] = time.Since(start)
			return in.N, nil
		})
		res := mustRun(t, pipelineOf(t, flaky, next), runnel.Values{"numbers": []int{3, 0, 2, 1}})
		wantGet(t, res, "b", []int{30, 0, 20, 10})
		// 1 s; + 2 s + 1 s; + 4 s + 1 s; + 8 s + 1 s.
		if want := seconds(1, 4, 9, 18); !slices.Equal(ended, want) {
			t.Errorf("the elements reached the next task after %v, want %v", ended, want)
		}
		wantTook(t, "the slowest element", start, 18*time.Second)
		if got := taskReport(t, res.Report(), "a").Elements; got == nil || got.Attempts != 1+2+3+4 || got.Succeeded != 4 {
			t.Errorf("the report counts %+v", got)
		}
	})
}

func TestRetryOptionsHoldForEachElement(t *testing.T) {
	permanent, hopeless := errors.New("permanent"), errors.New("hopeless")
	for what, c := range map[string]struct {
		opts []runnel.TaskOption
		fail error
		want []time.Duration // of the attempts at each element
	}{
		"none by default":   {nil, errFlaky, seconds(0)},
		"Retries":           {[]runnel.TaskOption{runnel.Retries(2), runnel.RetryDelay(time.Second), runnel.RetryBackoff(3)}, errFlaky, seconds(0, 1, 4)},
		"without delay":     {[]runnel.TaskOption{runnel.Retries(2), runnel.RetryDelay(0)}, errFlaky, seconds(0, 0, 0)},
		"RetryMaxDelay":     {[]runnel.TaskOption{runnel.Retries(2), runnel.RetryDelay(10 * time.Second), runnel.RetryMaxDelay(time.Second)}, errFlaky, seconds(0, 1, 2)},
		"MaxRetryTime":      {[]runnel.TaskOption{runnel.Retries(9), runnel.RetryDelay(time.Second), runnel.RetryBackoff(1), runnel.MaxRetryTime(2500 * time.Millisecond)}, errFlaky, seconds(0, 1, 2)},
		"Permanent":         {[]runnel.TaskOption{runnel.Retries(5)}, runnel.Permanent(permanent), seconds(0)},
		"RetryIf":           {[]runnel.TaskOption{runnel.Retries(5), runnel.RetryIf(func(err error) bool { return !errors.Is(err, hopeless) })}, hopeless, seconds(0)},
		"RetryIf, worth it": {[]runnel.TaskOption{runnel.Retries(1), runnel.RetryDelay(time.Second), runnel.RetryIf(func(err error) bool { return !errors.Is(err, hopeless) })}, errFlaky, seconds(0, 1)},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				at := make([][]time.Duration, 3)
				task := runnel.NewMapTask("out[i]", func(_ context.Context, in onNumbers) (int, error) {
					at[in.N] = append(at[in.N], time.Since(start))
					return 0, c.fail
				}, append(c.opts, runnel.RetryJitter(false))...)
				_, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"numbers": []int{0, 1, 2}}, runnel.OnError(runnel.ContinueOnError))
				if !errors.Is(err, c.fail) {
					t.Errorf("error %v, want the elements'", err)
				}
				for n := range at {
					if !slices.Equal(at[n], c.want) {
						t.Errorf("attempts at element %d began after %v, want %v", n, at[n], c.want)
					}
				}
			})
		})
	}
}

func TestTimeoutIsEachAttemptsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
			return in.N, sleeps(time.Duration(in.N) * time.Second)(ctx)
		}, runnel.Timeout(3*time.Second), runnel.Retries(1), runnel.RetryDelay(time.Second), runnel.RetryJitter(false))
		start := time.Now()
		res, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"numbers": []int{1, 5, 2}}, runnel.OnError(runnel.ContinueOnError))
		wantTook(t, "two attempts of 3 s, a second between", start, 7*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `task "out[1]" (`) || !strings.Contains(err.Error(), "on attempt 2: timeout of 3s") {
			t.Errorf("error %v, want one that names the element and its timeout", err)
		}
		got, err := runnel.Get[runnel.Partial[int]](res, "out")
		if err != nil || !slices.Equal(got.Values, []int{1, 0, 2}) {
			t.Errorf("the others are there: %v, %v", got.Values, err)
		}
	})
}

func TestElementsThatPanicOrExit(t *testing.T) {
	for what, c := range map[string]struct {
		end   func()
		check func(error) bool
	}{
		"panic": {func() { panic("no such track") }, func(err error) bool {
			p, ok := errors.AsType[*runnel.PanicError](err)
			return ok && p.Value == "no such track" && strings.Contains(string(p.Stack), "mapretry_test.go")
		}},
		"Goexit": {runtime.Goexit, func(err error) bool { return errors.Is(err, runnel.ErrGoexit) }},
	} {
		t.Run(what, func(t *testing.T) {
			task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
				if in.N == 2 || in.N == 1 && runnel.Info(ctx).Attempt == 1 {
					c.end()
				}
				return in.N, nil
			}, runnel.Retries(1), runnel.RetryDelay(0))
			p := pipelineOf(t, task)
			for _, limit := range limits {
				res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1, 2, 3}}, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
				e, ok := errors.AsType[*runnel.RunError](err)
				if !ok || len(e.Tasks) != 1 || !c.check(err) || !slices.Equal(e.Tasks[0].Index, []int{2}) || e.Tasks[0].Attempt != 2 {
					t.Fatalf("limit %d: error %v, want that of element 2 only", limit, err)
				}
				got, err := runnel.Get[runnel.Partial[int]](res, "out")
				if err != nil || !slices.Equal(got.Values, []int{0, 1, 0, 3}) || len(got.Errs) != 1 || !c.check(got.Errs[2]) {
					t.Errorf("limit %d: the others are there: %v, %v", limit, got, err)
				}
			}
		})
	}
}

func TestPanicInTheElementsConditionOrFallback(t *testing.T) {
	p := pipelineOf(t, doubledEach().When(func(in onNumbers) bool {
		if in.N == 1 {
			panic("undecided")
		}
		return true
	}))
	_, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1}}, runnel.OnError(runnel.ContinueOnError))
	if err == nil || !strings.Contains(err.Error(), "doubled[1]") || !strings.Contains(err.Error(), "undecided") {
		t.Errorf("error %v, want that of element 1", err)
	}
}

func TestFallbackOfElements(t *testing.T) {
	task := runnel.NewMapTask("out[i]", func(_ context.Context, in onNumbers) (int, error) {
		if in.N < 0 {
			return 0, errFlaky
		}
		return in.N, nil
	}).Fallback(func(ctx context.Context, in onNumbers, err error) (int, error) {
		if !errors.Is(err, errFlaky) || !slices.Equal(runnel.Info(ctx).Index, []int{1}) {
			return 0, fmt.Errorf("got %w at %v", err, runnel.Info(ctx).Index)
		}
		return 100, nil
	})
	wantWhole(t, pipelineOf(t, task), runnel.Values{"numbers": []int{1, -1, 3}}, "out", []int{1, 100, 3})
}
