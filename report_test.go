package runnel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// nightly is a run with a task of each kind: the slow branch decides how long
// it takes, though the other has more tasks.
func nightly(t *testing.T, opts ...runnel.RunOption) *runnel.Result {
	p := runnel.NewPipeline(runnel.PipelineName("nightly")).Add(
		step("load", nil, sleeps(time.Second)),
		step("quick", from("load"), sleeps(100*time.Millisecond)),
		step("quick2", from("quick"), sleeps(100*time.Millisecond)),
		step("slow", from("load"), func(ctx context.Context) error {
			if runnel.Info(ctx).Attempt == 1 {
				return errFlaky
			}
			return sleeps(2 * time.Second)(ctx)
		}, runnel.Retries(1), runnel.RetryJitter(false)),
		step("bad", from("quick"), failsWith(errors.New("no such file:\nfeatures.csv"), time.Second)),
		step("lost", from("bad"), works),
		step("end", from("slow", "quick2"), sleeps(500*time.Millisecond)))
	res, err := p.Run(t.Context(), nil, append([]runnel.RunOption{runnel.RunID("r7"), runnel.OnError(runnel.SkipFailed)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestReportAsATable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := nightly(t).Report().String()
		want := `run r7 of pipeline "nightly": succeeded after 4.5s
TASK    STATE      ATTEMPTS  START  TOOK   WAITED  NOTE
load    succeeded  1         +0s    1s     0s      
quick   succeeded  1         +1s    100ms  0s      
slow    succeeded  2         +1s    3s     0s      
bad     failed     1         +1.1s  1s     0s      no such file:
quick2  succeeded  1         +1.1s  100ms  0s      
end     succeeded  1         +4s    500ms  0s      
lost    skipped    0                               its input "bad" is missing: task "bad" failed
7 tasks: 5 succeeded (71 %), 1 failed, 1 skipped, 0 cancelled; 7 attempts
parallelism 1.3 on average, 3 at most
critical path, 4.5s: load → slow → end
`
		if trimmed(got) != trimmed(want) {
			t.Errorf("the report is\n%s\nwant\n%s", got, want)
		}
	})
}

// trimmed is a text without spaces at the ends of lines.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// TestStartIsReportedHoweverATaskEnds: of tasks that nobody watches it is noted at their end.
func TestStartIsReportedHoweverATaskEnds(t *testing.T) {
	for name, end := range map[string]func() error{
		"success": func() error { return nil },
		"error":   func() error { return errFlaky },
		"panic":   func() error { panic("a bug") },
		"goexit":  func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipelineOf(t, step("before", nil, sleeps(time.Second)), step("other", nil, sleeps(time.Second)), step("a", nil, func(ctx context.Context) error {
					if err := sleeps(2 * time.Second)(ctx); err != nil {
						return err
					}
					return end()
				}))
				start := time.Now()
				res, _ := p.Run(t.Context(), nil, runnel.MaxParallel(1))
				got := taskReport(t, res.Report(), "a")
				if began, ended := got.Started.Sub(start), got.Ended.Sub(start); began != 2*time.Second || ended != 4*time.Second {
					t.Errorf("began at %v, ended at %v; want 2s and 4s", began, ended)
				}
			})
		})
	}
}

func TestReportTotalsAndMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := nightly(t).Report()
		if want := (runnel.Totals{Tasks: 7, Succeeded: 5, Failed: 1, Skipped: 1, Attempts: 7}); r.Totals != want {
			t.Errorf("totals %+v, want %+v", r.Totals, want)
		}
		if want := 5.0 / 7; r.SuccessRate != want {
			t.Errorf("success rate %v, want %v", r.SuccessRate, want)
		}
		if !r.Started.Equal(start) || r.Duration != 4500*time.Millisecond || r.Pipeline != "nightly" || r.RunID != "r7" {
			t.Errorf("run %s of %s started at %v, took %v", r.RunID, r.Pipeline, r.Started, r.Duration)
		}
		if want := from("load", "slow", "end"); !slices.Equal(r.CriticalPath, want) || r.CriticalTime != 4500*time.Millisecond {
			t.Errorf("critical path %q of %v, want %q of 4.5s: as it was, retries included", r.CriticalPath, r.CriticalTime, want)
		}
		if want := 5.7 / 4.5; math.Abs(r.Parallelism-want) > 1e-9 || r.PeakParallel != 3 {
			t.Errorf("parallelism %v and %d at most, want %v and 3", r.Parallelism, r.PeakParallel, want)
		}
		if got := taskReport(t, r, "slow"); got.Duration() != 3*time.Second || got.Err != nil || got.Attempts != 2 || got.State != runnel.Succeeded {
			t.Errorf("a task that succeeded at last: %+v", got)
		}
		if got := taskReport(t, r, "lost"); !got.Started.IsZero() || got.Duration() != 0 || !got.Ended.Equal(start.Add(2100*time.Millisecond)) {
			t.Errorf("a skipped task: %+v, want no start, and the end when it was skipped", got)
		}
		if _, ok := r.Task("nobody"); ok {
			t.Error("the report has a task that the pipeline has not")
		}
	})
}

func TestReportCountsTheWaitForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t,
			step("a", nil, sleeps(time.Second)), step("b", nil, sleeps(2*time.Second)), step("c", nil, sleeps(4*time.Second)),
			step("next", from("a", "b", "c"), works))
		start := time.Now()
		res, err := p.Run(t.Context(), nil, runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		r := res.Report()
		var sum time.Duration
		for _, task := range r.Tasks {
			if task.Name == "next" {
				if task.Waited != 0 {
					t.Errorf("next waited %v for a slot, want 0s: it waited for inputs only", task.Waited)
				}
				continue
			}
			if got := task.Started.Sub(start); task.Waited != got || !task.Ready.Equal(start) {
				t.Errorf("%s waited %v from %v, want %v from %v: it had all inputs from the start", task.Name, task.Waited, task.Ready, got, start)
			}
			sum += task.Duration()
		}
		if sum != 7*time.Second || r.Duration != 7*time.Second || r.PeakParallel != 1 || r.Parallelism != 1 {
			t.Errorf("%v of work in %v, %d at most, %v on average; want 7s, 7s, 1 and 1", sum, r.Duration, r.PeakParallel, r.Parallelism)
		}
		if last := r.Tasks[2].Name; !slices.Equal(r.CriticalPath, from(last, "next")) {
			t.Errorf("critical path %q, want the task that really ended last, %s, and next", r.CriticalPath, last)
		}
	})
}

func TestCostIsWhatTasksTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t,
			step("load", nil, sleeps(time.Second)), step("long", from("load"), sleeps(4*time.Second)), step("short", from("load"), sleeps(time.Second)),
			step("end", from("long", "short"), sleeps(time.Second)))
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		show := func(r *runnel.Report) string {
			path, total := g.CriticalPath(r.Cost)
			text := fmt.Sprint(path, " ", total)
			for _, b := range g.Analyze(r.Cost).Tasks {
				text += fmt.Sprintf("; %s %v %v %v", b.Node, b.Cost, b.Slack, b.Gain)
			}
			return text
		}
		run, err := p.Start(t.Context(), nil, runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		live := run.Report()
		res, err := run.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := show(res.Report()), "[load long end] 6; load 1 0 1; long 4 0 3; short 1 3 0; end 1 0 1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		// Half a second after the first task, one of the next two has a slot.
		for _, task := range live.Tasks {
			n, _ := g.Node(task.Name)
			want, state := 0.0, task.State
			switch {
			case task.Name == "load":
				want = 1
			case state == runnel.Running:
				want = 0.5
			case task.Name != "end" && (state != runnel.Ready || !task.Ready.Equal(live.Started.Add(time.Second))),
				task.Name == "end" && (state != runnel.Pending || !task.Ready.IsZero()):
				t.Errorf("task %s is %v, ready at %v", task.Name, state, task.Ready)
			}
			if got := live.Cost(n); got != want {
				t.Errorf("%s, which is %v, has cost %v, want %v", task.Name, state, got, want)
			}
		}
		if got := show(&runnel.Report{}); !strings.Contains(got, " 0; load 0 0 0; long 0 0 0") {
			t.Errorf("a report of no run: %s", got)
		}
	})
}

func TestReportOrdersTasksByStartThenName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for _, task := range nightly(t).Report().Tasks {
			names = append(names, task.Name)
		}
		if want := from("load", "quick", "slow", "bad", "quick2", "end", "lost"); !slices.Equal(names, want) {
			t.Errorf("tasks %q, want %q", names, want)
		}
	})
}

func TestReportAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		text, err := json.Marshal(nightly(t).Report())
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		tasks := got["tasks"].([]any)
		delete(got, "tasks")
		clock := func(v any) time.Duration {
			at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v))
			if err != nil {
				t.Error(err)
			}
			return at.Sub(start)
		}
		if at := clock(got["started"]); at != 0 {
			t.Errorf("started %v after the start", at)
		}
		delete(got, "started")
		want := `{"critical_path":["load","slow","end"],"critical_time_seconds":4.5,"duration_seconds":4.5,"parallelism":1.2666666666666666,"peak_parallel":3,` +
			`"pipeline":"nightly","run_id":"r7","state":"succeeded","success_rate":0.7142857142857143,` +
			`"totals":{"attempts":7,"cancelled":0,"failed":1,"skipped":1,"succeeded":5,"tasks":7}}`
		if text, _ := json.Marshal(got); string(text) != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
		bad, lost := tasks[3].(map[string]any), tasks[6].(map[string]any)
		if s, e := clock(bad["started"]), clock(bad["ended"]); s != 1100*time.Millisecond || e != 2100*time.Millisecond {
			t.Errorf("bad went from %v to %v", s, e)
		}
		if at := clock(bad["ready"]); at != 1100*time.Millisecond {
			t.Errorf("bad was ready at %v", at)
		}
		delete(bad, "ready")
		delete(bad, "started")
		delete(bad, "ended")
		delete(lost, "ended")
		for want, got := range map[string]any{
			`{"attempts":1,"duration_seconds":1,"error":"no such file:\nfeatures.csv","name":"bad","state":"failed","waited_seconds":0}`:                          bad,
			`{"attempts":0,"duration_seconds":0,"name":"lost","reason":"its input \"bad\" is missing: task \"bad\" failed","state":"skipped","waited_seconds":0}`: lost,
		} {
			if text, _ := json.Marshal(got); string(text) != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
		}
	})
}

func TestWithoutTimingsTheRestOfTheReportIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with, without := nightly(t).Report(), nightly(t, runnel.Timings(false)).Report()
		if without.Totals != with.Totals || without.SuccessRate != with.SuccessRate || without.State != with.State {
			t.Errorf("totals %+v, rate %v, state %v; want those of a run with times", without.Totals, without.SuccessRate, without.State)
		}
		if !without.Started.IsZero() || without.Duration != 0 || without.CriticalPath != nil || without.CriticalTime != 0 || without.Parallelism != 0 || without.PeakParallel != 0 {
			t.Errorf("a report without times has some: %+v", without)
		}
		for _, want := range with.Tasks {
			got := taskReport(t, without, want.Name)
			if got.State != want.State || got.Attempts != want.Attempts || got.Reason != want.Reason || fmt.Sprint(got.Err) != fmt.Sprint(want.Err) {
				t.Errorf("task %+v, want state, attempts, reason and error of %+v", got, want)
			}
			if !got.Ready.IsZero() || !got.Started.IsZero() || !got.Ended.IsZero() || got.Waited != 0 {
				t.Errorf("task %+v has times", got)
			}
		}
		text := without.String()
		if !strings.Contains(text, `lost    skipped    0`) || strings.Contains(text, "critical") || !strings.HasPrefix(text, "run r7 of pipeline \"nightly\": succeeded\n") {
			t.Errorf("the table without times is\n%s", text)
		}
		if text, err := json.Marshal(without); err != nil || strings.Contains(string(text), `"started"`) || strings.Contains(string(text), `"ended"`) {
			t.Errorf("JSON without times: %s, %v", text, err)
		}
	})
}

func TestRetriesKeepTheirTimeWithoutTimings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		p := pipelineOf(t, step("wait", nil, sleeps(time.Hour)), step("a", from("wait"), func(context.Context) error { n++; return errFlaky },
			runnel.Retries(9), runnel.RetryBackoff(1), runnel.RetryJitter(false), runnel.MaxRetryTime(3*time.Second)))
		if _, err := p.Run(t.Context(), nil, runnel.Timings(false)); err == nil || n != 4 {
			t.Errorf("%d attempts, error %v; want 4: the bound counts from the first attempt", n, err)
		}
	})
}

func TestATableOfManyTasksIsCut(t *testing.T) {
	var tasks []runnel.AnyTask
	previous := []string(nil)
	for i := range 250 {
		name := fmt.Sprintf("t%03d", i)
		tasks = append(tasks, step(name, previous, works))
		previous = from(name)
	}
	res, err := pipelineOf(t, tasks...).Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := res.Report().String()
	if !strings.Contains(text, "\n… and 50 more tasks\n250 tasks: 250 succeeded (100 %)") || !strings.Contains(text, " → … 230 more … → ") {
		t.Errorf("the report is\n%s", text)
	}
	if got := len(strings.Split(text, "\n")); got != 207 {
		t.Errorf("%d lines, want 200 tasks and the rest", got)
	}
}

func TestStatesHaveNames(t *testing.T) {
	got := map[runnel.State]string{}
	for s := runnel.Pending; s <= runnel.Cancelled; s++ {
		text, err := s.MarshalText()
		if err != nil || string(text) != s.String() {
			t.Errorf("%d marshals to %q, %v", s, text, err)
		}
		got[s] = s.String()
	}
	want := map[runnel.State]string{runnel.Pending: "pending", runnel.Ready: "ready", runnel.Running: "running", runnel.Retrying: "retrying",
		runnel.Succeeded: "succeeded", runnel.Failed: "failed", runnel.Skipped: "skipped", runnel.Cancelled: "cancelled"}
	if !maps.Equal(got, want) || runnel.State(99).String() != "State(99)" {
		t.Errorf("states %v, want %v", got, want)
	}
	for s := range want {
		if ended := s >= runnel.Succeeded; s.Ended() != ended {
			t.Errorf("%v.Ended() = %v", s, !ended)
		}
	}
}
