package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func sourceLine() int {
	_, _, line, _ := runtime.Caller(1)
	return line
}

// flakyStep fails twice for each value, and takes a second.
func flakyStep() func(int) (int, error) {
	var calls atomic.Int32
	return func(n int) (int, error) {
		time.Sleep(time.Second)
		if calls.Add(1) <= 2 {
			return 0, errors.New("busy")
		}
		return n + 1, nil
	}
}

// TestEveryStepRetries: three attempts of a second each, with a wait of 2 s and
// one of 4 s between them, whatever the method.
func TestEveryStepRetries(t *testing.T) {
	retry := []runnel.StepOption{runnel.Retries(2), runnel.RetryDelay(2 * time.Second), runnel.RetryJitter(false), runnel.Name("flaky")}
	even := func(f func(int) (int, error)) func(int) (bool, error) {
		return func(n int) (bool, error) { n, err := f(n); return n%2 == 0, err }
	}
	for name, c := range map[string]struct {
		seq  func(f func(int) (int, error)) *runnel.Sequence
		want any
	}{
		"CallNext": {func(f func(int) (int, error)) *runnel.Sequence { return runnel.NewSequence().CallNext(f, retry...) }, 2},
		"CallAfter": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().CallNext(twofold).CallAfter(func(n int) error { _, err := f(n); return err }, retry...).CallNext(twofold)
		}, 4},
		"Map": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().CallNext(upTo).Map(f, retry...)
		}, []int{1}},
		"Filter": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().CallNext(upTo).Filter(even(f), retry...)
		}, []int{}},
		"Reduce": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().CallNext(upTo).Reduce(5, func(a, n int) (int, error) { n, err := f(n); return a + n, err }, retry...)
		}, 6},
		"Group": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().Group(twofold, runnel.Member(f, retry...))
		}, []int{2, 2}},
		"Branch": {func(f func(int) (int, error)) *runnel.Sequence {
			return runnel.NewSequence().Branch(runnel.Case(isLarge, spell), runnel.Otherwise(f, retry...))
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				res := wantResult(t, c.seq(flakyStep()), runnel.Values{"input": 1}, c.want)
				if took := time.Since(start); took != 9*time.Second {
					t.Errorf("took %v, want 9s", took)
				}
				r := taskReport(t, res.Report(), "flaky")
				attempts := r.Attempts
				if r.Elements != nil {
					attempts = r.Elements.Attempts
				}
				if attempts != 3 || r.State != runnel.Succeeded {
					t.Errorf("%d attempts, state %v, want three", attempts, r.State)
				}
			})
		})
	}
}

// TestEveryStepTimesOut: a timeout ends the step it is given to, and no other.
func TestEveryStepTimesOut(t *testing.T) {
	limit := runnel.Timeout(3 * time.Second)
	slow := func(ctx context.Context, n int) (int, error) {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(time.Duration(n) * time.Second):
			return n, nil
		}
	}
	keep := func(ctx context.Context, n int) (bool, error) { _, err := slow(ctx, n); return true, err }
	fold := func(ctx context.Context, a, n int) (int, error) { return slow(ctx, n) }
	list := func(n int) []int { return []int{n} }
	seq := runnel.NewSequence
	for name, s := range map[string]*runnel.Sequence{
		"CallNext":  seq().CallNext(slow).CallNext(slow, limit, runnel.Name("slow")),
		"CallAfter": seq().CallNext(slow).CallAfter(slow, limit, runnel.Name("slow")),
		"Map":       seq().CallNext(slow).CallNext(list).Map(slow, limit, runnel.Name("slow")),
		"Filter":    seq().CallNext(slow).CallNext(list).Filter(keep, limit, runnel.Name("slow")),
		"Reduce":    seq().CallNext(slow).CallNext(list).Reduce(0, fold, limit, runnel.Name("slow")),
		"Group":     seq().CallNext(slow).Group(twofold, runnel.Member(slow, limit, runnel.Name("slow"))),
		"Branch":    seq().CallNext(slow).Branch(runnel.Case(isEven, twofold), runnel.Otherwise(slow, limit, runnel.Name("slow"))),
	} {
		t.Run(name, func(t *testing.T) {
			p := built(t, s)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := p.Run(t.Context(), runnel.Values{"input": 5})
				failed, ok := errors.AsType[*runnel.TaskError](err)
				if !ok || failed.Task != "slow" || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 8*time.Second {
					t.Errorf("after %v: %v, want the timeout of the step after 8s", time.Since(start), err)
				}
			})
		})
	}
}

