package runnel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func TestEventsOfElementsHaveTheirIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, runnel.NewMapTask("a[i]", func(ctx context.Context, in onNumbers) (int, error) {
			if err := sleeps(time.Duration(1+in.N) * time.Second)(ctx); err != nil {
				return 0, err
			}
			if in.N == 1 && runnel.Info(ctx).Attempt == 1 {
				return 0, errFlaky
			}
			return in.N, nil
		}, runnel.Retries(1), runnel.RetryDelay(5*time.Second), runnel.RetryJitter(false), runnel.MaxParallel(2)),
			runnel.NewMapTask("b[i]", func(context.Context, struct {
				N int `runnel:"a[i]"`
			}) (int, error) {
				return 0, errFlaky
			}))
		start := time.Now()
		at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
		var seen recorder
		_, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1}}, runnel.RunID("r"), runnel.OnError(runnel.ContinueOnError), runnel.Observe(seen.observe))
		// What happens at one time has no order of its own: tasks are told apart.
		byTask := map[string][]runnel.Event{}
		for _, e := range seen.events {
			task := reflect.ValueOf(e).FieldByName("Task")
			if task.IsValid() {
				byTask[task.String()] = append(byTask[task.String()], e)
			}
		}
		first, second := []int{0}, []int{1}
		wantEvents(t, byTask["a"], []runnel.Event{
			runnel.TaskStarted{At: at(0), RunID: "r", Task: "a", Elements: 2},
			runnel.TaskStarted{At: at(0), RunID: "r", Task: "a", Index: byTask["a"][1].(runnel.TaskStarted).Index},
			runnel.TaskStarted{At: at(0), RunID: "r", Task: "a", Index: byTask["a"][2].(runnel.TaskStarted).Index},
			runnel.TaskFinished{At: at(1), RunID: "r", Task: "a", Index: first, State: runnel.Succeeded, Attempts: 1},
			runnel.AttemptFailed{At: at(2), RunID: "r", Task: "a", Index: second, Attempt: 1, Err: errFlaky, Retry: true, Delay: 5 * time.Second},
			runnel.TaskRetried{At: at(7), RunID: "r", Task: "a", Index: second, Attempt: 2},
			runnel.TaskFinished{At: at(9), RunID: "r", Task: "a", Index: second, State: runnel.Succeeded, Attempts: 2},
			runnel.TaskFinished{At: at(9), RunID: "r", Task: "a", State: runnel.Succeeded, Attempts: 1},
		})
		wantEvents(t, byTask["b"], []runnel.Event{
			runnel.TaskStarted{At: at(0), RunID: "r", Task: "b", Elements: 2},
			runnel.TaskStarted{At: at(1), RunID: "r", Task: "b", Index: first},
			runnel.AttemptFailed{At: at(1), RunID: "r", Task: "b", Index: first, Attempt: 1, Err: errFlaky},
			runnel.TaskFinished{At: at(1), RunID: "r", Task: "b", Index: first, State: runnel.Failed, Attempts: 1, Err: errFlaky},
			runnel.TaskStarted{At: at(9), RunID: "r", Task: "b", Index: second},
			runnel.AttemptFailed{At: at(9), RunID: "r", Task: "b", Index: second, Attempt: 1, Err: errFlaky},
			runnel.TaskFinished{At: at(9), RunID: "r", Task: "b", Index: second, State: runnel.Failed, Attempts: 1, Err: errFlaky},
			runnel.TaskFinished{At: at(9), RunID: "r", Task: "b", State: runnel.Failed, Attempts: 1, Reason: "2 of 2 elements failed"},
		})
		if last, ok := seen.events[len(seen.events)-1].(runnel.RunFinished); !ok || last.Err == nil || last.Err.Error() != err.Error() {
			t.Errorf("the last event is %+v, want the run's end", seen.events[len(seen.events)-1])
		}
	})
}

