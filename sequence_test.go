package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// Functions that sequences call.
func twofold(n int) int                         { return 2 * n }
func sumOf(a, b int) int                        { return a + b }
func isEven(n int) bool                         { return n%2 == 0 }
func isLarge(n int) bool                        { return n > 100 }
func upToOf(_ context.Context, n int) []int     { return slices.Collect(counted(n)) }
func spell(n int) (string, error)               { return fmt.Sprint(n), nil }
func joinOf(sep string, words ...string) string { return strings.Join(words, sep) }

func counted(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func built(t testing.TB, s *runnel.Sequence) *runnel.Pipeline {
	t.Helper()
	p, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantResult runs a sequence and holds its result against a value.
func wantResult(t testing.TB, s *runnel.Sequence, in runnel.Values, want any, opts ...runnel.RunOption) *runnel.Result {
	t.Helper()
	res := mustRun(t, built(t, s), in, opts...)
	got, err := runnel.Get[any](res, "result")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("result %#v, %v, want %#v", got, err, want)
	}
	return res
}

func TestSequenceCallsEachStepWithThePreviousResult(t *testing.T) {
	for _, limit := range []int{0, 1} {
		wantResult(t, runnel.NewSequence().CallNext(twofold).CallNext(twofold).CallNext(spell), runnel.Values{"input": 3}, "12", runnel.MaxParallel(limit))
	}
	wantResult(t, runnel.NewSequence().CallNext(func() int { return 4 }).CallNext(twofold), nil, 8)
	wantResult(t, runnel.NewSequence().CallNext(twofold, runnel.Inputs("n")), runnel.Values{"n": 3}, 6)
}

func TestSequenceConstantsAndNamedParameters(t *testing.T) {
	wantResult(t, runnel.NewSequence().
		CallNext(twofold).
		CallNext(spell).
		CallNext(joinOf, runnel.Inputs("sep", "words"), runnel.Arg("sep", "-"), runnel.Arg("words", []string{"a", "b"})),
		runnel.Values{"input": 3}, "a-b")
	sub := func(a, b int) int { return a - b }
	base := runnel.NewSequence
	wantResult(t, base().CallNext(twofold).CallNext(sub, runnel.Inputs("a", "b"), runnel.Arg("b", 1)), runnel.Values{"input": 3}, 5)
	wantResult(t, base().CallNext(twofold).CallNext(sub, runnel.Inputs("a", "b"), runnel.Arg("a", 1)), runnel.Values{"input": 3}, -5)
	wantResult(t, base().CallNext(twofold).CallNext(sub, runnel.Inputs("a", "b"), runnel.Into("b")), runnel.Values{"input": 3, "a": 10}, 4)
	wantResult(t, base().CallNext(twofold).CallNext(spell).CallNext(func(s string, n int) string { return fmt.Sprint(s, n) }, runnel.Inputs("s", "twofold")), runnel.Values{"input": 3}, "66")
}

func TestSequenceMapFilterReduce(t *testing.T) {
	s := runnel.NewSequence().CallNext(upToOf).Filter(isEven).Map(twofold).Map(spell).Reduce("", func(a, s string) string { return a + s })
	wantResult(t, s, runnel.Values{"input": 6}, "048")
	wantResult(t, s, runnel.Values{"input": 0}, "")
	wantResult(t, runnel.NewSequence().Filter(isEven), runnel.Values{"input": []int{1, 2, 4}}, []int{2, 4})
	wantResult(t, runnel.NewSequence().CallNext(counted).Filter(isEven), runnel.Values{"input": 5}, []int{0, 2, 4})
	wantResult(t, runnel.NewSequence().CallNext(counted).Reduce(1, sumOf), runnel.Values{"input": 5}, 11)
	wantResult(t, runnel.NewSequence().Reduce(1, sumOf), runnel.Values{"input": []int{2}}, 3)
	wantResult(t, runnel.NewSequence().Map(sumOf, runnel.Inputs("x", "y"), runnel.Arg("y", 7)), runnel.Values{"x": []int{1, 2}}, []int{8, 9})
	wantResult(t, runnel.NewSequence().Map(sumOf, runnel.Inputs("x", "y"), runnel.Arg("x", 7)), runnel.Values{"y": []int{1, 2}}, []int{8, 9})
}

func TestSequenceGroup(t *testing.T) {
	wantResult(t, runnel.NewSequence().Group(twofold, spell, runnel.Member(sumOf, runnel.Inputs("input", "b"), runnel.Arg("b", 1))), runnel.Values{"input": 3}, []any{6, "3", 4})
	wantResult(t, runnel.NewSequence().CallNext(twofold).Group(twofold, twofold), runnel.Values{"input": 3}, []int{12, 12})
	wantResult(t, runnel.NewSequence().CallNext(twofold).Group(twofold, twofold).Reduce(0, sumOf), runnel.Values{"input": 3}, 24)
	wantResult(t, runnel.NewSequence().CallNext(twofold).Group(twofold, spell).CallNext(func(n int, s string) string { return fmt.Sprint(n, s) }, runnel.Spread()), runnel.Values{"input": 3}, "126")
	wantResult(t, runnel.NewSequence().CallNext(twofold).Group().CallNext(twofold), runnel.Values{"input": 3}, 12)
	odd := errors.New("odd")
	fails := func(int) (int, error) { return 0, odd }
	wantResult(t, runnel.NewSequence().CallNext(twofold).Group(twofold, fails, twofold).CallNext(func(p runnel.Partial[int]) string {
		return fmt.Sprint(p.Values, len(p.Errs), errors.Is(p.Errs[1], odd))
	}), runnel.Values{"input": 3}, "[12 0 12] 1 true", runnel.OnError(runnel.SkipFailed))
}

func TestSequenceBranch(t *testing.T) {
	s := runnel.NewSequence().CallNext(twofold).Branch(
		runnel.Case(isLarge, spell),
		runnel.Case(isEven, twofold),
		runnel.Otherwise(func() string { return "odd" }))
	wantResult(t, s, runnel.Values{"input": 100}, "200")
	wantResult(t, s, runnel.Values{"input": 1}, 4)
}
