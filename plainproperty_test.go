package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// fewTask is a task of one of a few functions.
type fewTask struct {
	function int      // 0 to 2
	inputs   []string // as many as the function's number
	takes    time.Duration
	fails    int // so many attempts
	fallback bool
}

// fewGraph is tasks in an order in which they can run. Each is called after its number.
type fewGraph struct {
	tasks []fewTask

	mu    sync.Mutex
	calls map[string]int // of the run that goes on
}

func drawFew(rt *rapid.T) *fewGraph {
	g := &fewGraph{}
	takes := []time.Duration{0, 0, 10 * time.Microsecond}
	if rapid.Bool().Draw(rt, "long") {
		takes = append(takes, time.Millisecond, 30*time.Millisecond, 300*time.Millisecond)
	}
	for k := range rapid.IntRange(1, 120).Draw(rt, "tasks") {
		t := fewTask{
			function: rapid.IntRange(0, min(k, 2)).Draw(rt, "function"),
			takes:    rapid.SampledFrom(takes).Draw(rt, "takes"),
			fails:    rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 2, 3}).Draw(rt, "fails"),
			fallback: rapid.IntRange(0, 5).Draw(rt, "fallback") == 0,
		}
		for range t.function {
			t.inputs = append(t.inputs, few(rapid.IntRange(max(0, k-20), k-1).Draw(rt, "input")))
		}
		g.tasks = append(g.tasks, t)
	}
	return g
}

func few(k int) string { return fmt.Sprintf("few%d", k) }

// call is what every task does.
func (g *fewGraph) call(ctx context.Context, k int, in ...int) (int, error) {
	i := runnel.Info(ctx)
	g.mu.Lock()
	g.calls[fmt.Sprintf("%s #%d %s", i.Task, i.Attempt, i.IdempotencyKey)]++
	g.mu.Unlock()
	time.Sleep(g.tasks[k].takes)
	if i.Attempt <= g.tasks[k].fails {
		return 0, fmt.Errorf("attempt %d at %d with %v failed", i.Attempt, k, in)
	}
	out := k
	for _, n := range in {
		out = out*31 + n
	}
	return out, nil
}

// declare makes the tasks: those of one function at one place.
func (g *fewGraph) declare() []runnel.AnyTask {
	var tasks []runnel.AnyTask
	for k, t := range g.tasks {
		opts := []runnel.TaskOption{runnel.Retries(2), runnel.RetryDelay(5 * time.Millisecond), runnel.RetryJitter(false)}
		switch t.function {
		case 0:
			task := runnel.NewTask(few(k), func(ctx context.Context, _ struct{}) (int, error) { return g.call(ctx, k) }, opts...)
			if t.fallback {
				task = task.Fallback(func(_ context.Context, _ struct{}, err error) (int, error) { return -k, nil })
			}
			tasks = append(tasks, task)
		case 1:
			tasks = append(tasks, runnel.NewTask(few(k), func(ctx context.Context, in struct{ A int }) (int, error) { return g.call(ctx, k, in.A) }, opts...).Bind("a", t.inputs[0]))
		default:
			tasks = append(tasks, runnel.NewTask(few(k), func(ctx context.Context, in struct {
				A int
				B int `runnel:",default=-7"`
			}) (int, error) {
				return g.call(ctx, k, in.A, in.B)
			}, opts...).Bind("a", t.inputs[0]).Bind("b", t.inputs[1]))
		}
	}
	return tasks
}

// run is a run of the graph, as far as it must not differ with workers.
func (g *fewGraph) run(p *runnel.Pipeline, opts ...runnel.RunOption) (outputs map[string]any, told []string, err error) {
	g.calls = map[string]int{}
	res, err := p.Run(context.Background(), nil, append(opts, runnel.RunID("r"))...)
	if res == nil {
		return nil, nil, err
	}
	for k := range g.tasks {
		t, _ := res.Report().Task(few(k))
		told = append(told, fmt.Sprintf("%s: %v after %d attempts: %v %s", few(k), t.State, t.Attempts, t.Err, t.Reason))
	}
	return res.Outputs(), told, err
}

