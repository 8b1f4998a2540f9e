package runnel_test

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// onNumbers is the input of many mapped tasks here.
type onNumbers struct {
	N int `runnel:"numbers[i]"`
}

// mapTo declares a mapped task that does nothing.
func mapTo[In, Out any](output string, opts ...runnel.TaskOption) *runnel.MapTask[In, Out] {
	return runnel.NewMapTask(output, func(context.Context, In) (out Out, err error) { return }, opts...)
}

func TestMapDeclarationProblems(t *testing.T) {
	for what, c := range map[string]struct {
		task runnel.AnyTask
		want []string
	}{
		"no axis": {mapTo[onNumbers, int]("squares"), []string{
			`output "squares" names no axis to map over: write "squares[i]", with the axes of the inputs, or declare it with NewTask`}},
		"an axis that no input carries": {mapTo[onNumbers, int]("x[i,j]"), []string{
			`output "x[i,j]" has axis j, which no input carries: tag an input with it, as in ` + "`runnel:\"items[j]\"`"}},
		"no input at all": {mapTo[struct{}, int]("x[i]"), []string{
			`output "x[i]" has axis i, which no input carries`}},
		"an axis that the output lacks": {mapTo[struct {
			A int `runnel:"a[i]"`
			B int `runnel:"b[j]"`
		}, int]("x[i]"), []string{
			`input "b[j]" (B) has axis j, which output "x[i]" lacks: add it there, or take the whole of the data by a name without it`}},
		"brackets left open": {mapTo[onNumbers, int]("x[i"), []string{
			`output: "x[i": axes stand in one pair of brackets at the end of the name, as in "x[i,j]"`}},
		"brackets in the middle": {mapTo[onNumbers, int]("x[i]y"), []string{`output: "x[i]y": axes stand in one pair of brackets`}},
		"an empty axis":          {mapTo[onNumbers, int]("x[]"), []string{`output: "x[]": an axis is named by letters and digits`}},
		"an axis twice":          {mapTo[onNumbers, int]("x[i,i]"), []string{`output: "x[i,i]": axis i stands twice: a diagonal cannot be taken`}},
		"no name":                {mapTo[onNumbers, int]("[i]"), []string{`output: a data name must not be empty`}},
		"a bad name":             {mapTo[onNumbers, int](" x[i]"), []string{`output: data name " x" begins or ends with a space`}},
		"a bad input": {mapTo[struct {
			N int `runnel:"numbers[i"`
			M int `runnel:"m[i]"`
		}, int]("x[i]"), []string{`field N: "numbers[i": axes stand in one pair of brackets at the end of the name, as in "numbers[i,j]"`}},
		"no function": {runnel.NewMapTask[onNumbers, int]("x[i]", nil), []string{`the function is nil: give one`}},
		"no struct":   {mapTo[int, int]("x[i]"), []string{`output "x[i]" has axis i, which no input carries`, `the input must be a struct with a field for each input, got int`}},
		"brackets in As": {mapTo[onNumbers, int]("x[i]").As("y[i]"), []string{
			`As: data name "y[i]" has brackets…drop them`}},
		"brackets in Bind": {mapTo[onNumbers, int]("x[i]").Bind("numbers", "y[i]"), []string{
			`Bind: data name "y[i]" has brackets…drop them`}},
		"one input twice": {mapTo[struct {
			A int `runnel:"a[i]"`
			B int `runnel:"a[i]"`
		}, int]("x[i]"), []string{`fields A and B both name data "a[i]"`}},
		"an embedded struct with axes": {mapTo[struct {
			Base `runnel:"[i]"`
			N    int `runnel:"numbers[i]"`
		}, int]("x[i]"), []string{`field Base: an embedded struct counts as its fields`}},
		"a negative limit": {mapTo[onNumbers, int]("x[i]", runnel.MaxParallel(-1)), []string{`MaxParallel must be 0 or more, got -1`}},
	} {
		t.Run(what, func(t *testing.T) { wantProblems(t, buildProblems(t, c.task), c.want...) })
	}
}

