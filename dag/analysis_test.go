package dag_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/runnelflow/runnel/dag"
	"pgregory.net/rapid"
)

func costs(m map[string]float64) func(*dag.Node) float64 {
	return func(n *dag.Node) float64 { return m[n.Name] }
}

// drawCosts draws costs whose sums are exact.
func drawCosts(t *rapid.T, g *dag.Graph) map[string]float64 {
	m := map[string]float64{}
	for _, n := range g.Nodes() {
		m[n.Name] = float64(rapid.IntRange(0, 5).Draw(t, "cost "+n.Name))
	}
	return m
}

// Slack and gain are what the total says when one cost is changed.
func TestAnalysisAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		m := model(specs)
		g, err := dag.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		cost := drawCosts(t, g)
		total := func(name string, changed float64) float64 {
			was := cost[name]
			defer func() { cost[name] = was }()
			cost[name] = changed
			most := 0.0
			for _, s := range specs {
				most = max(most, m.heaviest(s.Name, cost))
			}
			return most
		}
		a := g.Analyze(costs(cost))
		path, length := g.CriticalPath(costs(cost))
		if fmt.Sprint(a.CriticalPath, a.Total) != fmt.Sprint(path, length) || len(a.Tasks) != g.Len() {
			t.Fatalf("path %v, %v; want %v, %v", a.CriticalPath, a.Total, path, length)
		}
		work := 0.0
		for i, n := range g.Nodes() {
			got, c := a.Tasks[i], cost[n.Name]
			work += c
			if got.Node != n || got.Cost != c || got.Start != m.heaviest(n.Name, cost)-c {
				t.Fatalf("%s: %+v, want cost %v, start %v", n, got, c, m.heaviest(n.Name, cost)-c)
			}
			if total(n.Name, c+got.Slack) != length || total(n.Name, c+got.Slack+1) != length+1 {
				t.Fatalf("%s: slack %v in a total of %v; with it %v, with one more %v", n, got.Slack, length,
					total(n.Name, c+got.Slack), total(n.Name, c+got.Slack+1))
			}
			if want := length - total(n.Name, 0); got.Gain != want {
				t.Fatalf("%s: gain %v, want %v", n, got.Gain, want)
			}
		}
		if a.Work != work {
			t.Fatalf("work %v, want %v", a.Work, work)
		}
		last := math.Inf(1)
		for _, b := range a.Bottlenecks() {
			if b.Gain <= 0 || b.Gain > last {
				t.Fatalf("bottlenecks %v", a.Bottlenecks())
			}
			last = b.Gain
		}
	})
}

// best is the best makespan, by trying every order in which a worker that is
// free may take the tasks that are ready, or wait for the next end.
func (m model) best(cost map[string]float64, workers int) float64 {
	best := math.Inf(1)
	state := map[string]int{} // 1 running, 2 done
	ends := map[string]float64{}
	var step func(now float64)
	step = func(now float64) {
		if now >= best {
			return
		}
		running, open := 0, 0
		next := math.Inf(1)
		for _, s := range m {
			if state[s.Name] == 1 {
				running++
				next = min(next, ends[s.Name])
			}
			if state[s.Name] != 2 {
				open++
			}
		}
		if open == 0 {
			best = now
			return
		}
		if running < workers {
			for _, s := range m {
				ready := state[s.Name] == 0
				for _, p := range m {
					ready = ready && (state[p.Name] == 2 || !m.waits(s.Name, p.Name))
				}
				if ready {
					state[s.Name], ends[s.Name] = 1, now+cost[s.Name]
					step(now)
					state[s.Name] = 0
				}
			}
		}
		if running > 0 {
			var ended []string
			for _, s := range m {
				if state[s.Name] == 1 && ends[s.Name] == next {
					ended = append(ended, s.Name)
					state[s.Name] = 2
				}
			}
			step(next)
			for _, name := range ended {
				state[name] = 1
			}
		}
	}
	step(0)
	return best
}

func TestMakespanAgainstEverySchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		if len(specs) > 5 {
			return
		}
		g, err := dag.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		cost := drawCosts(t, g)
		a := g.Analyze(costs(cost))
		for workers := 1; workers <= 6; workers++ {
			p := float64(workers)
			least, reached := a.Makespan(workers)
			best := model(specs).best(cost, workers)
			if least > best || best > reached || reached > (2-1/p)*best || reached > a.Work/p+(1-1/p)*a.Total {
				t.Fatalf("%d workers: at least %v, best %v, reached %v; work %v, path %v", workers, least, best, reached, a.Work, a.Total)
			}
			if reached != best && (workers == 1 || workers >= len(specs)) {
				t.Fatalf("%d workers for %d tasks: reached %v, best %v", workers, len(specs), reached, best)
			}
		}
		if least, reached := a.Makespan(0); least != a.Total || reached != a.Total {
			t.Fatalf("unlimited: %v, %v, want %v", least, reached, a.Total)
		}
	})
}

