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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// step is a task that consumes and produces data by name: its output is called
// as it is, and holds its name.
func step(name string, inputs []string, work func(context.Context) error, opts ...runnel.TaskOption) *runnel.ValuesTask {
	return runnel.NewValuesTask(name, inputs, []string{name}, func(ctx context.Context, _ runnel.Values) (runnel.Values, error) {
		if err := work(ctx); err != nil {
			return nil, err
		}
		return runnel.Values{name: name}, nil
	}, opts...)
}

func from(inputs ...string) []string { return inputs }

// sleeps is work that takes a while, unless its context ends first.
func sleeps(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// failsWith is work that takes a while and then fails.
func failsWith(err error, after time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		if e := sleeps(after)(ctx); e != nil {
			return e
		}
		return err
	}
}

func works(context.Context) error { return nil }

func pipelineOf(t testing.TB, tasks ...runnel.AnyTask) *runnel.Pipeline {
	t.Helper()
	p, err := runnel.FromTasks(tasks...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// taskReport is the report of a task that must be in it.
func taskReport(t testing.TB, r *runnel.Report, name string) runnel.TaskReport {
	t.Helper()
	got, ok := r.Task(name)
	if !ok {
		t.Fatalf("the report has no task %q:\n%s", name, r)
	}
	return got
}

func wantState(t testing.TB, r *runnel.Report, name string, want runnel.State) {
	t.Helper()
	if got := taskReport(t, r, name); got.State != want {
		t.Errorf("task %q is %v, want %v:\n%s", name, got.State, want, r)
	}
}

func wantTook(t testing.TB, what string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s took %v, want %v", what, got, want)
	}
}

func TestRoutingGivesEachTaskItsOwnInputsAndNothingElse(t *testing.T) {
	type seen struct {
		A, B, C int
		Unset   string
	}
	read := runnel.NewTask("a", func(_ context.Context, in struct{ X int }) (int, error) { return in.X + 1, nil })
	double := runnel.NewTask("b", func(_ context.Context, in struct{ A int }) (int, error) { return 2 * in.A, nil })
	all := runnel.NewTask("seen", func(_ context.Context, in struct {
		B, A  int
		Y     int    `runnel:"y"`
		Other string `runnel:"-"`
	}) (seen, error) {
		return seen{in.A, in.B, in.Y, in.Other}, nil
	})
	values := runnel.NewValuesTask("v", from("b", "y"), from("v"), func(_ context.Context, in runnel.Values) (runnel.Values, error) {
		return runnel.Values{"v": maps.Clone(in)}, nil
	})
	// Registered against the flow: the order means nothing.
	p := pipelineOf(t, all, values, double, read)
	res, err := p.Run(t.Context(), runnel.Values{"x": 1, "y": 100})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := all.Get(res); err != nil || got != (seen{2, 4, 100, ""}) {
		t.Errorf("the task got %+v, %v: want each field filled from the data of its name", got, err)
	}
	want := runnel.Values{"b": 4, "y": 100}
	if got, err := runnel.Get[runnel.Values](res, "v"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the values task got %v, %v: want exactly %v", got, err, want)
	}
}

func TestConcurrentRunsOfOnePipelineAreApart(t *testing.T) {
	square := runnel.NewTask("square", func(_ context.Context, in struct{ X int }) (int, error) { return in.X * in.X, nil })
	next := runnel.NewTask("next", func(_ context.Context, in struct{ Square int }) (int, error) { return in.Square + 1, nil })
	p := pipelineOf(t, square, next)
	var wg sync.WaitGroup
	for x := range 50 {
		wg.Go(func() {
			res, err := p.Run(t.Context(), runnel.Values{"x": x})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := next.Get(res); err != nil || got != x*x+1 {
				t.Errorf("run %d got %d, %v", x, got, err)
			}
		})
	}
	wg.Wait()
}

func TestTasksStartWhenTheirOwnInputsAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two branches of different length: no level waits for the other.
		p := pipelineOf(t,
			step("quick", nil, sleeps(time.Second)), step("quick2", from("quick"), sleeps(time.Second)),
			step("slow", nil, sleeps(10*time.Second)), step("end", from("quick2", "slow"), sleeps(time.Second)))
		start := time.Now()
		res, err := p.Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantTook(t, "the run", start, 11*time.Second)
		for name, at := range map[string]time.Duration{"quick": 0, "slow": 0, "quick2": time.Second, "end": 10 * time.Second} {
			if got := taskReport(t, res.Report(), name).Started.Sub(start); got != at {
				t.Errorf("%s started at %v, want %v: as soon as its inputs are there", name, got, at)
			}
		}
	})
}

