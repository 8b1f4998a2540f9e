package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// recorder is an observer that keeps what it gets.
type recorder struct{ events []runnel.Event }

func (r *recorder) observe(e runnel.Event) { r.events = append(r.events, e) }

func wantEvents(t *testing.T, got, want []runnel.Event) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("event %d is missing, want %T%+v", i, want[i], want[i])
		case i >= len(want):
			t.Errorf("event %d is one too many: %T%+v", i, got[i], got[i])
		case !reflect.DeepEqual(got[i], want[i]):
			t.Errorf("event %d is\n%T%+v, want\n%T%+v", i, got[i], got[i], want[i], want[i])
		}
	}
}

func TestEventsTellTheWholeRunWithItsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runnel.NewPipeline(runnel.PipelineName("p")).Add(
			step("flaky", nil, func(ctx context.Context) error {
				if runnel.Info(ctx).Attempt == 1 {
					return failsWith(errFlaky, time.Second)(ctx)
				}
				return sleeps(time.Second)(ctx)
			}, runnel.Retries(1), runnel.RetryDelay(5*time.Second), runnel.RetryJitter(false)),
			step("bad", from("flaky"), failsWith(io.EOF, time.Second)),
			step("next", from("bad"), works))
		start := time.Now()
		at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
		var seen recorder
		res, err := p.Run(t.Context(), nil, runnel.RunID("r"), runnel.OnError(runnel.ContinueOnError), runnel.Observe(seen.observe))
		wantEvents(t, seen.events, []runnel.Event{
			runnel.RunStarted{At: at(0), Pipeline: "p", RunID: "r", Tasks: 3},
			runnel.TaskStarted{At: at(0), RunID: "r", Task: "flaky"},
			runnel.AttemptFailed{At: at(1), RunID: "r", Task: "flaky", Attempt: 1, Err: errFlaky, Retry: true, Delay: 5 * time.Second},
			runnel.TaskRetried{At: at(6), RunID: "r", Task: "flaky", Attempt: 2},
			runnel.TaskFinished{At: at(7), RunID: "r", Task: "flaky", State: runnel.Succeeded, Attempts: 2},
			runnel.TaskStarted{At: at(7), RunID: "r", Task: "bad"},
			runnel.AttemptFailed{At: at(8), RunID: "r", Task: "bad", Attempt: 1, Err: io.EOF},
			runnel.TaskFinished{At: at(8), RunID: "r", Task: "bad", State: runnel.Failed, Attempts: 1, Err: io.EOF},
			runnel.TaskFinished{At: at(8), RunID: "r", Task: "next", State: runnel.Skipped, Reason: `its input "bad" is missing: task "bad" failed`},
			runnel.RunFinished{At: at(8), Pipeline: "p", RunID: "r", Duration: 8 * time.Second, Err: err},
		})
		for _, e := range seen.events {
			switch e := e.(type) {
			case runnel.TaskStarted:
				if got := taskReport(t, res.Report(), e.Task).Started; !got.Equal(e.At) {
					t.Errorf("%s started at %v in the report, at %v in the event", e.Task, got, e.At)
				}
			case runnel.TaskFinished:
				if got := taskReport(t, res.Report(), e.Task).Ended; !got.Equal(e.At) {
					t.Errorf("%s ended at %v in the report, at %v in the event", e.Task, got, e.At)
				}
			}
		}
	})
}

func TestEventsOfACancelledRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("a", nil, sleeps(time.Hour)), step("b", from("a"), works))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		end := time.Now().Add(time.Second)
		var seen recorder
		_, err := p.Run(ctx, nil, runnel.RunID("r"), runnel.Observe(seen.observe))
		why := "the run was stopped: context deadline exceeded"
		wantEvents(t, seen.events[2:], []runnel.Event{
			runnel.TaskFinished{At: end, RunID: "r", Task: "a", State: runnel.Cancelled, Attempts: 1, Err: context.DeadlineExceeded, Reason: why},
			runnel.TaskFinished{At: end, RunID: "r", Task: "b", State: runnel.Cancelled, Reason: why},
			runnel.RunFinished{At: end, RunID: "r", Duration: time.Second, Err: err},
		})
	})
}

// checkOrder holds the events of a run against the rules of their order.
func checkOrder(t *testing.T, events []runnel.Event, edges map[string][]string) {
	t.Helper()
	started, finished := map[string]bool{}, map[string]bool{}
	for i, e := range events {
		if i > 0 && e.When().Before(events[i-1].When()) {
			t.Errorf("event %d is before the one before it", i)
		}
		switch e := e.(type) {
		case runnel.RunStarted:
			if i != 0 {
				t.Errorf("the run starts with event %d", i)
			}
		case runnel.TaskStarted:
			for _, producer := range edges[e.Task] {
				if !finished[producer] {
					t.Errorf("%s started before %s finished", e.Task, producer)
				}
			}
			started[e.Task] = true
		case runnel.TaskFinished:
			if !started[e.Task] || finished[e.Task] {
				t.Errorf("%s finished without a start, or twice", e.Task)
			}
			finished[e.Task] = true
		case runnel.RunFinished:
			if i != len(events)-1 || len(finished) != len(edges) {
				t.Errorf("the run finished with event %d of %d, and %d of %d tasks", i+1, len(events), len(finished), len(edges))
			}
		}
	}
	if len(events) == 0 {
		t.Error("no events")
	}
}

