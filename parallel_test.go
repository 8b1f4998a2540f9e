package runnel_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// sleepers makes n independent tasks that each sleep, and tells how many of
// them did so at once at most.
func sleepers(n int, d time.Duration) (tasks []runnel.AnyTask, peak *atomic.Int32) {
	var running atomic.Int32
	peak = new(atomic.Int32)
	sleep := runnel.NewTask("sleeper", func(context.Context, struct{}) (int, error) {
		now := running.Add(1)
		for top := peak.Load(); now > top && !peak.CompareAndSwap(top, now); top = peak.Load() {
		}
		time.Sleep(d)
		running.Add(-1)
		return 1, nil
	})
	for i := range n {
		tasks = append(tasks, sleep.As(fmt.Sprint("sleeper ", i)))
	}
	return tasks, peak
}

// TestBlockedTasksStarveNobody: a thousand tasks that sleep take as long as one,
// unless a limit is set, and that one is exact.
func TestBlockedTasksStarveNobody(t *testing.T) {
	for _, c := range []struct {
		limit, peak int
		want        time.Duration
	}{
		{0, 1000, 100 * time.Millisecond},
		{10, 10, 10 * time.Second},
		{1, 1, 100 * time.Second},
		{999, 999, 200 * time.Millisecond},
		{1000, 1000, 100 * time.Millisecond},
		{5000, 1000, 100 * time.Millisecond},
	} {
		t.Run(fmt.Sprint("limit ", c.limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tasks, peak := sleepers(1000, 100*time.Millisecond)
				p := pipelineOf(t, tasks...)
				start := time.Now()
				res, err := p.Run(t.Context(), nil, runnel.MaxParallel(c.limit))
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != c.want {
					t.Errorf("1000 tasks of 100ms took %v, want %v", took, c.want)
				}
				if got := int(peak.Load()); got != c.peak {
					t.Errorf("%d tasks ran at once, want %d", got, c.peak)
				}
				if r := res.Report(); r.PeakParallel != c.peak || r.Duration != c.want {
					t.Errorf("the report says %d at once in %v, want %d in %v", r.PeakParallel, r.Duration, c.peak, c.want)
				}
			})
		})
	}
}

// TestNoLimitByDefault: without the option nothing is limited.
func TestNoLimitByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, peak := sleepers(1000, time.Hour)
		start := time.Now()
		if _, err := pipelineOf(t, tasks...).Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Hour || peak.Load() != 1000 {
			t.Errorf("1000 tasks of an hour took %v, %d of them at once", took, peak.Load())
		}
	})
}

// TestBlockedConsumersStarveNobody is the same for tasks that one task makes
// ready all at once, and for a task beside them that does not block.
func TestBlockedConsumersStarveNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		meet := make(chan struct{}) // closed by the last consumer to start
		var started atomic.Int32
		tasks := []runnel.AnyTask{
			runnel.NewTask("source", func(context.Context, struct{}) (int, error) { return 7, nil }),
		}
		wait := runnel.NewTask("consumer", func(_ context.Context, in struct{ Source int }) (int, error) {
			if started.Add(1) == n {
				close(meet)
			}
			<-meet
			return in.Source, nil
		})
		for i := range n {
			tasks = append(tasks, wait.As(fmt.Sprint("consumer ", i)))
		}
		res, err := pipelineOf(t, tasks...).Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if out := res.Outputs(); len(out) != n+1 || out["consumer 499"] != 7 {
			t.Errorf("%d outputs, want %d", len(out), n+1)
		}
	})
}

// TestNestedRunsNeedNoFreeSlot: a task that runs a pipeline and waits for it
// holds its slot, and that pipeline has slots of its own, so that even one slot
// is enough at every depth.
func TestNestedRunsNeedNoFreeSlot(t *testing.T) {
	for _, depth := range []int{1, 2, 5, 20, 50} {
		t.Run(fmt.Sprint("depth ", depth), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				// Each level has three tasks in a row, of which the second runs the next.
				var nest func(ctx context.Context, level int) (int, error)
				nest = func(ctx context.Context, level int) (int, error) {
					time.Sleep(time.Second)
					if level == depth {
						return 1, nil
					}
					p, err := runnel.FromTasks(
						runnel.NewTask("a", func(context.Context, struct{}) (int, error) { return 1, nil }),
						runnel.NewTask("b", func(ctx context.Context, in struct{ A int }) (int, error) {
							inner, err := nest(ctx, level+1)
							return in.A + inner, err
						}),
						runnel.NewTask("c", func(_ context.Context, in struct{ B int }) (int, error) { return in.B + 1, nil }),
					)
					if err != nil {
						return 0, err
					}
					res, err := p.Run(ctx, nil, runnel.MaxParallel(1))
					if err != nil {
						return 0, err
					}
					return runnel.Get[int](res, "c")
				}
				got, err := nest(t.Context(), 0)
				if want := 1 + 2*depth; err != nil || got != want {
					t.Fatalf("got %d, %v, want %d", got, err, want)
				}
				if took, want := time.Since(start), time.Duration(depth+1)*time.Second; took != want {
					t.Errorf("took %v, want %v", took, want)
				}
			})
		})
	}
}

