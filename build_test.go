package runnel_test

import (
	"fmt"
	htmltemplate "html/template"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/runnelflow/runnel"
)

func TestEmptyPipelineNamesTheWaysToFillIt(t *testing.T) {
	_, err := runnel.FromTasks()
	for _, e := range []error{err, runnel.NewPipeline().Build(), new(runnel.Pipeline).Build()} {
		got := asBuildError(t, e)
		wantProblems(t, got.Problems, `it has no tasks: give them to FromTasks…or call Add before Build, Run or Graph`)
		if !strings.HasPrefix(got.Error(), "runnel: the pipeline cannot be built: it has no tasks") {
			t.Errorf("error %q", got)
		}
	}
	p := runnel.NewPipeline()
	if _, err := p.Run(t.Context(), nil); err == nil {
		t.Error("an empty pipeline runs")
	}
	if _, err := p.Graph(); err == nil {
		t.Error("an empty pipeline has a graph")
	}
	if text := p.String(); !strings.Contains(text, "it has no tasks") {
		t.Errorf("an empty pipeline prints as %q", text)
	}
}

// wrapped is somebody's own type around a task.
type wrapped struct{ runnel.AnyTask }

func TestNothingInPlaceOfATaskIsAProblem(t *testing.T) {
	var task *runnel.Task[nothing, int]
	wantProblems(t, buildProblems(t, nil, task, runnel.NewTask("n", constant(1)), (*runnel.ValuesTask)(nil), new(runnel.FuncTask), wrapped{}),
		`task 1 of 6 is nil: give a task made by NewTask or another constructor`,
		`task 2 of 6 is nil`, `task 4 of 6 is nil`, `task 5 of 6 is nil`, `task 6 of 6 is nil`)
	mustRun(t, pipelineOf(t, wrapped{runnel.NewTask("n", constant(1))}), nil)
}

func TestSameTaskTwiceIsRefused(t *testing.T) {
	task := runnel.NewTask("n", constant(1))
	wantProblems(t, buildProblems(t, task, task, runnel.NewTask("m", constant(1)), task),
		`task "n" (build_test.go:…the task was added twice: add it once, or add a copy made with As`,
		`the task was added twice`)
	wantProblems(t, buildProblems(t, task, wrapped{task}), `the task was added twice`)
	mustRun(t, pipelineOf(t, task, task.As("other")), nil)
}

func TestTwoProducersAreRefused(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.NewTask("n", constant(1), runnel.Name("b")), runnel.NewTask("n", constant(2), runnel.Name("a"))),
		`task "b" (build_test.go:…it produces data "n", which task "a" (build_test.go:…) produces too: give one of them another name with As`)
	// One line for one mistake, though the names are the same as well.
	wantProblems(t, buildProblems(t, runnel.NewTask("n", constant(1)), runnel.NewTask("n", constant(2))), `which task "n" (build_test.go:`)
	wantProblems(t, buildProblems(t, runnel.NewTask("n", constant(1)), runnel.NewTask("n", constant(2)), runnel.NewTask("n", constant(3))),
		`it produces data "n"`, `it produces data "n"`)
}

func TestTwoTasksOfOneNameAreRefused(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.NewTask("a", constant(1), runnel.Name("same")), runnel.NewTask("b", constant(2), runnel.Name("same"))),
		`task "same" (build_test.go:…another task (build_test.go:…) has the same name: give one of them a Name of its own`)
}

