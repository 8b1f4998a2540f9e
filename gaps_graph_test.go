package runnel_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// TestACachedTaskWaitsForNobody: its value is there, so that it ends, and its
// own consumers start, before what it would have needed.
func TestACachedTaskWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := runnel.NewDataCache()
		cache.Set("cached", "kept")
		p := pipelineOf(t,
			step("slow", nil, sleeps(time.Hour)),
			step("cached", from("slow"), works),
			step("next", from("cached"), works))
		start := time.Now()
		ended := map[string]time.Duration{}
		mustRun(t, p, nil, runnel.WithCache(cache), runnel.Observe(func(e runnel.Event) {
			if e, ok := e.(runnel.TaskFinished); ok {
				ended[e.Task] = e.At.Sub(start)
			}
		}))
		for name, want := range map[string]time.Duration{"slow": time.Hour, "cached": 0, "next": 0} {
			if got, ok := ended[name]; !ok || got != want {
				t.Errorf("%s ended after %v, want %v: events %v", name, got, want, ended)
			}
		}
	})
}

// TestAFailedFillLeavesNothingBehind: the next task with the same inputs, on the
// same worker, does not see what the failed one was given.
func TestAFailedFillLeavesNothingBehind(t *testing.T) {
	type inputs struct {
		Before runnel.Opt[int]
		Preset int `runnel:",default=7"`
		Count  int
	}
	var got *inputs
	count := func(_ context.Context, in inputs) (int, error) { got = &in; return in.Count, nil }
	source := runnel.NewValuesTask("source", nil, from("wrong"), returns(runnel.Values{"wrong": "three"}))
	bad := runnel.NewTask("bad", count).Bind("before", "given").Bind("preset", "given").Bind("count", "wrong")
	// It needs nothing of the failed task, and so runs right after it.
	next := runnel.NewTask("next", count).Bind("before", "bad").Bind("preset", "nowhere")
	res, err := pipelineOf(t, source, bad, next).Run(t.Context(), runnel.Values{"given": 5, "count": 3},
		runnel.MaxParallel(1), runnel.OnError(runnel.ContinueOnError))
	wantState(t, res.Report(), "bad", runnel.Failed)
	wantState(t, res.Report(), "next", runnel.Succeeded)
	if want := (inputs{Preset: 7, Count: 3}); got == nil || *got != want {
		t.Errorf("the next task got %+v, want %+v: before and preset are absent (run: %v)", got, want, err)
	}
}

// TestCopiesOfAFaultyTaskKeepTheirProblemsApart, however many the original has.
func TestCopiesOfAFaultyTaskKeepTheirProblemsApart(t *testing.T) {
	var names []string
	for n := range 9 { // one of the lengths leaves room in the list behind the last
		task := runnel.NewValuesTask("job", append(names, "x"), from("y"), returns(nil))
		first, second := task.As(""), task.Bind("p", "q")
		one, two := buildProblems(t, first), buildProblems(t, second)
		if len(one) != n+1 || len(two) != n+1 {
			t.Fatalf("%d and %d problems, want %d of the original and one of the copy's own:\n%s%s", len(one), len(two), n, problemLines(one), problemLines(two))
		}
		wantOne(t, one, "As: a data name must not be empty")
		wantOne(t, two, `Bind("p", "q"): the task has no input "p"`)
		names = append(names, "")
	}
}

// wantOne holds problems against exactly one of them having a text.
func wantOne(t *testing.T, problems []runnel.Problem, text string) {
	t.Helper()
	n := 0
	for _, p := range problems {
		if strings.Contains(p.String(), text) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d problems say %q, want one of\n%s", n, text, problemLines(problems))
	}
}

// TestAnUnknownInputIsNotHeldForOneThatIsGiven: both are there, so that neither
// was meant for the other.
func TestAnUnknownInputIsNotHeldForOneThatIsGiven(t *testing.T) {
	p := pipelineOf(t, step("a", from("config", "layout"), works))
	_, err := p.Run(t.Context(), runnel.Values{"config": 1, "confg": 2, "layout": 3})
	wantProblems(t, asInputError(t, err).Problems, `input "confg" is unknown: no task consumes it`)
	if got := asInputError(t, err).Problems[0].Text; got != `input "confg" is unknown: no task consumes it` {
		t.Errorf("the problem is %q: config is given, so it is no hint", got)
	}
	_, err = p.Run(t.Context(), runnel.Values{"confg": 2, "layout": 3})
	wantProblems(t, asInputError(t, err).Problems, `input "confg" is unknown: no task consumes it (did you mean "config"?)`, `input "config"…is missing`)
}
