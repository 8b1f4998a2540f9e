package runnel_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// scaled takes a field that is not the first, and an option.
var scaled = runnel.NewTask("scaled", runnel.Pure(func(in struct {
	Factor int `runnel:"factor,default=10"`
	N      int
}) int {
	return in.Factor * in.N
}))

func TestSequenceOfDeclaredTasks(t *testing.T) {
	inc := runnel.NewTask("inc", runnel.Pure(func(in struct{ N int }) int { return in.N + 1 }))
	res := wantResult(t, runnel.NewSequence().CallNext(inc).CallNext(inc).CallNext(scaled, runnel.Into("n")), runnel.Values{"n": 1}, 30)
	if first, err := inc.Get(res); err != nil || first != 2 {
		t.Errorf("the task's own Get gives %d, %v, want the 2 of the first step", first, err)
	}
	if second, err := runnel.Get[int](res, "inc (step 2)"); err != nil || second != 3 {
		t.Errorf("step 2 gives %d, %v, want 3", second, err)
	}
	wantState(t, res.Report(), "scaled", runnel.Succeeded)
	// The first field is taken, the second is an external input.
	wantResult(t, runnel.NewSequence().CallNext(twofold).CallNext(scaled), runnel.Values{"input": 3, "n": 5}, 30)
	wantResult(t, runnel.NewSequence().CallNext(twofold).CallNext(scaled, runnel.Arg("factor", 2)), runnel.Values{"input": 3}, 12)
}

func TestSequenceOfMappedAndMultiTasks(t *testing.T) {
	squares := runnel.NewMapTask("squares[i]", square)
	wantResult(t, runnel.NewSequence().CallNext(upTo).CallNext(squares).Map(twofold).Reduce(0, add), runnel.Values{"input": 4}, 28)
	type both struct{ Sum, Count int }
	stats := runnel.NewMultiTask(runnel.Pure(func(in struct{ All []int }) both { return both{len(in.All) * 10, len(in.All)} }))
	wantResult(t, runnel.NewSequence().CallNext(upTo).CallNext(stats).CallNext(add, runnel.Inputs("a", "count")), runnel.Values{"input": 4}, 44)
}

func TestSequenceNestsPipelinesAndSequences(t *testing.T) {
	inner := pipelineOf(t, scaled, runnel.NewTask("plus", runnel.Pure(func(in struct{ Scaled int }) int { return in.Scaled + 1 })))
	res := wantResult(t, runnel.NewSequence().CallNext(twofold).CallNext(inner).CallNext(inner, runnel.Into("n"), runnel.Arg("factor", 2)).CallNext(spell), runnel.Values{"input": 3}, "123")
	wantState(t, res.Report(), "pipeline/scaled", runnel.Succeeded)
	wantState(t, res.Report(), "pipeline (step 3)/plus", runnel.Succeeded)
	wantResult(t, runnel.NewSequence().CallNext(inner), runnel.Values{"n": 3}, 31)
	seq := runnel.NewSequence(runnel.PipelineName("twice")).CallNext(twofold).CallNext(twofold)
	res = wantResult(t, runnel.NewSequence().CallNext(seq).Group(seq, built(t, seq)).Branch(runnel.Case(func(v []int) bool { return len(v) == 2 }, runnel.NewSequence().Reduce(0, add))), runnel.Values{"input": 1}, 32)
	wantState(t, res.Report(), "twice/twofold", runnel.Succeeded)
	twice := runnel.Nest[struct{ Input int }, int]("nested", built(t, seq), "result")
	wantResult(t, runnel.NewSequence().CallNext(twice).CallNext(twofold), runnel.Values{"input": 1}, 8)
}

// TestUnchosenPipelineDoesNotRun: neither do its tasks that take nothing from
// outside.
func TestUnchosenPipelineDoesNotRun(t *testing.T) {
	inner := pipelineOf(t, runnel.NewTask("zero", constant(0)), runnel.NewTask("sum", runnel.Pure(func(in struct {
		Zero int
		N    int `runnel:"n,optional"`
	}) int {
		return in.Zero + in.N
	})))
	s := runnel.NewSequence().CallNext(twofold).Branch(runnel.Case(isLarge, inner), runnel.Case(isLarge, scaled, runnel.Arg("n", 1)), runnel.Otherwise(twofold))
	res := wantResult(t, s, runnel.Values{"input": 1}, 4)
	for _, name := range []string{"pipeline/zero", "pipeline/sum", "scaled", "isLarge", "isLarge (step 2 case 2)"} {
		wantState(t, res.Report(), name, runnel.Skipped)
	}
	wantResult(t, s, runnel.Values{"input": 100}, 200)
}

func TestCallAfterPassesTheResultThroughAndIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		note := func(n int) error {
			time.Sleep(time.Second)
			log = append(log, "noted")
			return nil
		}
		bare := func() { log = append(log, "bare") }
		next := func(n int) int {
			log = append(log, "next")
			return n + 1
		}
		start := time.Now()
		wantResult(t, runnel.NewSequence().CallNext(twofold).CallAfter(note).CallAfter(bare).CallNext(next).CallAfter(note), runnel.Values{"input": 3}, 7)
		if want := []string{"noted", "bare", "next", "noted"}; !slices.Equal(log, want) {
			t.Errorf("order %q, want %q", log, want)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v, want that of the two side effects one after another", took)
		}
	})
	failed := errors.New("full")
	p := built(t, runnel.NewSequence().CallNext(twofold).CallAfter(func(int) error { return failed }, runnel.Name("save")).CallNext(twofold))
	res, err := p.Run(t.Context(), runnel.Values{"input": 1}, runnel.OnError(runnel.ContinueOnError))
	if !errors.Is(err, failed) {
		t.Errorf("error %v, want that of the side effect", err)
	}
	wantState(t, res.Report(), "save", runnel.Failed)
	if _, err := runnel.Get[int](res, "result"); !errors.Is(err, runnel.ErrSkipped) {
		t.Errorf("result after a failed side effect: %v, want it skipped", err)
	}
	// A side effect waits in front of every kind of step.
	for name, s := range map[string]func(*runnel.Sequence) *runnel.Sequence{
		"Map":    func(s *runnel.Sequence) *runnel.Sequence { return s.Map(twofold) },
		"Filter": func(s *runnel.Sequence) *runnel.Sequence { return s.Filter(isEven) },
		"Reduce": func(s *runnel.Sequence) *runnel.Sequence { return s.Reduce(0, add) },
		"Group":  func(s *runnel.Sequence) *runnel.Sequence { return s.Group(func(v []int) int { return len(v) }) },
		"Branch": func(s *runnel.Sequence) *runnel.Sequence {
			return s.Branch(runnel.Case(func() bool { return true }, func() int { return 1 }))
		},
	} {
		p := built(t, s(runnel.NewSequence().CallNext(upTo).CallAfter(func() error { return failed })))
		res, _ := p.Run(t.Context(), runnel.Values{"input": 3}, runnel.OnError(runnel.SkipFailed))
		for _, task := range res.Report().Tasks[2:] {
			if task.State != runnel.Skipped {
				t.Errorf("%s: task %q is %v behind a failed side effect, want it skipped", name, task.Name, task.State)
			}
		}
	}
}

func TestStepsHaveRetriesAndTimeoutsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[int]int{}
		flaky := func(n int) (int, error) {
			if calls[n]++; calls[n] < 3 && n == 1 {
				return 0, errors.New("busy")
			}
			return n, nil
		}
		retry := runnel.Retries(2)
		res := wantResult(t, runnel.NewSequence().CallNext(upTo).Map(flaky, runnel.Name("flaky"), retry, runnel.MaxParallel(1)).CallNext(func(v []int) int { return len(v) }), runnel.Values{"input": 3}, 3)
		if got := calls[0]*100 + calls[1]*10 + calls[2]; got != 131 {
			t.Errorf("elements were called %v, want the second alone three times", calls)
		}
		_ = res
		slow := func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		start := time.Now()
		p := built(t, runnel.NewSequence().CallNext(twofold).CallNext(slow, runnel.Timeout(3*time.Second), runnel.Name("slow")))
		if _, err := p.Run(t.Context(), runnel.Values{"input": 3}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v, want the timeout of the step", time.Since(start), err)
		}
	})
}

// TestSequencePipelinesElements: an element of a Map starts when that element of
// the Map before is ready.
func TestSequencePipelinesElements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		wait := func(d []time.Duration) []time.Duration {
			time.Sleep(d[0])
			return d[1:]
		}
		s := time.Second
		mustRun(t, built(t, runnel.NewSequence().Map(wait).Map(wait)), runnel.Values{"input": [][]time.Duration{{s, 9 * s}, {9 * s, s}, {5 * s, 5 * s}}})
		if took := time.Since(start); took != 10*s {
			t.Errorf("took %v, want the 10s of each element", took)
		}
	})
}
