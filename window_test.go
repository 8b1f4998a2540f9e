package runnel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// peaks counts how many calls are under way at once.
type peaks struct{ now, most atomic.Int32 }

func (p *peaks) enter() {
	n := p.now.Add(1)
	for {
		most := p.most.Load()
		if n <= most || p.most.CompareAndSwap(most, n) {
			return
		}
	}
}

func (p *peaks) leave() { p.now.Add(-1) }

// slowly declares a mapped task whose elements take a second each.
func slowly(output, over string, seen *peaks, opts ...runnel.TaskOption) *runnel.MapTask[onNumbers, int] {
	return runnel.NewMapTask(output+"[i]", func(ctx context.Context, in onNumbers) (int, error) {
		seen.enter()
		defer seen.leave()
		return in.N, sleeps(time.Second)(ctx)
	}, opts...).Bind("numbers", over)
}

func TestWindowIsExact(t *testing.T) {
	for what, c := range map[string]struct {
		elements, want int
		task           []runnel.TaskOption
		run            []runnel.RunOption
	}{
		"by default 1,024":                 {elements: 3000, want: 1024},
		"by default, fewer elements":       {elements: 7, want: 7},
		"the task's":                       {elements: 20, want: 3, task: []runnel.TaskOption{runnel.MaxParallel(3)}},
		"the task's, of 1":                 {elements: 5, want: 1, task: []runnel.TaskOption{runnel.MaxParallel(1)}},
		"the task's, above the default":    {elements: 3000, want: 2000, task: []runnel.TaskOption{runnel.MaxParallel(2000)}},
		"the task's, lifted":               {elements: 3000, want: 3000, task: []runnel.TaskOption{runnel.MaxParallel(0)}},
		"the run's":                        {elements: 20, want: 4, run: []runnel.RunOption{runnel.MaxParallel(4)}},
		"the run's, above the default":     {elements: 3000, want: 1500, run: []runnel.RunOption{runnel.MaxParallel(1500)}},
		"the task's under the run's":       {elements: 20, want: 2, task: []runnel.TaskOption{runnel.MaxParallel(2)}, run: []runnel.RunOption{runnel.MaxParallel(4)}},
		"the run's under the task's":       {elements: 20, want: 4, task: []runnel.TaskOption{runnel.MaxParallel(8)}, run: []runnel.RunOption{runnel.MaxParallel(4)}},
		"the run's, the task's lifted":     {elements: 20, want: 4, task: []runnel.TaskOption{runnel.MaxParallel(0)}, run: []runnel.RunOption{runnel.MaxParallel(4)}},
		"the run's lifted, the task keeps": {elements: 20, want: 3, task: []runnel.TaskOption{runnel.MaxParallel(3)}, run: []runnel.RunOption{runnel.MaxParallel(0)}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen peaks
				p := pipelineOf(t, slowly("out", "numbers", &seen, c.task...))
				start := time.Now()
				mustRun(t, p, runnel.Values{"numbers": make([]int, c.elements)}, c.run...)
				if got := int(seen.most.Load()); got != c.want {
					t.Errorf("%d elements at once, want %d", got, c.want)
				}
				wantTook(t, fmt.Sprint(c.elements, " elements of a second"), start, time.Duration((c.elements+c.want-1)/c.want)*time.Second)
			})
		})
	}
}

func TestWindowsAreTheTasksOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b peaks
		p := pipelineOf(t, slowly("a", "numbers", &a, runnel.MaxParallel(2)), slowly("b", "numbers", &b, runnel.MaxParallel(5)))
		start := time.Now()
		mustRun(t, p, runnel.Values{"numbers": make([]int, 10)})
		wantTook(t, "two tasks at once", start, 5*time.Second)
		if a.most.Load() != 2 || b.most.Load() != 5 {
			t.Errorf("%d and %d at once, want 2 and 5", a.most.Load(), b.most.Load())
		}
	})
}

func TestWindowOfAConsumerHoldsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b peaks
		p := pipelineOf(t, slowly("a", "numbers", &a), slowly("b", "a", &b, runnel.MaxParallel(2)))
		start := time.Now()
		got, err := runnel.Get[[]int](mustRun(t, p, runnel.Values{"numbers": []int{5, 4, 3, 2, 1}}), "b")
		if err != nil || !slices.Equal(got, []int{5, 4, 3, 2, 1}) {
			t.Errorf("got %v, %v", got, err)
		}
		wantTook(t, "all of one, then the other by twos", start, 4*time.Second)
		if b.most.Load() != 2 {
			t.Errorf("%d at once, want 2", b.most.Load())
		}
	})
}

func TestElementRetryWaitHoldsNoSlotOfTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
			attempt := runnel.Info(ctx).Attempt
			order = append(order, fmt.Sprintf("%d.%d", in.N, attempt))
			if err := sleeps(time.Second)(ctx); err != nil {
				return 0, err
			}
			if in.N == 0 && attempt == 1 {
				return 0, errFlaky
			}
			return in.N, nil
		}, runnel.MaxParallel(1), runnel.Retries(1), runnel.RetryDelay(1500*time.Millisecond), runnel.RetryJitter(false))
		start := time.Now()
		mustRun(t, pipelineOf(t, task), runnel.Values{"numbers": []int{0, 1, 2, 3}})
		// 0 fails at 1 s and is due at 2.5 s, when 2 has the slot until 3 s: it goes
		// before 3.
		wantTook(t, "five attempts one at a time", start, 5*time.Second)
		if want := []string{"0.1", "1.1", "2.1", "0.2", "3.1"}; !slices.Equal(order, want) {
			t.Errorf("attempts in the order %q, want %q", order, want)
		}
	})
}