func TestMaxParallelIsExact(t *testing.T) {
	for _, limit := range []int{0, 1, 3, 10} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int32
				tasks := make([]runnel.AnyTask, 60)
				for i := range tasks {
					tasks[i] = step(fmt.Sprintf("t%d", i), nil, func(ctx context.Context) error {
						n := now.Add(1)
						for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
						}
						defer now.Add(-1)
						return sleeps(100 * time.Millisecond)(ctx)
					})
				}
				start := time.Now()
				if _, err := pipelineOf(t, tasks...).Run(t.Context(), nil, runnel.MaxParallel(limit)); err != nil {
					t.Fatal(err)
				}
				want, rounds := int32(limit), 60
				if limit == 0 {
					want = 60
				}
				rounds /= int(want)
				if most.Load() != want {
					t.Errorf("%d tasks ran at once, want %d", most.Load(), want)
				}
				wantTook(t, "the run", start, time.Duration(rounds)*100*time.Millisecond)
			})
		})
	}
}

func TestRunOptionsThatAreWrongAreReportedTogether(t *testing.T) {
	p := pipelineOf(t, step("stats", from("paths"), works))
	var noContext context.Context
	_, err := p.Run(noContext, runnel.Values{"path": 1}, runnel.MaxParallel(-1), runnel.OnError(7), runnel.RunID(" "),
		runnel.Observe(nil), runnel.WithCache(nil), runnel.Targets("stat"), nil, runnel.Intercept(nil))
	wrong, ok := errors.AsType[*runnel.InputError](err)
	if !ok {
		t.Fatalf("got %v, want an *InputError", err)
	}
	for _, part := range []string{
		"MaxParallel must be 0 or more, got -1", "ErrorMode(7)", "RunID must not be empty", "the observer is nil", "the cache is nil",
		`target "stat" is produced by no task (did you mean "stats"?)`, "the context is nil", "option 7 of 8 is nil", "the interceptor is nil",
		`input "path" is unknown: no task consumes it (did you mean "paths"?)`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if len(wrong.Problems) != 10 {
		t.Errorf("%d problems, want each once:\n%v", len(wrong.Problems), err)
	}
}

func TestNothingRunsOnWrongInputs(t *testing.T) {
	ran := false
	p := pipelineOf(t,
		step("a", nil, func(context.Context) error { ran = true; return nil }),
		runnel.NewTask("b", func(_ context.Context, in struct {
			A       any
			Count   int
			Missing string
		}) (int, error) {
			return 0, nil
		}))
	res, err := p.Run(t.Context(), runnel.Values{"count": "three", "mising": "", "a": 1})
	if res != nil || ran {
		t.Errorf("result %v, task called: %v; want neither", res, ran)
	}
	for _, part := range []string{
		`input "count" must be int, got string: task "b" (run_test.go:`,
		`input "mising" is unknown: no task consumes it (did you mean "missing"?)`,
		`input "missing" of type string is missing: task "b" (run_test.go:`,
		`input "a" is produced by task "a"`,
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if _, ok := errors.AsType[*runnel.InputError](err); !ok {
		t.Errorf("got %T, want *InputError", err)
	}
}

func TestStartReturnsAtOnceAndWaitGivesWhatRunDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("a", nil, sleeps(time.Minute)))
		start := time.Now()
		r, err := p.Start(t.Context(), nil, runnel.RunID("r1"))
		if err != nil {
			t.Fatal(err)
		}
		wantTook(t, "Start", start, 0)
		if r.ID() != "r1" {
			t.Errorf("id %q, want r1", r.ID())
		}
		select {
		case <-r.Done():
			t.Error("Done is closed before the end")
		default:
		}
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		if res, err := r.Wait(short); res != nil || err == nil || err.Error() != "enough" {
			t.Errorf("Wait on a context that ends gave %v, %v: want nil and the cause", res, err)
		}
		wantTook(t, "the first Wait", start, time.Second)
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantTook(t, "the run", start, time.Minute)
		<-r.Done()
		if got, err := runnel.Get[string](res, "a"); got != "a" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		if res, err := r.Wait(ended); res == nil || err != nil {
			t.Errorf("Wait after the end gave %v, %v: want the result whatever its context", res, err)
		}
		r.Cancel(errors.New("too late"))
		if _, err := r.Wait(t.Context()); err != nil {
			t.Errorf("Cancel after the end changed the error to %v", err)
		}
	})
}

