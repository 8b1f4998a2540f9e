package runnel_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
)

// statistics is a pipeline from numbers to their mean.
func statistics(t *testing.T, opts ...runnel.PipelineOption) *runnel.Pipeline {
	t.Helper()
	p := runnel.NewPipeline(opts...).Add(
		runnel.Fold("total", "numbers", 0, func(_ context.Context, acc, n int) (int, error) { return acc + n, nil }),
		runnel.NewTask("count", runnel.Pure(func(in struct{ Numbers []int }) int { return len(in.Numbers) })),
		runnel.NewTask("mean", func(_ context.Context, in struct{ Total, Count int }) (float64, error) {
			if in.Count == 0 {
				return 0, errors.New("no numbers")
			}
			return float64(in.Total) / float64(in.Count), nil
		}, runnel.After("count")))
	if err := p.Build(); err != nil {
		t.Fatal(err)
	}
	return p
}

type numbersInput struct{ Numbers []int }

func TestNestedPipelineIsFlattenedTwice(t *testing.T) {
	left := runnel.Nest[numbersInput, float64]("left", statistics(t), "mean").Bind("numbers", "a")
	right := left.As("right").Bind("a", "b")
	diff := runnel.NewTask("diff", runnel.Pure(func(in struct{ Left, Right float64 }) float64 { return in.Right - in.Left }))
	p, err := runnel.FromTasks(left, right, diff)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1} {
		res, err := p.Run(t.Context(), runnel.Values{"a": []int{1, 2, 3}, "b": []int{10, 20}}, runnel.MaxParallel(limit))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := diff.Get(res); err != nil || v != 13 {
			t.Errorf("got %v, %v, want 13", v, err)
		}
		if v, err := left.Get(res); err != nil || v != 2 {
			t.Errorf("left: got %v, %v, want 2", v, err)
		}
		var names []string
		for _, r := range res.Report().Tasks {
			names = append(names, r.Name)
		}
		slices.Sort(names)
		if want := []string{"diff", "left/count", "left/mean", "left/total", "right/count", "right/mean", "right/total"}; !slices.Equal(names, want) {
			t.Errorf("tasks %v, want %v", names, want)
		}
	}
}

