package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

type partly struct{ Even runnel.Partial[int] }

// summed tells what a task got for a Partial.
func summed(output string) *runnel.Task[partly, string] {
	return runnel.NewTask(output, runnel.Pure(func(in partly) string {
		var missing []int
		for i := range in.Even.Errs {
			missing = append(missing, i)
		}
		slices.Sort(missing)
		return fmt.Sprint(in.Even.Values, missing)
	}))
}

func TestPartialTakesWhatSucceededAndTheErrorsByIndex(t *testing.T) {
	errs := map[int]error{}
	keep := runnel.NewTask("keep", runnel.Pure(func(in partly) bool { errs = in.Even.Errs; return true }))
	p := pipelineOf(t, odd("even"), summed("seen"), keep)
	for _, c := range []struct {
		in   []int
		want string
	}{
		{[]int{}, "[] []"},
		{[]int{2, 4}, "[2 4] []"},
		{[]int{1, 2, 3}, "[0 2 0] [0 2]"},
		{[]int{1, 3}, "[0 0] [0 1]"}, // all of them failed
	} {
		for _, limit := range limits {
			res, err := p.Run(t.Context(), runnel.Values{"numbers": c.in}, runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(limit))
			if err != nil {
				t.Fatal(err)
			}
			wantGet(t, res, "seen", c.want)
			for i, err := range errs {
				if !errors.Is(err, errFlaky) || !strings.Contains(err.Error(), fmt.Sprint(c.in[i], " is odd")) {
					t.Errorf("error %d is %v, want that of the element", i, err)
				}
			}
			if (len(errs) == 0) != (errs == nil) {
				t.Errorf("errors are %#v, want nil when none is missing", errs)
			}
		}
	}
}

func TestPartialWaitsForEveryElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := runnel.NewMapTask("even[i]", func(ctx context.Context, in onNumbers) (int, error) {
			if in.N == 1 {
				return 0, errFlaky // at once
			}
			return in.N, sleeps(time.Duration(in.N) * time.Second)(ctx)
		})
		start := time.Now()
		res, err := pipelineOf(t, slow, summed("seen")).Run(t.Context(), runnel.Values{"numbers": []int{1, 2, 8}}, runnel.OnError(runnel.SkipFailed))
		if err != nil {
			t.Fatal(err)
		}
		wantTook(t, "the last element", start, 8*time.Second)
		wantGet(t, res, "seen", "[0 2 8] [0]")
	})
}

func TestPartialInFailFastIsNotReached(t *testing.T) {
	res, err := pipelineOf(t, odd("even"), summed("seen")).Run(t.Context(), runnel.Values{"numbers": []int{1, 2}})
	if !errors.Is(err, errFlaky) {
		t.Errorf("error %v", err)
	}
	wantState(t, res.Report(), "seen", runnel.Cancelled)
}

func TestPartialOfPlainData(t *testing.T) {
	p := pipelineOf(t, summed("seen"))
	wantGet(t, mustRun(t, p, runnel.Values{"even": []int{1, 2}}), "seen", "[1 2] []")
	wantProblems(t, inputProblems(t, p, runnel.Values{"even": []string{"a"}}), `input "even" must be []int, got []string`)
	wantProblems(t, inputProblems(t, p, nil), `input "even" of type []int is missing`)

	wantGet(t, mustRun(t, pipelineOf(t, summed("seen"), runnel.NewTask("even", constant([]int{3}))), nil), "seen", "[3] []")
	fails := runnel.NewTask("even", func(context.Context, nothing) ([]int, error) { return nil, errFlaky })
	res, _ := pipelineOf(t, summed("seen"), fails).Run(t.Context(), nil, runnel.OnError(runnel.ContinueOnError))
	wantState(t, res.Report(), "seen", runnel.Skipped) // there are no elements at all

	// A type that can be assigned, and one that shows only when it is there.
	type ints []int
	wantGet(t, mustRun(t, pipelineOf(t, summed("seen"), runnel.NewTask("even", constant(ints{4}))), nil), "seen", "[4] []")
	wantGet(t, mustRun(t, pipelineOf(t, summed("seen"), runnel.NewTask("even", constant(any([]int{5})))), nil), "seen", "[5] []")
	_, err := pipelineOf(t, summed("seen"), runnel.NewTask("even", constant(any("text")))).Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), `input "even" (Even) from task "even"`) || !strings.Contains(err.Error(), "want []int, got string") {
		t.Errorf("error %v, want one with both types", err)
	}
}

