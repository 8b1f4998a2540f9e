package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
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

// TestNoTaskStartsBeforeItsProducersEnded: so says the report, when two workers
// finish the producers of a task at the same moment.
func TestNoTaskStartsBeforeItsProducersEnded(t *testing.T) {
	const stages = 3000
	var meet [stages]atomic.Int32 // how often the tasks of a stage came, over all runs
	runs := int32(0)
	var tasks []runnel.AnyTask
	add := func(stage int, name string) {
		var inputs []string
		if stage > 0 {
			inputs = from(fmt.Sprint("a", stage-1), fmt.Sprint("b", stage-1))
		}
		tasks = append(tasks, step(fmt.Sprint(name, stage), inputs, func(context.Context) error {
			meet[stage].Add(1)
			for meet[stage].Load() < 2*runs {
				runtime.Gosched()
			}
			return nil
		}))
	}
	for stage := range stages {
		add(stage, "a")
		add(stage, "b")
	}
	p := pipelineOf(t, tasks...)
	for _, opts := range [][]runnel.RunOption{nil, {runnel.MaxParallel(2)}, {runnel.Observe(func(runnel.Event) {})}} {
		runs++
		report := mustRun(t, p, nil, opts...).Report()
		early := 0
		for _, declared := range tasks {
			task := taskReport(t, report, declared.Name())
			if task.Waited < 0 || task.Ended.Before(task.Started) {
				t.Errorf("%s ran from %v to %v and waited %v", task.Name, task.Started, task.Ended, task.Waited)
			}
			for _, producer := range declared.Inputs() {
				if ended := taskReport(t, report, producer).Ended; task.Started.Before(ended) {
					if early++; early <= 3 {
						t.Errorf("%s started %v before its producer %s ended", task.Name, ended.Sub(task.Started), producer)
					}
				}
			}
		}
		if early > 3 {
			t.Errorf("and %d more", early-3)
		}
	}
}
