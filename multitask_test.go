package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
)

type split struct {
	Train  []int
	TestID string `runnel:"test_set"`
	Note   string `runnel:"-"`
	secret int
	More
}

type More struct{ Count int }

func splitter(opts ...runnel.TaskOption) *runnel.Task[struct{ N int }, split] {
	return runnel.NewMultiTask(func(_ context.Context, in struct{ N int }) (split, error) {
		if in.N < 0 {
			return split{}, errors.New("negative")
		}
		return split{Train: []int{in.N}, TestID: fmt.Sprint(in.N), Note: "not an output", secret: 1, More: More{in.N}}, nil
	}, opts...)
}

func TestEachFieldOfTheOutputStructIsAnOutput(t *testing.T) {
	task := splitter()
	if got, want := task.Outputs(), []string{"train", "test_set", "count"}; !slices.Equal(got, want) || task.Name() != "train" {
		t.Fatalf("task %q with outputs %q, want train with %q", task.Name(), got, want)
	}
	if name := splitter(runnel.Name("splitter")).Name(); name != "splitter" {
		t.Errorf("name %q, want that of Name", name)
	}
	user := runnel.NewTask("used", runnel.Pure(func(in struct {
		TestSet string
		Count   int
	}) string {
		return fmt.Sprint(in.TestSet, in.Count)
	}))
	res := mustRun(t, pipelineOf(t, user, task), runnel.Values{"n": 4})
	want := map[string]any{"train": []int{4}, "test_set": "4", "count": 4, "used": "44"}
	if got := res.Outputs(); !reflect.DeepEqual(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	got, err := task.Get(res)
	if wantStruct := (split{Train: []int{4}, TestID: "4", More: More{4}}); err != nil || !reflect.DeepEqual(got, wantStruct) {
		t.Errorf("Get gave %+v, %v, want the struct with its outputs %+v", got, err, wantStruct)
	}
}

func TestAsRenamesThePrimaryOutput(t *testing.T) {
	task := splitter()
	other := task.As("fit").Bind("n", "m")
	if got := task.Outputs(); got[0] != "train" {
		t.Fatalf("the original has outputs %q now", got)
	}
	if got, want := other.Outputs(), []string{"fit", "test_set", "count"}; !slices.Equal(got, want) || other.Name() != "fit" {
		t.Fatalf("the copy %q has outputs %q, want fit with %q", other.Name(), got, want)
	}
	got, err := other.Get(mustRun(t, pipelineOf(t, other), runnel.Values{"m": 1}))
	if err != nil || !slices.Equal(got.Train, []int{1}) || got.TestID != "1" {
		t.Errorf("Get of the copy gave %+v, %v", got, err)
	}
	wantProblems(t, buildProblems(t, task.As("count")), `it produces data "count" twice: rename one of its outputs`)
	wantProblems(t, buildProblems(t, task, other),
		`task "train" (multitask_test.go:…it produces data "count", which task "fit" (multitask_test.go:…) produces too: give one of them another name with As`,
		`task "train" (multitask_test.go:…it produces data "test_set", which task "fit"`)
}

func TestGetOfSeveralOutputsOfAFailedTask(t *testing.T) {
	task := splitter()
	res, err := pipelineOf(t, task).Run(t.Context(), runnel.Values{"n": -1})
	if err == nil {
		t.Fatal("no error")
	}
	got, err := task.Get(res)
	if !errors.Is(err, runnel.ErrNotProduced) || !reflect.DeepEqual(got, split{}) {
		t.Errorf("Get gave %+v, %v, want nothing and ErrNotProduced", got, err)
	}
}

func TestWrongOutputStructsAreProblems(t *testing.T) {
	type twice struct {
		A int
		B int `runnel:"a"`
	}
	type optional struct {
		C int `runnel:",optional"`
		D runnel.Opt[int]
		E int `runnel:",default=1"`
	}
	type none struct{ hidden int }
	type badTag struct {
		F int `runnel:"f,x"`
	}
	var null func(context.Context, nothing) (More, error)
	_ = none{hidden: 1}
	wantProblems(t, buildProblems(t,
		runnel.NewMultiTask(takesTo[string, More]),
		runnel.NewMultiTask(takesTo[nothing, twice], runnel.Name("1")),
		runnel.NewMultiTask(takesTo[nothing, optional], runnel.Name("2")),
		runnel.NewMultiTask(takesTo[nothing, none], runnel.Name("3")),
		runnel.NewMultiTask(takesTo[nothing, int], runnel.Name("4")),
		runnel.NewMultiTask(takesTo[nothing, badTag], runnel.Name("5")),
		runnel.NewMultiTask(null, runnel.Name("6")).As("sum"),
	),
		`task "1"…outputs: fields A and B both name data "a": give one of them another name with a runnel tag`,
		`task "2"…output "c" cannot be optional or have a default: a task always produces its outputs`,
		`task "2"…output "d" cannot be optional`,
		`task "2"…output "e" cannot be optional`,
		`task "3"…runnel_test.none has no exported field, so the task would have no output: export a field for each output, or use NewTask`,
		`task "4"…the output must be a struct with a field for each output, got int: use NewTask for a single value`,
		`task "5"…outputs: field F: unknown tag option "x"`,
		`task "6"…the function is nil: give one`,
		`task "count"…the input must be a struct with a field for each input, got string`,
	)
}

func takesTo[In, Out any](context.Context, In) (Out, error) { return *new(Out), nil }

func TestOneStructAsOutputAndInput(t *testing.T) {
	// The same type is taken apart and filled by one worker in turn.
	type pair struct{ A, B int }
	first := runnel.NewMultiTask(runnel.Pure(func(nothing) pair { return pair{1, 2} }))
	swap := runnel.NewMultiTask(runnel.Pure(func(p pair) pair { return pair{p.B, p.A} })).As("x")
	swapped := runnel.NewRegistry().Register(first).Register(runnel.NewTask("sum", runnel.Pure(func(p pair) pair { return pair{p.B, p.A} })))
	p, err := swapped.Build()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := runnel.Get[pair](mustRun(t, p, nil, runnel.MaxParallel(1)), "sum"); err != nil || got != (pair{2, 1}) {
		t.Errorf("got %+v, %v, want {2 1}", got, err)
	}
	wantProblems(t, buildProblems(t, first, swap), `task "x" (multitask_test.go:…produces data "b", which task "a" (multitask_test.go:…) produces too`)
}
