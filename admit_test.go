package runnel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/resultcache"
)

// table sums up what the tasks that are being called need.
type table struct {
	mu      sync.Mutex
	now     runnel.Resources
	peak    runnel.Resources // of each at any time
	running int
	most    int
	calls   int
	needy   int
	broken  string // two or more that needed more than the budget
}

// around is an interceptor that counts each attempt with what it needs.
func (b *table) around(budget runnel.Resources, needs func(task string) runnel.Resources) runnel.Interceptor {
	return func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
		r := needs(task.Task)
		b.add(budget, r, 1)
		defer b.add(budget, r, -1)
		return next(ctx)
	}
}

func (b *table) add(budget, r runnel.Resources, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now.CPU += float64(n) * r.CPU
	b.now.MemoryMB += float64(n) * r.MemoryMB
	b.running += n
	if r != (runnel.Resources{}) {
		b.needy += n
	}
	if n > 0 {
		b.calls++
	}
	b.most = max(b.most, b.running)
	b.peak.CPU = max(b.peak.CPU, b.now.CPU)
	b.peak.MemoryMB = max(b.peak.MemoryMB, b.now.MemoryMB)
	if b.needy > 1 && (b.now.CPU > budget.CPU+1e-9 || b.now.MemoryMB > budget.MemoryMB+1e-9) && b.broken == "" {
		b.broken = fmt.Sprintf("%d tasks at once need %v, the budget is %v", b.needy, b.now, budget)
	}
}

// naps are n tasks that take a second each and need the same.
func naps(n int, needs runnel.Resources) (tasks []runnel.AnyTask, b *table) {
	b = &table{}
	nap := runnel.NewTask("nap", func(ctx context.Context, _ nothing) (int, error) {
		b.add(runnel.Resources{CPU: 1e9, MemoryMB: 1e9}, needs, 1)
		defer b.add(runnel.Resources{CPU: 1e9, MemoryMB: 1e9}, needs, -1)
		time.Sleep(time.Second)
		return 1, nil
	}, runnel.Needs(needs))
	for i := range n {
		tasks = append(tasks, nap.As(fmt.Sprint("nap ", i)))
	}
	return tasks, b
}

// TestTasksStartWhenWhatTheyNeedFits: as many at once as fit, and no more.
func TestTasksStartWhenWhatTheyNeedFits(t *testing.T) {
	percent := runnel.Budget{MaxCPUPercent: 80, MaxMemoryPercent: 100, MinParallel: 12, Machine: runnel.Resources{CPU: 5, MemoryMB: 300}}
	least := runnel.Budget{MaxCPUPercent: 100, MaxMemoryPercent: 50, MinParallel: 3, Machine: runnel.Resources{CPU: 5, MemoryMB: 1e9}} // so that memory is always short
	most := calm(100, 1000)
	most.MaxParallel = 2
	for name, c := range map[string]struct {
		budget runnel.Budget
		needs  runnel.Resources
		atOnce int
	}{
		"memory":                         {calm(100, 300), runnel.Resources{MemoryMB: 60}, 5},
		"memory, to the last byte":       {calm(100, 299.999999), runnel.Resources{MemoryMB: 60}, 4},
		"CPU":                            {calm(3, 300), runnel.Resources{CPU: 1, MemoryMB: 60}, 3},
		"CPU in tenths":                  {calm(0.6, 300), runnel.Resources{CPU: 0.1}, 6},
		"a share of the CPU":             {percent, runnel.Resources{CPU: 1}, 4},
		"nothing":                        {calm(1, 1), runnel.Resources{}, 12},
		"waiting takes no CPU":           {calm(2, 1000), runnel.Resources{CPU: 1, IOBound: true}, 12},
		"waiting takes memory":           {calm(2, 100), runnel.Resources{CPU: 1, MemoryMB: 20, IOBound: true}, 5},
		"more than all":                  {calm(2, 100), runnel.Resources{CPU: 3}, 1},
		"under load as few as there may": {least, runnel.Resources{}, 3},
		"that need what does not fit":    {least, runnel.Resources{CPU: 2}, 2},
		"MaxParallel":                    {most, runnel.Resources{CPU: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 12
				tasks, b := naps(n, c.needs)
				start := time.Now()
				r := mustRun(t, pipelineOf(t, tasks...), nil, runnel.ResourceAware(c.budget)).Report()
				wantTook(t, "the run", start, time.Duration((n+c.atOnce-1)/c.atOnce)*time.Second)
				if b.most != c.atOnce || b.calls != n {
					t.Errorf("%d of %d tasks ran at once, want %d of %d", b.most, b.calls, c.atOnce, n)
				}
				want := runnel.Resources{CPU: float64(c.atOnce) * c.needs.CPU, MemoryMB: float64(c.atOnce) * c.needs.MemoryMB}
				if c.needs.IOBound {
					want.CPU = 0
				}
				if got := r.Resources.Peak; math.Abs(got.CPU-want.CPU) > 1e-6 || math.Abs(got.MemoryMB-want.MemoryMB) > 1e-6 {
					t.Errorf("the report has a peak of %+v, want %+v", got, want)
				}
				waited := 0
				for _, task := range r.Tasks {
					waited += task.Resources.Waits
				}
				if want := n - c.atOnce; waited != want && c.budget.MaxParallel == 0 {
					t.Errorf("%d tasks waited, want %d", waited, want)
				}
			})
		})
	}
}

