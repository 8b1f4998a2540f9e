package runneltest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

type features struct{ Tempo []float64 }

var extract = runnel.NewTask("features", runnel.Pure(func(in struct{ Paths []string }) features {
	return features{make([]float64, len(in.Paths))}
}))

type fromFeatures struct {
	Features features
	Offset   runnel.Opt[int]
}

func readOnly(t *testing.T, opts []runnel.RunOption, tasks ...runnel.AnyTask) (*recorder, *runnel.Result) {
	r := &recorder{TB: t}
	res := ReadOnly(r, runnel.NewPipeline().Add(tasks...), runnel.Values{"paths": []string{"a", "b", "c", "d"}}, opts...)
	return r, res
}

func TestReadOnlyPassesTasksThatCopy(t *testing.T) {
	sorted := runnel.NewTask("sorted", runnel.Pure(func(in fromFeatures) []float64 {
		return slices.Sorted(slices.Values(in.Features.Tempo))
	}))
	r, res := readOnly(t, nil, extract, sorted)
	r.expect(t)
	if got, err := sorted.Get(res); err != nil || len(got) != 4 {
		t.Errorf("the result of the run is handed on: got %v, %v", got, err)
	}
}

func TestReadOnlyNamesTaskInputAndPlace(t *testing.T) {
	scale := runnel.NewTask("scaled", runnel.Pure(func(in fromFeatures) int {
		in.Features.Tempo[3] = 120
		return 0
	}))
	r, _ := readOnly(t, nil, extract, scale)
	r.expect(t, []string{`task "scaled" (readonly_test.go:`, `its input "features"`, "features.Tempo[3] was 0, is 120", "slices.Clone"})
}

func TestReadOnlyFindsChangesOfExternalInputs(t *testing.T) {
	sort := runnel.NewTask("sorted", runnel.Pure(func(in struct{ Paths []string }) []string {
		in.Paths[0] = "z"
		return in.Paths
	}))
	r, _ := readOnly(t, nil, sort)
	r.expect(t, []string{`task "sorted"`, `paths[0] was "a", is "z"`})
}

func TestReadOnlyFindsChangesInEveryWayOut(t *testing.T) {
	for name, end := range map[string]func() error{
		"error":  func() error { return errors.New("no") },
		"panic":  func() error { panic("no") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			task := runnel.NewTask("x", func(_ context.Context, in fromFeatures) (int, error) {
				in.Features.Tempo[0]++
				return 0, end()
			}, runnel.Retries(1), runnel.RetryDelay(0))
			r, res := readOnly(t, nil, extract, task)
			// Two attempts change it twice and are one finding.
			r.expect(t, []string{"features.Tempo[0] was 0, is 1"}, []string{"runneltest: runnel: run ", `task "x"`})
			if res == nil {
				t.Error("a run that failed has a result")
			}
		})
	}
}

func TestReadOnlyRunsOneTaskAtATime(t *testing.T) {
	var now, most atomic.Int32
	count := func(name string) runnel.AnyTask {
		return runnel.NewTask(name, runnel.Pure(func(fromFeatures) int {
			most.Store(max(most.Load(), now.Add(1)))
			runtime.Gosched()
			now.Add(-1)
			return 0
		}))
	}
	r, _ := readOnly(t, []runnel.RunOption{runnel.MaxParallel(8)}, extract, count("a"), count("b"), count("c"))
	r.expect(t)
	if most.Load() != 1 {
		t.Errorf("%d tasks ran at once, want 1 whatever MaxParallel says", most.Load())
	}
}

func TestReadOnlyReportsARunThatCannotStart(t *testing.T) {
	r := &recorder{TB: t}
	if res := ReadOnly(r, runnel.NewPipeline().Add(extract), nil); res != nil {
		t.Error("a result of a run that did not start")
	}
	r.expect(t, []string{`input "paths"`, "is missing"})

	r = &recorder{TB: t}
	if res := ReadOnly(r, nil, nil); res != nil {
		t.Error("a result of no pipeline")
	}
	r.expect(t, []string{"the pipeline is nil"})
}

func TestReadOnlyKeepsTheCallersInterceptors(t *testing.T) {
	calls := 0
	own := runnel.Intercept(func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error {
		calls++
		return next(ctx)
	})
	r, _ := readOnly(t, []runnel.RunOption{own}, extract)
	r.expect(t)
	if calls != 1 {
		t.Errorf("the caller's interceptor was called %d times, want 1", calls)
	}
}
