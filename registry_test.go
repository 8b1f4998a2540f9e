package runnel_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
)

func namesOf(tasks []runnel.AnyTask) []string {
	names := []string{}
	for _, task := range tasks {
		names = append(names, task.Name())
	}
	return names
}

func TestRegistryAnswersQuestions(t *testing.T) {
	tasks, _ := chainOf()
	all := tasks()
	r := runnel.NewRegistry()
	for _, task := range all {
		if r.Register(task) != r {
			t.Error("Register does not return its registry")
		}
	}
	r.Register(runnel.NewValuesTask("save", from("tags", "features", "folder"), nil, returns(nil)))

	if got, want := namesOf(r.Tasks()), from("features", "tags", "save"); !slices.Equal(got, want) {
		t.Errorf("tasks %q, want %q in order of registration", got, want)
	}
	if r.Tasks()[0] != all[0] {
		t.Error("a task that is registered without options is not the task itself")
	}
	if got, ok := r.Producer("tags"); !ok || got != all[1] {
		t.Errorf("producer of tags is %v, %t", got, ok)
	}
	for _, name := range []string{"paths", "save", "tag", ""} {
		if got, ok := r.Producer(name); ok || got != nil {
			t.Errorf("producer of %q is %v, want none", name, got)
		}
	}
	if got := namesOf(r.Consumers("features")); !slices.Equal(got, from("tags", "save")) {
		t.Errorf("consumers %q", got)
	}
	if got := r.Consumers("nothing"); len(got) != 0 {
		t.Errorf("consumers %q of nothing", namesOf(got))
	}
	if got := r.ExternalInputs(); !slices.Equal(got, from("folder", "paths")) {
		t.Errorf("external inputs %q", got)
	}
	if got := r.Outputs(); !slices.Equal(got, from("features", "tags")) {
		t.Errorf("outputs %q", got)
	}
	r.Tasks()[0] = nil
	if r.Tasks()[0] == nil {
		t.Error("a change to what Tasks returned changed the registry")
	}
	r.Clear()
	if len(r.Tasks())+len(r.Outputs())+len(r.ExternalInputs())+len(r.Consumers("tags")) != 0 {
		t.Error("something is left after Clear")
	}
}

func TestRegisterOverrulesTheDeclaration(t *testing.T) {
	type in struct{ Paths []string }
	task := runnel.NewTask("features", runnel.Pure(func(i in) int { return len(i.Paths) }),
		runnel.Name("extract"), runnel.Describe("old"), runnel.Meta("owner", "a"), runnel.Meta("kept", 1), runnel.Retries(5))
	r := runnel.NewRegistry(runnel.PipelineName("audio")).Register(task,
		runnel.As("mir"), runnel.Bind("paths", "files"), runnel.Name("mir extract"), runnel.Describe("new"),
		runnel.Meta("owner", "b"), runnel.Needs(runnel.Resources{CPU: 2}), runnel.Retries(0))
	got := r.Tasks()[0]
	if got.Name() != "mir extract" || !slices.Equal(got.Outputs(), from("mir")) || !slices.Equal(got.Inputs(), from("files")) || got.Description() != "new" || got.Resources().CPU != 2 {
		t.Errorf("registered as %q (%q): %q → %q, %v", got.Name(), got.Description(), got.Inputs(), got.Outputs(), got.Resources())
	}
	if want := map[string]any{"owner": "b", "kept": 1}; !reflect.DeepEqual(got.Meta(), want) {
		t.Errorf("meta %v, want %v", got.Meta(), want)
	}
	if task.Name() != "extract" || !slices.Equal(task.Outputs(), from("features")) || task.Meta()["owner"] != "a" || task.Description() != "old" {
		t.Errorf("registering changed the task itself: %q → %q, %v", task.Name(), task.Outputs(), task.Meta())
	}
	p, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "audio" {
		t.Errorf("pipeline %q, want the registry's options", p.Name())
	}
	res := mustRun(t, p, runnel.Values{"files": []string{"x"}})
	if n, err := runnel.Get[int](res, "mir"); err != nil || n != 1 {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestRegistryBuildsWhatIsThereByThen(t *testing.T) {
	tasks, _ := chainOf()
	all := tasks()
	r := runnel.NewRegistry().Register(all[0])
	first, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	r.Register(all[1])
	second, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	r.Clear()
	first.Add(runnel.NewTask("more", constant(1)))
	for p, want := range map[*runnel.Pipeline]string{first: "[features more]", second: "[features tags]"} {
		if got := fmt.Sprint(namesOf(p.Tasks())); got != want {
			t.Errorf("tasks %s, want %s: a built pipeline stands by itself", got, want)
		}
		mustRun(t, p, runnel.Values{"paths": []string{"a"}})
	}
	_, err = r.Build()
	if e := asBuildError(t, err); !strings.Contains(e.Error(), "it has no tasks") || !strings.Contains(e.Error(), "Register") {
		t.Errorf("error %v, want one that names Register", e)
	}
}

func TestRegistryReportsMistakesWhenItBuilds(t *testing.T) {
	task := runnel.NewTask("n", takes[struct{ A int }])
	r := runnel.NewRegistry().
		Register(nil).
		Register((*runnel.FuncTask)(nil), runnel.Name("x")).
		Register(task, runnel.As("o[i]"), runnel.Bind("b", "c"), runnel.Retries(-1), nil).
		Register(task).Register(task)
	if got := namesOf(r.Tasks()); len(got) != 3 {
		t.Errorf("tasks %q, want those that are not nil", got)
	}
	p, err := r.Build()
	if p != nil {
		t.Error("a pipeline came with the error")
	}
	wantProblems(t, asBuildError(t, err).Problems,
		`task 1 of 5 is nil: give a task made by NewTask or another constructor`,
		`task 2 of 5 is nil`,
		`the task was added twice: add it once, or add a copy made with As`,
		`As: data name "o[i]" has brackets`,
		`Bind("b", "c"): the task has no input "b", only "a"`,
		`Register`,
		`Retries must be 0 or more, got -1`)
}

func TestRegistryWithSeveralProducersGivesTheFirst(t *testing.T) {
	a, b := runnel.NewTask("n", constant(1)), runnel.NewTask("n", constant(2))
	r := runnel.NewRegistry().Register(a).Register(b)
	if got, ok := r.Producer("n"); !ok || got != runnel.AnyTask(a) {
		t.Error("want the first of two producers")
	}
	if _, err := r.Build(); err == nil {
		t.Error("two producers build")
	}
}

func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	r := runnel.NewRegistry()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				name := fmt.Sprintf("t%d_%d", g, i)
				r.Register(step(name, from("in"), func(context.Context) error { return nil }), runnel.Meta("g", g))
				if _, ok := r.Producer(name); !ok {
					t.Errorf("%s is not there after it was registered", name)
				}
				r.Consumers("in")
				r.ExternalInputs()
				if _, err := r.Build(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(r.Tasks()); got != 200 {
		t.Errorf("%d tasks, want 200", got)
	}
}
