package runnel_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func TestWrongOptionsAreProblemsOfTheBuild(t *testing.T) {
	for _, c := range []struct {
		option runnel.TaskOption
		want   string
	}{
		{runnel.Name(""), "Name must not be empty: drop it to name the task after its first output"},
		{runnel.Name(" \t"), "Name must not be empty"},
		{runnel.Retries(-1), "Retries must be 0 or more, got -1: 0 makes one attempt"},
		{runnel.RetryIf(nil), "RetryIf: the function is nil: drop the option to try again whatever the error"},
		{runnel.RetryDelay(-1), "RetryDelay must be 0 or more, got -1ns: 0 tries again at once"},
		{runnel.RetryMaxDelay(-time.Second), "RetryMaxDelay must be 0 or more, got -1s: 0 lifts the cap"},
		{runnel.MaxRetryTime(math.MinInt64), "MaxRetryTime must be 0 or more, got -"},
		{runnel.Timeout(-time.Minute), "Timeout must be 0 or more, got -1m0s: 0 lifts it"},
		{runnel.RetryBackoff(0.99), "RetryBackoff must be a finite factor of 1 or more, got 0.99: 1 keeps the delay constant"},
		{runnel.RetryBackoff(-2), "got -2"},
		{runnel.RetryBackoff(math.NaN()), "got NaN"},
		{runnel.RetryBackoff(math.Inf(1)), "got +Inf"},
		{runnel.Needs(runnel.Resources{CPU: -1}), "Needs must be finite numbers of 0 or more, got CPU -1 and MemoryMB 0: leave out what is not known"},
		{runnel.Needs(runnel.Resources{MemoryMB: -0.5}), "MemoryMB -0.5"},
		{runnel.Needs(runnel.Resources{CPU: math.NaN()}), "CPU NaN"},
		{runnel.Needs(runnel.Resources{MemoryMB: math.Inf(1)}), "MemoryMB +Inf"},
		{nil, "an option is nil: drop it"},
		{runnel.After("nobody"), `After("nobody"): no task has that name`},
		{runnel.After("n"), `After("n"): a task cannot wait for itself`},
		{runnel.After(""), `After(""): the name is empty: name a task, or drop the option`},
	} {
		got := buildProblems(t, runnel.NewTask("n", constant(1), c.option))
		if c.want != "" && strings.HasPrefix(c.want, "Name must") {
			wantProblems(t, got, c.want)
			continue
		}
		wantProblems(t, got, `task "n" (options_test.go:…`+c.want)
	}
}

func TestSeveralWrongOptionsAreToldTogether(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.NewTask("n", constant(1), runnel.Retries(-1), runnel.Timeout(-1), runnel.RetryBackoff(0))),
		"Retries must be", "RetryBackoff must be", "Timeout must be")
}

func TestLimitsOfOptionsAreAllowed(t *testing.T) {
	mustRun(t, pipelineOf(t, runnel.NewTask("n", constant(1),
		runnel.Retries(0), runnel.RetryDelay(0), runnel.RetryBackoff(1), runnel.RetryJitter(false), runnel.RetryMaxDelay(0),
		runnel.MaxRetryTime(0), runnel.Timeout(0), runnel.Needs(runnel.Resources{}), runnel.After(), runnel.Describe(""),
		runnel.Meta("", nil))), nil)
}

func TestResourcesCanBeRead(t *testing.T) {
	want := runnel.Resources{CPU: 0.5, MemoryMB: 200}
	if got := runnel.NewTask("n", constant(1), runnel.Needs(want)).Resources(); got != want {
		t.Errorf("resources %v, want %v", got, want)
	}
}

func TestNilOptionsOfPipelineRegistryAndRunAreProblems(t *testing.T) {
	wantProblems(t, asBuildError(t, runnel.NewPipeline(nil).Add(runnel.NewTask("n", constant(1))).Build()).Problems,
		"an option of the pipeline is nil: drop it")
	_, err := runnel.NewRegistry(nil).Register(runnel.NewTask("n", constant(1)), nil).Build()
	if e := asBuildError(t, err); len(e.Problems) != 2 {
		t.Errorf("problems\n%s, want one of the pipeline's options and one of Register's", problemLines(e.Problems))
	}
	_, err = pipelineOf(t, runnel.NewTask("n", constant(1))).Run(t.Context(), nil, nil)
	asInputError(t, err)
}

