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

// returns is a function of a values task that returns always the same.
func returns(v runnel.Values) func(context.Context, runnel.Values) (runnel.Values, error) {
	return func(context.Context, runnel.Values) (runnel.Values, error) { return v, nil }
}

func TestValuesTaskTakesAndReturnsExactlyItsNames(t *testing.T) {
	var got runnel.Values
	task := runnel.NewValuesTask("job", []string{"a", "b"}, []string{"x", "y"}, func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		got = in
		return runnel.Values{"x": in["a"], "y": nil}, nil
	})
	other := runnel.NewValuesTask("other", []string{"c"}, nil, returns(nil))
	res := mustRun(t, pipelineOf(t, task, other), runnel.Values{"a": 1, "b": nil, "c": 3})
	if want := (runnel.Values{"a": 1, "b": nil}); !reflect.DeepEqual(got, want) {
		t.Errorf("the function got %v, want %v", got, want)
	}
	if want := (map[string]any{"x": 1, "y": nil}); !reflect.DeepEqual(res.Outputs(), want) {
		t.Errorf("outputs %v, want %v", res.Outputs(), want)
	}
	if task.Name() != "job" || !slices.Equal(task.Outputs(), []string{"x", "y"}) {
		t.Errorf("task %q with outputs %q", task.Name(), task.Outputs())
	}
}

func TestValuesTaskWithoutInputsAndOutputs(t *testing.T) {
	called := 0
	task := runnel.NewValuesTask("effect", nil, nil, func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		called++
		if len(in) != 0 {
			t.Errorf("got inputs %v, want none", in)
		}
		return nil, nil
	})
	res := mustRun(t, pipelineOf(t, task), nil)
	if called != 1 || len(res.Outputs()) != 0 {
		t.Errorf("called %d times with outputs %v, want once and none", called, res.Outputs())
	}
	wantState(t, res.Report(), "effect", runnel.Succeeded)
}

func TestValuesTaskNamesAreLiteral(t *testing.T) {
	odd := []string{"tracks[i]", "a/b c", "x[", " lead", "with,comma", "ünï\n☃", "["}
	task := runnel.NewValuesTask("job [1] / 2", odd[:3], odd[3:], func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		out := runnel.Values{}
		for _, name := range odd[3:] {
			out[name] = in["tracks[i]"]
		}
		return out, nil
	})
	sink := runnel.NewValuesTask("sink", odd[3:], nil, returns(nil))
	p := pipelineOf(t, sink, task)
	res := mustRun(t, p, runnel.Values{odd[0]: 7, odd[1]: 8, odd[2]: 9})
	for _, name := range odd[3:] {
		if got, err := runnel.Get[int](res, name); err != nil || got != 7 {
			t.Errorf("data %q is %d, %v, want 7", name, got, err)
		}
	}
	g, err := p.Graph()
	if err != nil || len(g.Edges()) != 1 || len(g.ExternalInputs()) != 3 {
		t.Errorf("graph %v, %v: want one edge and three external inputs", g, err)
	}
}

func TestValuesTaskCopiesTakeLiteralNamesToo(t *testing.T) {
	one := runnel.NewValuesTask("one", []string{"in"}, []string{"out"}, func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		return runnel.Values{"out": in["in"]}, nil
	})
	two := one.As("out[2]").Bind("in", "in [2]")
	if got := fmt.Sprintf("%s: %q → %q", one.Name(), one.Inputs(), one.Outputs()); got != `one: ["in"] → ["out"]` {
		t.Errorf("the original is now %s", got)
	}
	// The function keeps its own names; so does the task.
	res := mustRun(t, pipelineOf(t, two), runnel.Values{"in [2]": 5})
	if got, err := runnel.Get[int](res, "out[2]"); err != nil || got != 5 {
		t.Errorf("got %d, %v, want 5", got, err)
	}
	if two.Name() != "one" {
		t.Errorf("the copy is called %q, want its own name one", two.Name())
	}
	wantProblems(t, buildProblems(t, one, two), `another task (valuestask_test.go:…has the same name: give one of them a Name of its own, where it is declared or registered`)
	p, err := runnel.NewRegistry().Register(one).Register(two, runnel.Name("two")).Build()
	if err != nil {
		t.Fatalf("a name given on registering does not mend it: %v", err)
	}
	mustRun(t, p, runnel.Values{"in": 1, "in [2]": 5})
	wantProblems(t, buildProblems(t, one.As("")), "As: a data name must not be empty")
}