// TestBothMaxParallels: the smaller one counts, wherever it is given.
func TestBothMaxParallels(t *testing.T) {
	for _, c := range [][3]int{{2, 3, 2}, {3, 2, 2}, {0, 2, 2}, {2, 0, 2}, {0, 0, 6}} {
		synctest.Test(t, func(t *testing.T) {
			tasks, b := naps(6, runnel.Resources{})
			budget := calm(1, 1)
			budget.MaxParallel = c[1]
			mustRun(t, pipelineOf(t, tasks...), nil, runnel.MaxParallel(c[0]), runnel.ResourceAware(budget))
			if b.most != c[2] {
				t.Errorf("MaxParallel(%d) and Budget.MaxParallel %d: %d at once, want %d", c[0], c[1], b.most, c[2])
			}
		})
	}
}

// TestWhatIsLargerThanTheBudgetRunsAlone: with a warning, and the run goes on with the
// others.
func TestWhatIsLargerThanTheBudgetRunsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, beside atomic.Int32
		body := func(ctx context.Context, _ nothing) (int, error) {
			running.Add(1)
			defer running.Add(-1)
			time.Sleep(time.Second)
			if runnel.Info(ctx).Task == "big" {
				beside.Store(running.Load() - 1)
			}
			return 1, nil
		}
		tasks := []runnel.AnyTask{runnel.NewTask("big", body, runnel.Needs(runnel.Resources{CPU: 1, MemoryMB: 500}))}
		for i := range 4 {
			tasks = append(tasks, runnel.NewTask("small", body, runnel.Needs(runnel.Resources{MemoryMB: 100})).As(fmt.Sprint("small ", i)))
		}
		p := pipelineOf(t, tasks...)
		var logged bytes.Buffer
		var warnings []runnel.Event
		start := time.Now()
		res := mustRun(t, p, nil, runnel.RunID("r1"), runnel.ResourceAware(calm(4, 400)),
			runnel.Observe(runnel.SlogObserver(slog.New(slog.NewTextHandler(&logged, nil)))),
			runnel.Observe(func(e runnel.Event) {
				if _, ok := e.(runnel.TaskOversized); ok {
					warnings = append(warnings, e)
				}
			}))
		wantTook(t, "the run", start, 2*time.Second)
		if beside.Load() != 0 {
			t.Errorf("%d tasks ran beside the one that is larger than the budget", beside.Load())
		}
		wantEvents(t, warnings, []runnel.Event{runnel.TaskOversized{At: start, RunID: "r1", Task: "big",
			Needs: runnel.Resources{CPU: 1, MemoryMB: 500}, Budget: runnel.Resources{CPU: 4, MemoryMB: 400}}})
		wantParts(t, logged.String(), `level=WARN msg="task needs more than the budget, and runs alone" run=r1 task=big needs="1 CPU and 500 MB" budget="4 CPUs and 400 MB"`)
		r := res.Report()
		if big := taskReport(t, r, "big").Resources; !big.Oversized || taskReport(t, r, "small 1").Resources.Oversized {
			t.Errorf("the report says %+v", big)
		}
		if want := (runnel.Resources{CPU: 1, MemoryMB: 500}); r.Resources.Peak != want {
			t.Errorf("the peak is %v, want %v", r.Resources.Peak, want)
		}
	})
}