func TestAxesBelongToMappedTasksOnly(t *testing.T) {
	type out struct {
		A []int `runnel:"a[i]"`
	}
	for what, c := range map[string]struct {
		task runnel.AnyTask
		want string
	}{
		"NewTask, input":       {runnel.NewTask("x", takes[onNumbers]), `input "numbers[i]" (N) names an axis, along which a mapped task runs once for each element: declare it with NewMapTask, or drop the brackets`},
		"NewTask, output":      {runnel.NewTask("x[i]", takes[struct{ N int }]), `output: data name "x[i]" has brackets, which name an axis…declare it with NewMapTask`},
		"NewMultiTask, input":  {runnel.NewMultiTask(takesTo[onNumbers, struct{ A int }]), `input "numbers[i]" (N) names an axis…`},
		"NewMultiTask, output": {runnel.NewMultiTask(takesTo[struct{ N int }, out]), `"a[i]"`},
		"Func":                 {runnel.Func("x", func(int) int { return 0 }, runnel.Inputs("numbers[i]")), `data name "numbers[i]" has brackets`},
		"MaxParallel":          {runnel.NewTask("x", takes[struct{ N int }], runnel.MaxParallel(3)), `MaxParallel limits the elements of a mapped task, and this one has none: give it to Run`},
	} {
		t.Run(what, func(t *testing.T) { wantProblems(t, buildProblems(t, c.task), c.want) })
	}
	// Of a pipeline's defaults, each task takes what is about it.
	p := runnel.NewPipeline(runnel.Defaults(runnel.MaxParallel(3))).Add(runnel.NewTask("x", takes[struct{ N int }]), mapTo[onNumbers, int]("y[i]"))
	if err := p.Build(); err != nil {
		t.Errorf("MaxParallel in Defaults is about the mapped tasks, got %v", err)
	}
}

func TestElementTypesAreCheckedWhenBuilt(t *testing.T) {
	produce := func(task runnel.AnyTask) runnel.AnyTask { return task }
	for what, c := range map[string]struct {
		from runnel.AnyTask
		want string // a part of the problem; empty: it fits
	}{
		"slice":        {produce(runnel.NewTask("numbers", constant([]int(nil)))), ""},
		"array":        {produce(runnel.NewTask("numbers", constant([4]int{}))), ""},
		"sequence":     {produce(runnel.NewTask("numbers", constant(iter.Seq[int](nil)))), ""},
		"any":          {produce(runnel.NewTask("numbers", constant(any(nil)))), ""},
		"slice of any": {produce(runnel.NewTask("numbers", constant([]any(nil)))), ""},
		"mapped": {produce(mapTo[struct {
			X string `runnel:"x[k]"`
		}, int]("numbers[k]")), ""},
		"slice of other elements": {produce(runnel.NewTask("numbers", constant([]string(nil)))), `(N) wants int, but task "numbers" (…) produces string`},
		"mapped, other elements": {produce(mapTo[struct {
			X string `runnel:"x[k]"`
		}, float64]("numbers[k]")), `(N) wants int, but task "numbers" (…) produces float64`},
		"mapped over two axes": {produce(mapTo[struct {
			X string `runnel:"x[k]"`
			Y string `runnel:"y[l]"`
		}, int]("numbers[k,l]")), `(N) wants int, but task "numbers" (…) produces []int`},
		"a single value": {produce(runnel.NewTask("numbers", constant(7))), `input "numbers[i]" (N) takes elements, which needs a slice, an array or an iter.Seq, but there is int, which task "numbers"`},
		"a map":          {produce(runnel.NewTask("numbers", constant(map[int]int{}))), `but there is map[int]int, which task "numbers"`},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := runnel.FromTasks(c.from, mapTo[onNumbers, int]("out[i]"))
			if c.want == "" {
				if err != nil {
					t.Errorf("it fits, got %v", err)
				}
				return
			}
			wantProblems(t, asBuildError(t, err).Problems, c.want)
		})
	}
	// Too few levels for two axes; the whole of a mapped output.
	wantProblems(t, buildProblems(t, runnel.NewTask("m", constant([]int(nil))), mapTo[struct {
		M int `runnel:"m[i,j]"`
	}, int]("out[i,j]")), `input "m[i,j]" (M) takes elements, which needs 2 levels of slices or arrays, but there is []int`)
	wantProblems(t, buildProblems(t, mapTo[onNumbers, int]("squares[i]"), runnel.NewTask("sum", takes[struct{ Squares []float64 }])),
		`input "squares" (Squares) wants []float64, but task "squares" (…) produces []int`)
}

