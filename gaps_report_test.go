package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestAReportNeverShowsAnEndWithoutItsReason: whoever looks while a run goes on
// sees why a task failed or was skipped as soon as it sees that it did.
func TestAReportNeverShowsAnEndWithoutItsReason(t *testing.T) {
	tasks := []runnel.AnyTask{step("bad", nil, failsWith(errFlaky, 0))}
	for i := range 2000 {
		tasks = append(tasks, step(fmt.Sprint("skipped", i), from("bad"), works), step(fmt.Sprint("fails", i), nil, failsWith(errFlaky, 0)))
	}
	p := pipelineOf(t, tasks...)
	for range 5 {
		r, err := p.Start(t.Context(), nil, runnel.OnError(runnel.ContinueOnError))
		if err != nil {
			t.Fatal(err)
		}
		for going := true; going; {
			select {
			case <-r.Done():
				going = false
			default:
			}
			for _, task := range r.Report().Tasks {
				if task.State == runnel.Skipped && task.Reason == "" || task.State == runnel.Failed && !errors.Is(task.Err, errFlaky) {
					t.Errorf("task %q is %v with error %v and reason %q: want why", task.Name, task.State, task.Err, task.Reason)
				}
			}
			if t.Failed() {
				going = false
			}
		}
		if _, err := r.Wait(context.Background()); !errors.Is(err, errFlaky) {
			t.Errorf("error %v, want %v", err, errFlaky)
		}
	}
}

// TestNoTaskStartsBeforeItsProducersEnded: so say the times of the report and
// those of the events, when two workers finish the producers at once.
func TestNoTaskStartsBeforeItsProducersEnded(t *testing.T) {
	const pairs = 3000
	producers := map[string][]string{}
	var tasks []runnel.AnyTask
	add := func(name string, inputs ...string) {
		producers[name] = inputs
		tasks = append(tasks, step(name, inputs, func(context.Context) error { runtime.Gosched(); return nil }))
	}
	add("a0")
	add("b0")
	for i := 1; i <= pairs; i++ {
		a, b := fmt.Sprint("a", i-1), fmt.Sprint("b", i-1)
		add(fmt.Sprint("a", i), a, b)
		add(fmt.Sprint("b", i), a, b)
	}
	p := pipelineOf(t, tasks...)
	for _, opts := range [][]runnel.RunOption{nil, {runnel.MaxParallel(2)}, {runnel.Observe(func(runnel.Event) {})}} {
		report := mustRun(t, p, nil, opts...).Report()
		early := 0
		for name, needs := range producers {
			task := taskReport(t, report, name)
			if task.Waited < 0 {
				t.Errorf("%s waited %v", name, task.Waited)
			}
			for _, producer := range needs {
				if ended := taskReport(t, report, producer).Ended; task.Started.Before(ended) {
					if early++; early <= 3 {
						t.Errorf("%s started %v before its producer %s ended", name, ended.Sub(task.Started), producer)
					}
				}
			}
		}
		if early > 3 {
			t.Errorf("and %d more", early-3)
		}
	}
}
