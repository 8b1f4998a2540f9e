package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

var modes = []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed}

// consumers take data "bad" in each way there is, and say what they got.
func consumers() []runnel.AnyTask {
	return []runnel.AnyTask{
		runnel.NewTask("required", func(_ context.Context, in struct{ Bad int }) (string, error) { return fmt.Sprint(in), nil }),
		runnel.NewTask("optional", func(_ context.Context, in struct {
			Bad int `runnel:",optional"`
		}) (string, error) {
			return fmt.Sprint(in), nil
		}),
		runnel.NewTask("opt", func(_ context.Context, in struct{ Bad runnel.Opt[int] }) (string, error) { return fmt.Sprint(in), nil }),
		runnel.NewTask("default", func(_ context.Context, in struct {
			Bad int `runnel:",default=7"`
		}) (string, error) {
			return fmt.Sprint(in), nil
		}),
		runnel.NewTask("after", func(context.Context, struct{}) (string, error) { return "ran", nil }, runnel.After("bad")),
	}
}

func TestModesDecideWhatRunsWithoutAFailedProducer(t *testing.T) {
	// What a consumer of each kind sees when its producer did not succeed; the
	// others are skipped.
	absent := map[string]string{"optional": "{0}", "opt": "{{0 false}}", "default": "{7}"}
	producers := map[string]struct {
		tasks   []runnel.AnyTask
		outcome string
		failed  string
	}{
		"failed": {[]runnel.AnyTask{runnel.NewTask("bad", func(context.Context, struct{}) (int, error) { return 5, io.ErrUnexpectedEOF })}, "failed", "bad"},
		"skipped": {[]runnel.AnyTask{
			runnel.NewTask("root", func(context.Context, struct{}) (int, error) { return 5, io.ErrUnexpectedEOF }),
			runnel.NewTask("bad", func(_ context.Context, in struct{ Root int }) (int, error) { return in.Root, nil }),
		}, "was skipped", "root"},
	}
	for name, producer := range producers {
		for _, mode := range modes {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				p := pipelineOf(t, append(consumers(), producer.tasks...)...)
				res, err := p.Run(t.Context(), nil, runnel.OnError(mode))
				if mode == runnel.SkipFailed && err != nil {
					t.Errorf("SkipFailed returned %v", err)
				}
				if mode != runnel.SkipFailed && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the error is %v, want one over the task's", err)
				}
				report := res.Report()
				wantState(t, report, producer.failed, runnel.Failed)
				for _, c := range consumers() {
					got := taskReport(t, report, c.Name())
					value, valueErr := runnel.Get[string](res, c.Name())
					switch text, runs := absent[c.Name()]; {
					case mode == runnel.FailFast:
						if want := fmt.Sprintf("the run was stopped: task %q failed", producer.failed); got.State != runnel.Cancelled || got.Reason != want {
							t.Errorf("%s is %v because %q, want cancelled because %q", got.Name, got.State, got.Reason, want)
						}
						if !errors.Is(valueErr, runnel.ErrNotProduced) {
							t.Errorf("Get of %s: %v, want ErrNotProduced", got.Name, valueErr)
						}
					case runs:
						if got.State != runnel.Succeeded || value != text {
							t.Errorf("%s is %v and got %q (%v), want it to run with its input absent: %q", got.Name, got.State, value, valueErr, text)
						}
					default:
						want := fmt.Sprintf(`its input "bad" is missing: task "bad" %s`, producer.outcome)
						if got.Name == "after" {
							want = fmt.Sprintf(`it runs after task "bad", which %s`, producer.outcome)
						}
						if got.State != runnel.Skipped || got.Reason != want || got.Attempts != 0 || got.Err != nil {
							t.Errorf("%s is %v because %q, want skipped because %q", got.Name, got.State, got.Reason, want)
						}
						if !errors.Is(valueErr, runnel.ErrSkipped) || !strings.Contains(valueErr.Error(), want) {
							t.Errorf("Get of %s: %v, want ErrSkipped with the reason", got.Name, valueErr)
						}
					}
				}
			})
		}
	}
}

