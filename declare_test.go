package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// nothing is the input of a task without inputs.
type nothing = struct{}

// constant is a function that returns always the same.
func constant[Out any](v Out) func(context.Context, nothing) (Out, error) {
	return func(context.Context, nothing) (Out, error) { return v, nil }
}

// takes is a function that only takes.
func takes[In any](context.Context, In) (bool, error) { return true, nil }

// buildProblems are the problems of tasks that must not build.
func buildProblems(t testing.TB, tasks ...runnel.AnyTask) []runnel.Problem {
	t.Helper()
	p, err := runnel.FromTasks(tasks...)
	if p != nil {
		t.Error("FromTasks returned a pipeline with its error")
	}
	return asBuildError(t, err).Problems
}

func asBuildError(t testing.TB, err error) *runnel.BuildError {
	t.Helper()
	e, ok := errors.AsType[*runnel.BuildError](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *BuildError", err, err)
	}
	return e
}

func asInputError(t testing.TB, err error) *runnel.InputError {
	t.Helper()
	e, ok := errors.AsType[*runnel.InputError](err)
	if !ok {
		t.Fatalf("error %v (%T), want an *InputError", err, err)
	}
	return e
}

// wantProblems holds problems against the parts that each must contain, in
// order, and against nothing else being there.
func wantProblems(t testing.TB, got []runnel.Problem, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d problems, want %d:\n%s", len(got), len(want), problemLines(got))
	}
	for i, p := range got {
		for _, part := range strings.Split(want[i], "…") {
			if !strings.Contains(p.String(), part) {
				t.Errorf("problem %d is\n  %s\nwithout %q", i, p, part)
			}
		}
	}
}

func problemLines(problems []runnel.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	return b.String()
}