// TestCancellationReachesEveryStep: functions that run see it, what waits does not
// start, and the run ends with the cause.
func TestCancellationReachesEveryStep(t *testing.T) {
	var running, called atomic.Int32
	wait := func(ctx context.Context, n int) (int, error) {
		running.Add(1)
		defer running.Add(-1)
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}
	next := func(any) int { called.Add(1); return 0 }
	keep := func(ctx context.Context, n int) (bool, error) { _, err := wait(ctx, n); return true, err }
	seq := runnel.NewSequence
	for name, c := range map[string]struct {
		seq  *runnel.Sequence
		want int32 // functions that wait
	}{
		"Group":          {seq().Group(wait, twofold, wait), 2},
		"Map":            {seq().CallNext(upTo).Map(wait, runnel.MaxParallel(2)), 2},
		"Filter":         {seq().CallNext(upTo).Filter(keep), 3},
		"Branch":         {seq().Branch(runnel.Case(isLarge, twofold), runnel.Otherwise(wait)), 1},
		"Reduce":         {seq().CallNext(upTo).Reduce(0, func(ctx context.Context, a, n int) (int, error) { return wait(ctx, n) }), 1},
		"nested":         {seq().CallNext(seq().CallNext(twofold).Group(wait, wait)), 2},
		"Group of lists": {seq().Group(seq().CallNext(upTo).Map(wait), twofold), 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := built(t, c.seq.CallNext(next))
			synctest.Test(t, func(t *testing.T) {
				stop := errors.New("enough")
				ctx, cancel := context.WithCancelCause(t.Context())
				run, err := p.Start(ctx, runnel.Values{"input": 3})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if n := running.Load(); n != c.want {
					t.Errorf("%d functions are waiting, want %d", n, c.want)
				}
				cancel(stop)
				res, err := run.Wait(context.Background())
				if !errors.Is(err, stop) || !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want the cause", err)
				}
				if running.Load() != 0 || called.Load() != 0 {
					t.Errorf("%d functions still run, and the next step was called %d times", running.Load(), called.Load())
				}
				for _, r := range res.Report().Tasks {
					if r.State == runnel.Failed || r.State == runnel.Skipped && name != "Branch" {
						t.Errorf("task %q ended %v (%s), want it cancelled", r.Name, r.State, r.Reason)
					}
				}
			})
		})
	}
}

// TestErrorOfARunNamesTheStep by the name of its task, and by its file and line.
func TestErrorOfARunNamesTheStep(t *testing.T) {
	broken := errors.New("broken")
	fail := func(int) (int, error) { return 0, broken }
	line := sourceLine() + 1
	p := built(t, runnel.NewSequence().CallNext(twofold).
		Group(twofold,
			runnel.Member(fail)))
	_, err := p.Run(t.Context(), runnel.Values{"input": 1})
	failed, ok := errors.AsType[*runnel.TaskError](err)
	if want := fmt.Sprintf("sequencestep_test.go:%d", line+2); !ok || failed.Task != "step 2 member 2" || failed.Location != want || failed.Err != broken {
		t.Errorf("%v, want the second member of step 2, at %s", err, want)
	}
	p = built(t, runnel.NewSequence().CallNext(upTo).Map(twofold).
		Map(fail))
	_, err = p.Run(t.Context(), runnel.Values{"input": 1})
	failed, ok = errors.AsType[*runnel.TaskError](err)
	if !ok || failed.Task != "step 3" || len(failed.Index) != 1 || !strings.Contains(err.Error(), `"step 3[0]"`) {
		t.Errorf("%v, want element 0 of step 3", err)
	}
}

// TestStepsBehindABranchWaitForItAsAWhole, and not for the cases that were not
// chosen, also when they take nothing from it.
func TestStepsBehindABranchWaitForItAsAWhole(t *testing.T) {
	var log []string
	note := func() { log = append(log, "noted") }
	branch := func(s *runnel.Sequence) *runnel.Sequence {
		return s.Branch(runnel.Case(isLarge, spell), runnel.Otherwise(func(int) string { log = append(log, "chosen"); return "small" }))
	}
	wantResult(t, branch(runnel.NewSequence()).CallAfter(note).CallNext(length), runnel.Values{"input": 1}, 5, runnel.MaxParallel(1))
	wantResult(t, branch(runnel.NewSequence()).CallNext(func() int { return len(log) }), runnel.Values{"input": 1}, 3, runnel.MaxParallel(1))
	if want := "chosen noted chosen"; strings.Join(log, " ") != want {
		t.Errorf("order %q, want %q", log, want)
	}
}

