package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/runnelflow/runnel"
)

func outputsOf(r *runnel.Result) []string { return slices.Sorted(maps.Keys(r.Outputs())) }

func tasksOf(r *runnel.Result) []string {
	var names []string
	for _, t := range r.Report().Tasks {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

func TestTargetsRunOnlyWhatTheyNeed(t *testing.T) {
	type none = struct{}
	constant := func(name string, opts ...runnel.TaskOption) runnel.AnyTask {
		return runnel.NewTask(name, func(context.Context, none) (int, error) { return 1, nil }, opts...)
	}
	p := pipelineOf(t,
		constant("required"), constant("maybe"), constant("opt"), constant("preset"), constant("before", runnel.Name("earlier")), constant("other"),
		runnel.NewTask("target", func(_ context.Context, in struct {
			Required int
			Maybe    int `runnel:",optional"`
			Opt      runnel.Opt[int]
			Preset   int `runnel:",default=9"`
		}) (string, error) {
			return fmt.Sprint(in), nil
		}, runnel.After("earlier")),
		runnel.NewTask("beyond", func(_ context.Context, in struct{ Target string }) (int, error) { return 0, nil }))
	res, err := p.Run(t.Context(), nil, runnel.Targets("target"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tasksOf(res), from("earlier", "maybe", "opt", "preset", "required", "target"); !slices.Equal(got, want) {
		t.Errorf("tasks %q ran, want %q: optional inputs and After are needs", got, want)
	}
	if got, err := runnel.Get[string](res, "target"); got != "{1 1 {1 true} 1}" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := outputsOf(res); !slices.Equal(got, from("target")) {
		t.Errorf("outputs %q, want the target alone", got)
	}
	for name, part := range map[string]string{"other": "the run's targets do not need it", "beyond": "the run's targets do not need it", "maybe": "add it to Targets"} {
		if _, err := runnel.Get[int](res, name); !errors.Is(err, runnel.ErrNotProduced) || !strings.Contains(err.Error(), part) {
			t.Errorf("Get of %s: %v, want ErrNotProduced since %s", name, err, part)
		}
	}
	two, err := p.Run(t.Context(), nil, runnel.Targets("maybe", "other"), runnel.Targets("opt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := outputsOf(two); !slices.Equal(got, from("maybe", "opt", "other")) {
		t.Errorf("outputs %q, want the three targets", got)
	}
}

func TestATargetOfATaskWithSeveralOutputs(t *testing.T) {
	type out struct{ Head, Tail string }
	split := runnel.NewMultiTask(func(context.Context, struct{}) (out, error) { return out{"h", "t"}, nil })
	p := pipelineOf(t, split, step("end", from("tail"), works))
	res, err := p.Run(t.Context(), nil, runnel.Targets("head"))
	if err != nil {
		t.Fatal(err)
	}
	if got := outputsOf(res); !slices.Equal(got, from("head")) {
		t.Errorf("outputs %q, want head alone", got)
	}
}

func TestTargetsCheckOnlyTheInputsTheyNeed(t *testing.T) {
	p := pipelineOf(t,
		runnel.NewTask("a", func(_ context.Context, in struct {
			X      int
			Shared any
		}) (int, error) {
			return in.X, nil
		}),
		runnel.NewTask("b", func(_ context.Context, in struct {
			Y      int
			Shared string
		}) (int, error) {
			return in.Y, nil
		}))
	if _, err := p.Run(t.Context(), runnel.Values{"x": 1, "shared": "s"}, runnel.Targets("a")); err != nil {
		t.Errorf("y is not needed, but: %v", err)
	}
	for name, in := range map[string]runnel.Values{
		"an unneeded input":                                 {"x": 1, "shared": "s", "y": 2},
		"an unneeded input of the wrong type":               {"x": 1, "shared": "s", "y": "two"},
		"a type that only a task outside the targets needs": {"x": 1, "shared": 3.5},
	} {
		if _, err := p.Run(t.Context(), in, runnel.Targets("a")); err != nil {
			t.Errorf("%s is no error, but: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		in   runnel.Values
		part string
	}{
		"missing":    {runnel.Values{"x": 1, "y": 2}, `input "shared"`},
		"wrong type": {runnel.Values{"x": "one", "shared": 1}, `input "x" must be int, got string: task "a" (`},
		"unknown":    {runnel.Values{"x": 1, "shared": 1, "sharde": 1}, `input "sharde" is unknown`},
	} {
		if _, err := p.Run(t.Context(), c.in, runnel.Targets("a")); err == nil || !strings.Contains(err.Error(), c.part) || strings.Contains(err.Error(), `task "b"`) {
			t.Errorf("%s gave %v, want %q and nothing of task b", name, err, c.part)
		}
	}
}

func TestUnknownTargets(t *testing.T) {
	p := pipelineOf(t, step("stats", from("paths"), works))
	_, err := p.Run(t.Context(), runnel.Values{"paths": 1}, runnel.Targets("stat", "paths"))
	for _, part := range []string{`target "stat" is produced by no task (did you mean "stats"?)`, `target "paths" is an input of the run, which no task produces`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if _, err := p.Run(t.Context(), runnel.Values{"paths": 1}, runnel.Targets()); err == nil || !strings.Contains(err.Error(), "Targets names no output") {
		t.Errorf("Targets of nothing gave %v", err)
	}
}

// blob is a value whose end can be seen.
type blob struct{ data [1 << 10]byte }

// chainOfBlobs is blob → mid → end. It reports to seen whether the blob is still
// there when end runs.
func chainOfBlobs(t *testing.T, fail error, seen func(alive bool)) *runnel.Pipeline {
	var watched weak.Pointer[blob]
	return pipelineOf(t,
		runnel.NewTask("blob", func(context.Context, struct{}) (*blob, error) {
			b := new(blob)
			watched = weak.Make(b)
			return b, nil
		}),
		runnel.NewTask("mid", func(_ context.Context, in struct{ Blob *blob }) (int, error) { return len(in.Blob.data), fail }),
		runnel.NewTask("end", func(_ context.Context, in struct{ Mid runnel.Opt[int] }) (int, error) {
			runtime.GC()
			runtime.GC()
			seen(watched.Value() != nil)
			return in.Mid.Value, nil
		}))
}

func TestValuesAreLetGoAfterTheirLastUse(t *testing.T) {
	for name, c := range map[string]struct {
		opts  []runnel.RunOption
		fail  error
		alive bool
	}{
		"with targets":                         {[]runnel.RunOption{runnel.Targets("end")}, nil, false},
		"with targets, one of them":            {[]runnel.RunOption{runnel.Targets("end", "blob")}, nil, true},
		"without targets all are kept":         {nil, nil, true},
		"when the last consumer failed":        {[]runnel.RunOption{runnel.Targets("end"), runnel.OnError(runnel.SkipFailed)}, errFlaky, false},
		"on more workers, when nobody watches": {[]runnel.RunOption{runnel.Targets("end"), runnel.MaxParallel(8), runnel.Timings(false)}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			alive, called := false, false
			p := chainOfBlobs(t, c.fail, func(a bool) { alive, called = a, true })
			res, err := p.Run(t.Context(), nil, c.opts...)
			if err != nil || !called {
				t.Fatalf("the last task was called: %v; error %v", called, err)
			}
			if alive != c.alive {
				t.Errorf("the value is alive after its last consumer: %v, want %v", alive, c.alive)
			}
			b, err := runnel.Get[*blob](res, "blob")
			if (err == nil && b != nil) != c.alive {
				t.Errorf("Get gave %v, %v; want the value: %v", b != nil, err, c.alive)
			}
		})
	}
}

func TestValuesOfASkippedConsumerAreLetGo(t *testing.T) {
	var watched weak.Pointer[blob]
	alive := true
	p := pipelineOf(t,
		step("bad", nil, failsWith(errFlaky, 0)),
		runnel.NewTask("blob", func(context.Context, struct{}) (*blob, error) {
			b := new(blob)
			watched = weak.Make(b)
			return b, nil
		}),
		step("skipped", from("blob", "bad"), works),
		runnel.NewTask("end", func(_ context.Context, in struct{ Skipped runnel.Opt[string] }) (int, error) {
			runtime.GC()
			runtime.GC()
			alive = watched.Value() != nil
			return 1, nil
		}))
	if _, err := p.Run(t.Context(), nil, runnel.Targets("end"), runnel.OnError(runnel.SkipFailed)); err != nil {
		t.Fatal(err)
	}
	if alive {
		t.Error("a value that a skipped task would have taken is kept")
	}
}

func TestAValueOfSeveralConsumersStaysUntilTheLast(t *testing.T) {
	for range 50 {
		var tasks []runnel.AnyTask
		tasks = append(tasks, runnel.NewTask("blob", func(context.Context, struct{}) (*blob, error) { return &blob{data: [1 << 10]byte{7}}, nil }))
		var names []string
		for i := range 20 {
			name := fmt.Sprintf("use%d", i)
			names = append(names, name)
			tasks = append(tasks, runnel.NewTask(name, func(_ context.Context, in struct{ Blob *blob }) (byte, error) { return in.Blob.data[0], nil }))
		}
		tasks = append(tasks, runnel.NewValuesTask("sum", names, from("sum"), func(_ context.Context, in runnel.Values) (runnel.Values, error) {
			sum := 0
			for _, v := range in {
				sum += int(v.(byte))
			}
			return runnel.Values{"sum": sum}, nil
		}))
		res, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.Targets("sum"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := runnel.Get[int](res, "sum"); got != 140 || err != nil {
			t.Fatalf("sum %d, %v: a consumer found the value gone", got, err)
		}
	}
}
