package runnel_test

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/runnelflow/runnel"
)

func TestTargetsWithMaps(t *testing.T) {
	var calls atomic.Int32
	count := func(task *runnel.MapTask[onNumbers, int]) *runnel.MapTask[onNumbers, int] {
		return task.When(func(onNumbers) bool { calls.Add(1); return true })
	}
	a := count(doubledEach().As("a"))
	b := count(doubledEach().As("b").Bind("numbers", "a"))
	other := count(doubledEach().As("other").Bind("numbers", "more"))
	sum := runnel.NewTask("sum", runnel.Pure(func(in struct{ B []int }) (sum int) {
		for _, n := range in.B {
			sum += n
		}
		return sum
	}))
	p := pipelineOf(t, a, b, other, sum)
	for _, c := range []struct {
		targets []string
		want    map[string]any
		calls   int32
	}{
		{[]string{"sum"}, map[string]any{"sum": 24}, 6},
		{[]string{"b"}, map[string]any{"b": []int{4, 8, 12}}, 6},
		{[]string{"a"}, map[string]any{"a": []int{2, 4, 6}}, 3},
		{[]string{"a", "sum"}, map[string]any{"a": []int{2, 4, 6}, "sum": 24}, 6},
	} {
		for _, limit := range limits {
			calls.Store(0)
			// "more" is needed by no target.
			res := mustRun(t, p, runnel.Values{"numbers": []int{1, 2, 3}}, runnel.Targets(c.targets...), runnel.MaxParallel(limit))
			if got := res.Outputs(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("targets %q: outputs %v, want %v", c.targets, got, c.want)
			}
			if calls.Load() != c.calls {
				t.Errorf("targets %q: %d calls, want %d", c.targets, calls.Load(), c.calls)
			}
		}
	}
	res := mustRun(t, p, runnel.Values{"numbers": []int{1}}, runnel.Targets("sum"))
	for _, get := range []func() error{
		func() error { _, err := b.Get(res); return err },
		func() error { _, err := runnel.Get[runnel.Partial[int]](res, "b"); return err },
		func() error { _, err := other.Get(res); return err },
	} {
		if get() == nil {
			t.Error("what is no target is not in the result")
		}
	}
}

// TestMappedValuesAreLetGoAfterTheirLastUse: in a run with targets the elements
// of a mapped task are gone when all that take them have ended.
func TestMappedValuesAreLetGoAfterTheirLastUse(t *testing.T) {
	for what, c := range map[string]struct {
		opts  []runnel.RunOption
		alive bool
	}{
		"with targets":                  {[]runnel.RunOption{runnel.Targets("end")}, false},
		"with targets, the map is one":  {[]runnel.RunOption{runnel.Targets("end", "blobs")}, true},
		"without targets, all are kept": {nil, true},
	} {
		t.Run(what, func(t *testing.T) {
			watched := make([]weak.Pointer[blob], 5)
			blobs := runnel.NewMapTask("blobs[i]", func(_ context.Context, in onNumbers) (*blob, error) {
				b := new(blob)
				watched[in.N] = weak.Make(b)
				return b, nil
			})
			sizes := runnel.NewMapTask("sizes[i]", runnel.Pure(func(in struct {
				Blob *blob `runnel:"blobs[i]"`
			}) int {
				return len(in.Blob.data)
			}))
			end := runnel.NewTask("end", func(_ context.Context, in struct{ Sizes []int }) (int, error) {
				runtime.GC()
				runtime.GC()
				alive := 0
				for _, w := range watched {
					if w.Value() != nil {
						alive++
					}
				}
				return alive, nil
			})
			res := mustRun(t, pipelineOf(t, blobs, sizes, end), runnel.Values{"numbers": upTo(5)}, c.opts...)
			want := 0
			if c.alive {
				want = 5
			}
			wantGet(t, res, "end", want)
		})
	}
}

