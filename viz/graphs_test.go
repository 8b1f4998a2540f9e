package viz

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// sample is a pipeline that the goldens show.
type sample struct {
	name     string
	pipeline *runnel.Pipeline
	inputs   runnel.Values
}

// samples are the same in every format.
func samples(t testing.TB) []sample {
	return []sample{
		{"chain", build(t, step("a", 1, nil, "start"), step("b", 2, nil, "a"), step("c", 3, nil, "b")), runnel.Values{"start": nil}},
		{"diamond", build(t,
			step("load", 2, nil, "path"),
			step("left", 3, nil, "load"),
			step("right", 5, errors.New("no right side"), "load"),
			step("join", 1, nil, "left", "right")), runnel.Values{"path": nil}},
		{"fan", build(t, fan(6)...), runnel.Values{"source": nil}},
		{"mapped", mapped(t), runnel.Values{"paths": []string{"a", "b", "c"}}},
		{"nested", nested(t), runnel.Values{"text": "one two"}},
		{"random", build(t, random(200)...), runnel.Values{"in": nil}},
	}
}

// step takes some milliseconds, and fails with err if there is one.
func step(name string, ms int, err error, inputs ...string) runnel.AnyTask {
	return runnel.NewValuesTask(name, inputs, []string{name}, func(context.Context, runnel.Values) (runnel.Values, error) {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return runnel.Values{name: ms}, err
	})
}

func fan(n int) []runnel.AnyTask {
	tasks := []runnel.AnyTask{step("split", 1, nil, "source")}
	var parts []string
	for k := range n {
		part := fmt.Sprintf("part %d", k)
		tasks, parts = append(tasks, step(part, 2+k, nil, "split")), append(parts, part)
	}
	return append(tasks, step("merge", 1, nil, parts...))
}

func random(n int) []runnel.AnyTask {
	r := rand.New(rand.NewPCG(1, 2))
	var tasks []runnel.AnyTask
	for k := range n {
		inputs := []string{}
		for range 1 + r.IntN(2) {
			if from := k - 1 - r.IntN(20); from >= 0 {
				if name := fmt.Sprintf("t%03d", from); len(inputs) == 0 || inputs[0] != name {
					inputs = append(inputs, name)
				}
			}
		}
		if len(inputs) == 0 {
			inputs = append(inputs, "in")
		}
		tasks = append(tasks, step(fmt.Sprintf("t%03d", k), 1+r.IntN(9), nil, inputs...))
	}
	return tasks
}

func mapped(t testing.TB) *runnel.Pipeline {
	size := runnel.NewMapTask("size[i]", func(_ context.Context, in struct {
		Path string `runnel:"paths[i]"`
	}) (int, error) {
		time.Sleep(time.Millisecond)
		return len(in.Path), nil
	}, runnel.Describe("Reads one file."))
	total := runnel.NewTask("total", runnel.Pure(func(in struct{ Size []int }) int { return len(in.Size) }))
	return build(t, size, total)
}

func nested(t testing.TB) *runnel.Pipeline {
	type text struct{ Text string }
	words := runnel.NewTask("words", runnel.Pure(func(in text) int { return len(in.Text) }))
	summary := runnel.NewTask("summary", runnel.Pure(func(in struct {
		Words int
		Text  string
	}) string {
		return in.Text
	}))
	inner := build(t, words, summary)
	report := runnel.Nest[text, string]("report", inner, "summary")
	mail := runnel.NewTask("mail", runnel.Pure(func(in struct{ Report string }) int { return len(in.Report) }), runnel.After("audit"))
	audit := runnel.NewTask("audit", runnel.Pure(func(in text) int { return 1 }))
	return build(t, report, mail, audit)
}

func build(t testing.TB, tasks ...runnel.AnyTask) *runnel.Pipeline {
	t.Helper()
	p, err := runnel.FromTasks(tasks...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func graphOf(t testing.TB, p *runnel.Pipeline) *dag.Graph {
	t.Helper()
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// runOf is the report of a run in virtual time: the same every time.
func runOf(t *testing.T, s sample) (r *runnel.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		res, _ := s.pipeline.Run(t.Context(), s.inputs, runnel.OnError(runnel.ContinueOnError), runnel.RunID("sample"))
		r = res.Report()
	})
	return r
}