// TestWithoutTimingsResourcesHaveNone: the rest of the report is there.
func TestWithoutTimingsResourcesHaveNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, _ := naps(2, runnel.Resources{CPU: 1})
		r := mustRun(t, pipelineOf(t, tasks...), nil, runnel.ResourceAware(calm(1, 1)), runnel.Timings(false)).Report()
		waits := 0
		for _, task := range r.Tasks {
			waits += task.Resources.Waits
			if task.Resources.Time != 0 || task.Resources.WaitedForCPU != 0 || task.Resources.Attempts != 1 {
				t.Errorf("%s: %+v", task.Name, task.Resources)
			}
		}
		if waits != 1 {
			t.Errorf("%d tasks waited, want 1", waits)
		}
	})
}

// TestBetweenAttemptsNothingIsHeld: and the next attempt goes before what is new.
func TestBetweenAttemptsNothingIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var order []string
		all := runnel.Needs(runnel.Resources{CPU: 2})
		task := func(name string, opts ...runnel.TaskOption) runnel.AnyTask {
			return step(name, nil, func(ctx context.Context) error {
				order = append(order, fmt.Sprint(name, " at ", time.Since(start)))
				time.Sleep(4 * time.Second)
				if name == "flaky" && runnel.Info(ctx).Attempt == 1 {
					return errFlaky
				}
				return nil
			}, append(opts, all)...)
		}
		tasks := []runnel.AnyTask{task("flaky", runnel.Retries(1), runnel.RetryDelay(5*time.Second), runnel.RetryJitter(false))}
		for i := range 4 {
			// The first attempt is the first of all, the others come in their order.
			tasks = append(tasks, task(fmt.Sprint("other ", i), runnel.After()))
		}
		p := pipelineOf(t, tasks...)
		res := mustRun(t, p, nil, runnel.ResourceAware(calm(2, 100)))
		at := slices.IndexFunc(order, func(s string) bool { return s[:5] == "flaky" })
		if len(order) != 6 || at < 0 {
			t.Fatalf("the order is %q", order)
		}
		wantTook(t, "the run", start, max(24*time.Second, time.Duration(4*at+4+5+4)*time.Second))
		// Five seconds are one task and a part of the next: the retry follows that one.
		if at+3 < len(order) && order[at+3] != fmt.Sprint("flaky at ", time.Duration(4*(at+3))*time.Second) {
			t.Errorf("the order is %q", order)
		}
		if r := taskReport(t, res.Report(), "flaky").Resources; r.Attempts != 2 || r.Time != 4*time.Second {
			t.Errorf("of the task with two attempts: %+v", r)
		}
	})
}

// TestElementsNeedEach: a mapped task's needs are those of an element, in a stream of
// them as well.
func TestElementsNeedEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &table{}
		needs := map[string]runnel.Resources{"a": {CPU: 1, MemoryMB: 10}, "b": {CPU: 2}}
		stage := func(output, over string) runnel.AnyTask {
			return runnel.Each(output, over, func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Second)
				return n + 1, nil
			}, runnel.Needs(needs[output]))
		}
		p := pipelineOf(t, stage("a", "numbers"), stage("b", "a"))
		budget := runnel.Resources{CPU: 4, MemoryMB: 30}
		start := time.Now()
		res := mustRun(t, p, runnel.Values{"numbers": upTo(40)}, runnel.ResourceAware(calm(budget.CPU, budget.MemoryMB)),
			runnel.Intercept(b.around(budget, func(task string) runnel.Resources { return needs[task] })))
		if b.broken != "" || b.calls != 80 {
			t.Errorf("%d calls; %s", b.calls, b.broken)
		}
		// 40·1 + 40·2 CPU seconds on 4 are 30 s, if they are shared out well.
		if took := time.Since(start); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("the run took %v", took)
		}
		got, err := runnel.Get[[]int](res, "b")
		if err != nil || len(got) != 40 || got[39] != upTo(40)[39]+2 {
			t.Errorf("got %v, %v", got, err)
		}
		if r := taskReport(t, res.Report(), "b").Resources; r.Attempts != 40 || r.Time != time.Second || r.Waits == 0 || r.WaitedForCPU == 0 {
			t.Errorf("of the second task: %+v", r)
		}
	})
}