func TestTypesThatDoNotFitNameBothSides(t *testing.T) {
	wantProblems(t, buildProblems(t,
		runnel.NewTask("features", constant([]float64{})),
		runnel.NewTask("stats", takes[struct {
			F []float32 `runnel:"features"`
		}])),
		`task "stats" (build_test.go:…input "features" (F) wants []float32, but task "features" (build_test.go:…) produces []float64: change one of the types, or take other data with Bind`)
	// Not assignable: an interface to a concrete type, int to int64, a pointer to
	// its element, an Opt around another type.
	for _, pair := range [][2]runnel.AnyTask{
		{runnel.NewTask("x", constant[speaker](nil)), runnel.NewTask("y", takes[struct{ X cat }])},
		{runnel.NewTask("x", constant(1)), runnel.NewTask("y", takes[struct{ X int64 }])},
		{runnel.NewTask("x", constant(&cat{})), runnel.NewTask("y", takes[struct{ X cat }])},
		{runnel.NewTask("x", constant("")), runnel.NewTask("y", takes[struct{ X runnel.Opt[int] }])},
		{runnel.NewTask("x", constant(dog{})), runnel.NewTask("y", takes[struct{ X speaker }])},
		{runnel.NewTask("x", constant(1)), runnel.NewTask("y", takes[struct {
			X string `runnel:",optional"`
		}])},
	} {
		wantProblems(t, buildProblems(t, pair[0], pair[1]), `task "y" (build_test.go:…input "x" (X) wants`)
	}
}

func TestTypesOfOneNameAreToldApart(t *testing.T) {
	consumer := runnel.NewTask("page", takes[struct{ T *htmltemplate.Template }])
	wantProblems(t, buildProblems(t, runnel.NewTask("t", constant(template.Template{})), runnel.NewTask("page", takes[struct{ T htmltemplate.Template }])),
		`wants html/template.Template, but task "t" (…produces text/template.Template:`)
	wantProblems(t, buildProblems(t, runnel.NewTask("t", constant(new(template.Template))), consumer),
		`wants *html/template.Template, but task "t" (…produces *text/template.Template:`)
	wantProblems(t, buildProblems(t, runnel.NewTask("t", constant(map[string][]template.Template{})), runnel.NewTask("page", takes[struct {
		T map[string][]htmltemplate.Template
	}])), `wants map[string][]html/template.Template, but…produces map[string][]text/template.Template:`)
}

func TestAssignableTypesFit(t *testing.T) {
	type list []int
	kitten := runnel.NewTask("cat", constant(cat{"tom"}))
	heard := runnel.NewTask("heard", runnel.Pure(func(in struct {
		Cat speaker
	}) string {
		return in.Cat.Speak()
	}))
	named := runnel.NewTask("list", constant(list{1, 2}))
	plain := runnel.NewTask("first", runnel.Pure(func(in struct{ List []int }) int { return in.List[1] }))
	nobody := runnel.NewTask("nobody", constant[speaker](nil))
	asAny := runnel.NewTask("any", runnel.Pure(func(in struct {
		Cat    any
		Nobody any
	}) string {
		return fmt.Sprintf("%T %v", in.Cat, in.Nobody)
	}))
	got := mustRun(t, pipelineOf(t, kitten, heard, named, plain, asAny, nobody), nil).Outputs()
	if got["heard"] != "tom says meow" || got["first"] != 2 || got["any"] != "runnel_test.cat <nil>" {
		t.Errorf("outputs %v", got)
	}
}

func TestProducerOfAnyIsCheckedWhenTheValueIsThere(t *testing.T) {
	use := runnel.NewTask("use", runnel.Pure(func(in struct{ N int }) int { return in.N }))
	good := runnel.NewTask("n", constant[any](3))
	if got, err := use.Get(mustRun(t, pipelineOf(t, good, use), nil)); err != nil || got != 3 {
		t.Errorf("got %d, %v", got, err)
	}
	_, err := pipelineOf(t, runnel.NewTask("n", constant[any]("three"), runnel.Retries(2)), use).Run(t.Context(), nil)
	for _, part := range []string{`task "use" (build_test.go:`, `input "n" (N) from task "n" (build_test.go:`, "want int, got string", "hand over that type"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
	// The producer's other consumers have taken nothing of it.
	speaking := runnel.NewTask("speaking", takes[struct{ N speaker }])
	if _, err = pipelineOf(t, good, speaking).Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "want runnel_test.speaker, got int") {
		t.Errorf("error %v", err)
	}
}

func localA() runnel.AnyTask {
	type local struct{ A int }
	return runnel.NewTask("x", constant(local{}))
}

func localB() runnel.AnyTask {
	type local struct{ B int }
	return runnel.NewTask("y", takes[struct{ X local }])
}

