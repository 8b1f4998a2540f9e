package runnel_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

func TestConditionSkipsTheTaskAndWhatNeedsIt(t *testing.T) {
	even := runnel.NewTask("half", runnel.Pure(func(in struct{ N int }) int { return in.N / 2 })).
		When(func(in struct{ N int }) bool { return in.N%2 == 0 })
	needs := runnel.NewTask("needs", runnel.Pure(func(in struct{ Half int }) int { return in.Half }))
	takes := runnel.NewTask("takes", runnel.Pure(func(in struct{ Half runnel.Opt[int] }) int { return in.Half.Or(-1) }))
	p, err := runnel.FromTasks(even, needs, takes)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed} {
		res, err := p.Run(t.Context(), runnel.Values{"n": 7}, runnel.OnError(mode))
		if err != nil {
			t.Fatalf("%v: a condition that does not hold is no failure, got %v", mode, err)
		}
		if _, err := needs.Get(res); !errors.Is(err, runnel.ErrSkipped) {
			t.Errorf("%v: what needs a skipped task must be skipped, got %v", mode, err)
		}
		if v, err := takes.Get(res); err != nil || v != -1 {
			t.Errorf("%v: an optional input must be absent, got %v, %v", mode, v, err)
		}
	}
	res, err := p.Run(t.Context(), runnel.Values{"n": 8})
	if v, gerr := needs.Get(res); err != nil || gerr != nil || v != 4 {
		t.Errorf("a condition that holds must not matter, got %v, %v, %v", v, err, gerr)
	}
}

func TestConditionSkipsElements(t *testing.T) {
	halves := runnel.Each("halves", "numbers", func(_ context.Context, n int) (int, error) { return n / 2, nil }).
		When(func(in runnel.Item[int]) bool { return in.Value%2 == 0 })
	some := runnel.NewTask("some", runnel.Pure(func(in struct{ Halves runnel.Partial[int] }) []int { return in.Halves.Values }))
	p, err := runnel.FromTasks(halves, some)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{2, 3, 4}})
	if v, gerr := some.Get(res); err != nil || gerr != nil || !slices.Equal(v, []int{1, 0, 2}) {
		t.Errorf("got %v, %v, %v", v, err, gerr)
	}
}

func TestFallbackMakesTheOutputAfterTheLastAttempt(t *testing.T) {
	broken, calls := errors.New("broken"), 0
	task := runnel.NewTask("value", func(_ context.Context, in struct{ N int }) (int, error) {
		calls++
		return 0, broken
	}, runnel.Retries(2), runnel.RetryDelay(0)).Fallback(func(_ context.Context, in struct{ N int }, err error) (int, error) {
		if !errors.Is(err, broken) || calls != 3 {
			t.Errorf("the fallback gets the error of the last attempt, got %v after %d", err, calls)
		}
		if in.N < 0 {
			return 0, errors.New("no way")
		}
		return in.N + 1, nil
	})
	p, err := runnel.FromTasks(task)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"n": 1})
	if v, gerr := task.Get(res); err != nil || gerr != nil || v != 2 {
		t.Errorf("got %v, %v, %v", v, err, gerr)
	}
	calls = 0
	if _, err := p.Run(t.Context(), runnel.Values{"n": -1}); !errors.Is(err, broken) {
		t.Errorf("a fallback that fails keeps the task's error, got %v", err)
	}
}

func TestEachAndFold(t *testing.T) {
	numbers := runnel.Literal("numbers", []int{1, 2, 3})
	squares := runnel.Each("squares", "numbers", func(_ context.Context, n int) (int, error) { return n * n, nil })
	sum := runnel.Fold("sum", "squares", 100, func(_ context.Context, acc, n int) (int, error) { return acc + n, nil })
	p, err := runnel.FromTasks(sum, squares, numbers)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), nil)
	if v, gerr := sum.Get(res); err != nil || gerr != nil || v != 114 {
		t.Errorf("got %v, %v, %v", v, err, gerr)
	}
}