func TestDataCacheWithMaps(t *testing.T) {
	var calls atomic.Int32
	task := doubledEach().When(func(onNumbers) bool { calls.Add(1); return true })
	next := runnel.NewMapTask("next[i]", runnel.Pure(func(in struct {
		N int `runnel:"doubled[i]"`
	}) int {
		return in.N + 1
	}))
	grid := runnel.NewMapTask("grid[i,j]", runnel.Pure(func(in struct {
		A int `runnel:"doubled[i]"`
		B int `runnel:"doubled[j]"`
	}) int {
		return in.A * in.B
	}))
	rows := runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
		Row []int `runnel:"grid[i]"`
	}) int {
		return in.Row[0]
	}))
	some := runnel.NewTask("some", runnel.Pure(func(in struct{ Grid runnel.Partial[int] }) []int { return in.Grid.Values }))
	p := pipelineOf(t, task, next, grid, rows, some)
	cache := runnel.NewDataCache()
	mustRun(t, p, runnel.Values{"numbers": []int{1, 2}}, runnel.WithCache(cache))
	values, err := cache.Inject("doubled", "next", "grid", "rows")
	if want := (runnel.Values{"doubled": []int{2, 4}, "next": []int{3, 5}, "grid": [][]int{{4, 8}, {8, 16}}, "rows": []int{4, 8}}); err != nil || !reflect.DeepEqual(values, want) {
		t.Fatalf("the cache has %v, %v, want %v", values, err, want)
	}
	calls.Store(0)
	res := mustRun(t, p, nil, runnel.WithCache(cache))
	if got, err := grid.Get(res); err != nil || !slices.Equal(got, []int{4, 8, 8, 16}) || calls.Load() != 0 {
		t.Errorf("out of the cache, Get is %v, %v after %d calls", got, err, calls.Load())
	}
	wantGet(t, res, "rows", []int{4, 8})

	// What is there feeds what is not.
	for _, limit := range limits {
		cache = runnel.NewDataCache()
		cache.Set("doubled", []int{10, 20})
		cache.Set("grid", [][]int{{7}, {8}})
		res = mustRun(t, p, nil, runnel.WithCache(cache), runnel.MaxParallel(limit))
		wantGet(t, res, "next", []int{11, 21})
		wantGet(t, res, "rows", []int{7, 8})
		wantGet(t, res, "some", []int{7, 8})
	}

	// A map with holes is not kept.
	cache = runnel.NewDataCache()
	if _, err := pipelineOf(t, odd("even")).Run(t.Context(), runnel.Values{"numbers": []int{0, 1}}, runnel.WithCache(cache), runnel.OnError(runnel.SkipFailed)); err != nil {
		t.Fatal(err)
	}
	if cache.Has("even") {
		t.Error("the cache keeps an output with holes")
	}
	cache.Set("doubled", []string{"a"})
	wantProblems(t, inputProblems(t, p, nil, runnel.WithCache(cache)), `the data cache has []string as "doubled", but task "doubled" (…) produces []int`)
}

// TestElementsAreLetGoOneByOne: in a run with targets an element is gone once the
// elements that take it have ended, so that few are alive at once; none is gone
// before, also where two tasks take it.
func TestElementsAreLetGoOneByOne(t *testing.T) {
	const n, window = 4000, 4
	type page struct {
		n int
		_ [64]*int
	}
	var mu sync.Mutex
	var watched []weak.Pointer[page]
	made := func(v int) *page {
		p := &page{n: v}
		mu.Lock()
		defer mu.Unlock()
		if watched = append(watched, weak.Make(p)); v%400 != 0 {
			return p
		}
		runtime.GC()
		runtime.GC()
		alive := 0
		for _, w := range watched {
			if w.Value() != nil {
				alive++
			}
		}
		if alive > 16*window { // of thousands; with workers some are also on their way
			t.Errorf("at element %d, %d values are alive", v, alive)
		}
		return p
	}
	first := runnel.NewMapTask("first[i]", runnel.Pure(func(in onNumbers) *page { return made(in.N) }))
	second := runnel.NewMapTask("second[i]", runnel.Pure(func(in struct {
		P *page `runnel:"first[i]"`
	}) *page {
		return &page{n: in.P.n}
	}))
	third := runnel.NewMapTask("third[i]", runnel.Pure(func(in struct {
		A *page `runnel:"first[i]"`
		B *page `runnel:"second[i]"`
	}) int {
		return in.A.n - in.B.n
	}))
	end := runnel.NewTask("end", runnel.Pure(func(in struct{ Third []int }) (sum int) {
		for _, d := range in.Third {
			sum += d * d
		}
		return sum + len(in.Third)
	}))
	p := pipelineOf(t, first, second, third, end)
	for _, limit := range []int{1, window} {
		watched = nil
		res := mustRun(t, p, runnel.Values{"numbers": upTo(n)}, runnel.Targets("end"), runnel.MaxParallel(limit))
		wantGet(t, res, "end", n)
	}
}