func TestTypesOfTwoFunctionsAreToldApart(t *testing.T) {
	wantProblems(t, buildProblems(t, localA(), localB()),
		`wants github.com/runnelflow/runnel_test.local (another type of that name), but…produces github.com/runnelflow/runnel_test.local:`)
}

// noop is a task between data of which nothing is known.
func noop(name string, inputs, outputs []string, opts ...runnel.TaskOption) *runnel.ValuesTask {
	return runnel.NewValuesTask(name, inputs, outputs, returns(nil), opts...)
}

func TestCycleIsPrintedWhole(t *testing.T) {
	wantProblems(t, buildProblems(t,
		noop("c", from("y"), from("z")),
		noop("a", from("z", "in"), from("x")),
		noop("b", from("x"), from("y")),
		noop("d", from("z"), nil)),
		`task "a" (build_test.go:…circular flow: "a" (build_test.go:…) —x→ "b" (build_test.go:…) —y→ "c" (build_test.go:…) —z→ "a": break it by taking one of these data from elsewhere`)
	wantProblems(t, buildProblems(t, noop("a", from("x"), from("x"))), `circular flow: "a" (build_test.go:…) —x→ "a":`)
	wantProblems(t, buildProblems(t, noop("a", from("p", "q"), from("x")), noop("b", from("x"), from("p", "q"))), `"a" (…) —x→ "b" (…) —p, q→ "a"`)
	wantProblems(t, buildProblems(t, noop("a", nil, nil, runnel.After("b")), noop("b", nil, nil, runnel.After("a"))), `circular flow: "a" (…) —After→ "b" (…) —After→ "a"`)
	wantProblems(t, buildProblems(t, noop("a", nil, from("x"), runnel.After("b")), noop("b", from("x"), nil)), `circular flow: "a" (…) —x→ "b" (…) —After→ "a"`)
	// An optional input is an edge like others.
	wantProblems(t, buildProblems(t, runnel.NewTask("a", takes[struct {
		A bool `runnel:",optional"`
	}])), `circular flow: "a" (…) —a→ "a"`)
}

func TestEveryCycleIsReported(t *testing.T) {
	wantProblems(t, buildProblems(t,
		noop("a", from("b"), from("a")), noop("b", from("a"), from("b")),
		noop("c", from("d", "a"), from("c")), noop("d", from("c"), from("d")),
		noop("e", from("e"), from("e"))),
		`circular flow: "a" (…) —a→ "b" (…) —b→ "a"`, `circular flow: "c" (…) —c→ "d" (…) —d→ "c"`, `circular flow: "e" (…) —e→ "e"`)
}

func TestAfterNamesTasks(t *testing.T) {
	wantProblems(t, buildProblems(t,
		runnel.NewTask("features", constant(1), runnel.Name("extract")),
		noop("a", nil, nil, runnel.After("extrct")),
		noop("b", nil, nil, runnel.After("features")),
		noop("c", nil, nil, runnel.After("c"))),
		`task "a" (build_test.go:…After("extrct"): no task has that name (did you mean "extract"?)`,
		`task "b" (build_test.go:…After("features"): no task has that name: it is data of task "extract", so name that one`,
		`task "c" (build_test.go:…After("c"): a task cannot wait for itself: name another one`)
}

