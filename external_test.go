package runnel_test

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

type speaker interface{ Speak() string }

type cat struct{ name string }

func (c cat) Speak() string { return c.name + " says meow" }

type dog struct{ name string }

func (d *dog) Speak() string { return d.name + " says woof" }

// inputProblems are the problems of inputs that a pipeline must not run on.
func inputProblems(t testing.TB, p *runnel.Pipeline, in runnel.Values, opts ...runnel.RunOption) []runnel.Problem {
	t.Helper()
	res, err := p.Run(t.Context(), in, opts...)
	if res != nil {
		t.Error("a run that did not start has a result")
	}
	if _, err := p.Start(t.Context(), in, opts...); fmt.Sprint(err) != fmt.Sprint(asInputError(t, err)) {
		t.Errorf("Start gave %v, want what Run gives", err)
	}
	return asInputError(t, err).Problems
}

func TestMissingInputsNameTheirConsumers(t *testing.T) {
	type one struct{ Paths []string }
	type two struct {
		Paths []string
		Alpha float64
		Extra int `runnel:",optional"`
	}
	p := pipelineOf(t,
		runnel.NewTask("b", takes[two]),
		runnel.NewTask("a", takes[one]),
		runnel.NewTask("alphas", constant(1.0)),
	)
	wantProblems(t, inputProblems(t, p, nil),
		`input "alpha" of type float64 is missing: task "b" (external_test.go:…) needs it, and no task produces it; if it should come from a task, correct the name (did you mean "alphas"?)`,
		`input "paths" of type []string is missing: tasks "a" (external_test.go:…), "b" (external_test.go:…) need it, and no task produces it`)
}

func TestMissingInputOfManyTasksNamesTheFirst(t *testing.T) {
	var tasks []runnel.AnyTask
	for i := range 30 {
		tasks = append(tasks, runnel.NewValuesTask(fmt.Sprintf("t%02d", 29-i), from("in"), nil, returns(nil)))
	}
	got := inputProblems(t, pipelineOf(t, tasks...), nil)
	wantProblems(t, got, `tasks "t00" (…, "t09" (…), 20 more need it`)
}

func TestAllWrongInputsAreToldTogether(t *testing.T) {
	calls := 0
	type in struct {
		Path  string
		Count int
		Point More
		Data  []byte
	}
	p := pipelineOf(t, runnel.NewTask("use", runnel.Pure(func(in) int { calls++; return 1 })),
		runnel.NewTask("late", takes[struct{ Use int }]))
	wantProblems(t, inputProblems(t, p, runnel.Values{"pth": "x", "count": "3", "point": nil, "use": 1, "zzz": 1}),
		`input "count" must be int, got string: task "use" (external_test.go:…) takes it`,
		`input "data" of type []uint8 is missing`,
		`input "path" of type string is missing`,
		`input "point" must be runnel_test.More, got nil: task "use" (external_test.go:…) takes it`,
		`input "pth" is unknown: no task consumes it (did you mean "path"?)`,
		`input "use" is produced by task "use" (external_test.go:…): drop it, or hand it over in a DataCache to use it instead`,
		`input "zzz" is unknown: no task consumes it`)
	if calls != 0 {
		t.Error("a task ran on a run that was refused")
	}
}

func TestInputsOfANilableTypeMayBeNil(t *testing.T) {
	type in struct {
		A []int
		B map[string]int
		C *int
		D func()
		E chan int
		F any
		G error
	}
	got := inputOf[in](t, runnel.Values{"a": nil, "b": nil, "c": nil, "d": nil, "e": nil, "f": nil, "g": nil})
	if got.A != nil || got.B != nil || got.C != nil || got.D != nil || got.E != nil || got.F != nil || got.G != nil {
		t.Errorf("got %+v", got)
	}
}

func TestAssignableInputsFit(t *testing.T) {
	type list []string
	type in struct {
		Names  []string
		Reader io.Reader
		List   list
	}
	r := strings.NewReader("x")
	got := inputOf[in](t, runnel.Values{"names": list{"a"}, "reader": r, "list": []string{"b"}})
	if got.Names[0] != "a" || got.List[0] != "b" || got.Reader != io.Reader(r) {
		t.Errorf("got %+v", got)
	}
	p := pipelineOf(t, runnel.NewTask("t", takes[struct{ Speaker speaker }]))
	wantProblems(t, inputProblems(t, p, runnel.Values{"speaker": dog{"rex"}}), `input "speaker" must be runnel_test.speaker, got runnel_test.dog`)
	mustRun(t, p, runnel.Values{"speaker": &dog{"rex"}})
}

