package runnel_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

type halves struct {
	Left  string `runnel:"left[i]"`
	Right []byte `runnel:"right[i]"`
}

func halve() *runnel.MapTask[onDocs, halves] {
	return runnel.NewMultiMapTask(func(_ context.Context, in onDocs) (halves, error) {
		left, right, ok := strings.Cut(in.Doc, "|")
		if !ok {
			return halves{}, errFlaky
		}
		return halves{left, []byte(right)}, nil
	})
}

func TestMappedTasksWithSeveralOutputs(t *testing.T) {
	next := runnel.NewMapTask("next[i]", runnel.Pure(func(in struct {
		Left  string `runnel:"left[i]"`
		Right []byte `runnel:"right[i]"`
	}) string {
		return in.Left + "-" + string(in.Right)
	}))
	letters := runnel.NewMapTask("letters[i,k]", runnel.Pure(func(in struct {
		Letter byte   `runnel:"right[i,k]"`
		Left   string `runnel:"left[i]"`
	}) string {
		return in.Left + string(in.Letter)
	}))
	whole := runnel.NewTask("whole", runnel.Pure(func(in struct {
		Left  []string
		Right [][]byte
	}) int {
		return len(in.Left) + len(in.Right)
	}))
	p := pipelineOf(t, halve(), next, letters, whole)
	in := runnel.Values{"docs": []string{"a|bc", "d|", "e|f"}}
	wantWhole(t, p, in, "left", []string{"a", "d", "e"})
	wantWhole(t, p, in, "right", [][]byte{[]byte("bc"), {}, []byte("f")})
	wantWhole(t, p, in, "next", []string{"a-bc", "d-", "e-f"})
	wantWhole(t, p, in, "letters", [][]string{{"ab", "ac"}, {}, {"ef"}})
	wantWhole(t, p, in, "whole", 6)
	got, err := halve().Get(mustRun(t, p, in))
	if want := []halves{{"a", []byte("bc")}, {"d", []byte{}}, {"e", []byte("f")}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Get is %q, %v, want %q", got, err, want)
	}
	if got := halve().Outputs(); !slices.Equal(got, []string{"left", "right"}) || halve().Name() != "left" {
		t.Errorf("task %q has outputs %q", halve().Name(), got)
	}
	wantWhole(t, pipelineOf(t, halve().As("port").Bind("docs", "files")), runnel.Values{"files": []string{"x|"}}, "port", []string{"x"})

	// An element that fails has none of them.
	in = runnel.Values{"docs": []string{"a|b", "cd"}}
	res, err := p.Run(t.Context(), in, runnel.OnError(runnel.ContinueOnError))
	if !errors.Is(err, errFlaky) || !strings.Contains(err.Error(), "left[1]") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"left", "next"} {
		part, err := runnel.Get[runnel.Partial[string]](res, name)
		if err != nil || len(part.Values) != 2 || part.Values[0] == "" || len(part.Errs) != 1 || part.Errs[1] == nil {
			t.Errorf("%s has %v, %v", name, part, err)
		}
	}
	if _, err := halve().Get(res); !errors.Is(err, runnel.ErrNotProduced) {
		t.Errorf("Get with a failed element is %v", err)
	}
	// Other ways to make an element.
	other := halve().When(func(in onDocs) bool { return in.Doc != "" }).
		Fallback(func(_ context.Context, in onDocs, _ error) (halves, error) { return halves{in.Doc, nil}, nil })
	wantWhole(t, pipelineOf(t, other), in, "left", []string{"a", "cd"})
}

func TestMultiMapDeclarationProblems(t *testing.T) {
	type in = onDocs
	for what, c := range map[string]struct {
		task runnel.AnyTask
		want []string
	}{
		"no axis": {runnel.NewMultiMapTask(takesTo[in, struct {
			A int
			B int `runnel:"b[i]"`
		}]), []string{"output \"a\" names no axis to map over: tag it as in `runnel:\"a[i]\"`, or declare the task with NewMultiTask"}},
		"different axes": {runnel.NewMultiMapTask(takesTo[in, struct {
			A int `runnel:"a[i]"`
			B int `runnel:"b[j]"`
		}]), []string{`output "b[j]" has other axes than output "a[i]": one call makes an element of each`}},
		"an axis that nobody carries": {runnel.NewMultiMapTask(takesTo[in, struct {
			A int `runnel:"a[i,j]"`
		}]), []string{`output "a[i,j]" has axis j, which no input carries`}},
		"optional": {runnel.NewMultiMapTask(takesTo[in, struct {
			A int `runnel:"a[i],optional"`
		}]), []string{`output "a" cannot be optional`}},
		"no struct":   {runnel.NewMultiMapTask(takesTo[in, int]), []string{`the output must be a struct with a field for each output, got int: use NewMapTask`}},
		"no fields":   {runnel.NewMultiMapTask(takesTo[in, struct{}]), []string{`has no exported field`}},
		"no function": {runnel.NewMultiMapTask[in, halves](nil), []string{`the function is nil`}},
		"a plain one with axes": {runnel.NewMultiTask(takesTo[struct{ N int }, halves]), []string{
			`output "left[i]" names an axis, but this task works on whole values: drop the brackets, or declare it with NewMultiMapTask`, `output "right[i]"`}},
	} {
		t.Run(what, func(t *testing.T) { wantProblems(t, buildProblems(t, c.task), c.want...) })
	}
}