func TestConsumersGetWhatWasProducedInEveryMode(t *testing.T) {
	want := map[string]string{"required": "{5}", "optional": "{5}", "opt": "{{5 true}}", "default": "{5}", "after": "ran"}
	for _, mode := range modes {
		p := pipelineOf(t, append(consumers(), runnel.NewTask("bad", func(context.Context, struct{}) (int, error) { return 5, nil }))...)
		res, err := p.Run(t.Context(), nil, runnel.OnError(mode))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if got, err := runnel.Get[string](res, name); got != text || err != nil {
				t.Errorf("%v: %s got %q, %v, want %q: an optional input is an edge when somebody produces it", mode, name, got, err, text)
			}
		}
	}
}

func TestFailFastCancelsWhatRunsAndStartsNothingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		var cause error
		p := pipelineOf(t,
			step("bad", nil, failsWith(boom, time.Second)),
			step("long", nil, func(ctx context.Context) error {
				err := sleeps(time.Hour)(ctx)
				cause = context.Cause(ctx)
				return err
			}),
			step("early", nil, works), step("tail", from("long"), works))
		start := time.Now()
		res, err := p.Run(t.Context(), nil)
		wantTook(t, "the run", start, time.Second)
		for name, want := range map[string]runnel.State{"bad": runnel.Failed, "long": runnel.Cancelled, "early": runnel.Succeeded, "tail": runnel.Cancelled} {
			wantState(t, res.Report(), name, want)
		}
		if errors.Is(err, context.Canceled) {
			t.Error("errors.Is(err, context.Canceled), though the caller did not cancel")
		}
		failure, ok := errors.AsType[*runnel.RunError](err)
		if !ok || len(failure.Tasks) != 1 || failure.Tasks[0].Task != "bad" || failure.Cause != nil {
			t.Errorf("error %v: want a *RunError over task bad alone", err)
		}
		if cause == nil || cause.Error() != `task "bad" failed` {
			t.Errorf("the cause of the cancelled context is %v, want the name of the task that failed", cause)
		}
		if got := taskReport(t, res.Report(), "long"); got.Attempts != 1 || !errors.Is(got.Err, context.Canceled) || got.Reason != `the run was stopped: task "bad" failed` {
			t.Errorf("the cancelled task has %d attempts, error %v, reason %q", got.Attempts, got.Err, got.Reason)
		}
		if got := taskReport(t, res.Report(), "tail"); got.Attempts != 0 || got.Err != nil {
			t.Errorf("the task that was not started has %d attempts, error %v", got.Attempts, got.Err)
		}
		if got := slices.Sorted(maps.Keys(res.Outputs())); !slices.Equal(got, from("early")) {
			t.Errorf("outputs %v, want what was produced: early", got)
		}
	})
}

func TestFailFastKeepsEveryTrueFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := errors.New("one"), errors.New("two")
		p := pipelineOf(t, step("a", nil, failsWith(one, time.Second)), step("b", nil, func(ctx context.Context) error {
			<-ctx.Done()
			return two // no cancellation, but a failure of its own
		}))
		_, err := p.Run(t.Context(), nil)
		if !errors.Is(err, one) || !errors.Is(err, two) {
			t.Errorf("error %v, want both failures", err)
		}
	})
}