// List scheduling is not always the best: six tasks of 3, 3, 2, 2 and 2 on two
// workers fit into 6, and the longest first takes 7.
func TestMakespanIsNotAlwaysTheBest(t *testing.T) {
	cost := map[string]float64{"a": 3, "b": 3, "c": 2, "d": 2, "e": 2}
	var specs []dag.Spec
	for name := range cost {
		specs = append(specs, dag.Spec{Name: name})
	}
	least, reached := mustNew(t, specs...).Analyze(costs(cost)).Makespan(2)
	if best := model(specs).best(cost, 2); least != 6 || best != 6 || reached != 7 {
		t.Errorf("at least %v, best %v, reached %v; want 6, 6, 7", least, best, reached)
	}
}

func TestAnalysisOfOddCosts(t *testing.T) {
	inf := math.Inf(1)
	g := mustNew(t,
		dag.Spec{Name: "a", Outputs: ports("a")},
		dag.Spec{Name: "b", Inputs: ports("a"), Outputs: ports("b")},
		dag.Spec{Name: "c", Inputs: ports("a"), Outputs: ports("c")},
		dag.Spec{Name: "d", Inputs: ports("b", "c")},
	)
	for _, c := range []struct {
		name string
		cost map[string]float64
		want string // slack and gain of each
	}{
		{"tenths, whose sums are not exact", map[string]float64{"a": 0.1, "b": 0.2, "c": 0.2, "d": 0.7}, "a 0 0.1 b 0 0 c 0 0 d 0 0.7"},
		{"negative and NaN", map[string]float64{"a": math.NaN(), "b": -1, "c": 2}, "a 0 0 b 2 0 c 0 2 d 0 0"},
		{"one infinite", map[string]float64{"a": 1, "b": inf, "c": 2, "d": 3}, "a 0 0 b 0 +Inf c +Inf 0 d 0 0"},
		{"two infinite", map[string]float64{"b": inf, "c": inf}, "a 0 0 b 0 0 c 0 0 d 0 0"},
	} {
		got := ""
		a := g.Analyze(costs(c.cost))
		for i, task := range a.Tasks {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprintf("%s %.3g %.3g", task.Node, task.Slack, task.Gain)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		for workers := range 4 {
			least, reached := a.Makespan(workers)
			if math.IsNaN(least) || math.IsNaN(reached) || least > reached {
				t.Errorf("%s: %d workers: %v, %v", c.name, workers, least, reached)
			}
		}
	}
}

func largeSpecs(n int) []dag.Spec {
	r := rand.New(rand.NewPCG(1, 2))
	specs := make([]dag.Spec, n)
	for i := range specs {
		specs[i] = dag.Spec{Name: fmt.Sprint("t", i), Outputs: []dag.Port{{Name: fmt.Sprint("d", i)}}}
		for range min(i, 3) {
			specs[i].Inputs = append(specs[i].Inputs, dag.Port{Name: fmt.Sprint("d", max(0, i-1-r.IntN(1000)))})
		}
	}
	return specs
}

// Ten times the tasks take about ten times the work, not a hundred times. What is
// compared is the least of several rounds in one process.
func TestAnalysisOfALargeGraph(t *testing.T) {
	analyse := func(n int) time.Duration {
		g := mustNew(t, largeSpecs(n)...)
		least := time.Duration(math.MaxInt64)
		for range 3 {
			started := time.Now()
			a := g.Analyze(func(n *dag.Node) float64 { return float64(len(n.Name)) })
			shortest, reached := a.Makespan(8)
			text := a.String()
			least = min(least, time.Since(started))
			if len(text) == 0 || shortest <= 0 || reached < shortest || reached > 2*shortest {
				t.Fatalf("at least %v, reached %v\n%s", shortest, reached, text)
			}
		}
		return least
	}
	if few, many := analyse(10_000), analyse(100_000); many > 50*few {
		t.Errorf("10,000 tasks take %v, 100,000 take %v", few, many)
	}
}

func BenchmarkAnalyze(b *testing.B) {
	g, err := dag.New(largeSpecs(100_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g.Analyze(nil).Makespan(8)
	}
}