func TestPartialThatIsOptional(t *testing.T) {
	type in struct {
		Even runnel.Partial[int] `runnel:",optional"`
	}
	seen := runnel.NewTask("seen", runnel.Pure(func(in in) string { return fmt.Sprint(in.Even.Values, len(in.Even.Errs)) }))
	wantGet(t, mustRun(t, pipelineOf(t, seen), nil), "seen", "[] 0")
	res, err := pipelineOf(t, seen, odd("even")).Run(t.Context(), runnel.Values{"numbers": []int{1, 2}}, runnel.OnError(runnel.SkipFailed))
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, res, "seen", "[0 2] 1")
	skipped := odd("even").When(func(onNumbers) bool { return false })
	res, err = pipelineOf(t, seen, skipped).Run(t.Context(), runnel.Values{"numbers": []int{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, res, "seen", "[0 0] 2")
}

func TestPartialTypesAreCheckedWhenBuilt(t *testing.T) {
	wantProblems(t, buildProblems(t, summed("seen"), mapTo[onNumbers, string]("even[i]")), `input "even" (Even) wants []int, but task "even" (…) produces []string`)
	wantProblems(t, buildProblems(t, summed("seen"), runnel.NewTask("even", constant(3))), `input "even" (Even) wants []int`)
	// Elements have no holes: an element that is missing is not taken.
	wantProblems(t, buildProblems(t, runnel.NewMapTask("x[i]", func(context.Context, struct {
		Row runnel.Partial[int] `runnel:"score[i]"`
	}) (int, error) {
		return 0, nil
	})), `field Row: a Partial takes the whole of its data: drop the axes`)
}

// TestPartialOfSeveralAxesIsFlat: like Get of a mapped task, the last axis
// running fastest.
func TestPartialOfSeveralAxesIsFlat(t *testing.T) {
	cells := runnel.NewMapTask("even[i,j]", func(_ context.Context, in struct {
		A int `runnel:"a[i]"`
		B int `runnel:"b[j]"`
	}) (int, error) {
		if in.A+in.B == 3 {
			return 0, errFlaky
		}
		return 10*in.A + in.B, nil
	})
	p := pipelineOf(t, cells, summed("seen"))
	res, err := p.Run(t.Context(), runnel.Values{"a": []int{1, 2}, "b": []int{1, 2, 3}}, runnel.OnError(runnel.SkipFailed))
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, res, "seen", "[11 0 13 0 22 23] [1 3]")
	res = mustRun(t, p, runnel.Values{"a": []int{1}, "b": []int{1, 3}})
	wantGet(t, res, "seen", "[11 13] []")
	if got, err := cells.Get(res); err != nil || !slices.Equal(got, []int{11, 13}) {
		t.Errorf("Get is %v, %v", got, err)
	}
	wantProblems(t, buildProblems(t, cells, runnel.NewTask("seen", takes[struct{ Even runnel.Partial[[]string] }])),
		`input "even" (Even) wants [][]string, but task "even" (…) produces []int, flat: take it as a Partial[int], or by rows as a Partial[[]int]`)
}

func TestPartialOutOfAResult(t *testing.T) {
	res, _ := pipelineOf(t, odd("even")).Run(t.Context(), runnel.Values{"numbers": []int{1, 2}}, runnel.OnError(runnel.ContinueOnError))
	got, err := runnel.Get[runnel.Partial[int]](res, "even")
	if err != nil || !slices.Equal(got.Values, []int{0, 2}) || len(got.Errs) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := runnel.Get[runnel.Partial[string]](res, "even"); err == nil || !strings.Contains(err.Error(), "[]int") || !strings.Contains(err.Error(), "[]string") {
		t.Errorf("error %v, want one with both types", err)
	}
	if _, err := runnel.Get[runnel.Partial[int]](res, "evn"); !errors.Is(err, runnel.ErrNotProduced) {
		t.Errorf("error %v", err)
	}
	if _, err := runnel.Get[runnel.Partial[int]](nil, "even"); !errors.Is(err, runnel.ErrNotProduced) {
		t.Errorf("error %v of no result", err)
	}
}

func TestPartialInsideAnOptIsRefused(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.NewTask("x", runnel.Pure(func(struct {
		Marks runnel.Opt[runnel.Partial[int]]
	}) int {
		return 0
	}))), `field Marks: an Opt of a Partial says twice that something may be missing: use runnel.Partial[int], tagged with "marks,optional"`)
}
