package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

type scaler struct{ by int }

func (s scaler) scale(n int) int                { return n * s.by }
func (s *scaler) scaleErr(n int) (int, error)   { return n * s.by, nil }
func largest[N int | string](a, b N) N          { return max(a, b) }
func joined(sep string, words ...string) string { return strings.Join(words, sep) }

func TestFuncTakesPlainFunctions(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "from the caller")
	tasks := []*runnel.FuncTask{
		runnel.Func("plain", func(n int, s string) string { return fmt.Sprint(n, s) }, runnel.Inputs("n", "s")),
		runnel.Func("with_ctx", func(ctx context.Context, n int) string { return fmt.Sprint(ctx.Value(key{}), n) }, runnel.Inputs("n")),
		runnel.Func("with_err", func(n int) (int, error) { return n + 1, nil }, runnel.Inputs("n")),
		runnel.Func("with_both", func(_ context.Context, n int) (int, error) { return n + 2, nil }, runnel.Inputs("n")),
		runnel.Func("no_inputs", func() int { return 4 }),
		runnel.Func("only_ctx", func(ctx context.Context) string { return runnel.Info(ctx).Task }),
		runnel.Func("variadic", joined, runnel.Inputs("s", "words")),
		runnel.Func("method", scaler{3}.scale, runnel.Inputs("n")),
		runnel.Func("pointer_method", (&scaler{4}).scaleErr, runnel.Inputs("n")),
		runnel.Func("generic", largest[string], runnel.Inputs("s", "plain")),
		runnel.Func("makes_any", func() any { return 5 }),
		runnel.Func("makes_nil", func() (fmt.Stringer, error) { return nil, nil }),
		runnel.Func("takes_any", func(v any) string { return fmt.Sprintf("%T", v) }, runnel.Inputs("makes_any")),
	}
	all := make([]runnel.AnyTask, len(tasks))
	for i, task := range tasks {
		all[i] = task
	}
	res, err := pipelineOf(t, all...).Run(ctx, runnel.Values{"n": 6, "s": "x", "words": []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"plain": "6x", "with_ctx": "from the caller6", "with_err": 7, "with_both": 8, "no_inputs": 4,
		"only_ctx": "only_ctx", "variadic": "axb", "method": 18, "pointer_method": 24, "generic": "x",
		"makes_any": 5, "makes_nil": nil, "takes_any": "int",
	}
	if got := res.Outputs(); !reflect.DeepEqual(got, want) {
		t.Errorf("outputs\n%v, want\n%v", got, want)
	}
	if got, err := runnel.Get[int](res, "with_err"); err != nil || got != 7 {
		t.Errorf("Get gave %d, %v, want 7", got, err)
	}
}

func TestFuncErrorFailsItsTask(t *testing.T) {
	bad := errors.New("bad")
	p := pipelineOf(t, runnel.Func("f", func() (int, error) { return 1, bad }))
	res, err := p.Run(t.Context(), nil)
	if !errors.Is(err, bad) || len(res.Outputs()) != 0 {
		t.Errorf("error %v and outputs %v, want the function's error and none", err, res.Outputs())
	}
}

func TestFuncWithoutInputsShowsTheMend(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.Func("stats", func(context.Context, []int, string) int { return 0 })),
		`task "stats" (functask_test.go:…Go does not keep parameter names: name the data of ([]int, string) with Inputs("…", "…")`)
}

func TestWrongFuncsAreProblems(t *testing.T) {
	var none func(int) int
	one := func(int) int { return 0 }
	wantProblems(t, buildProblems(t,
		runnel.Func("a", nil),
		runnel.Func("b", none),
		runnel.Func("c", one(1)),
		runnel.Func("d", one, runnel.Inputs("x", "y")),
		runnel.Func("e", one, runnel.Inputs()),
		runnel.Func("f", func() {}),
		runnel.Func("g", func() error { return nil }),
		runnel.Func("h", func() (int, string) { return 0, "" }),
		runnel.Func("i", func() (int, string, error) { return 0, "", nil }),
		runnel.Func("j", func(a, b int) int { return 0 }, runnel.Inputs("x", "x")),
		runnel.Func("k", one, runnel.Inputs("x[i]")),
		runnel.Func("l", one, runnel.Inputs("")),
		runnel.Func("m[i]", one, runnel.Inputs("x")),
		runnel.Func("n", func(int, context.Context) int { return 0 }, runnel.Inputs("x")),
	),
		`Func needs a function, got nil`,
		`the function, a func(int) int, is nil: give one`,
		`Func needs a function, got int: hand it over without calling it`,
		`Inputs names 2 data, but the function takes 1: (int)`,
		`Inputs names 0 data, but the function takes 1: (int)`,
		`the function returns no value for output "f": return one, or one and an error`,
		`the function returns no value for output "g"`,
		`the function returns 2 values for one output: return a struct, or declare it with NewMultiTask`,
		`the function returns 2 values for one output`,
		`Inputs names data "x" twice: let the function take it once`,
		`Inputs: data name "x[i]" has brackets`,
		`Inputs: a data name must not be empty`,
		`data name "m[i]" has brackets`,
		`Inputs names 1 data, but the function takes 2: (int, context.Context)`,
	)
}

func TestInputsIsForFunc(t *testing.T) {
	wantProblems(t, buildProblems(t, runnel.NewTask("a", takes[struct{ N int }], runnel.Inputs("n"))),
		"Inputs is for Func: this task's inputs are those of its declaration")
	r := runnel.NewRegistry().Register(runnel.Func("f", func(int) int { return 0 }, runnel.Inputs("a")), runnel.Inputs("b"))
	_, err := r.Build()
	wantProblems(t, asBuildError(t, err).Problems,
		"Inputs belongs to the declaration: take an input from other data with Bind")
}

func TestFuncCopies(t *testing.T) {
	original := runnel.Func("twice", scaler{2}.scale, runnel.Inputs("n"))
	other := original.As("more").Bind("n", "twice")
	if !slices.Equal(original.Inputs(), []string{"n"}) || !slices.Equal(original.Outputs(), []string{"twice"}) {
		t.Errorf("the original is now %q → %q", original.Inputs(), original.Outputs())
	}
	got := mustRun(t, pipelineOf(t, other, original), runnel.Values{"n": 5}).Outputs()
	if want := map[string]any{"twice": 10, "more": 20}; !reflect.DeepEqual(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
}

func TestFuncTypesAreChecked(t *testing.T) {
	wantProblems(t, buildProblems(t,
		runnel.Func("text", func() string { return "" }),
		runnel.Func("more", func(n int) int { return n }, runnel.Inputs("text")),
	), `task "more" (functask_test.go:…input "text" (parameter 1) wants int, but task "text" (functask_test.go:…) produces string: change one of the types, or take other data with Bind`)
}
