package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// mix is what each task of a random graph takes: data it needs, data it can do
// without, and data with a default.
type mix struct {
	Need   int
	Maybe  runnel.Opt[int]
	Preset int `runnel:",default=7"`
}

func (m mix) value(node int) int {
	return (1 + node + 3*m.Need + 5*m.Maybe.Or(-1) + 11*m.Preset) % 1_000_003
}

// mixedTask is a task of a random graph, and what should become of it in a mode
// that goes on after failures.
type mixedTask struct {
	need, maybe, preset int // numbers of earlier tasks; -1: external data
	after               []int
	failures            int // of its first attempts
	retries             int
	how                 func() error // it fails

	state    runnel.State
	value    int
	attempts int
}

func mixedName(i int) string { return fmt.Sprintf("t%d", i) }

// drawMixed draws a graph and works out, naively and one by one, how each task
// ends.
func drawMixed(t *rapid.T) []*mixedTask {
	tasks := make([]*mixedTask, rapid.IntRange(1, 25).Draw(t, "tasks"))
	hows := []func() error{
		func() error { return errFlaky },
		func() error { panic("boom") },
		func() error { runtime.Goexit(); return nil },
		func() error { return fmt.Errorf("no use: %w", runnel.Permanent(errFlaky)) },
	}
	for i := range tasks {
		earlier := func(label string, taken ...int) int {
			n := rapid.IntRange(-1, i-1).Draw(t, label)
			if slices.Contains(taken, n) {
				return -1
			}
			return n
		}
		m := &mixedTask{need: earlier("need")}
		m.maybe = earlier("maybe", m.need)
		m.preset = earlier("preset", m.need, m.maybe)
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "has after") == 0 {
			m.after = append(m.after, rapid.IntRange(0, i-1).Draw(t, "after"))
		}
		m.retries = rapid.IntRange(0, 3).Draw(t, "retries")
		m.failures = max(0, rapid.IntRange(-6, 5).Draw(t, "failures"))
		how := rapid.IntRange(0, len(hows)-1).Draw(t, "how")
		m.how = hows[how]
		tasks[i] = m
		settleMixed(tasks, i, how == 3)
	}
	return tasks
}

func settleMixed(tasks []*mixedTask, i int, permanent bool) {
	m := tasks[i]
	there := func(n int) bool { return n >= 0 && tasks[n].state == runnel.Succeeded }
	blocked := m.need >= 0 && !there(m.need)
	for _, a := range m.after {
		blocked = blocked || !there(a)
	}
	in := mix{Need: 100, Preset: 7}
	if there(m.need) {
		in.Need = tasks[m.need].value
	}
	if there(m.maybe) {
		in.Maybe = runnel.Opt[int]{Value: tasks[m.maybe].value, Ok: true}
	}
	if there(m.preset) {
		in.Preset = tasks[m.preset].value
	}
	switch {
	case blocked:
		m.state = runnel.Skipped
	case m.failures == 0:
		m.state, m.attempts = runnel.Succeeded, 1
	case permanent:
		m.state, m.attempts = runnel.Failed, 1
	case m.failures > m.retries:
		m.state, m.attempts = runnel.Failed, m.retries+1
	default:
		m.state, m.attempts = runnel.Succeeded, m.failures+1
	}
	m.value = in.value(i)
}

func (m *mixedTask) declare(i int) runnel.AnyTask {
	after := make([]string, len(m.after))
	for k, a := range m.after {
		after[k] = mixedName(a)
	}
	task := runnel.NewTask(mixedName(i), func(ctx context.Context, in mix) (int, error) {
		if runnel.Info(ctx).Attempt <= m.failures {
			return 0, m.how()
		}
		return in.value(i), nil
	}, runnel.Retries(m.retries), runnel.RetryDelay(0), runnel.After(after...))
	for field, from := range map[string]int{"need": m.need, "maybe": m.maybe, "preset": m.preset} {
		if from >= 0 {
			task = task.Bind(field, mixedName(from))
		}
	}
	return task
}