// TestWhateverEndsAnAttemptGivesBack: each task needs all there is, so the next one
// would not run otherwise.
func TestWhateverEndsAnAttemptGivesBack(t *testing.T) {
	all := runnel.Needs(runnel.Resources{CPU: 1, MemoryMB: 1})
	goexit := func(error) bool { runtime.Goexit(); return true }
	long := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	synctest.Test(t, func(t *testing.T) {
		var after atomic.Int32
		last := func(context.Context) error { after.Add(1); return nil }
		rescued := runnel.NewTask("rescued", func(context.Context, nothing) (int, error) { return 0, errFlaky }, all)
		unasked := runnel.NewTask("unasked", constant(1), all)
		tasks := []runnel.AnyTask{
			step("fails", nil, failsWith(errFlaky, time.Second), all),
			step("panics", nil, func(context.Context) error { panic("no") }, all),
			step("goexit", nil, func(context.Context) error { runtime.Goexit(); return nil }, all),
			step("judge goexit", nil, failsWith(errFlaky, 0), all, runnel.Retries(1), runnel.RetryIf(goexit)),
			step("judge panics", nil, failsWith(errFlaky, 0), all, runnel.Retries(1), runnel.RetryIf(func(error) bool { panic("no") })),
			step("retried", nil, failsWith(errFlaky, 0), all, runnel.Retries(3)),
			step("retried at once", nil, failsWith(errFlaky, 0), all, runnel.Retries(3), runnel.RetryDelay(0)),
			step("late", nil, long, all, runnel.Timeout(time.Second)),
			rescued.Fallback(func(context.Context, nothing, error) (int, error) { return 1, nil }),
			rescued.As("rescue panics").Fallback(func(context.Context, nothing, error) (int, error) { panic("no") }),
			rescued.As("rescue goexit").Fallback(func(context.Context, nothing, error) (int, error) { runtime.Goexit(); return 1, nil }),
			unasked.When(func(nothing) bool { return false }),
			runnel.Each("elements", "numbers", func(_ context.Context, n int) (int, error) {
				switch n % 3 {
				case 0:
					runtime.Goexit()
				case 1:
					return 0, errFlaky
				}
				return n, nil
			}, all, runnel.Retries(1)),
		}
		for i := range 20 {
			tasks = append(tasks, step(fmt.Sprint("last ", i), nil, last, all))
		}
		p := pipelineOf(t, tasks...)
		for _, limit := range []int{0, 1, 2} {
			after.Store(0)
			res, err := p.Run(t.Context(), runnel.Values{"numbers": upTo(9)}, runnel.OnError(runnel.SkipFailed), runnel.ResourceAware(calm(1, 1)), runnel.MaxParallel(limit))
			if err != nil {
				t.Fatal(err)
			}
			r := res.Report()
			if after.Load() != 20 || r.Resources.Peak != (runnel.Resources{CPU: 1, MemoryMB: 1}) {
				t.Errorf("limit %d: %d of 20 others ran, at a peak of %v", limit, after.Load(), r.Resources.Peak)
			}
			for name, want := range map[string]runnel.State{"fails": runnel.Failed, "goexit": runnel.Failed, "rescued": runnel.Succeeded, "rescue goexit": runnel.Failed, "unasked": runnel.Skipped, "elements": runnel.Failed} {
				wantState(t, r, name, want)
			}
		}
	})
}

