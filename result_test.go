package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

func wantGet[T any](t *testing.T, r *runnel.Result, name string, want T) {
	t.Helper()
	if got, err := runnel.Get[T](r, name); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Get[%T](%q) = %v, %v; want %v", want, name, got, err, want)
	}
}

type named string

func (n named) String() string { return "named " + string(n) }

func TestGetIsTyped(t *testing.T) {
	type pair struct {
		Left  int
		Right []string `runnel:"right_side"`
	}
	multi := runnel.NewMultiTask(func(context.Context, struct{}) (pair, error) { return pair{1, from("r")}, nil })
	label := runnel.NewTask("label", func(context.Context, struct{}) (named, error) { return "x", nil })
	iface := runnel.NewTask("iface", func(context.Context, struct{}) (fmt.Stringer, error) { return named("y"), nil })
	nilErr := runnel.NewTask("nothing", func(context.Context, struct{}) (error, error) { return nil, nil })
	plain := runnel.Func("plain", func() float64 { return 2.5 })
	p := pipelineOf(t, multi, label, iface, nilErr, plain, step("v", nil, works))
	res, err := p.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := multi.Get(res); err != nil || !reflect.DeepEqual(got, pair{1, from("r")}) {
		t.Errorf("the task of several outputs gives %+v, %v: want its struct", got, err)
	}
	if got, err := label.Get(res); got != "x" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := nilErr.Get(res); got != nil || err != nil {
		t.Errorf("a nil output of an interface type gives %v, %v", got, err)
	}
	wantGet(t, res, "left", 1)
	wantGet(t, res, "right_side", from("r"))
	wantGet[any](t, res, "label", named("x"))
	wantGet[fmt.Stringer](t, res, "label", named("x"))
	wantGet[fmt.Stringer](t, res, "iface", named("y"))
	wantGet(t, res, "iface", named("y"))
	wantGet(t, res, "plain", 2.5)
	wantGet(t, res, "v", "v")
	want := map[string]any{"left": 1, "right_side": from("r"), "label": named("x"), "iface": named("y"), "nothing": nil, "plain": 2.5, "v": "v"}
	if got := res.Outputs(); !reflect.DeepEqual(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
}

func TestGetSaysWhyThereIsNothing(t *testing.T) {
	p := runnel.NewPipeline(runnel.PipelineName("p")).Add(
		step("stats", from("paths"), works), step("bad", nil, failsWith(io.EOF, 0)), step("skipped", from("bad"), works))
	res, err := p.Run(t.Context(), runnel.Values{"paths": 1}, runnel.OnError(runnel.SkipFailed))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		is   error
		text string
	}{
		"stat":    {runnel.ErrNotProduced, `runnel: data "stat" is not produced: no task of pipeline "p" has that output (did you mean "stats"?)`},
		"zebra":   {runnel.ErrNotProduced, `runnel: data "zebra" is not produced: no task of pipeline "p" has that output`},
		"paths":   {runnel.ErrNotProduced, `runnel: data "paths" is not produced: it is an input of the run`},
		"bad":     {runnel.ErrNotProduced, `runnel: data "bad" is not produced: task "bad" failed`},
		"skipped": {runnel.ErrSkipped, `runnel: data "skipped": task "skipped" was skipped: its input "bad" is missing: task "bad" failed`},
	} {
		got, err := runnel.Get[string](res, name)
		if got != "" || !errors.Is(err, c.is) || err.Error() != c.text {
			t.Errorf("Get of %s: %q, %v; want %s", name, got, err, c.text)
		}
	}
	_, err = runnel.Get[int](res, "stats")
	if err == nil || errors.Is(err, runnel.ErrNotProduced) || errors.Is(err, runnel.ErrSkipped) ||
		err.Error() != `runnel: output "stats" of task "stats": want int, got string: give Get the type that the task produces` {
		t.Errorf("Get of the wrong type: %v", err)
	}
}

func TestGetOfATaskOutsideThePipeline(t *testing.T) {
	stranger := runnel.NewTask("other", func(context.Context, struct{}) (int, error) { return 1, nil })
	res, err := pipelineOf(t, step("a", nil, works)).Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Get(res); !errors.Is(err, runnel.ErrNotProduced) {
		t.Errorf("got %v", err)
	}
	copied := stranger.As("a")
	if _, err := copied.Get(res); err == nil || !strings.Contains(err.Error(), "want int, got string") {
		t.Errorf("a task whose output has another type in the pipeline gave %v", err)
	}
}

func TestGetWithoutAResult(t *testing.T) {
	task := runnel.NewTask("a", func(_ context.Context, in struct{ X int }) (int, error) { return in.X, nil })
	res, err := pipelineOf(t, task).Run(t.Context(), nil)
	if err == nil {
		t.Fatal("the input is missing, but the run has no error")
	}
	if _, err := task.Get(res); !errors.Is(err, runnel.ErrNotProduced) || !strings.Contains(err.Error(), "there is no result") {
		t.Errorf("got %v", err)
	}
}

func TestAProducerOfAnyIsCheckedWhenTheValueIsThere(t *testing.T) {
	consumer := runnel.NewTask("n", func(_ context.Context, in struct{ V int }) (int, error) { return in.V, nil })
	p := pipelineOf(t, consumer, step("v", nil, works)) // v holds a string
	res, err := p.Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), `input "v" (V) from task "v" (run_test.go:`) || !strings.Contains(err.Error(), "want int, got string") {
		t.Errorf("error %v, want both tasks and both types", err)
	}
	if got := taskReport(t, res.Report(), "n"); got.State != runnel.Failed || got.Attempts != 1 {
		t.Errorf("the consumer is %v after %d attempts", got.State, got.Attempts)
	}
}

func TestOutputsOfEveryRunAreApart(t *testing.T) {
	n := 0
	task := runnel.NewTask("n", func(context.Context, struct{}) (int, error) { n++; return n, nil })
	p := pipelineOf(t, task)
	first, err := p.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	first.Outputs()["n"] = 100 // the map is the caller's
	wantGet(t, first, "n", 1)
	wantGet(t, second, "n", 2)
}