func TestErrorsOfElementsCarryTheIndex(t *testing.T) {
	for what, c := range map[string]struct {
		task  runnel.AnyTask
		in    runnel.Values
		label string
		index []int
	}{
		"one axis": {runnel.NewMapTask("features[i]", func(_ context.Context, in onNumbers) (int, error) {
			if in.N == 42 {
				return 0, errFlaky
			}
			return 0, nil
		}), runnel.Values{"numbers": upTo(50)}, "features[42]", []int{42}},
		"two axes": {runnel.NewMapTask("score[j,i]", func(_ context.Context, in struct {
			A int `runnel:"a[i]"`
			B int `runnel:"b[j]"`
		}) (int, error) {
			if in.A == 1 && in.B == 2 {
				return 0, errFlaky
			}
			return 0, nil
		}), runnel.Values{"a": upTo(3), "b": upTo(4)}, "score[2,1]", []int{2, 1}},
		"a task of another name": {runnel.NewMapTask("features[i]", func(_ context.Context, in onNumbers) (int, error) {
			return 0, errFlaky
		}, runnel.Name("extract")), runnel.Values{"numbers": upTo(1)}, "extract[0]", []int{0}},
	} {
		t.Run(what, func(t *testing.T) {
			for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError} {
				_, err := pipelineOf(t, c.task).Run(t.Context(), c.in, runnel.OnError(mode))
				e, ok := errors.AsType[*runnel.TaskError](err)
				if !ok || !errors.Is(err, errFlaky) || !slices.Equal(e.Index, c.index) || e.Task != c.task.Name() || e.Attempt != 1 {
					t.Fatalf("%v: error %v (%+v), want that of element %v", mode, err, e, c.index)
				}
				if want := fmt.Sprintf("task %q (%s) failed: ", c.label, c.task.Location()); !strings.HasPrefix(e.Error(), want) {
					t.Errorf("%v: error %q, want one that begins with %q", mode, e, want)
				}
			}
		})
	}
}

func upTo(n int) []int {
	in := make([]int, n)
	for i := range in {
		in[i] = i
	}
	return in
}

func TestInfoOfElements(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]runnel.TaskInfo{}
	inputs := map[string]runnel.Values{}
	task := runnel.NewMapTask("score[i,j]", func(ctx context.Context, in struct {
		A     int   `runnel:"a[i]"`
		B     int   `runnel:"b[j]"`
		All   []int `runnel:"a"`
		Other int   `runnel:",optional"`
	}) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		i := runnel.Info(ctx)
		if known, ok := seen[i.Label()]; ok && known.IdempotencyKey != i.IdempotencyKey {
			t.Errorf("the key of %s changed from one attempt to the next", i.Label())
		}
		seen[i.Label()], inputs[i.Label()] = i, i.Inputs()
		if i.Attempt == 1 {
			return 0, errFlaky
		}
		return 0, nil
	}, runnel.Retries(1), runnel.RetryDelay(0), runnel.Name("sweep"))
	p := runnel.NewPipeline(runnel.PipelineName("p")).Add(task)
	a := []int{10, 20}
	mustRun(t, p, runnel.Values{"a": a, "b": []int{1, 2, 3}}, runnel.RunID("run"))
	keys := map[string]bool{}
	for i := range 2 {
		for j := range 3 {
			label := fmt.Sprintf("sweep[%d,%d]", i, j)
			want := runnel.TaskInfo{Pipeline: "p", RunID: "run", Task: "sweep", Attempt: 2, Index: []int{i, j}, IdempotencyKey: "run/" + label}
			if got := public(seen[label]); !reflect.DeepEqual(got, want) {
				t.Errorf("Info is %+v, want %+v", got, want)
			}
			if want := (runnel.Values{"a[i]": a[i], "b[j]": j + 1, "a": a}); !reflect.DeepEqual(inputs[label], want) {
				t.Errorf("inputs of %s are %v, want %v", label, inputs[label], want)
			}
			keys[seen[label].IdempotencyKey] = true
		}
	}
	if len(keys) != 6 || len(seen) != 6 {
		t.Errorf("%d keys of %d elements, want 6", len(keys), len(seen))
	}
}