// TestAnEndedRunStartsNothingThatWaits: by its caller, or by a failure.
func TestAnEndedRunStartsNothingThatWaits(t *testing.T) {
	all := runnel.Needs(runnel.Resources{CPU: 1})
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		var tasks []runnel.AnyTask
		for i := range 5 {
			tasks = append(tasks, step(fmt.Sprint("long ", i), nil, func(ctx context.Context) error {
				calls.Add(1)
				return sleeps(time.Hour)(ctx)
			}, all))
		}
		run, err := pipelineOf(t, tasks...).Start(t.Context(), nil, runnel.ResourceAware(calm(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		states := map[runnel.State]int{}
		for _, task := range run.Report().Tasks {
			states[task.State]++
		}
		if states[runnel.Running] != 1 || states[runnel.Ready] != 4 {
			t.Errorf("before the end they are %v", states)
		}
		run.Cancel(nil)
		res, err := run.Wait(t.Context())
		if !errors.Is(err, context.Canceled) || calls.Load() != 1 {
			t.Errorf("%d were called, the error is %v", calls.Load(), err)
		}
		if totals := res.Report().Totals; totals.Cancelled != 5 {
			t.Errorf("they ended as %+v", totals)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		var tasks []runnel.AnyTask
		for i := range 5 {
			tasks = append(tasks, step(fmt.Sprint("bad ", i), nil, func(ctx context.Context) error {
				calls.Add(1)
				return failsWith(errFlaky, time.Second)(ctx)
			}, all))
		}
		_, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.ResourceAware(calm(1, 1)))
		if !errors.Is(err, errFlaky) || calls.Load() != 1 {
			t.Errorf("%d were called, the error is %v", calls.Load(), err)
		}
	})
}

// TestProfilesOverruleOneRun: what tasks have declared counts in the others.
func TestProfilesOverruleOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, _ := naps(4, runnel.Resources{CPU: 1})
		p := pipelineOf(t, tasks...)
		profile := map[string]runnel.Resources{}
		for _, task := range tasks {
			profile[task.Name()] = runnel.Resources{CPU: 4}
		}
		overruled := []runnel.RunOption{runnel.ResourceAware(calm(4, 1)), runnel.Profiles(profile), runnel.Profiles(map[string]runnel.Resources{"nap 0": {CPU: 0.5}, "nap 1": {CPU: 3.5}})}
		clear(profile) // it was taken as it was
		for _, c := range []struct {
			opts []runnel.RunOption
			want time.Duration
		}{{overruled, 3 * time.Second}, {overruled[:1], time.Second}} {
			start := time.Now()
			r := mustRun(t, p, nil, c.opts...).Report()
			wantTook(t, "the run", start, c.want)
			if got := taskReport(t, r, "nap 1").Resources.Needs; (got.CPU == 3.5) != (len(c.opts) > 1) {
				t.Errorf("nap 1 needed %v", got)
			}
		}
	})
}

// TestAProfileOfARun: what was measured of tasks that ran alone is what later runs go
// by, and what was declared of the others.
func TestAProfileOfARun(t *testing.T) {
	hold := make([][]byte, 3)
	fill := func(k int) func(context.Context, nothing) (int, error) {
		return func(context.Context, nothing) (int, error) {
			hold[k] = bytes.Repeat([]byte{1}, 40_000_000)
			return len(hold[k]), nil
		}
	}
	p := pipelineOf(t, runnel.NewTask("a", fill(0)), runnel.NewTask("b", fill(1), runnel.Needs(runnel.Resources{CPU: 0.25, MemoryMB: 1})),
		runnel.NewTask("c", fill(2), runnel.Needs(runnel.Resources{CPU: 1, IOBound: true})))
	budget := calm(1000, 1e6)
	runtime.GC() // what earlier tests have left would go meanwhile
	r := mustRun(t, p, nil, runnel.ResourceAware(budget), runnel.MaxParallel(1)).Report()
	profile := r.Profile()
	for _, name := range []string{"a", "b", "c"} {
		needs := profile[name]
		if needs.MemoryMB < 30 || needs.MemoryMB > 60 || needs.CPU < 0 || needs.IOBound != (name == "c") {
			t.Errorf("%s needs %+v by what was measured", name, needs)
		}
		if m := taskReport(t, r, name).Resources; m.Alone != 1 || m.Measured.MemoryMB != needs.MemoryMB {
			t.Errorf("the report of %s has %+v", name, m)
		}
	}
	again := mustRun(t, p, nil, runnel.ResourceAware(budget), runnel.Profiles(profile)).Report()
	if got := taskReport(t, again, "b").Resources.Needs; got != profile["b"] {
		t.Errorf("with the profile b needed %v, want %v", got, profile["b"])
	}
	// Those that run together are not measured, and keep what they have declared.
	synctest.Test(t, func(t *testing.T) {
		tasks, _ := naps(2, runnel.Resources{CPU: 0.5, MemoryMB: 7})
		tasks = append(tasks, runnel.NewTask("none", func(context.Context, nothing) (int, error) { time.Sleep(time.Second); return 1, nil }))
		profile := mustRun(t, pipelineOf(t, tasks...), nil, runnel.ResourceAware(budget)).Report().Profile()
		want := runnel.Resources{CPU: 0.5, MemoryMB: 7}
		if len(profile) != 2 || profile["nap 0"] != want || profile["nap 1"] != want {
			t.Errorf("the profile is %v", profile)
		}
	})
}