// everythingWrong are tasks with a problem of each kind.
func everythingWrong() []runnel.AnyTask {
	twice := runnel.NewTask("twice", constant(1))
	return []runnel.AnyTask{
		twice, twice,
		runnel.NewTask("n", constant(1), runnel.Name("n1")),
		runnel.NewTask("n", constant("two"), runnel.Name("n2")),
		runnel.NewTask("n", constant(3.0), runnel.Name("n3")),
		runnel.NewTask("use", takes[struct{ N int }]),
		runnel.NewTask("same1", constant(1), runnel.Name("same")),
		runnel.NewTask("same2", constant(1), runnel.Name("same")),
		runnel.NewTask("same3", constant(1), runnel.Name("same")),
		runnel.NewTask("ext1", takes[struct{ X int }]),
		runnel.NewTask("ext2", takes[struct{ X string }]),
		runnel.NewTask("ext3", takes[struct{ X speaker }]),
		runnel.NewTask("ext4", takes[struct{ X cat }]),
		runnel.NewTask("ext5", takes[struct{ X string }]),
		noop("c1", from("c3"), from("c1")), noop("c2", from("c1"), from("c2")), noop("c3", from("c2", "c4"), from("c3")),
		noop("c4", from("c1"), from("c4")),
		noop("loop", from("loop"), from("loop")),
		noop("after", nil, nil, runnel.After("nobody")),
		runnel.NewTask("options", constant(1), runnel.Retries(-1), runnel.Timeout(-1)),
		runnel.NewTask("b[r]", constant(1)),
		runnel.Func("fn", func(int) int { return 0 }),
		runnel.NewTask("undeclared", takes[struct{ Pathz int }]),
	}
}

func TestAllProblemsAreToldTogetherInAnyOrderOfRegistration(t *testing.T) {
	tasks := everythingWrong()
	build := func() *runnel.BuildError {
		return asBuildError(t, runnel.NewPipeline(runnel.PipelineName("p"), runnel.Strict(),
			runnel.External[int]("paths"), runnel.External[int]("x"), runnel.External[int]("use")).Add(tasks...).Build())
	}
	first := build()
	for _, part := range []string{
		"added twice", `it produces data "n", which task "n1"`, `task "n3"`, "another task", `wants string, but it is declared External as int`,
		"circular flow", `"loop"`, "After(", "Retries must", "Timeout must", "has brackets", "Go does not keep parameter names",
		`not declared External (did you mean "paths"?)`, `produces data "use", which is declared External`, `consumed by no task (did you mean "pathz"?)`,
	} {
		if !strings.Contains(first.Error(), part) {
			t.Errorf("%s\nwithout %q", first, part)
		}
	}
	if head := fmt.Sprintf("runnel: pipeline \"p\" cannot be built: %d problems\n  ", len(first.Problems)); !strings.HasPrefix(first.Error(), head) {
		t.Errorf("error %q, want the number of problems first", first)
	}
	for range 50 {
		rand.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
		if again := build(); again.Error() != first.Error() {
			t.Fatalf("in another order of registration:\n%s\ninstead of\n%s", again, first)
		}
	}
}

func TestOrderOfRegistrationDoesNotMatter(t *testing.T) {
	tasks := []runnel.AnyTask{
		runnel.NewTask("a", runnel.Pure(func(in struct{ X int }) int { return in.X + 1 })),
		runnel.NewTask("b", runnel.Pure(func(in struct{ A int }) int { return in.A * 2 })),
		runnel.NewTask("c", runnel.Pure(func(in struct{ A, B int }) int { return in.A + in.B })),
		runnel.NewTask("d", constant("d"), runnel.After("c")),
	}
	var text, print string
	for range 20 {
		rand.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
		p := pipelineOf(t, tasks...)
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		if text == "" {
			text, print = g.String(), g.Fingerprint()
		}
		if g.String() != text || g.Fingerprint() != print {
			t.Fatalf("the graph depends on the order of registration:\n%s\n%s", text, g)
		}
		if got := fmt.Sprint(mustRun(t, p, runnel.Values{"x": 1}).Outputs()); got != "map[a:2 b:4 c:6 d:d]" {
			t.Fatalf("outputs %s", got)
		}
	}
}

func TestNothingRunsOnABadGraph(t *testing.T) {
	ran := false
	p := runnel.NewPipeline().Add(
		runnel.NewTask("a", runnel.Pure(func(nothing) int { ran = true; return 1 })),
		runnel.NewTask("b", takes[struct{ A string }]))
	_, err := p.Run(t.Context(), nil)
	asBuildError(t, err)
	_, err = p.Start(t.Context(), nil)
	asBuildError(t, err)
	if ran {
		t.Error("a task ran")
	}
}