// TestNestedRunOfTheSamePipeline: a pipeline may be run by its own task.
func TestNestedRunOfTheSamePipeline(t *testing.T) {
	p := runnel.NewPipeline()
	countdown := runnel.NewTask("sum", func(ctx context.Context, in struct{ N int }) (int, error) {
		if in.N == 0 {
			return 0, nil
		}
		res, err := p.Run(ctx, runnel.Values{"n": in.N - 1}, runnel.MaxParallel(1))
		if err != nil {
			return 0, err
		}
		rest, err := runnel.Get[int](res, "sum")
		return in.N + rest, err
	})
	p.Add(countdown)
	res, err := p.Run(t.Context(), runnel.Values{"n": 100}, runnel.MaxParallel(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := countdown.Get(res); err != nil || got != 5050 {
		t.Errorf("got %d, %v, want 5050", got, err)
	}
}

// TestNestedRunInheritsCancellation: who cancels the outer run ends the inner
// one.
func TestNestedRunInheritsCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := pipelineOf(t, runnel.NewTask("sleeper", func(ctx context.Context, _ struct{}) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}))
		outer := pipelineOf(t, runnel.NewTask("outer", func(ctx context.Context, _ struct{}) (int, error) {
			res, err := inner.Run(ctx, nil)
			if err == nil {
				return 0, fmt.Errorf("the inner run succeeded")
			}
			if r := res.Report(); r.State != runnel.Cancelled {
				t.Errorf("the inner run ended as %v, want cancelled", r.State)
			}
			return 0, err
		}))
		run, err := outer.Start(t.Context(), nil, runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		run.Cancel(nil)
		res, err := run.Wait(context.Background())
		if err == nil || res.Report().State != runnel.Cancelled {
			t.Errorf("the outer run ended as %v with %v, want cancelled", res.Report().State, err)
		}
	})
}

// echoes is a pipeline whose data all carry the run's own input.
func echoes(t *testing.T) *runnel.Pipeline {
	type in struct{ Seed int }
	first := runnel.NewTask("first", func(_ context.Context, in in) (int, error) { return in.Seed + 1, nil })
	pair := runnel.NewMultiTask(func(_ context.Context, in struct{ First, Seed int }) (struct{ Sum, Difference int }, error) {
		time.Sleep(time.Second)
		return struct{ Sum, Difference int }{in.First + in.Seed, in.First - in.Seed}, nil
	})
	last := runnel.NewTask("last", func(_ context.Context, in struct {
		Sum, Difference int
		Extra           runnel.Opt[int]
	}) (string, error) {
		return fmt.Sprint(in.Sum, in.Difference, in.Extra.Ok), nil
	})
	return pipelineOf(t, last, pair, first)
}

func checkEcho(t *testing.T, p *runnel.Pipeline, seed int, opts ...runnel.RunOption) {
	values := runnel.Values{"seed": seed}
	if seed%2 == 0 {
		values["extra"] = seed
	}
	res, err := p.Run(t.Context(), values, opts...)
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
		return
	}
	want := fmt.Sprint(2*seed+1, 1, seed%2 == 0)
	if got, err := runnel.Get[string](res, "last"); err != nil || got != want {
		t.Errorf("seed %d: got %q, %v, want %q: runs of one pipeline share nothing", seed, got, err, want)
	}
}

// TestConcurrentRunsShareNothing: runs of one pipeline that go on at once each
// see their own values, also while the pipeline grows.
func TestConcurrentRunsShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := echoes(t)
		start := time.Now()
		var runs sync.WaitGroup
		for seed := range 200 {
			runs.Go(func() { checkEcho(t, p, seed, runnel.MaxParallel(seed%4)) })
		}
		runs.Go(func() {
			p.Add(runnel.NewTask("another", func(context.Context, struct{}) (int, error) { return 1, nil }))
		})
		runs.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("200 runs of a second at once took %v", took)
		}
	})
}

// TestPipelineInSuccessiveBubbles: nothing that blocks is kept between runs, so
// that a pipeline made outside works in one bubble after the other.
func TestPipelineInSuccessiveBubbles(t *testing.T) {
	p := echoes(t)
	for round := range 5 {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			for seed := range 5 {
				checkEcho(t, p, seed, runnel.MaxParallel(round))
			}
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("round %d: five runs of a second took %v", round, took)
			}
		})
	}
	// The same with runs that are started and keep their events.
	for round := range 3 {
		synctest.Test(t, func(t *testing.T) {
			run, err := p.Start(t.Context(), runnel.Values{"seed": round})
			if err != nil {
				t.Fatal(err)
			}
			events := 0
			for range run.Events() {
				events++
			}
			// run started and finished, and three tasks that each start and finish.
			if _, err := run.Wait(t.Context()); err != nil || events != 8 {
				t.Errorf("round %d: %d events, error %v, want 8 and none", round, events, err)
			}
		})
	}
}