func TestValuesTaskOutputsThatAreMissingOrExtraFailByName(t *testing.T) {
	for _, c := range []struct {
		outputs []string
		returns runnel.Values
		want    string
	}{
		{from("x", "y"), runnel.Values{"x": 1}, `the function did not return "y": declared outputs are "x", "y"`},
		{from("x"), nil, `did not return "x"`},
		{from("x"), runnel.Values{"x": 1, "z": 2, "a b": 3}, `returned "a b", "z", which it does not declare: declared outputs are "x"`},
		{from("x"), runnel.Values{"X": 1}, `did not return "x" and returned "X", which it does not declare`},
		{nil, runnel.Values{"x": 1}, `returned "x", which it does not declare: declared outputs are none`},
	} {
		calls := 0
		task := runnel.NewValuesTask("job", nil, c.outputs, func(context.Context, runnel.Values) (runnel.Values, error) {
			calls++
			return c.returns, nil
		}, runnel.Retries(3))
		res, err := pipelineOf(t, task).Run(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `task "job" (valuestask_test.go:`) {
			t.Errorf("error %v, want one with %q and the task", err, c.want)
		}
		if len(res.Outputs()) != 0 {
			t.Errorf("a task that failed left outputs %v", res.Outputs())
		}
		if calls != 1 {
			t.Errorf("called %d times: another attempt cannot mend wrong names", calls)
		}
	}
}

func TestCopyOfAValuesTaskFailsByTheFunctionsNames(t *testing.T) {
	task := runnel.NewValuesTask("job", nil, from("x"), returns(runnel.Values{"renamed": 1})).As("renamed")
	if _, err := pipelineOf(t, task).Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `did not return "x"`) {
		t.Errorf("error %v, want the function to be asked for its own name x", err)
	}
}

func TestWrongValuesTasksAreProblems(t *testing.T) {
	fn := returns(nil)
	wantProblems(t, buildProblems(t,
		runnel.NewValuesTask("", nil, nil, fn),
		runnel.NewValuesTask("b", from(""), from("", ""), fn),
		runnel.NewValuesTask("c", from("x", "x"), from("y", "z", "y"), fn),
		runnel.NewValuesTask("d", nil, nil, nil),
		runnel.NewValuesTask("e", nil, nil, fn).As("x"),
		runnel.NewValuesTask("f", from("p"), nil, fn).Bind("q", "x"),
	),
		`the task's name must not be empty`,
		`input names must not be empty: give each one, or drop it`,
		`output names must not be empty`,
		`output names must not be empty`,
		`input "x" is named twice: drop one`,
		`output "y" is named twice`,
		`the function is nil: give one`,
		`As("x"): the task has no output to rename`,
		`Bind("q", "x"): the task has no input "q", only "p"`,
	)
}

func TestValuesTaskOutputIsCheckedWhenItIsThere(t *testing.T) {
	task := runnel.NewTask("n", takes[struct{ Count int }])
	for _, v := range []any{"three", nil, 3.5} {
		p := pipelineOf(t, task, runnel.NewValuesTask("source", nil, from("count"), returns(runnel.Values{"count": v})))
		_, err := p.Run(t.Context(), nil)
		got := "nil"
		if v != nil {
			got = fmt.Sprintf("%T", v)
		}
		for _, part := range []string{`task "n" (valuestask_test.go:`, `input "count" (Count) from task "source" (valuestask_test.go:`, "want int, got " + got} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("with %v: error %v, want one with %q", v, err, part)
			}
		}
		var failed *runnel.TaskError
		if !errors.As(err, &failed) || failed.Task != "n" {
			t.Errorf("the task that failed is %v, want the one whose input does not fit", failed)
		}
	}
}