func TestNestedInNested(t *testing.T) {
	middle, err := runnel.FromTasks(
		runnel.Nest[numbersInput, float64]("average", statistics(t), "mean"),
		runnel.NewTask("scaled", runnel.Pure(func(in struct{ Average float64 }) float64 { return in.Average * 10 }), runnel.After("average")))
	if err != nil {
		t.Fatal(err)
	}
	deep := runnel.Nest[numbersInput, float64]("deep", middle, "scaled").Bind("numbers", "input")
	p, err := runnel.FromTasks(deep)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"input": []int{1, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := deep.Get(res); err != nil || v != 20 {
		t.Errorf("got %v, %v, want 20", v, err)
	}
	if _, ok := res.Report().Task("deep/average/mean"); !ok {
		t.Errorf("the innermost task is not under its path:\n%v", res.Report())
	}
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := g.Node("deep/average/mean"); !ok || !slices.Contains(n.After, "deep/average/count") {
		t.Errorf("After inside a nested pipeline must mean its own task, got %v", n.After)
	}
}

// TestAfterOfANestedPipelineNestedAgain: it keeps to its own pipeline.
func TestAfterOfANestedPipelineNestedAgain(t *testing.T) {
	middle, err := runnel.FromTasks(
		runnel.NewTask("first", runnel.Pure(func(struct{}) int { return 1 })),
		runnel.Nest[numbersInput, float64]("average", statistics(t), "mean", runnel.After("first")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := runnel.FromTasks(runnel.Nest[numbersInput, float64]("deep", middle, "average"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := g.Node("deep/average/count"); !ok || !slices.Contains(n.After, "deep/first") {
		t.Errorf("the tasks of the innermost pipeline run after %v, want deep/first", n.After)
	}
}

func TestNestedTasksKeepWhatTheirPipelineGave(t *testing.T) {
	var inner, outer []string
	note := func(list *[]string) runnel.InterceptOption {
		return runnel.Intercept(func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
			*list = append(*list, task.Task)
			return next(ctx)
		})
	}
	calls := 0
	flaky := runnel.NewTask("flaky", func(context.Context, struct{}) (int, error) {
		if calls++; calls < 3 {
			return 0, errors.New("not yet")
		}
		return calls, nil
	}, runnel.RetryDelay(0))
	p := runnel.NewPipeline(note(&inner), runnel.Defaults(runnel.Retries(2))).Add(flaky)
	whole := runnel.NewPipeline(note(&outer)).Add(
		runnel.Nest[struct{}, int]("part", p, "flaky"),
		runnel.NewTask("own", runnel.Pure(func(in struct{ Part int }) int { return in.Part })))
	res, err := whole.Run(t.Context(), nil, runnel.MaxParallel(1))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := res.Report().Task("part/flaky"); r.Attempts != 3 {
		t.Errorf("the nested pipeline's Defaults must count, got %d attempts", r.Attempts)
	}
	if want := []string{"part/flaky", "part/flaky", "part/flaky"}; !slices.Equal(inner, want) {
		t.Errorf("the nested pipeline's interceptors saw %v, want %v", inner, want)
	}
	if want := []string{"part/flaky", "part/flaky", "part/flaky", "own"}; !slices.Equal(outer, want) {
		t.Errorf("the outer pipeline's interceptors saw %v, want %v", outer, want)
	}
}

func TestNestedFailureAndCancellationReachInside(t *testing.T) {
	p, err := runnel.FromTasks(
		runnel.Nest[numbersInput, float64]("part", statistics(t), "mean"),
		runnel.NewTask("after", runnel.Pure(func(in struct{ Part float64 }) float64 { return in.Part })))
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{}}, runnel.OnError(runnel.ContinueOnError))
	var e *runnel.TaskError
	if !errors.As(err, &e) || e.Task != "part/mean" {
		t.Errorf("the error must name the task inside, got %v", err)
	}
	if r, _ := res.Report().Task("after"); r.State != runnel.Skipped {
		t.Errorf("what needs the nested output must be skipped, got %v", r.State)
	}
}

func TestNestIsCheckedAgainstItsPipeline(t *testing.T) {
	p := statistics(t)
	for _, c := range []struct {
		task runnel.AnyTask
		want string
	}{
		{runnel.Nest[struct{ Nunbers []int }, float64]("part", p, "mean"), `no external input "nunbers" (Nunbers) (did you mean "numbers"?)`},
		{runnel.Nest[struct{}, float64]("part", p, "mean"), `needs the external input "numbers", for task "count": add a field for it`},
		{runnel.Nest[struct{ Numbers []string }, float64]("part", p, "mean"), `is []string, but task "count" of its pipeline takes []int`},
		{runnel.Nest[numbersInput, string]("part", p, "mean"), `its output is string, but "mean" of its pipeline is float64`},
		{runnel.Nest[numbersInput, float64]("part", p, "maen"), `produces no data "maen" (did you mean "mean"?)`},
		{runnel.Nest[numbersInput, float64]("part", p, "mean", runnel.Retries(2)), "options other than Name and After belong to the tasks of the nested pipeline"},
		{runnel.Nest[struct {
			Numbers []int `runnel:",optional"`
		}, float64]("part", p, "mean"), "cannot do without it"},
		{runnel.Nest[numbersInput, float64]("part", nil, "mean"), "the pipeline is nil"},
		{runnel.Nest[numbersInput, float64]("part", runnel.NewPipeline(), "mean"), "its pipeline cannot be built"},
		{runnel.Nest[numbersInput, float64]("part", p, "mean").When(func(numbersInput) bool { return true }), "has no condition and no fallback"},
	} {
		_, err := runnel.FromTasks(c.task)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `task "part" (nest_test.go:`) {
			t.Errorf("got\n  %v\nwant one with %q that names the task and its place", err, c.want)
		}
	}
}

func TestNestInItselfIsRefused(t *testing.T) {
	self := runnel.NewPipeline()
	self.Add(runnel.Literal("one", 1), runnel.Nest[struct{}, int]("again", self, "one"))
	a, b := runnel.NewPipeline(), runnel.NewPipeline()
	a.Add(runnel.Literal("one", 1), runnel.Nest[struct{}, int]("two", b, "three"))
	b.Add(runnel.Nest[struct{}, int]("three", a, "one"))
	outer := runnel.NewPipeline().Add(runnel.Nest[struct{}, int]("deep", a, "one"))
	var wg sync.WaitGroup
	for _, p := range []*runnel.Pipeline{self, a, b, outer, a, b} {
		wg.Go(func() {
			if err := p.Build(); err == nil || !strings.Contains(err.Error(), "nests, the one that it is part of") || !strings.Contains(err.Error(), "nest_test.go:") {
				t.Errorf("a pipeline in itself was built, or refused without a reason: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestAddWhileBuilding(t *testing.T) {
	p := runnel.NewPipeline().Add(runnel.Literal("first", 0))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			p.Add(runnel.Literal("n"+strconv.Itoa(i), i))
			g, err := p.Graph()
			if err != nil {
				t.Error(err)
				return
			}
			if _, ok := g.Node("n" + strconv.Itoa(i)); !ok {
				t.Errorf("the graph lacks task n%d, which was added before it was asked for", i)
			}
		})
	}
	wg.Wait()
	if g, _ := p.Graph(); g.Len() != 51 {
		t.Errorf("%d tasks in the graph, want 51", g.Len())
	}
}

func TestADefaultOfANestIsRefused(t *testing.T) {
	scaled := runnel.NewPipeline().Add(runnel.NewTask("scaled", runnel.Pure(func(in struct {
		X     int
		Scale int `runnel:"scale,default=3"`
	}) int {
		return in.X * in.Scale
	})))
	_, err := runnel.FromTasks(runnel.Nest[struct {
		X     int
		Scale int `runnel:"scale,default=5"`
	}, int]("out", scaled, "scaled"))
	wantProblems(t, asBuildError(t, err).Problems, `input "scale" (Scale) has a default, which is no task's of its pipeline: make it optional, and give the default to the tasks that take "scale"`)
}