// TestConditionOfElements: element-wise consumers skip that element only, and those
// for which it is optional run without it.
func TestConditionOfElements(t *testing.T) {
	even := func(in runnel.Item[int]) bool { return in.Value%2 == 0 }
	halves := runnel.Each("halves", "numbers", func(_ context.Context, n int) (int, error) { return n / 2, nil }).When(even)
	needs := runnel.NewMapTask("needs[i]", runnel.Pure(func(in struct {
		Half int `runnel:"halves[i]"`
	}) int {
		return 10 * in.Half
	}))
	takes := runnel.NewMapTask("takes[i]", runnel.Pure(func(in struct {
		Half   runnel.Opt[int] `runnel:"halves[i]"`
		Number int             `runnel:"numbers[i]"`
	}) int {
		return in.Half.Or(-in.Number)
	}))
	all := runnel.NewTask("all", runnel.Pure(func(in struct{ Needs []int }) int { return len(in.Needs) }))
	some := runnel.NewTask("some", runnel.Pure(func(in struct{ Needs runnel.Partial[int] }) []int { return in.Needs.Values }))
	p, err := runnel.FromTasks(halves, needs, takes, all, some)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed} {
		for _, limit := range []int{0, 1} {
			res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{2, 3, 4}}, runnel.OnError(mode), runnel.MaxParallel(limit))
			if err != nil {
				t.Fatalf("%v: a condition that does not hold is no failure, got %v", mode, err)
			}
			if v, err := takes.Get(res); err != nil || !slices.Equal(v, []int{1, -3, 2}) {
				t.Errorf("%v: with an optional input: %v, %v", mode, v, err)
			}
			if v, err := some.Get(res); err != nil || !slices.Equal(v, []int{10, 0, 20}) {
				t.Errorf("%v: what is there of the consumer: %v, %v", mode, v, err)
			}
			if _, err := all.Get(res); !errors.Is(err, runnel.ErrSkipped) {
				t.Errorf("%v: a consumer of the whole: %v, want it skipped", mode, err)
			}
			for _, name := range []string{"halves", "needs"} {
				if r, _ := res.Report().Task(name); r.Elements.Succeeded != 2 || r.Elements.Skipped != 1 {
					t.Errorf("%v: elements of %q: %+v, want one skipped", mode, name, *r.Elements)
				}
			}
		}
	}
}

// TestNoConditionAndNoFallback: nil is a problem of every kind of task that can have one, also
// of those that have other problems.
func TestNoConditionAndNoFallback(t *testing.T) {
	plain := runnel.NewTask("plain", takesTo[nothing, int])
	mapped := runnel.NewMapTask("mapped[i]", takesTo[onNumbers, int])
	expands := runnel.NewExpandTask("rows[i,k]", takesTo[onNumbers, []int])
	noFunction := runnel.NewTask[nothing, int]("none", nil)
	nested := runnel.Nest[nothing, int]("nested", pipelineOf(t, plain), "plain")
	noOutput := runnel.NewMultiMapTask(takesTo[onNumbers, nothing])
	const when, fallback = "When: the condition is nil: give one", "Fallback: the function is nil: give one"
	const ofTasks = "a nested pipeline as a whole has no condition and no fallback: give them to its tasks"
	for what, c := range map[string]struct {
		task runnel.AnyTask
		want []string
	}{
		"when":                      {plain.When(nil), []string{when}},
		"fallback":                  {plain.Fallback(nil), []string{fallback}},
		"both":                      {plain.When(nil).Fallback(nil), []string{when, fallback}},
		"when, mapped":              {mapped.When(nil), []string{when}},
		"fallback, mapped":          {mapped.Fallback(nil), []string{fallback}},
		"when, expanding":           {expands.When(nil), []string{when}},
		"fallback, expanding":       {expands.Fallback(nil), []string{fallback}},
		"when, no function":         {noFunction.When(func(nothing) bool { return true }), []string{"the function is nil: give one"}},
		"fallback, no function":     {noFunction.Fallback(nil), []string{"the function is nil: give one", fallback}},
		"when, nested":              {nested.When(nil), []string{ofTasks, when}},
		"fallback, nested":          {nested.Fallback(nil), []string{ofTasks, fallback}},
		"when, mapped, no output":   {noOutput.When(func(onNumbers) bool { return true }), []string{"output", "has no exported field"}},
		"fallback, mapped, nothing": {noOutput.Fallback(takesInstead), []string{"output", "has no exported field"}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := runnel.FromTasks(c.task)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it to say %q", err, want)
				}
			}
		})
	}
}

func takesInstead(context.Context, onNumbers, error) (nothing, error) { return nothing{}, nil }