func TestConsumersOfOneExternalAgreeOnItsElements(t *testing.T) {
	one := mapTo[onNumbers, int]("one[i]")
	if _, err := runnel.FromTasks(one, mapTo[struct {
		X int `runnel:"numbers[a]"`
	}, int]("two[a]"), runnel.NewTask("all", takes[struct{ Numbers []int }])); err != nil {
		t.Errorf("elements and the whole of one type agree, got %v", err)
	}
	wantProblems(t, buildProblems(t, one, mapTo[struct {
		X string `runnel:"numbers[a]"`
	}, int]("two[a]")), `external input has one type…`)
	wantProblems(t, buildProblems(t, one, runnel.NewTask("all", takes[struct{ Numbers []string }])), `wants…int…external input has one type`)
	// What one of them needs cannot be what the other needs, though both say int.
	got := buildProblems(t, one, runnel.NewTask("single", takes[struct{ Numbers int }]))
	wantProblems(t, got, `[]int…external input has one type`)
	if strings.Contains(got[0].String(), "another type of that name") {
		t.Errorf("an int and elements of a []int are told apart by the whole type, got %s", got[0])
	}
	err := runnel.NewPipeline(runnel.External[[]int]("numbers")).Add(one).Build()
	if err != nil {
		t.Errorf("a declared []int has int elements, got %v", err)
	}
	if err := runnel.NewPipeline(runnel.External[int]("numbers")).Add(one).Build(); err == nil || !strings.Contains(err.Error(), "[]int") {
		t.Errorf("a declared int has no elements, got %v", err)
	}
}

func TestExternalElementsAreCheckedAtRun(t *testing.T) {
	p := pipelineOf(t, mapTo[onNumbers, int]("out[i]"))
	type numbers []int
	for _, v := range []any{[]int{1}, numbers{1}, [2]int{}, slices.Values([]int{1}), []any{1}, []int(nil)} {
		if _, err := p.Run(t.Context(), runnel.Values{"numbers": v}); err != nil {
			t.Errorf("%T has int elements, got %v", v, err)
		}
	}
	for _, v := range []any{1, nil, []string{}, [][]int{}, map[int]int{}, "text", &[1]int{}, make(chan int), []*int{}} {
		name := "nil"
		if v != nil {
			name = reflect.TypeOf(v).String()
		}
		wantProblems(t, inputProblems(t, p, runnel.Values{"numbers": v}), `input "numbers" must be []int, got `+name+`: task "out" (`)
	}
	wantProblems(t, inputProblems(t, p, nil), `input "numbers"…is missing: task "out"`)
	two := pipelineOf(t, mapTo[struct {
		M float64 `runnel:"m[i,j]"`
	}, int]("out[i,j]"))
	wantProblems(t, inputProblems(t, two, runnel.Values{"m": []float64{1}}), `input "m" must be [][]float64, got []float64`)
	wantProblems(t, inputProblems(t, two, nil), `input "m" of type [][]float64 is missing`)
}

func TestMappedTaskInListingsAndTheGraph(t *testing.T) {
	score := mapTo[struct {
		LR    float64 `runnel:"lr[i]"`
		Batch int     `runnel:"batch[j]"`
		Seed  int
	}, float64]("score[i,j]")
	if got := score.Inputs(); !slices.Equal(got, []string{"lr", "batch", "seed"}) {
		t.Errorf("inputs %q, want the data names", got)
	}
	if score.Name() != "score" || !slices.Equal(score.Outputs(), []string{"score"}) || !strings.HasPrefix(score.Location(), "mapbuild_test.go:") {
		t.Errorf("name %q, outputs %q, location %q", score.Name(), score.Outputs(), score.Location())
	}
	g, err := pipelineOf(t, score).Graph()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]reflect.Type{
		"score": reflect.TypeFor[[][]float64](),
		"lr":    reflect.TypeFor[[]float64](),
		"seed":  reflect.TypeFor[int](),
	} {
		if d, ok := g.Data(name); !ok || d.Type != want {
			t.Errorf("data %q is %v in the graph, want the type of the whole, %v", name, d.Type, want)
		}
	}
	for _, want := range []string{"score[i,j]", "lr[i]", "batch[j]"} {
		if !strings.Contains(g.String(), want) {
			t.Errorf("the text of the graph lacks %q:\n%s", want, g)
		}
	}
}

func TestCycleThroughMappedTasks(t *testing.T) {
	a := mapTo[struct {
		B int `runnel:"b[i]"`
	}, int]("a[i]")
	b := mapTo[struct {
		A int `runnel:"a[i]"`
	}, int]("b[i]")
	wantProblems(t, buildProblems(t, a, b), `circular flow…"a"…"b"`)
}