func TestConsumersOfOneExternalMustAgree(t *testing.T) {
	asInt := runnel.NewTask("as_int", takes[struct{ N int }])
	asText := runnel.NewTask("as_text", takes[struct{ N string }])
	want := `task "as_text" (external_test.go:…input "n" (N) wants string, but task "as_int" (external_test.go:…) wants int: an external input has one type, so change one of the two, or take other data with Bind`
	wantProblems(t, buildProblems(t, asInt, asText), want)
	wantProblems(t, buildProblems(t, asText, asInt), want)
	// An interface is met by what implements it, and two interfaces by a value that
	// shows only in the run.
	asAny := runnel.NewTask("as_any", takes[struct{ N any }])
	asSpeaker := runnel.NewTask("as_speaker", takes[struct{ N speaker }])
	asCat := runnel.NewTask("as_cat", takes[struct{ N cat }])
	p := pipelineOf(t, asAny, asSpeaker, asCat)
	mustRun(t, p, runnel.Values{"n": cat{"tom"}})
	wantProblems(t, inputProblems(t, p, runnel.Values{"n": &dog{"rex"}}), `input "n" must be runnel_test.cat, got *runnel_test.dog: task "as_cat"`)
	wantProblems(t, buildProblems(t, asSpeaker, asInt), `input "n" (N) wants runnel_test.speaker, but task "as_int" (external_test.go:…) wants int`)
	mustRun(t, pipelineOf(t, runnel.NewTask("r", takes[struct{ F io.Reader }]), runnel.NewTask("w", takes[struct{ F io.Writer }])), runnel.Values{"f": os.Stdout})
}

func TestDeclaredExternalIsHeldAgainstItsConsumers(t *testing.T) {
	use := runnel.NewTask("use", takes[struct{ N int }])
	build := func(opts ...runnel.PipelineOption) error { return runnel.NewPipeline(opts...).Add(use).Build() }
	if err := build(runnel.External[int]("n"), runnel.External[int]("n"), runnel.External[string]("other")); err != nil {
		t.Errorf("what fits, and what nobody consumes: %v", err)
	}
	wantProblems(t, asBuildError(t, build(runnel.External[string]("n"))).Problems,
		`task "use" (external_test.go:…input "n" (N) wants int, but it is declared External as string: an external input has one type`)
	wantProblems(t, asBuildError(t, build(runnel.External[string]("use"))).Problems,
		`task "use" (external_test.go:…it produces data "use", which is declared External: drop the declaration, or rename the output`)
	wantProblems(t, asBuildError(t, build(runnel.External[int]("n"), runnel.External[string]("n"), runnel.External[int](""))).Problems,
		`External "n" is declared as int and as string: keep one of them`,
		`External: the data name must not be empty`)
	// A declaration as interface narrows nothing that its consumers say.
	p := runnel.NewPipeline(runnel.External[any]("n")).Add(use)
	wantProblems(t, inputProblems(t, p, runnel.Values{"n": "x"}), `input "n" must be int, got string: task "use"`)
	// What is declared and not consumed may be supplied.
	p = runnel.NewPipeline(runnel.External[string]("other")).Add(use)
	mustRun(t, p, runnel.Values{"n": 1, "other": "x"})
	if got := p.Externals(); !slices.Equal(got, from("other")) {
		t.Errorf("externals %q", got)
	}
}

func TestStrictWantsEveryExternalDeclaredAndConsumed(t *testing.T) {
	p := runnel.NewPipeline(runnel.Strict(), runnel.External[[]string]("path"), runnel.External[int]("count"), runnel.External[int]("zzz")).Add(
		runnel.NewTask("a", takes[struct {
			Paths []string
			Count int
		}]),
		runnel.NewTask("b", takes[struct {
			Paths []string
			Limit int `runnel:",optional"`
		}]))
	wantProblems(t, asBuildError(t, p.Build()).Problems,
		`External "path" is consumed by no task (did you mean "paths"?): drop the declaration, or correct its name`,
		`External "zzz" is consumed by no task: drop the declaration`,
		`task "a" (external_test.go:…nobody produces its input "paths" (Paths), and it is not declared External (did you mean "path"?): declare it, or correct its name`,
		`task "b" (external_test.go:…nobody produces its input "limit" (Limit), and it is not declared External: declare it, or correct its name`)
	ok := runnel.NewPipeline(runnel.Strict(), runnel.External[int]("n")).Add(runnel.NewTask("a", takes[struct{ N int }]))
	mustRun(t, ok, runnel.Values{"n": 1})
}

func TestTargetsAskOnlyForWhatTheyNeed(t *testing.T) {
	p := pipelineOf(t,
		runnel.NewTask("a", takes[struct{ X int }]),
		runnel.NewTask("b", takes[struct{ X, Y int }]))
	got := inputProblems(t, p, nil, runnel.Targets("a"))
	wantProblems(t, got, `input "x" of type int is missing: task "a" (external_test.go:…) needs it`)
	if strings.Contains(got[0].Text, `"b"`) {
		t.Errorf("%s: b is not in the run", got[0])
	}
	wantProblems(t, inputProblems(t, p, runnel.Values{"x": 1}), `input "y" of type int is missing: task "b" (`)
	mustRun(t, p, runnel.Values{"x": 1, "y": 2}, runnel.Targets("a"))
}