func TestContinueOnErrorRunsEveryBranchAndJoinsAllFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := errors.New("one"), errors.New("two")
		p := pipelineOf(t,
			step("a", nil, failsWith(one, 1500*time.Millisecond)), step("a2", from("a"), works), step("a3", from("a2"), works),
			step("b", nil, failsWith(two, time.Second), runnel.Retries(1), runnel.RetryDelay(0)),
			step("c", nil, sleeps(time.Hour)), step("c2", from("c"), works))
		start := time.Now()
		res, err := p.Run(t.Context(), nil, runnel.OnError(runnel.ContinueOnError), runnel.RunID("r"))
		wantTook(t, "the run", start, time.Hour)
		if !errors.Is(err, one) || !errors.Is(err, two) {
			t.Errorf("error %v, want both failures", err)
		}
		failure, _ := errors.AsType[*runnel.RunError](err)
		if failure == nil || len(failure.Tasks) != 2 || failure.RunID != "r" {
			t.Fatalf("error %#v, want a *RunError over two tasks", err)
		}
		for i, want := range []struct {
			task    string
			attempt int
		}{{"a", 1}, {"b", 2}} {
			got := failure.Tasks[i]
			if got.Task != want.task || got.Attempt != want.attempt || !strings.HasPrefix(got.Location, "mode_test.go:") && !strings.HasPrefix(got.Location, "run_test.go:") {
				t.Errorf("failure %d is %+v, want task %s, attempt %d, with its location: in the order in which they failed", i, got, want.task, want.attempt)
			}
		}
		for name, want := range map[string]runnel.State{"a": runnel.Failed, "a2": runnel.Skipped, "a3": runnel.Skipped, "b": runnel.Failed, "c": runnel.Succeeded, "c2": runnel.Succeeded} {
			wantState(t, res.Report(), name, want)
		}
		if got := taskReport(t, res.Report(), "a3").Reason; got != `its input "a2" is missing: task "a2" was skipped` {
			t.Errorf("the reason of the second skip is %q", got)
		}
		if got := res.Report(); got.State != runnel.Failed || got.Err != err {
			t.Errorf("the run is %v with %v", got.State, got.Err)
		}
	})
}

func TestSkipFailedReturnsNoErrorButReportsTheFailure(t *testing.T) {
	boom := errors.New("boom")
	p := pipelineOf(t, step("bad", nil, failsWith(boom, 0)), step("next", from("bad"), works), step("good", nil, works))
	res, err := p.Run(t.Context(), nil, runnel.OnError(runnel.SkipFailed))
	if err != nil {
		t.Fatalf("SkipFailed returned %v", err)
	}
	r := res.Report()
	if r.State != runnel.Succeeded || r.Err != nil {
		t.Errorf("the run is %v with %v, want succeeded: it returned no error", r.State, r.Err)
	}
	if got := taskReport(t, r, "bad"); got.State != runnel.Failed || got.Err != boom {
		t.Errorf("the failed task is %v with %v, want failed in every mode", got.State, got.Err)
	}
	if r.Totals.Failed != 1 || r.Totals.Skipped != 1 || r.Totals.Succeeded != 1 {
		t.Errorf("totals %+v", r.Totals)
	}
}

func TestRunErrorText(t *testing.T) {
	fail := func(n int) error {
		var tasks []runnel.AnyTask
		for i := range n {
			tasks = append(tasks, step(fmt.Sprintf("t%02d", i), nil, failsWith(fmt.Errorf("reason %d", i), 0)))
		}
		p := runnel.NewPipeline(runnel.PipelineName("nightly")).Add(tasks...)
		_, err := p.Run(t.Context(), nil, runnel.RunID("r7"), runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(1))
		return err
	}
	one := fail(1).Error()
	if want := `runnel: run r7 of pipeline "nightly": task "t00" (run_test.go:`; !strings.HasPrefix(one, want) || !strings.HasSuffix(one, ") failed: reason 0") {
		t.Errorf("one failure reads %q, want it on one line after %q", one, want)
	}
	many := strings.Split(fail(14).Error(), "\n")
	if many[0] != `runnel: run r7 of pipeline "nightly": 14 tasks failed` || len(many) != 12 || many[11] != "  and 4 more" {
		t.Errorf("many failures read\n%s\nwant a line each for ten, then the count of the rest", strings.Join(many, "\n"))
	}
}