// TestASideEffectTakesAGroupOrABranchThatIsTheResult: the result is there under its
// name for whoever asks.
func TestASideEffectTakesAGroupOrABranchThatIsTheResult(t *testing.T) {
	wantResult(t, runnel.NewSequence().CallNext(twofold).Branch(runnel.Otherwise(twofold)).CallAfter(func(int) {}), runnel.Values{"input": 1}, 4)
	wantResult(t, runnel.NewSequence().Group(twofold, twofold).CallAfter(func([]int) {}), runnel.Values{"input": 1}, []int{2, 2})
	wantResult(t, runnel.NewSequence().Group(twofold, twofold).CallAfter(func([]any) {}), runnel.Values{"input": 1}, []int{2, 2})
	wantResult(t, runnel.NewSequence().Group(twofold, twofold).CallAfter(func(runnel.Partial[int]) {}), runnel.Values{"input": 1}, []int{2, 2})
}

// TestSideEffectsAtTheEndOfANestedSequence are waited for by the step behind it, in
// every place where a sequence may stand. At the end of all, the result is there
// without them.
func TestSideEffectsAtTheEndOfANestedSequence(t *testing.T) {
	full := errors.New("full")
	var fails bool
	var saved time.Time
	save := func() error {
		time.Sleep(time.Minute)
		saved = time.Now()
		if fails {
			return full
		}
		return nil
	}
	var after time.Duration
	next := func(any) int { after = time.Since(saved); return 1 }
	inner := runnel.NewSequence(runnel.PipelineName("inner")).CallNext(twofold).CallAfter(save)
	middle := runnel.NewSequence(runnel.PipelineName("middle")).CallNext(inner)
	twofoldOf := func(s *runnel.Sequence, step any) *runnel.Sequence { return s.CallNext(step).CallNext(next) }
	for name, s := range map[string]*runnel.Sequence{
		"CallNext":  twofoldOf(runnel.NewSequence(), inner),
		"pipeline":  twofoldOf(runnel.NewSequence(), built(t, inner)),
		"twice":     twofoldOf(runnel.NewSequence(), middle),
		"deep":      twofoldOf(runnel.NewSequence(), runnel.NewSequence().CallNext(twofold).CallNext(middle)),
		"CallAfter": runnel.NewSequence().CallNext(twofold).CallAfter(inner).CallNext(next),
		"Group":     runnel.NewSequence().Group(twofold, inner).CallNext(next),
		"Branch":    runnel.NewSequence().Branch(runnel.Case(isLarge, inner), runnel.Otherwise(inner)).CallNext(next),
		"last":      runnel.NewSequence().CallNext(inner).CallAfter(next),
	} {
		t.Run(name, func(t *testing.T) {
			p := built(t, s)
			synctest.Test(t, func(t *testing.T) {
				fails, saved, after = false, time.Time{}, -1
				mustRun(t, p, runnel.Values{"input": 1})
				if saved.IsZero() || after != 0 {
					t.Errorf("the next step began %v after the side effect, want right after it", after)
				}
				fails, after = true, -1
				res, err := p.Run(t.Context(), runnel.Values{"input": 1}, runnel.OnError(runnel.ContinueOnError))
				if !errors.Is(err, full) || after != -1 {
					t.Errorf("error %v; the next step was called: %v", err, after != -1)
				}
				v, err := runnel.Get[int](res, "result")
				if name == "last" && (err != nil || v != 2) || name != "last" && !errors.Is(err, runnel.ErrSkipped) {
					t.Errorf("result %v, %v", v, err)
				}
			})
		})
	}
}

// TestASkippedNestedPipelineDoesNotRun: neither do its tasks that could do without
// what the others make.
func TestASkippedNestedPipelineDoesNotRun(t *testing.T) {
	var called atomic.Int32
	inner := runnel.NewSequence(runnel.PipelineName("inner")).Group(twofold, twofold).
		CallNext(func(p runnel.Partial[int]) int { called.Add(1); return len(p.Errs) })
	full := errors.New("full")
	p := built(t, runnel.NewSequence().CallNext(twofold).CallAfter(func() error { return full }).CallNext(inner))
	res, err := p.Run(t.Context(), runnel.Values{"input": 1}, runnel.OnError(runnel.ContinueOnError))
	if !errors.Is(err, full) || called.Load() != 0 {
		t.Errorf("error %v, and the nested pipeline was called %d times", err, called.Load())
	}
	for _, r := range res.Report().Tasks {
		if strings.HasPrefix(r.Name, "inner/") && r.State != runnel.Skipped {
			t.Errorf("task %q ended %v, want it skipped", r.Name, r.State)
		}
	}
}
