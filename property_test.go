package runnel_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// randomLimits are the limits at which every property must hold alike.
var randomLimits = []int{1, 2, 3, 8, 0}

// buildRandom declares the tasks of a graph in a drawn order.
func buildRandom(t *rapid.T, g *randomGraph) *runnel.Pipeline {
	order := make([]int, len(g.tasks))
	for i := range order {
		order[i] = i
	}
	order = rapid.Permutation(order).Draw(t, "order of registration")
	p, err := runnel.FromTasks(g.declare(order)...)
	if err != nil {
		t.Fatalf("a graph of tasks that fit is refused: %v", err)
	}
	return p
}

// checkRun holds what tasks of a run saw, and when, against the model. want is
// what becomes of the tasks that may run.
func checkRun(t *rapid.T, g *randomGraph, w *witness, res *runnel.Result, want outcome) {
	for _, m := range g.tasks {
		calls := w.starts[m.name]
		if _, called := want.seen[m.name]; !called {
			if len(calls) > 0 {
				t.Fatalf("task %s was called, it must end %v", m.name, want.states[m.name])
			}
			continue
		}
		if len(calls) != 1 {
			t.Fatalf("task %s was called %d times, want once", m.name, len(calls))
		}
		if w.seen[m.name] != want.seen[m.name] {
			t.Fatalf("routing: the %q task saw %s, want %s", m.kind, w.seen[m.name], want.seen[m.name])
		}
		for _, first := range g.waits(m) {
			if end, called := w.ends[first]; called && end > calls[0] {
				t.Fatalf("order: task %s started before %s had ended", m.name, first)
			}
		}
	}
	report := res.Report()
	for name, state := range want.states {
		if r, ok := report.Task(name); !ok || r.State != state {
			t.Fatalf("task %s ended %v (%s, %v), want %v", name, r.State, r.Reason, r.Err, state)
		}
	}
	if got := res.Outputs(); !reflect.DeepEqual(got, want.values) {
		t.Fatalf("outputs %v, want %v", got, want.values)
	}
}

// TestRandomGraphs: order, single execution, exact routing, and equal results at
// every parallelism and in every repetition.
func TestRandomGraphs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, false)
		p, want := buildRandom(rt, g), g.reference()
		for _, limit := range randomLimits {
			for range 2 {
				ctx, w := newWitness(t.Context())
				res, err := p.Run(ctx, g.supplied, runnel.MaxParallel(limit))
				if err != nil {
					rt.Fatalf("limit %d: %v", limit, err)
				}
				checkRun(rt, g, w, res, want)
			}
		}
	})
}

// TestRandomFailures: in the modes that go on, the tasks that fail, are skipped
// and succeed are those of a sequential reference, whatever ran at once.
func TestRandomFailures(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, true)
		p, want := buildRandom(rt, g), g.reference()
		var failed []string
		for name, state := range want.states {
			if state == runnel.Failed {
				failed = append(failed, name)
			}
		}
		slices.Sort(failed)
		for _, limit := range randomLimits {
			for _, mode := range []runnel.ErrorMode{runnel.ContinueOnError, runnel.SkipFailed} {
				ctx, w := newWitness(t.Context())
				res, err := p.Run(ctx, g.supplied, runnel.MaxParallel(limit), runnel.OnError(mode))
				checkRun(rt, g, w, res, want)
				if mode == runnel.SkipFailed || len(failed) == 0 {
					if err != nil {
						rt.Fatalf("%v, limit %d: error %v, want none", mode, limit, err)
					}
					continue
				}
				wrong, ok := errors.AsType[*runnel.RunError](err)
				if !ok || !errors.Is(err, errDrawn) {
					rt.Fatalf("%v, limit %d: error %v, want a *RunError over the failures", mode, limit, err)
				}
				var names []string
				for _, e := range wrong.Tasks {
					names = append(names, e.Task)
				}
				if slices.Sort(names); !slices.Equal(names, failed) {
					rt.Fatalf("%v, limit %d: the error joins %v, failed are %v", mode, limit, names, failed)
				}
			}
		}
	})
}

