package runnel_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// here is the place of its caller.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file[strings.LastIndex(file, "/")+1:], line)
}

// Each pair stands on one line: the task and the line itself.
var (
	varTask, varPlace   = runnel.NewTask("var", constant(1)), here()
	copyTask, copyPlace = runnel.NewTask("var", constant(1)).As("copy"), here()
	varGeneric, varLine = doubled[int]("generic"), "declare_test.go"
)

func TestLocationIsTheLineOfTheDeclaration(t *testing.T) {
	for _, c := range []struct {
		task runnel.AnyTask
		want string
	}{
		{varTask, varPlace},
		{copyTask, copyPlace},
		{runnel.NewTask("t", constant(1)), here()},
		{runnel.NewMultiTask(takesTo[nothing, More]), here()},
		{runnel.Func("f", func() int { return 1 }), here()},
		{runnel.Func("f", nil), here()},
		{runnel.NewValuesTask("v", nil, nil, nil), here()},
		{runnel.NewMapTask("m[i]", takesTo[onNumbers, int]), here()},
		{runnel.NewMultiMapTask(takesTo[onNumbers, More]), here()},
		{runnel.NewExpandTask("e[i,k]", takesTo[onNumbers, []int]), here()},
		{runnel.Each("e", "numbers", takesTo[int, int]), here()},
		{runnel.Fold("f", "numbers", 0, func(context.Context, int, int) (int, error) { return 0, nil }), here()},
		{runnel.Literal("l", 1), here()},
		{runnel.Nest[nothing, int]("n", nil, ""), here()},
		{func() runnel.AnyTask { return runnel.NewTask("in a closure", constant(1)) }(), here()},
		{genericly[string](), genericPlace},
		{genericly[int](), genericPlace},
	} {
		if got := c.task.Location(); got != c.want {
			t.Errorf("%s: location %s, want %s", c.task.Name(), got, c.want)
		}
	}
	if got := varGeneric.Location(); !strings.HasPrefix(got, varLine+":") {
		t.Errorf("location %s, want the line in %s that calls NewTask", got, varLine)
	}
}

var genericPlace string

func genericly[T any]() runnel.AnyTask {
	var zero T
	genericPlace = here()[:len("location_test.go:")] + fmt.Sprint(lineOf()+1)
	return runnel.NewTask("generic", constant(zero))
}

func lineOf() int {
	_, _, line, _ := runtime.Caller(1)
	return line
}

func TestCopiesKeepThePlaceOfTheirOriginal(t *testing.T) {
	type in struct{ A int }
	task := runnel.NewTask("t", takes[in])
	fn := runnel.Func("f", func(a int) int { return a }, runnel.Inputs("a"))
	values := runnel.NewValuesTask("v", from("a"), from("v"), returns(nil))
	multi := splitter()
	for _, c := range []struct{ original, copied runnel.AnyTask }{
		{task, task.As("x")},
		{task, task.Bind("a", "x")},
		{task, task.As("x").Bind("a", "y").As("z")},
		{fn, fn.As("x")},
		{fn, fn.Bind("a", "x")},
		{values, values.As("x")},
		{values, values.Bind("a", "x")},
		{multi, multi.As("x")},
	} {
		if got, want := c.copied.Location(), c.original.Location(); got != want {
			t.Errorf("copy of %s at %s, want %s", c.original.Name(), got, want)
		}
	}
	r := runnel.NewRegistry().Register(task, runnel.As("other"), runnel.Meta("k", 1))
	if got := r.Tasks()[0].Location(); got != task.Location() {
		t.Errorf("registered copy at %s, want %s", got, task.Location())
	}
}
