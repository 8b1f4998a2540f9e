package docs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/runneltest"
)

const troubleshooting = "docs/troubleshooting.md"

// symptoms provoke what the page tells of, each under its heading, and hold the
// texts that the page quotes against what is really said.
var symptoms = map[string]func(t *testing.T, q *quotes){
	"No graph is built":                 noGraph,
	"A task runs twice":                 runsTwice,
	"An output is missing":              missingOutput,
	"Everything runs one after another": oneAfterAnother,
	"A circular flow":                   circularFlow,
	"Memory grows":                      memoryGrows,
}

func TestTroubleshooting(t *testing.T) {
	all := blocks(t, troubleshooting)
	for _, heading := range headings(t, troubleshooting, "##") {
		t.Run(heading, func(t *testing.T) {
			provoke := symptoms[heading]
			if provoke == nil {
				t.Fatalf("%s: no test provokes %q: add one to symptoms", troubleshooting, heading)
			}
			q := &quotes{}
			for _, b := range all {
				if b.heading == heading && b.lang == "text" {
					q.left = append(q.left, strings.TrimSpace(b.text))
				}
			}
			provoke(t, q)
			for _, text := range q.left {
				t.Errorf("%s: nothing says this any more:\n%s", troubleshooting, text)
			}
		})
	}
	for heading := range symptoms {
		if !slices.Contains(headings(t, troubleshooting, "##"), heading) {
			t.Errorf("%s: the symptom %q has no heading", troubleshooting, heading)
		}
	}
}

// quotes are the texts that the page shows under one heading and that no test
// has met yet.
type quotes struct{ left []string }

var (
	place = regexp.MustCompile(`\(\w+\.go:\d+\)`)
	ends  = regexp.MustCompile(` +\n`)
	runID = regexp.MustCompile(`run [0-9a-f]{16} `)
)

// meet holds a text against the page. Places and run ids differ from program to
// program.
func (q *quotes) meet(t *testing.T, text string) {
	t.Helper()
	plain := func(s string) string {
		s = runID.ReplaceAllString(place.ReplaceAllString(s, "(…)"), "run … ")
		return strings.TrimSpace(ends.ReplaceAllString(s, "\n"))
	}
	for i, quote := range q.left {
		if plain(quote) == plain(text) {
			q.left = slices.Delete(q.left, i, i+1)
			return
		}
	}
	t.Errorf("%s does not show this:\n%s", troubleshooting, text)
}

// reporter stands for a test, and keeps what it is told.
type reporter struct {
	testing.TB
	text strings.Builder
}

func (r *reporter) Helper()                           {}
func (r *reporter) Errorf(format string, args ...any) { fmt.Fprintf(&r.text, format+"\n", args...) }

func noGraph(t *testing.T, q *quotes) {
	_, err := runnel.NewPipeline().Run(t.Context(), nil)
	q.meet(t, err.Error())
	if _, ok := errors.AsType[*runnel.BuildError](err); !ok {
		t.Errorf("got a %T, want a *BuildError", err)
	}

	features := runnel.NewTask("features", runnel.Pure(func(in struct{ Paths []string }) []float64 { return nil }))
	stats := runnel.NewTask("stats", runnel.Pure(func(in struct{ Features map[string]float64 }) int { return 0 }), runnel.Retries(-1))
	_, err = runnel.FromTasks(features, stats)
	q.meet(t, err.Error())
}

func runsTwice(t *testing.T, q *quotes) {
	load := runnel.NewTask("audio", runnel.Pure(func(in struct{ Path string }) string { return in.Path }))
	_, err := runnel.FromTasks(load, load)
	q.meet(t, err.Error())

	again := runnel.NewTask("audio", runnel.Pure(func(in struct{ URL string }) string { return in.URL }))
	_, err = runnel.FromTasks(load, again)
	q.meet(t, err.Error())

	synctest.Test(t, func(t *testing.T) {
		calls := 0
		flaky := runnel.NewTask("page", func(context.Context, struct{}) (int, error) {
			if calls++; calls == 1 {
				return 0, errors.New("connection reset")
			}
			return calls, nil
		}, runnel.Retries(3), runnel.RetryJitter(false))
		res, err := must(runnel.FromTasks(flaky)).Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if task, _ := res.Report().Task("page"); task.Attempts != 2 || task.Duration() != time.Second {
			t.Errorf("the report tells of %d attempts in %v, want 2 in 1s", task.Attempts, task.Duration())
		}
	})

	// Two runs are two calls, unless they share a cache.
	calls := 0
	count := runnel.NewTask("count", runnel.Pure(func(struct{}) int { calls++; return calls }))
	p := must(runnel.FromTasks(count))
	cache := runnel.NewDataCache()
	for range 2 {
		if _, err := p.Run(t.Context(), nil, runnel.WithCache(cache)); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Errorf("two runs with one cache called the task %d times, want 1", calls)
	}
}