func TestAddIsForLaterRuns(t *testing.T) {
	p := runnel.NewPipeline().Add(runnel.NewTask("a", constant(1)))
	before := mustRun(t, p, nil)
	if p.Add(runnel.NewTask("b", runnel.Pure(func(in struct{ A int }) int { return in.A + 1 }))) != p {
		t.Error("Add does not return its pipeline")
	}
	after := mustRun(t, p, nil)
	if len(before.Outputs()) != 1 || len(after.Outputs()) != 2 {
		t.Errorf("outputs %v and %v, want one before Add and two after", before.Outputs(), after.Outputs())
	}
	p.Add(runnel.NewTask("a", constant(2)))
	if err := p.Build(); err == nil {
		t.Error("a second producer that is added later builds")
	}
	if got := before.Outputs(); got["a"] != 1 {
		t.Errorf("outputs %v of a run before", got)
	}
}

func TestAddWhileRunsGoOn(t *testing.T) {
	p := runnel.NewPipeline().Add(step("t0", nil, works))
	const adders, each = 2, 20
	var wg sync.WaitGroup
	for g := range adders {
		wg.Go(func() {
			for i := range each {
				p.Add(step(fmt.Sprintf("t%d_%d", g, i), from("t0"), works))
				if err := p.Build(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			last := 0
			for last < 1+adders*each {
				res, err := p.Run(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if got := len(res.Outputs()); got < last {
					t.Errorf("%d outputs after %d: a later run has fewer tasks", got, last)
					return
				} else if got == last && last == 0 {
					t.Error("no outputs")
					return
				} else {
					last = got
				}
				if _, err := p.Graph(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestOnePipelineOfATaskDoesNotShowInAnother(t *testing.T) {
	shared := runnel.NewTask("n", runnel.Pure(func(in struct {
		X int `runnel:",default=1"`
	}) int {
		return in.X
	}))
	alone := pipelineOf(t, shared)
	fed := pipelineOf(t, shared, runnel.NewTask("x", constant(5)))
	for p, want := range map[*runnel.Pipeline]int{alone: 1, fed: 5} {
		if got, err := shared.Get(mustRun(t, p, nil)); err != nil || got != want {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
}

// largeGraphs are graphs of n tasks.
func largeGraphs(n int) map[string][]runnel.AnyTask {
	type in struct{ A, B int }
	add := runnel.Pure(func(i in) int { return i.A + i.B })
	shapes := map[string][]runnel.AnyTask{}
	task := func(shape string, i, a, b int) {
		name := func(i int) string {
			if i < 0 {
				return "start"
			}
			return fmt.Sprintf("t%d", i)
		}
		shapes[shape] = append(shapes[shape], runnel.NewTask(name(i), add).Bind("a", name(a)).Bind("b", name(b)))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		task("chain", i, i-1, i-1)
		task("fan", i, -1, min(0, i-1))
		task("random", i, r.IntN(i+1)-1, r.IntN(i+1)-1)
	}
	slices.Reverse(shapes["chain"]) // the order that recursion would like least
	return shapes
}

func TestLargeGraphsBuildWithoutRecursion(t *testing.T) {
	const n = 100_000
	// Room for no stack that grows with the graph.
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 18))
	for shape, tasks := range largeGraphs(n) {
		p, err := runnel.FromTasks(tasks...)
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		g, err := p.Graph()
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		if got := len(g.Nodes()); got != n {
			t.Errorf("%s: %d nodes, want %d", shape, got, n)
		}
		if shape == "chain" {
			if got := len(g.Levels()); got != n {
				t.Errorf("%d levels, want %d", got, n)
			}
			// Closed to a ring.
			tasks[n-1] = runnel.NewTask("t0", takesTo[struct{ N int }, int]).Bind("n", fmt.Sprintf("t%d", n-1))
			problems := buildProblems(t, tasks...)
			if len(problems) != 1 || strings.Count(problems[0].Text, "→") != n {
				t.Errorf("%d problems for a ring, want one with the whole path", len(problems))
			}
		}
	}
}

// BenchmarkBuild shows by its ns/task that building is linear.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		for shape, tasks := range largeGraphs(n) {
			b.Run(fmt.Sprintf("%s/%d", shape, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := runnel.FromTasks(tasks...); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/task")
			})
		}
	}
}