// TestConsumersGoFirst: one at a time, each element passes all stages before the
// next one starts, so that no values pile up between them, however the tasks are
// registered.
func TestConsumersGoFirst(t *testing.T) {
	var order []string
	stage := func(output, from string) runnel.AnyTask {
		return runnel.NewMapTask(output+"[i]", func(_ context.Context, in onNumbers) (int, error) {
			order = append(order, fmt.Sprint(output, in.N))
			return in.N, nil
		}).Bind("numbers", from)
	}
	a, b, c, d := stage("a", "numbers"), stage("b", "a"), stage("c", "b"), stage("d", "c")
	var want []string
	for i := range 5 {
		for _, name := range []string{"a", "b", "c", "d"} {
			want = append(want, fmt.Sprint(name, i))
		}
	}
	for _, tasks := range [][]runnel.AnyTask{{a, b, c, d}, {d, c, b, a}, {b, d, a, c}, {c, a, d, b}} {
		order = nil
		mustRun(t, pipelineOf(t, tasks...), runnel.Values{"numbers": []int{0, 1, 2, 3, 4}}, runnel.MaxParallel(1))
		if !slices.Equal(order, want) {
			t.Errorf("registered as %v, the elements ran in the order\n%q, want\n%q", names(tasks), order, want)
		}
	}
}

func names(tasks []runnel.AnyTask) (names []string) {
	for _, task := range tasks {
		names = append(names, task.Name())
	}
	return names
}

// TestValuesDoNotPileUp: there are never more elements between the first and the
// last stage than the slots account for.
func TestValuesDoNotPileUp(t *testing.T) {
	for _, limit := range []int{1, 2, 4, 7} {
		synctest.Test(t, func(t *testing.T) {
			var between peaks
			first := runnel.NewMapTask("a[i]", func(ctx context.Context, in onNumbers) (int, error) {
				err := sleeps(time.Duration(1+in.N%3) * time.Millisecond)(ctx)
				between.enter()
				return in.N, err
			})
			middle := runnel.NewMapTask("b[i]", func(ctx context.Context, in struct {
				N int `runnel:"a[i]"`
			}) (int, error) {
				return in.N, sleeps(time.Duration(1+in.N%5) * time.Millisecond)(ctx)
			})
			last := runnel.NewMapTask("c[i]", func(ctx context.Context, in struct {
				N int `runnel:"b[i]"`
			}) (int, error) {
				between.leave()
				return in.N, sleeps(time.Duration(1+in.N%7) * time.Millisecond)(ctx)
			})
			in := make([]int, 2000)
			for i := range in {
				in[i] = i
			}
			mustRun(t, pipelineOf(t, first, middle, last), runnel.Values{"numbers": in}, runnel.MaxParallel(limit))
			if most := int(between.most.Load()); most > 2*limit {
				t.Errorf("limit %d: %d elements piled up between the stages", limit, most)
			}
		})
	}
}

func TestElementsAreOfTheWholeRunsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen peaks
		tasks := []runnel.AnyTask{slowly("a", "numbers", &seen), slowly("b", "numbers", &seen), slowly("c", "numbers", &seen)}
		for k := range 4 {
			tasks = append(tasks, step(fmt.Sprint("plain", k), nil, func(ctx context.Context) error {
				seen.enter()
				defer seen.leave()
				return sleeps(time.Second)(ctx)
			}))
		}
		start := time.Now()
		mustRun(t, pipelineOf(t, tasks...), runnel.Values{"numbers": make([]int, 12)}, runnel.MaxParallel(4))
		wantTook(t, "40 calls of a second, 4 at once", start, 10*time.Second)
		if seen.most.Load() != 4 {
			t.Errorf("%d at once, want 4", seen.most.Load())
		}
	})
}

func TestMapWithoutSlotsToSpareDoesNotDeadlock(t *testing.T) {
	// A run inside an element has its own limit.
	inner := pipelineOf(t, doubledEach())
	outer := runnel.NewMapTask("sums[i]", func(ctx context.Context, in onNumbers) (int, error) {
		res, err := inner.Run(ctx, runnel.Values{"numbers": []int{in.N, in.N}}, runnel.MaxParallel(1))
		if err != nil {
			return 0, err
		}
		got, err := runnel.Get[[]int](res, "doubled")
		return got[0] + got[1], err
	}, runnel.MaxParallel(1))
	wantWhole(t, pipelineOf(t, outer), runnel.Values{"numbers": []int{1, 2, 3}}, "sums", []int{4, 8, 12})
}

func TestNegativeLimitOfAMappedTaskIsAProblem(t *testing.T) {
	_, err := runnel.FromTasks(mapTo[onNumbers, int]("x[i]", runnel.MaxParallel(-2)))
	if err == nil || !strings.Contains(err.Error(), "MaxParallel must be 0 or more, got -2: 0 lifts the limit") {
		t.Errorf("error %v", err)
	}
}