func TestInterceptorsAreAroundEachElement(t *testing.T) {
	var mu sync.Mutex
	var labels []string
	around := func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
		mu.Lock()
		labels = append(labels, task.Label())
		mu.Unlock()
		if task.Index != nil && task.Index[0] == 1 {
			return errFlaky
		}
		return next(ctx)
	}
	res, err := pipelineOf(t, doubledEach()).Run(t.Context(), runnel.Values{"numbers": []int{1, 2, 3}}, runnel.Intercept(around), runnel.OnError(runnel.ContinueOnError))
	slices.Sort(labels)
	if !slices.Equal(labels, []string{"doubled[0]", "doubled[1]", "doubled[2]"}) || !errors.Is(err, errFlaky) {
		t.Errorf("around %q, error %v, want each element once", labels, err)
	}
	if got, err := runnel.Get[runnel.Partial[int]](res, "doubled"); err != nil || !slices.Equal(got.Values, []int{2, 0, 6}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestLogsNameTheElement(t *testing.T) {
	var b bytes.Buffer
	p := pipelineOf(t, odd("out"))
	_, _ = p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1}}, runnel.OnError(runnel.ContinueOnError),
		runnel.Observe(runnel.SlogObserver(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))))
	for _, want := range []string{`msg="task started" run=`, `task=out[0]`, `task=out[1]`, `task=out `} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &b)
		}
	}
}

func TestReportOfMappedTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen peaks
		numbers := runnel.NewTask("numbers", func(ctx context.Context, _ nothing) ([]int, error) { return upTo(4), sleeps(2 * time.Second)(ctx) })
		p := pipelineOf(t, numbers, slowly("a", "numbers", &seen), slowly("b", "a", &seen), runnel.NewTask("sum", func(ctx context.Context, in struct{ B []int }) (int, error) {
			return len(in.B), sleeps(time.Second)(ctx)
		}))
		res := mustRun(t, p, nil, runnel.MaxParallel(2))
		r := res.Report()
		if r.Totals.Tasks != 4 || r.Totals.Succeeded != 4 || r.SuccessRate != 1 {
			t.Errorf("totals %+v, want four tasks, however many elements", r.Totals)
		}
		for _, task := range r.Tasks {
			if task.Waited < 0 || task.Duration() <= 0 {
				t.Errorf("%s waited %v and took %v", task.Name, task.Waited, task.Duration())
			}
		}
		for _, name := range []string{"a", "b"} {
			if got, want := taskReport(t, r, name).Elements, (&runnel.Totals{Tasks: 4, Succeeded: 4, Attempts: 4}); !reflect.DeepEqual(got, want) {
				t.Errorf("%s has %+v, want %+v", name, got, want)
			}
		}
		if taskReport(t, r, "sum").Elements != nil {
			t.Error("a plain task has no elements")
		}
		// 2 s, then 8 calls of a second by two, then 1 s.
		if want := from("numbers", "a", "b", "sum"); r.Duration != 7*time.Second || !slices.Equal(r.CriticalPath, want) || r.CriticalTime > r.Duration {
			t.Errorf("critical path %q of %v in a run of %v, want %q within 7s", r.CriticalPath, r.CriticalTime, r.Duration, want)
		}
		if !strings.Contains(r.String(), "4 elements") {
			t.Errorf("the table lacks the elements:\n%s", r)
		}
	})
}

func TestUnresponsiveElementsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task := runnel.NewMapTask("out[i]", func(_ context.Context, in onNumbers) (int, error) {
			time.Sleep(time.Duration(in.N) * time.Minute)
			return in.N, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var seen recorder
		if _, err := pipelineOf(t, task).Run(ctx, runnel.Values{"numbers": []int{0, 3}}, runnel.Observe(seen.observe)); err != nil {
			t.Errorf("all ended well, though late: %v", err)
		}
		var named []string
		for _, e := range seen.events {
			if u, ok := e.(runnel.TaskUnresponsive); ok {
				named = append(named, fmt.Sprint(u.Task, u.Index))
			}
		}
		if !slices.Contains(named, "out[1]") || slices.Contains(named, "out[0]") {
			t.Errorf("named %q, want the element that goes on", named)
		}
	})
}