// mixedNeeds is the set of tasks that the targets need.
func mixedNeeds(tasks []*mixedTask, targets []string) map[string]bool {
	set := map[string]bool{}
	for i := len(tasks) - 1; i >= 0; i-- {
		if len(targets) > 0 && !slices.Contains(targets, mixedName(i)) && !set[mixedName(i)] {
			continue
		}
		set[mixedName(i)] = true
		for _, n := range append(slices.Clone(tasks[i].after), tasks[i].need, tasks[i].maybe, tasks[i].preset) {
			if n >= 0 {
				set[mixedName(n)] = true
			}
		}
	}
	return set
}

func TestRandomGraphsEndAsANaiveModelSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawMixed(t)
		var declared []runnel.AnyTask
		for i, m := range tasks {
			declared = append(declared, m.declare(i))
		}
		p, err := runnel.FromTasks(rapid.Permutation(declared).Draw(t, "order")...)
		if err != nil {
			t.Fatal(err)
		}
		mode := rapid.SampledFrom(modes).Draw(t, "mode")
		opts := []runnel.RunOption{
			runnel.OnError(mode),
			runnel.MaxParallel(rapid.SampledFrom([]int{0, 1, 2, 8}).Draw(t, "parallel")),
			runnel.Timings(rapid.Bool().Draw(t, "timings")),
		}
		if rapid.Bool().Draw(t, "observed") {
			opts = append(opts, runnel.Observe(func(runnel.Event) {}))
		}
		var targets []string
		for i := range tasks {
			if rapid.IntRange(0, 9).Draw(t, "target") == 0 {
				targets = append(targets, mixedName(i))
			}
		}
		if len(targets) > 0 {
			opts = append(opts, runnel.Targets(targets...))
		}
		res, err := p.Run(context.Background(), runnel.Values{"need": 100}, opts...)
		if res == nil {
			t.Fatal(err)
		}
		compareMixed(t, tasks, mode, targets, res, err)
	})
}

func compareMixed(t *rapid.T, tasks []*mixedTask, mode runnel.ErrorMode, targets []string, res *runnel.Result, err error) {
	report, outputs, want := res.Report(), res.Outputs(), mixedNeeds(tasks, targets)
	if len(report.Tasks) != len(want) {
		t.Errorf("%d tasks in the run, want %d: %v", len(report.Tasks), len(want), slices.Sorted(maps.Keys(want)))
	}
	var failed, failedHere []string
	for i, m := range tasks {
		name := mixedName(i)
		got, ok := report.Task(name)
		if ok != want[name] {
			t.Errorf("%s is in the run: %v, want %v", name, ok, want[name])
		}
		if !ok {
			continue
		}
		if m.state == runnel.Failed {
			failed = append(failed, name)
		}
		if got.State == runnel.Failed {
			failedHere = append(failedHere, name)
		}
		stopped := mode == runnel.FailFast && got.State == runnel.Cancelled
		if !stopped && (got.State != m.state || got.Attempts != m.attempts) {
			t.Errorf("%s is %v after %d attempts (%s), want %v after %d", name, got.State, got.Attempts, got.Reason, m.state, m.attempts)
		}
		value, there := outputs[name]
		kept := len(targets) == 0 || slices.Contains(targets, name)
		if there != (kept && got.State == runnel.Succeeded) || there && value != m.value {
			t.Errorf("%s is %v with output %v, want %d", name, got.State, value, m.value)
		}
	}
	failure, _ := errors.AsType[*runnel.RunError](err)
	switch {
	case mode == runnel.SkipFailed || len(failed) == 0:
		if err != nil {
			t.Errorf("error %v, want none", err)
		}
	case failure == nil || len(failure.Tasks) != len(failedHere) || len(failedHere) == 0:
		t.Errorf("error %v, want one over %v", err, failedHere)
	case mode == runnel.ContinueOnError && !slices.Equal(failedHere, failed):
		t.Errorf("%v failed, want %v", failedHere, failed)
	}
	if errors.Is(err, context.Canceled) {
		t.Errorf("error %v is a cancellation, though nobody cancelled", err)
	}
}