func TestStartRefusesWrongInputs(t *testing.T) {
	p := pipelineOf(t, step("a", from("x"), works))
	if r, err := p.Start(t.Context(), nil); r != nil || err == nil {
		t.Errorf("got %v, %v: want no run and an *InputError", r, err)
	}
	r, err := p.Start(t.Context(), runnel.Values{"x": 1})
	if err != nil {
		t.Fatal(err)
	}
	var noContext context.Context
	if _, err := r.Wait(noContext); err == nil || !strings.Contains(err.Error(), "context is nil") {
		t.Errorf("Wait without a context gave %v, want an error that says so", err)
	}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReportOfARunThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		p := pipelineOf(t,
			step("flaky", nil, func(context.Context) error {
				if first {
					first = false
					return errors.New("not yet")
				}
				return nil
			}, runnel.Retries(1), runnel.RetryDelay(time.Hour), runnel.RetryJitter(false), runnel.MaxRetryTime(0)),
			step("one", nil, sleeps(time.Minute)), step("two", nil, sleeps(time.Minute)),
			step("end", from("one", "two"), sleeps(time.Minute)))
		r, err := p.Start(t.Context(), nil, runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		live := r.Report()
		states := map[runnel.State]int{}
		for _, task := range live.Tasks {
			states[task.State]++
		}
		want := map[runnel.State]int{runnel.Retrying: 1, runnel.Running: 1, runnel.Ready: 1, runnel.Pending: 1}
		if !maps.Equal(states, want) {
			t.Errorf("states %v, want %v:\n%s", states, want, live)
		}
		wantState(t, live, "flaky", runnel.Retrying)
		wantState(t, live, "end", runnel.Pending)
		if got := taskReport(t, live, "flaky"); got.Attempts != 1 || got.Err == nil || got.Err.Error() != "not yet" {
			t.Errorf("the waiting task has %d attempts and error %v, want 1 and its last one", got.Attempts, got.Err)
		}
		if live.State != runnel.Running || live.Duration != time.Second || live.Err != nil {
			t.Errorf("the run is %v after %v with %v, want running after 1s", live.State, live.Duration, live.Err)
		}
		text := live.String()
		for _, part := range from("the pipeline: running after 1s\n", "flaky  retrying  1         +0s                  not yet", "  running   1 ", "  ready     0 ", "end    pending   0 ") {
			if !strings.Contains(text, part) {
				t.Errorf("the table of a run that goes on lacks %q:\n%s", part, text)
			}
		}
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Report(); got.State != runnel.Succeeded || got.Duration != time.Hour {
			t.Errorf("at the end the run is %v after %v", got.State, got.Duration)
		}
		if live.State != runnel.Running {
			t.Error("a report is a snapshot, but it changed")
		}
	})
}

func TestAddAffectsLaterRunsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("a", nil, sleeps(time.Second)))
		r, err := p.Start(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(step("b", from("a"), works))
		old, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(old.Outputs())); !slices.Equal(got, from("a")) {
			t.Errorf("the run that went on has %v, want a only", got)
		}
		if got := slices.Sorted(maps.Keys(res.Outputs())); !slices.Equal(got, from("a", "b")) {
			t.Errorf("the later run has %v, want a and b", got)
		}
	})
}

func TestARunMayBeLookedAtFromAnywhereAtAnyTime(t *testing.T) {
	var tasks []runnel.AnyTask
	for i := range 200 {
		name, inputs := fmt.Sprintf("t%d", i), []string(nil)
		if i >= 10 {
			inputs = from(fmt.Sprintf("t%d", i-10))
		}
		tasks = append(tasks, step(name, inputs, func(ctx context.Context) error {
			if runnel.Info(ctx).Attempt == 1 && i%3 == 0 {
				return errFlaky
			}
			return nil
		}, runnel.Retries(1), runnel.RetryDelay(time.Duration(i%2))))
	}
	r, err := pipelineOf(t, tasks...).Start(t.Context(), nil, runnel.Observe(func(runnel.Event) {}))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ended := false; !ended; {
				select {
				case <-r.Done():
					ended = true
				default:
				}
				report := r.Report()
				for _, task := range report.Tasks {
					if task.State == runnel.Succeeded && (task.Attempts == 0 || task.Started.IsZero() || task.Ended.Before(task.Started)) {
						t.Errorf("a task that succeeded reads %+v", task)
					}
				}
				_ = report.String()
			}
		})
		wg.Go(func() {
			if _, err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := r.Report().Totals; got.Succeeded != 200 || got.Attempts != 267 {
		t.Errorf("totals %+v, want 200 tasks in 267 attempts", got)
	}
}
