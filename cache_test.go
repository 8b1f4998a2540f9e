package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runnelflow/runnel"
)

func TestDataCacheKeepsWhatItIsGiven(t *testing.T) {
	for what, c := range map[string]*runnel.DataCache{"NewDataCache": runnel.NewDataCache(), "the zero value": new(runnel.DataCache)} {
		if c.Has("a") {
			t.Errorf("%s has data", what)
		}
		c.Set("a", 1)
		c.Set("a", 2)
		c.Set("none", nil)
		if v, err := c.Get("a"); v != 2 || err != nil || !c.Has("a") {
			t.Errorf("%s gave %v, %v, want 2: the last value set", what, v, err)
		}
		if v, err := c.Get("none"); v != nil || err != nil || !c.Has("none") {
			t.Errorf("%s gave %v, %v, want nil to be a value", what, v, err)
		}
		c.Clear()
		if c.Has("a") || c.Has("none") {
			t.Errorf("%s has data after Clear", what)
		}
		new(runnel.DataCache).Clear()
	}
}

func TestDataCacheNamesWhatIsAbsent(t *testing.T) {
	c := runnel.NewDataCache()
	c.Set("features", 1)
	_, err := c.Get("feature")
	if !errors.Is(err, runnel.ErrNotCached) || err.Error() != `runnel: data "feature" is not in the data cache (did you mean "features"?)` {
		t.Errorf("error %v", err)
	}
	c.Set("paths", 2)
	v, err := c.Inject("x", "paths", "y")
	if !errors.Is(err, runnel.ErrNotCached) || v != nil || !strings.Contains(fmt.Sprint(err), `"x", "y"`) || !strings.Contains(fmt.Sprint(err), `it has "features", "paths"`) {
		t.Errorf("Inject gave %v, %v, want every absent name and what is there", v, err)
	}
	v, err = c.Inject("paths", "features", "paths")
	if want := (runnel.Values{"paths": 2, "features": 1}); err != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("Inject gave %v, %v, want %v", v, err, want)
	}
	v["paths"] = 3
	if got, _ := c.Get("paths"); got != 2 {
		t.Error("a change to what Inject returned changed the cache")
	}
	if v, err := c.Inject(); err != nil || len(v) != 0 {
		t.Errorf("Inject of nothing gave %v, %v", v, err)
	}
}

// chainOf is paths → features → tags, with the number of calls to each.
func chainOf() (func() []runnel.AnyTask, map[string]int) {
	var mu sync.Mutex
	calls := map[string]int{}
	called := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		calls[name]++
	}
	return func() []runnel.AnyTask {
		return []runnel.AnyTask{
			runnel.NewTask("features", runnel.Pure(func(in struct{ Paths []string }) int {
				called("features")
				return len(in.Paths)
			})),
			runnel.NewTask("tags", runnel.Pure(func(in struct{ Features int }) string {
				called("tags")
				return fmt.Sprint("tag", in.Features)
			})),
		}
	}, calls
}

func TestCachedOutputsAreNotComputedAgain(t *testing.T) {
	tasks, calls := chainOf()
	p := pipelineOf(t, tasks()...)
	cache := runnel.NewDataCache()
	in := runnel.Values{"paths": []string{"a", "b"}}
	mustRun(t, p, in, runnel.WithCache(cache))
	if v, err := cache.Inject("features", "tags"); err != nil || v["features"] != 2 || v["tags"] != "tag2" {
		t.Errorf("the cache has %v, %v, want what was produced", v, err)
	}
	if cache.Has("paths") {
		t.Error("the cache has an input of the run: only outputs are written into it")
	}
	res := mustRun(t, p, in, runnel.WithCache(cache))
	if want := map[string]int{"features": 1, "tags": 1}; !maps.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
	if got := res.Outputs(); got["tags"] != "tag2" || got["features"] != 2 {
		t.Errorf("outputs %v, want those of the cache", got)
	}
	wantState(t, res.Report(), "features", runnel.Succeeded)
	if r := taskReport(t, res.Report(), "features"); r.Attempts != 0 || !strings.Contains(r.Reason, "data cache") {
		t.Errorf("report %+v, want no attempt, and the cache as the reason", r)
	}
}

func TestCachedTaskDoesNotNeedItsInputs(t *testing.T) {
	tasks, calls := chainOf()
	p := pipelineOf(t, tasks()...)
	cache := runnel.NewDataCache()
	cache.Set("features", 7)
	res := mustRun(t, p, nil, runnel.WithCache(cache))
	if got := res.Outputs(); got["tags"] != "tag7" || calls["features"] != 0 || calls["tags"] != 1 {
		t.Errorf("outputs %v with calls %v, want tags of the cached features", got, calls)
	}
	// An input that is supplied all the same is no error: the pipeline knows it.
	mustRun(t, p, runnel.Values{"paths": []string{"a"}}, runnel.WithCache(cache))
	// The last of the chain alone does not spare the first, which is an output too.
	cache.Clear()
	cache.Set("tags", "known")
	_, err := p.Run(t.Context(), nil, runnel.WithCache(cache))
	if e := asInputError(t, err); !strings.Contains(e.Error(), `input "paths"`) {
		t.Errorf("error %v", e)
	}
	// With targets it does.
	res = mustRun(t, p, nil, runnel.WithCache(cache), runnel.Targets("tags"))
	if got := res.Outputs(); !reflect.DeepEqual(got, map[string]any{"tags": "known"}) {
		t.Errorf("outputs %v, want the cached target", got)
	}
}

