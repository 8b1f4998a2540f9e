package gate

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
)

// band is how much the ratios of an executor to another may grow, wide that of what
// wakes an observer: on a machine whose processors others wait for, that took up to
// 2.4 times what the baseline says.
const band, wide = 0.75, 2

// Pairs are those that are held to the baseline: Runnel beside the work-stealing
// executor by hand, on shapes and on graphs of Task Bench, and what events and
// reports cost beside that.
func Pairs() ([]Pair, error) {
	var pairs []Pair
	for _, g := range []*shape.Graph{shape.Chain(1000), shape.Tree(512), shape.Random(20, 100)} {
		for _, x := range []struct {
			name      string
			own, base subject.Subject
			band      float64
		}{
			{"Runnel ÷ by hand", runnelgraph.ByDefault(), hand.WorkStealingTyped(), band},
			{"no data ÷ by hand", runnelgraph.Order(), hand.WorkStealing(), band},
			{"Observe ÷ by hand", runnelgraph.Watched(), hand.WorkStealingTyped(), wide},
			{"Report ÷ by hand", runnelgraph.Reported(), hand.WorkStealingTyped(), band},
		} {
			own, err := caseOf(x.own, g)
			if err != nil {
				return nil, err
			}
			base, err := caseOf(x.base, g)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, Pair{g.Name() + ": " + x.name, own, base, x.band})
		}
	}
	for _, p := range []taskbench.Pattern{taskbench.Stencil1D, taskbench.FFT, taskbench.Nearest} {
		pair, err := benchPair(p)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

func caseOf(s subject.Subject, g *shape.Graph) (measure.Case, error) {
	run, err := s.Build(g, subject.NoOp)
	if err != nil {
		return measure.Case{}, fmt.Errorf("%s: %s: %w", g.Name(), s.Name, err)
	}
	return measure.Case{Name: s.Name, Tasks: g.N(), Run: func() error {
		_, err := run(context.Background())
		return err
	}}, nil
}

// benchPair is Runnel on a graph of Task Bench with tasks of no iterations.
func benchPair(p taskbench.Pattern) (Pair, error) {
	spec := taskbench.Default(p, 100, 16)
	spec.Radix = 5
	b, err := taskbench.New(string(p), spec)
	if err != nil {
		return Pair{}, err
	}
	var cases [2]measure.Case
	for i, name := range []string{taskbench.Own, taskbench.Stealing} {
		run, err := taskbench.Find(name).Build(b)
		if err != nil {
			return Pair{}, err
		}
		cases[i] = measure.Case{Name: name, Tasks: b.Graph.N(), Run: func() error { return run(context.Background()) }}
	}
	return Pair{b.Name + ": Runnel ÷ by hand", cases[0], cases[1], band}, nil
}