func TestDefaultsAreForTasksThatDoNotSayOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("bad")
		count := func(n *int) func(context.Context, nothing) (int, error) {
			return func(context.Context, nothing) (int, error) { *n++; return 0, bad }
		}
		var plain, own, none int
		p := runnel.NewPipeline(runnel.Defaults(runnel.Retries(2), runnel.RetryJitter(false)), runnel.Defaults(runnel.RetryDelay(3*time.Second))).Add(
			runnel.NewTask("plain", count(&plain)),
			runnel.NewTask("own", count(&own), runnel.Retries(4), runnel.RetryDelay(0)),
			runnel.NewTask("none", count(&none), runnel.Retries(0)),
		)
		_, err := p.Run(t.Context(), nil, runnel.OnError(runnel.ContinueOnError))
		if !errors.Is(err, bad) || plain != 3 || own != 5 || none != 1 {
			t.Errorf("%v, called %d, %d and %d times, want 3, 5 and 1", err, plain, own, none)
		}
	})
}

func TestDefaultsLeaveTheTaskItselfAlone(t *testing.T) {
	calls := 0
	task := runnel.NewTask("n", func(context.Context, nothing) (int, error) { calls++; return 0, errors.New("bad") })
	with := runnel.NewPipeline(runnel.Defaults(runnel.Retries(1), runnel.RetryDelay(0))).Add(task)
	if _, err := with.Run(t.Context(), nil); err == nil || calls != 2 {
		t.Errorf("with the default: called %d times, want 2", calls)
	}
	if _, err := pipelineOf(t, task).Run(t.Context(), nil); err == nil || calls != 3 {
		t.Errorf("called %d times in all: a pipeline's default went to another pipeline", calls)
	}
}

func TestMetaInDefaultsAddsKeys(t *testing.T) {
	task := runnel.NewTask("n", constant(1), runnel.Meta("owner", "me"))
	g, err := runnel.NewPipeline(runnel.Defaults(runnel.Meta("owner", "all"), runnel.Meta("site", "here"), runnel.Describe("d"))).Add(task).Graph()
	if err != nil {
		t.Fatal(err)
	}
	n := g.Nodes()[0]
	if want := map[string]any{"owner": "me", "site": "here"}; !reflect.DeepEqual(n.Meta, want) || n.Description != "d" {
		t.Errorf("node has %v and %q, want %v and d", n.Meta, n.Description, want)
	}
}

func TestAfterInDefaultsOrdersAllOthers(t *testing.T) {
	var order []string
	note := func(name string) *runnel.ValuesTask {
		return step(name, nil, func(context.Context) error { order = append(order, name); return nil })
	}
	p := runnel.NewPipeline(runnel.Defaults(runnel.After("setup"))).Add(note("a"), note("setup"), note("b"))
	mustRun(t, p, nil, runnel.MaxParallel(1))
	if len(order) != 3 || order[0] != "setup" {
		t.Errorf("order %q, want setup first", order)
	}
}

func TestDefaultsRefuseWhatBelongsToOneTask(t *testing.T) {
	p := runnel.NewPipeline(runnel.PipelineName("audio"), runnel.Defaults(runnel.Name("all"), runnel.Inputs("a"), runnel.Retries(-3), nil)).Add(
		runnel.NewTask("a", constant(1)), runnel.NewTask("b", constant(1)))
	e := asBuildError(t, p.Build())
	// Once each, however many tasks there are.
	wantProblems(t, e.Problems,
		"Defaults: Inputs(\"a\") belongs to a single task: give it to that one",
		"Defaults: Name(\"all\") belongs to a single task",
		"Defaults: Retries must be 0 or more, got -3",
		"Defaults: an option is nil: drop it")
	if !strings.HasPrefix(e.Error(), `runnel: pipeline "audio" cannot be built: 4 problems`) || e.Pipeline != "audio" {
		t.Errorf("error %q, want it to name the pipeline", e)
	}
}