func TestTaskIsCachedOnlyWithAllItsOutputs(t *testing.T) {
	task := splitter()
	p := pipelineOf(t, task)
	cache := runnel.NewDataCache()
	cache.Set("train", []int{9})
	cache.Set("count", 9)
	got, err := task.Get(mustRun(t, p, runnel.Values{"n": 1}, runnel.WithCache(cache)))
	if err != nil || got.Count != 1 {
		t.Errorf("got %+v, %v, want it computed: test_set was absent", got, err)
	}
	cache.Set("count", 9)
	if got, _ = task.Get(mustRun(t, p, nil, runnel.WithCache(cache))); got.Count != 9 || !slices.Equal(got.Train, []int{1}) {
		t.Errorf("got %+v, want what the cache has", got)
	}
}

func TestCachedValueOfAWrongTypeIsRefused(t *testing.T) {
	tasks, calls := chainOf()
	p := pipelineOf(t, tasks()...)
	for _, c := range []struct {
		value any
		got   string
	}{{"seven", "string"}, {nil, "nil"}, {int64(7), "int64"}} {
		cache := runnel.NewDataCache()
		cache.Set("features", c.value)
		cache.Set("unrelated", 1)
		_, err := p.Run(t.Context(), runnel.Values{"paths": []string{}}, runnel.WithCache(cache))
		want := fmt.Sprintf(`the data cache has %s as "features", but task "features" (cache_test.go:`, c.got)
		if e := asInputError(t, err); !strings.Contains(e.Error(), want) || !strings.Contains(e.Error(), "produces int: set a value of that type, or clear the cache") {
			t.Errorf("error %v, want %s", e, want)
		}
	}
	if len(calls) != 0 {
		t.Errorf("calls %v of a run that was refused", calls)
	}
	_, err := p.Run(t.Context(), nil, runnel.WithCache(nil))
	if e := asInputError(t, err); !strings.Contains(e.Error(), "WithCache: the cache is nil: make one with NewDataCache") {
		t.Errorf("error %v", e)
	}
}

func TestFailedTaskIsNotCached(t *testing.T) {
	cache := runnel.NewDataCache()
	p := pipelineOf(t, runnel.NewTask("good", constant(1)),
		runnel.NewTask("bad", func(context.Context, nothing) (int, error) { return 5, errors.New("bad") }))
	if _, err := p.Run(t.Context(), nil, runnel.WithCache(cache), runnel.OnError(runnel.ContinueOnError)); err == nil {
		t.Fatal("no error")
	}
	if !cache.Has("good") || cache.Has("bad") {
		t.Errorf("the cache has good: %t, bad: %t, want what was produced and nothing else", cache.Has("good"), cache.Has("bad"))
	}
}

func TestTaskWithoutOutputsAlwaysRuns(t *testing.T) {
	calls := 0
	p := pipelineOf(t, runnel.NewValuesTask("effect", nil, nil, func(context.Context, runnel.Values) (runnel.Values, error) { calls++; return nil, nil }))
	cache := runnel.NewDataCache()
	for range 2 {
		mustRun(t, p, nil, runnel.WithCache(cache))
	}
	if calls != 2 {
		t.Errorf("called %d times, want 2: nothing of it can be cached", calls)
	}
}

func TestAfterACachedTaskNeedsNoWait(t *testing.T) {
	cache := runnel.NewDataCache()
	cache.Set("first", "cached")
	ran := false
	p := pipelineOf(t,
		step("first", from("missing"), works),
		step("second", nil, func(context.Context) error { ran = true; return nil }, runnel.After("first")))
	mustRun(t, p, nil, runnel.WithCache(cache))
	if !ran {
		t.Error("the task after a cached one did not run")
	}
}

func TestDataCacheIsSafeWhileRunsGoOn(t *testing.T) {
	tasks, _ := chainOf()
	p := pipelineOf(t, tasks()...)
	cache := runnel.NewDataCache()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				res, err := p.Run(t.Context(), runnel.Values{"paths": []string{"a"}}, runnel.WithCache(cache))
				if err != nil {
					// What another goroutine set is refused, never taken for something else.
					if !strings.Contains(err.Error(), `the data cache has string as "features"`) {
						t.Error(err)
					}
					continue
				}
				if got := res.Outputs()["tags"]; got != "tag1" && got != "tag5" {
					t.Errorf("tags %v", got)
				}
			}
		})
	}
	wg.Go(func() {
		for range 400 {
			cache.Set("features", 5)
			cache.Set("features", "wrong")
			cache.Clear()
			cache.Has("features")
			_, _ = cache.Get("features")
			_, _ = cache.Inject("features", "tags")
		}
	})
	wg.Wait()
}