// TestRandomGraphsOfFewFunctions: tasks that share messages have the values, attempts,
// calls and reports that they have in one process, whatever workers have which of them.
func TestRandomGraphsOfFewFunctions(t *testing.T) {
	runs, shared := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		g := drawFew(rt)
		tasks := g.declare()
		p, err := runnel.FromTasks(tasks...)
		if err != nil {
			rt.Fatal(err)
		}
		opts := []runnel.RunOption{
			runnel.OnError(rapid.SampledFrom([]runnel.ErrorMode{runnel.ContinueOnError, runnel.SkipFailed}).Draw(rt, "mode")),
			runnel.MaxParallel(rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(rt, "limit")),
		}
		if rapid.IntRange(0, 3).Draw(rt, "intercepted") == 0 {
			opts = append(opts, runnel.Intercept(func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error { return next(ctx) }))
		}
		// The first worker has all tasks or the first part of them, the others the rest.
		from := rapid.SampledFrom([]int{0, rapid.IntRange(0, len(tasks)).Draw(rt, "split")}).Draw(rt, "from")
		others := rapid.IntRange(1, 3).Draw(rt, "workers")
		slots := rapid.SliceOfN(rapid.IntRange(1, 4), 4, 4).Draw(rt, "slots")
		var outputs, remote map[string]any
		var told, afar []string
		var failed, failedAfar, problem error
		var calls, callsAfar map[string]int
		synctest.Test(t, func(*testing.T) { outputs, told, failed = g.run(p, opts...) })
		calls = g.calls
		b := &weighed{Memory: &broker.Memory{}}
		synctest.Test(t, func(*testing.T) {
			var dismiss []func() error
			for w := range 1 + others {
				has := tasks
				switch {
				case from == 0 && w == 0:
					continue
				case from > 0 && w == 0:
					has = tasks[:from]
				case from > 0 && from < len(tasks):
					has = tasks[from:]
				}
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- runnel.NewWorker(b, runnel.Tasks(has...), runnel.Concurrency(slots[w])).Run(ctx) }()
				dismiss = append(dismiss, func() error { cancel(); return <-ended })
			}
			remote, afar, failedAfar = g.run(p, append(opts, runnel.WithBroker(b))...)
			for _, d := range dismiss {
				problem = errors.Join(problem, d())
			}
		})
		callsAfar = g.calls
		for _, batch := range b.batches {
			if len(batch) > 1 {
				shared++
			}
		}
		if problem != nil {
			rt.Fatal(problem)
		}
		if !maps.Equal(outputs, remote) {
			rt.Errorf("the outputs are %v with workers and %v without", remote, outputs)
		}
		if !slices.Equal(told, afar) {
			for i := range told {
				if told[i] != afar[i] {
					rt.Errorf("with workers:    %s\nwithout workers: %s", afar[i], told[i])
				}
			}
		}
		if !maps.Equal(calls, callsAfar) {
			rt.Errorf("the calls are %v with workers and %v without", callsAfar, calls)
		}
		if a, b := lines(failed), lines(failedAfar); !slices.Equal(a, b) {
			rt.Errorf("the run's error is\n%v\nwith workers and\n%v\nwithout", b, a)
		}
	})
	if shared == 0 && runs > 20 {
		t.Error("no tasks shared a message: this shows nothing")
	}
}

// lines are the failures of a run, in no order.
func lines(err error) []string {
	var failed *runnel.RunError
	if !errors.As(err, &failed) {
		return []string{fmt.Sprint(err)}
	}
	var all []string
	for _, f := range failed.Tasks {
		all = append(all, fmt.Sprintf("%s #%d %v", f.Task, f.Attempt, f.Err))
	}
	slices.Sort(all)
	return all
}