// grid is a pipeline of layers in which each task takes two of the layer before.
func grid(t *testing.T, layers, width int) (*runnel.Pipeline, map[string][]string) {
	edges := map[string][]string{}
	var tasks []runnel.AnyTask
	for l := range layers {
		for i := range width {
			var inputs []string
			if l > 0 {
				inputs = from(fmt.Sprintf("%d/%d", l-1, i), fmt.Sprintf("%d/%d", l-1, (i*7+1)%width))
				if inputs[0] == inputs[1] {
					inputs = inputs[:1]
				}
			}
			name := fmt.Sprintf("%d/%d", l, i)
			edges[name] = inputs
			tasks = append(tasks, step(name, inputs, works))
		}
	}
	return pipelineOf(t, tasks...), edges
}

func TestEventsAreInCausalOrder(t *testing.T) {
	p, edges := grid(t, 20, 50)
	for range 5 {
		var seen recorder
		if _, err := p.Run(t.Context(), nil, runnel.Observe(seen.observe)); err != nil {
			t.Fatal(err)
		}
		checkOrder(t, seen.events, edges)
	}
}

func TestEventsReplayFromTheFirstForEveryReader(t *testing.T) {
	p, edges := grid(t, 10, 20)
	r, err := p.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	lists := make([][]runnel.Event, 5)
	read := func(i int) {
		for e := range r.Events() {
			lists[i] = append(lists[i], e)
		}
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { read(i) })
	}
	wg.Wait()
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(4) // after the end
	checkOrder(t, lists[0], edges)
	for i, list := range lists {
		if !reflect.DeepEqual(list, lists[0]) {
			t.Errorf("reader %d got other events: %d, not %d", i, len(list), len(lists[0]))
		}
	}
	first := 0
	for range r.Events() {
		first++
		break
	}
	if first != 1 {
		t.Errorf("a loop that breaks got %d events", first)
	}
}

func TestEventsComeAsTheyHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := pipelineOf(t, step("a", nil, sleeps(time.Minute)), step("b", from("a"), sleeps(time.Minute))).Start(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for e := range r.Events() {
			if !e.When().Equal(time.Now()) {
				t.Errorf("%T came at %v, %v after it happened", e, time.Now(), time.Since(e.When()))
			}
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowObserverHoldsUpNoTaskButTheEndOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("a", nil, sleeps(time.Second)), step("b", from("a"), sleeps(time.Second)))
		start := time.Now()
		count := 0
		res, err := p.Run(t.Context(), nil, runnel.Observe(func(runnel.Event) { count++; time.Sleep(time.Minute) }))
		if err != nil {
			t.Fatal(err)
		}
		if got := taskReport(t, res.Report(), "b").Ended.Sub(start); got != 2*time.Second {
			t.Errorf("the last task ended at %v, want 2s", got)
		}
		if got := res.Report().Duration; got != 2*time.Second {
			t.Errorf("the run took %v, want 2s: delivery is no part of it", got)
		}
		if count != 6 {
			t.Errorf("%d events were delivered when Run returned, want all 6", count)
		}
		wantTook(t, "Run", start, 6*time.Minute)
	})
}

func TestObserversThatStopAreReportedAndTheOthersGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		stop func()
		is   error
	}{
		"panic":  {func() { panic(io.ErrClosedPipe) }, io.ErrClosedPipe},
		"Goexit": {runtime.Goexit, runnel.ErrGoexit},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipelineOf(t, step("a", nil, works))
			calls := 0
			var before, after recorder
			res, err := p.Run(t.Context(), nil, runnel.Observe(before.observe, func(e runnel.Event) {
				calls++
				if _, ok := e.(runnel.TaskStarted); ok {
					c.stop()
				}
			}, after.observe))
			if calls != 2 {
				t.Errorf("the observer was called %d times, want 2: none after it stopped", calls)
			}
			if len(before.events) != 4 || len(after.events) != 4 {
				t.Errorf("the others got %d and %d events, want 4", len(before.events), len(after.events))
			}
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), "runnel: observer 2 of 3 stopped at runnel.TaskStarted: ") {
				t.Errorf("error %v, want the observer and why it stopped", err)
			}
			if got, err := runnel.Get[string](res, "a"); got != "a" || err != nil {
				t.Errorf("the result is %q, %v", got, err)
			}
		})
	}
}

func TestAnObserversPanicDoesNotHideACancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := pipelineOf(t, step("a", nil, works)).Run(ctx, nil, runnel.Observe(func(runnel.Event) { panic("boom") }))
	if _, ok := errors.AsType[*runnel.PanicError](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want both", err)
	}
	if got := res.Report().State; got != runnel.Cancelled {
		t.Errorf("the run is %v, want cancelled", got)
	}
}