// TestACachedResultNeedsNothing: it is taken while all is in use, and counted once
// when it has to be made.
func TestACachedResultNeedsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := runnel.Needs(runnel.Resources{CPU: 1})
		kept := runnel.NewTask("kept", func(context.Context, nothing) (int, error) { time.Sleep(time.Second); return 1, nil }, all, runnel.Cached("1", 0))
		long := step("long", nil, sleeps(10*time.Second), all)
		store := runnel.ResultCache(resultcache.NewMemory(0))
		aware := runnel.ResourceAware(calm(1, 1))
		r := mustRun(t, pipelineOf(t, kept, long), nil, store, aware).Report()
		if r.Cache.Misses != 1 || r.Cache.Hits != 0 || r.Duration != 11*time.Second {
			t.Errorf("the first run took %v: %v", r.Duration, r.Cache)
		}
		r = mustRun(t, pipelineOf(t, kept, long), nil, store, aware).Report()
		if got := taskReport(t, r, "kept"); r.Cache.Hits != 1 || r.Duration != 10*time.Second || got.Resources.Attempts != 0 || got.Waited != 0 {
			t.Errorf("the second run took %v: %v, and %+v", r.Duration, r.Cache, got)
		}
		// Equal calls of two elements: one makes it, and the other waits for no CPU.
		var calls atomic.Int32
		equal := runnel.Each("equal", "numbers", func(_ context.Context, n int) (int, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return n, nil
		}, all, runnel.Cached("1", 0))
		r = mustRun(t, pipelineOf(t, equal), runnel.Values{"numbers": []int{7, 7, 8, 7, 8}}, store, aware).Report()
		if calls.Load() != 2 || r.Cache.Misses != 2 || r.Cache.Hits != 3 {
			t.Errorf("%d calls: %v", calls.Load(), r.Cache)
		}
	})
}

// TestNobodyWaitsForACachedTaskThatWaitsInLine: the task that has all there is runs a
// pipeline that needs the same result as one that waits for it to end.
func TestNobodyWaitsForACachedTaskThatWaitsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := runnel.Needs(runnel.Resources{CPU: 1})
		var calls atomic.Int32
		kept := runnel.NewTask("kept", func(_ context.Context, in struct{ Seed int }) (int, error) {
			calls.Add(1)
			return in.Seed + 1, nil
		}, all, runnel.Cached("1", 0))
		opts := []runnel.RunOption{runnel.ResultCache(resultcache.NewMemory(0)), runnel.ResourceAware(calm(1, 1))}
		inner := pipelineOf(t, kept)
		p := pipelineOf(t, kept,
			runnel.NewTask("seed", func(context.Context, nothing) (int, error) { time.Sleep(time.Second); return 7, nil }),
			runnel.NewTask("outer", func(ctx context.Context, _ nothing) (int, error) {
				time.Sleep(2 * time.Second)
				res, err := inner.Run(ctx, runnel.Values{"seed": 7}, opts...)
				if err != nil {
					return 0, err
				}
				return kept.Get(res)
			}, all))
		r := mustRun(t, p, nil, opts...).Report()
		if got := taskReport(t, r, "kept"); calls.Load() != 1 || r.Cache.Hits != 1 || r.Cache.Misses != 0 || got.Resources.Waits != 1 || got.Resources.Attempts != 0 {
			t.Errorf("%d calls: %v, and %+v", calls.Load(), r.Cache, got.Resources)
		}
	})
}

// BenchmarkResourceAware is what a run of mapped elements that do nothing costs, with
// and without a budget, when all fit, and when they wait in line.
func BenchmarkResourceAware(b *testing.B) {
	p := pipelineOf(b, runnel.Each("b", "a", func(_ context.Context, n int) (int, error) { return n, nil }, runnel.Needs(runnel.Resources{CPU: 1})))
	in := runnel.Values{"a": upTo(10_000)}
	for name, opts := range map[string][]runnel.RunOption{"without": nil, "fits": {runnel.ResourceAware(calm(1e6, 1))}, "in line": {runnel.ResourceAware(calm(1, 1))}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustRun(b, p, in, opts...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/element")
		})
	}
}