func missingOutput(t *testing.T, q *quotes) {
	features := runnel.NewTask("features", runnel.Pure(func(struct{}) []float64 { return nil }))
	stats := runnel.NewTask("stats", runnel.Pure(func(in struct{ Feature []float64 }) int { return 0 }))
	p := must(runnel.FromTasks(features, stats))
	_, err := p.Run(t.Context(), nil)
	q.meet(t, err.Error())
	r := &reporter{TB: t}
	runneltest.Check(r, p)
	q.meet(t, r.text.String())

	res, err := must(runnel.FromTasks(features)).Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = runnel.Get[int](res, "featurs")
	q.meet(t, err.Error())

	broken := runnel.NewTask("tags", func(context.Context, struct{ Features []float64 }) ([]string, error) {
		return nil, errors.New("the model is not there")
	})
	embedding := runnel.NewTask("embedding", runnel.Pure(func(in struct{ Tags []string }) []float64 { return nil }))
	res, err = must(runnel.FromTasks(features, broken, embedding)).Run(t.Context(), nil, runnel.OnError(runnel.SkipFailed))
	if err != nil {
		t.Fatal(err)
	}
	_, err = broken.Get(res)
	q.meet(t, err.Error())
	_, err = embedding.Get(res)
	q.meet(t, err.Error())

	res, err = must(runnel.FromTasks(features, embedding.Bind("tags", "words"), runnel.NewTask("words", runnel.Pure(func(struct{ Features []float64 }) []string { return nil })))).
		Run(t.Context(), nil, runnel.Targets("embedding"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = features.Get(res)
	q.meet(t, err.Error())

	values := runnel.NewValuesTask("split", nil, []string{"left", "right"}, func(context.Context, runnel.Values) (runnel.Values, error) {
		return runnel.Values{"left": 1}, nil
	})
	_, err = must(runnel.FromTasks(values)).Run(t.Context(), nil)
	q.meet(t, err.Error())
}

// sleeper declares a task that takes a second.
func sleeper(name string, inputs []string, opts ...runnel.TaskOption) runnel.AnyTask {
	return runnel.NewValuesTask(name, inputs, []string{name}, func(context.Context, runnel.Values) (runnel.Values, error) {
		time.Sleep(time.Second)
		return runnel.Values{name: nil}, nil
	}, opts...)
}

func oneAfterAnother(t *testing.T, q *quotes) {
	run := func(t *testing.T, tasks []runnel.AnyTask, opts ...runnel.RunOption) *runnel.Report {
		res, err := must(runnel.FromTasks(tasks...)).Run(t.Context(), nil, append(opts, runnel.RunID("demo"))...)
		if err != nil {
			t.Fatal(err)
		}
		return res.Report()
	}
	wide := []runnel.AnyTask{sleeper("a", nil), sleeper("b", nil), sleeper("c", nil)}

	t.Run("as it should be", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, wide)
			if r.Duration != time.Second || r.PeakParallel != 3 || r.Parallelism != 3 {
				t.Errorf("three tasks at once took %v, %d at most, %v on average", r.Duration, r.PeakParallel, r.Parallelism)
			}
		})
	})
	t.Run("a limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, wide, runnel.MaxParallel(1))
			waited := time.Duration(0)
			for _, task := range r.Tasks {
				waited += task.Waited
			}
			if r.PeakParallel != 1 || r.CriticalTime != time.Second || r.Duration != 3*time.Second || waited != 3*time.Second {
				t.Errorf("got peak %d, critical time %v of %v, waited %v", r.PeakParallel, r.CriticalTime, r.Duration, waited)
			}
		})
	})
	chain := []runnel.AnyTask{sleeper("a", nil), sleeper("b", []string{"a"}), sleeper("c", []string{"b"})}
	t.Run("a chain by data", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, chain)
			q.meet(t, r.String())
			if r.CriticalTime != r.Duration || r.Parallelism != 1 {
				t.Errorf("the chain's critical time is %v of %v", r.CriticalTime, r.Duration)
			}
		})
	})
	t.Run("After", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, []runnel.AnyTask{sleeper("a", nil), sleeper("b", nil, runnel.After("a")), sleeper("c", nil, runnel.After("b"))})
			if len(r.CriticalPath) != 3 || r.Duration != 3*time.Second {
				t.Errorf("After made the path %v, %v", r.CriticalPath, r.Duration)
			}
		})
	})
	t.Run("a slow producer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := runnel.NewTask("slow", runnel.Pure(func(struct{}) int { time.Sleep(time.Minute); return 0 }))
			r := run(t, []runnel.AnyTask{slow, sleeper("a", []string{"slow"}), sleeper("b", []string{"slow"})})
			if r.CriticalPath[0] != "slow" || r.CriticalTime != r.Duration || r.PeakParallel != 2 {
				t.Errorf("the critical path is %v, %v of %v, peak %d", r.CriticalPath, r.CriticalTime, r.Duration, r.PeakParallel)
			}
		})
	})
	g, err := must(runnel.FromTasks(chain...)).Graph()
	if err != nil {
		t.Fatal(err)
	}
	q.meet(t, g.String())
	if groups := g.ParallelGroups(); len(groups) != 0 {
		t.Errorf("a chain has the parallel groups %v", groups)
	}
}