// TestRandomFailFast: a run that stops at the first failure has called nothing
// twice, nothing too early, nothing that needs the failed task, and what it
// produced is right.
func TestRandomFailFast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, true)
		p, all := buildRandom(rt, g), g.reference()
		fails := slices.ContainsFunc(g.tasks, func(m *randomTask) bool { return m.fails && all.states[m.name] == runnel.Failed })
		for _, limit := range randomLimits {
			ctx, w := newWitness(t.Context())
			res, err := p.Run(ctx, g.supplied, runnel.MaxParallel(limit))
			if fails != errors.Is(err, errDrawn) {
				rt.Fatalf("limit %d: error %v, though a task fails is %v", limit, err, fails)
			}
			// What the run reached: of the tasks that were called, the same must have
			// become as in a run that goes on; the others are cancelled.
			want := outcome{map[string]runnel.State{}, map[string]string{}, map[string]any{}}
			for _, m := range g.tasks {
				if len(w.starts[m.name]) == 0 {
					if fails {
						want.states[m.name] = runnel.Cancelled
					}
					continue
				}
				want.states[m.name], want.seen[m.name] = all.states[m.name], all.seen[m.name]
				if all.states[m.name] == runnel.Succeeded {
					for _, name := range m.outputs {
						want.values[name] = all.values[name]
					}
				}
			}
			checkRun(rt, g, w, res, want)
			if limit == 1 && fails && res.Report().Totals.Failed != 1 {
				rt.Fatalf("one at a time, %d tasks failed before the run stopped, want 1", res.Report().Totals.Failed)
			}
		}
	})
}

// TestRegistrationOrderNeverMatters: the same tasks in any order are the same
// graph, with the same results.
func TestRegistrationOrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, false)
		var prints, texts []string
		for range 3 {
			p := buildRandom(rt, g)
			d, err := p.Graph()
			if err != nil {
				rt.Fatal(err)
			}
			prints, texts = append(prints, fmt.Sprint(d.Fingerprint())), append(texts, d.String())
			ctx, w := newWitness(t.Context())
			res, err := p.Run(ctx, g.supplied)
			if err != nil {
				rt.Fatal(err)
			}
			checkRun(rt, g, w, res, g.reference())
		}
		if len(slices.Compact(prints)) > 1 || len(slices.Compact(texts)) > 1 {
			rt.Fatalf("the graph depends on the order of registration:\n%v\n%v", prints, texts)
		}
	})
}

// TestRandomTargets: a run with targets calls what they need and nothing else,
// and its outputs are the targets, as in a whole run.
func TestRandomTargets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, false)
		p, all := buildRandom(rt, g), g.reference()
		names := slices.Sorted(maps.Keys(all.values))
		if len(names) == 0 {
			return
		}
		targets := rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(rt, "targets")
		want := outcome{map[string]runnel.State{}, map[string]string{}, map[string]any{}}
		needed := map[string]bool{}
		for _, m := range slices.Backward(g.tasks) {
			for _, name := range m.outputs {
				if slices.Contains(targets, name) {
					want.values[name], needed[m.name] = all.values[name], true
				}
			}
			if needed[m.name] {
				want.states[m.name], want.seen[m.name] = all.states[m.name], all.seen[m.name]
				for _, first := range g.waits(m) {
					needed[first] = true
				}
			}
		}
		for _, limit := range randomLimits {
			ctx, w := newWitness(t.Context())
			res, err := p.Run(ctx, g.supplied, runnel.MaxParallel(limit), runnel.Targets(targets...))
			if err != nil {
				rt.Fatalf("limit %d: %v", limit, err)
			}
			checkRun(rt, g, w, res, want)
			if got := len(res.Report().Tasks); got != len(want.states) {
				rt.Fatalf("the report has %d tasks, the targets %q need %d", got, targets, len(want.states))
			}
		}
	})
}