// run is the result of a run that must succeed.
func mustRun(t testing.TB, p *runnel.Pipeline, in runnel.Values, opts ...runnel.RunOption) *runnel.Result {
	t.Helper()
	res, err := p.Run(t.Context(), in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTaskRunsOnItsInputs(t *testing.T) {
	type summary struct{ Total float64 }
	stats := runnel.NewTask("stats", func(_ context.Context, in struct {
		Values []float64
		Scale  float64 `runnel:"factor"`
	}) (summary, error) {
		var s summary
		for _, v := range in.Values {
			s.Total += v * in.Scale
		}
		return s, nil
	})
	if got, want := stats.Inputs(), []string{"values", "factor"}; !slices.Equal(got, want) {
		t.Errorf("inputs %q, want %q", got, want)
	}
	if stats.Name() != "stats" || !slices.Equal(stats.Outputs(), []string{"stats"}) {
		t.Errorf("name %q and outputs %q, want both stats", stats.Name(), stats.Outputs())
	}
	res := mustRun(t, pipelineOf(t, stats), runnel.Values{"values": []float64{1, 2}, "factor": 10.0})
	if got, err := stats.Get(res); err != nil || got.Total != 30 {
		t.Errorf("Get gave %v, %v, want 30", got, err)
	}
}

func TestDeclaringNeverPanicsOrFailsAtOnce(t *testing.T) {
	var none func(context.Context, nothing) (int, error)
	problems := buildProblems(t,
		runnel.NewTask("", constant(1), runnel.Name("a")),
		runnel.NewTask("b[i]", constant(1)),
		runnel.NewTask(" c", constant(1)),
		runnel.NewTask("d,e", constant(1)),
		runnel.NewTask("f", none),
		runnel.NewTask("g", takes[int]),
		runnel.NewTask("h", takes[any]),
		runnel.NewTask("i", takes[*struct{ X int }]),
	)
	wantProblems(t, problems,
		`task " c" (declare_test.go:…data name " c" begins or ends with a space: drop it`,
		`task "a" (declare_test.go:…output: a data name must not be empty`,
		`data name "b[i]" has brackets…drop them`,
		`data name "d,e" has a comma: drop it`,
		`task "f" (declare_test.go:…the function is nil: give one`,
		`the input must be a struct with a field for each input, got int: use struct{ … }, or Func`,
		`must be a struct with a field for each input, got interface {}`,
		`must be a struct with a field for each input, got *struct { X int }`,
	)
}

func TestAdaptersTakeFunctionsWithoutContextOrError(t *testing.T) {
	type in struct{ N int }
	failed := errors.New("odd")
	half := func(i in) (int, error) {
		if i.N%2 != 0 {
			return 0, failed
		}
		return i.N / 2, nil
	}
	p := pipelineOf(t,
		runnel.NewTask("half", runnel.NoContext(half)),
		runnel.NewTask("twice", runnel.NoError(func(_ context.Context, i in) int { return i.N * 2 })),
		runnel.NewTask("square", runnel.Pure(func(i in) int { return i.N * i.N })),
	)
	got := mustRun(t, p, runnel.Values{"n": 6}).Outputs()
	if want := map[string]any{"half": 3, "twice": 12, "square": 36}; !reflect.DeepEqual(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	if _, err := p.Run(t.Context(), runnel.Values{"n": 7}); !errors.Is(err, failed) {
		t.Errorf("error %v, want that of the function", err)
	}
}

func TestAdaptersOfNilAreNil(t *testing.T) {
	wantProblems(t, buildProblems(t,
		runnel.NewTask("a", runnel.NoContext[nothing, int](nil)),
		runnel.NewTask("b", runnel.NoError[nothing, int](nil)),
		runnel.NewTask("c", runnel.Pure[nothing, int](nil)),
	), "the function is nil", "the function is nil", "the function is nil")
}

func TestAsAndBindReturnCopiesAndLeaveTheOriginal(t *testing.T) {
	type in struct{ A, B int }
	original := runnel.NewTask("sum", runnel.Pure(func(i in) int { return i.A - i.B }), runnel.Meta("k", "v"))
	renamed := original.As("total")
	rewired := renamed.Bind("a", "x").Bind("b", "x")
	for _, c := range []struct {
		task          runnel.AnyTask
		name, in, out string
	}{
		{original, "sum", "[a b]", "[sum]"},
		{renamed, "total", "[a b]", "[total]"},
		{rewired, "total", "[x x]", "[total]"},
	} {
		if c.task.Name() != c.name || fmt.Sprint(c.task.Inputs()) != c.in || fmt.Sprint(c.task.Outputs()) != c.out {
			t.Errorf("task %q with %q → %q, want %s, %s, %s", c.task.Name(), c.task.Inputs(), c.task.Outputs(), c.name, c.in, c.out)
		}
		if c.task.Meta()["k"] != "v" {
			t.Errorf("%s lost its metadata", c.name)
		}
	}
	p := pipelineOf(t, original, rewired)
	res := mustRun(t, p, runnel.Values{"a": 5, "b": 3, "x": 9})
	first, _ := original.Get(res)
	second, _ := rewired.Get(res)
	if first != 2 || second != 0 {
		t.Errorf("got %d and %d, want 2 and 0", first, second)
	}
	if _, err := p.Graph(); err != nil {
		t.Errorf("a task that takes the same data twice has no graph: %v", err)
	}
}

func TestBindSwapsInputs(t *testing.T) {
	type in struct{ A, B int }
	task := runnel.NewTask("d", runnel.Pure(func(i in) int { return i.A - i.B })).Bind("a", "t").Bind("b", "a").Bind("t", "b")
	res := mustRun(t, pipelineOf(t, task), runnel.Values{"a": 5, "b": 3})
	if got, err := task.Get(res); err != nil || got != -2 {
		t.Errorf("got %d, %v, want -2", got, err)
	}
}

func TestCopiesOfAWrongTaskHaveProblemsOfTheirOwn(t *testing.T) {
	// Three problems leave room in the slice behind them: the fourth of one copy
	// must not end up in the other.
	wrong := runnel.NewValuesTask("w", []string{"", ""}, []string{"", "o"}, nil)
	a, b := wrong.As(""), wrong.Bind("nope", "x")
	first, second := problemLines(buildProblems(t, a)), problemLines(buildProblems(t, b))
	if !strings.Contains(first, "As:") || strings.Contains(first, "Bind") {
		t.Errorf("problems of the As copy:\n%s", first)
	}
	if strings.Contains(second, "As:") || !strings.Contains(second, "Bind") {
		t.Errorf("problems of the Bind copy:\n%s", second)
	}
	if got := problemLines(buildProblems(t, wrong)); strings.Contains(got, "As:") || strings.Contains(got, "Bind") {
		t.Errorf("problems of the original:\n%s", got)
	}
}

func TestWrongAsAndBindSayWhatIsThere(t *testing.T) {
	task := runnel.NewTask("sum", takes[struct{ A, B int }])
	wantProblems(t, buildProblems(t, task.As("s[i]").Bind("c", "x").Bind("a", "")),
		`As: data name "s[i]" has brackets`,
		`Bind("c", "x"): the task has no input "c", only "a", "b"`,
		`Bind: a data name must not be empty`)
}

func TestMetaCanBeReadEverywhere(t *testing.T) {
	task := runnel.NewTask("n", constant(1), runnel.Meta("owner", "audio"), runnel.Meta("cost", 2), runnel.Meta("cost", 3), runnel.Describe("a number"))
	check := func(where string, meta map[string]any) {
		t.Helper()
		if want := map[string]any{"owner": "audio", "cost": 3}; !reflect.DeepEqual(meta, want) {
			t.Errorf("%s has meta %v, want %v", where, meta, want)
		}
	}
	check("the task", task.Meta())
	task.Meta()["owner"] = "nobody"
	check("the task after a change to what it returned", task.Meta())
	r := runnel.NewRegistry().Register(task)
	found, _ := r.Producer("n")
	check("the registry", found.Meta())
	p, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	check("the node", g.Nodes()[0].Meta)
	if g.Nodes()[0].Description != "a number" || task.Description() != "a number" {
		t.Errorf("description %q, want that of Describe", g.Nodes()[0].Description)
	}
	text, err := g.MarshalJSON()
	if err != nil || !strings.Contains(string(text), `"meta":{"cost":3,"owner":"audio"}`) {
		t.Errorf("JSON is %s, %v, want it with the metadata", text, err)
	}
}

func TestTaskWithoutInputsAndWithLargeValues(t *testing.T) {
	type large [1024]byte
	var v large
	v[1023] = 7
	made := runnel.NewTask("large", constant(v))
	used := runnel.NewTask("last", runnel.Pure(func(in struct{ Large large }) byte { return in.Large[1023] }))
	if got, err := used.Get(mustRun(t, pipelineOf(t, made, used), nil)); err != nil || got != 7 {
		t.Errorf("got %d, %v, want 7", got, err)
	}
}

func TestGenericTasksAreTasksOfTheirTypes(t *testing.T) {
	ints, floats := doubled[int]("ints"), doubled[float64]("floats")
	res := mustRun(t, pipelineOf(t, ints, floats.Bind("n", "x")), runnel.Values{"n": 2, "x": math.Pi})
	i, err1 := ints.Get(res)
	f, err2 := floats.Get(res)
	if i != 4 || f != 2*math.Pi || err1 != nil || err2 != nil {
		t.Errorf("got %v (%v) and %v (%v)", i, err1, f, err2)
	}
}

func doubled[N int | float64](name string) *runnel.Task[struct{ N N }, N] {
	return runnel.NewTask(name, runnel.Pure(func(in struct{ N N }) N { return in.N * 2 }))
}