func circularFlow(t *testing.T, q *quotes) {
	a := runnel.NewTask("mix", runnel.Pure(func(in struct{ Gain float64 }) float64 { return 0 }))
	b := runnel.NewTask("level", runnel.Pure(func(in struct{ Mix float64 }) float64 { return 0 }))
	c := runnel.NewTask("gain", runnel.Pure(func(in struct{ Level float64 }) float64 { return 0 }))
	_, err := runnel.FromTasks(a, b, c)
	q.meet(t, err.Error())
}

func memoryGrows(t *testing.T, q *quotes) {
	const tasks, each = 64, 1 << 20
	var live counter
	first := runnel.NewTask("step_0", runnel.Pure(func(struct{}) *buffer { return live.make(each) }))
	next := runnel.NewTask("step", runnel.Pure(func(in struct{ Before *buffer }) *buffer { return live.make(each) }))
	p := runnel.NewPipeline().Add(first)
	last := ""
	for i := 1; i < tasks; i++ {
		last = fmt.Sprintf("step_%d", i)
		p.Add(next.As(last).Bind("before", fmt.Sprintf("step_%d", i-1)))
	}
	whole := live.peak(t, p)
	targeted := live.peak(t, p, runnel.Targets(last))
	if whole < tasks {
		t.Errorf("without targets all %d values stay until the end; %d were there at once", tasks, whole)
	}
	if targeted > tasks/4 {
		t.Errorf("with targets each value goes after its last use; %d of %d were there at once", targeted, tasks)
	}

	// MaxParallel bounds what tasks hold while they run.
	synctest.Test(t, func(t *testing.T) {
		var wide []runnel.AnyTask
		for i := range 100 {
			wide = append(wide, sleeper(fmt.Sprint(i), nil))
		}
		for limit, want := range map[int]int{0: 100, 8: 8} {
			res, err := must(runnel.FromTasks(wide...)).Run(t.Context(), nil, runnel.MaxParallel(limit))
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Report().PeakParallel; got != want {
				t.Errorf("MaxParallel(%d): %d tasks at once, want %d", limit, got, want)
			}
		}
	})
}

// must is the pipeline, in tests where it builds.
func must(p *runnel.Pipeline, err error) *runnel.Pipeline {
	if err != nil {
		panic(err)
	}
	return p
}
