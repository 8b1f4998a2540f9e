package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// The targets of the million section.
const (
	mostGrowth = 1.3 // times a task's time in a graph of ten thousand
	mostAging  = 1.3 // times the time of a task in the first half of a long chain
)

// A family is a shape in any size, and who runs it. Random keeps its width, so that
// a node's producers stay as near to it in a large graph as in a small one. The
// task at the end of the fan has as many producers as there are tasks: they hand on
// no data, since nobody writes a struct of a million fields.
type family struct {
	name      string
	of        func(n int) *shape.Graph
	hand, own subject.Subject
}

func families() []family {
	typed := hand.WorkStealingTyped()
	return []family{
		{"chain", shape.Chain, typed, runnelgraph.ByDefault()},
		{"fan, no data", shape.Fan, hand.WorkStealing(), runnelgraph.Order()},
		{"tree", func(n int) *shape.Graph { return shape.Tree(powerOfTwo(n / 2)) }, typed, runnelgraph.ByDefault()},
		{"random", func(n int) *shape.Graph { return shape.Random(n/100, 100) }, typed, runnelgraph.ByDefault()},
	}
}

// powerOfTwo is the greatest that is not above n.
func powerOfTwo(n int) int {
	p := 1
	for 2*p <= n {
		p *= 2
	}
	return p
}

// few is the number of tasks that many are compared with.
const few = 10_000

// millionSection shows what a task costs in a graph of ten thousand and in one of a
// million. The hand-written executor shows how much of the difference is the
// machine's caches.
func millionSection(set settings, goals *report.Targets) error {
	t := report.NewTable(fmt.Sprintf("From %d tasks to %d, nanoseconds a task (medians of %d rounds)", few, set.many, set.large),
		"few", "many", "ratio", "ratio by hand")
	for _, f := range families() {
		small, large := f.of(few), f.of(set.many)
		own, err := grown(set, f.own, small, large)
		if err != nil {
			return err
		}
		byHand, err := grown(set, f.hand, small, large)
		if err != nil {
			return err
		}
		growth := own[1].Ratio(own[0])
		t.Row(f.name, report.Number(own[0].Median().Nanoseconds), report.Number(own[1].Median().Nanoseconds),
			report.Ratio(growth), report.Ratio(byHand[1].Ratio(byHand[0])))
		goals.Add(report.Target{What: f.name + ": many ÷ few, time per task", Measured: growth, Bound: mostGrowth, Timed: true})
	}
	t.Print()
	return agingSection(set, goals)
}

// grown measures one executor on both sizes. A turn handles about as many tasks
// with the one as with the other.
func grown(set settings, s subject.Subject, small, large *shape.Graph) ([]measure.Series, error) {
	var cases []measure.Case
	for _, g := range []*shape.Graph{small, large} {
		run, err := s.Build(g, subject.NoOp)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.Name(), s.Name, err)
		}
		calls := max(1, large.N()/g.N())
		cases = append(cases, measure.Case{Name: g.Name(), Tasks: calls * g.N(), Run: func() error {
			for range calls {
				if _, err := run(context.Background()); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	return measure.Interleave(cases, set.large, 0)
}

// agingSection shows that a task does not cost more when many have finished before
// it: tasks of one chain note the time as they go.
func agingSection(set settings, goals *report.Targets) error {
	const parts = 10
	var stamps [parts + 1]time.Time
	n := set.many
	run, err := runnelgraph.ByDefault().Build(shape.Chain(n), func(i int) {
		if i%(n/parts) == 0 {
			stamps[i/(n/parts)] = time.Now()
		}
	})
	if err != nil {
		return err
	}
	costs := make([][]float64, parts)
	var aging []float64
	for range set.large + 1 {
		if _, err := run(context.Background()); err != nil {
			return err
		}
		stamps[parts] = time.Now()
		for k := range costs {
			costs[k] = append(costs[k], float64(stamps[k+1].Sub(stamps[k]).Nanoseconds())/float64(n/parts))
		}
		half := stamps[parts/2]
		aging = append(aging, float64(stamps[parts].Sub(half))/float64(half.Sub(stamps[0])))
	}
	var cells, columns []string
	for k, c := range costs {
		columns = append(columns, fmt.Sprintf("%d %%", 100*k/parts))
		cells = append(cells, report.Number(measure.Median(c)))
	}
	t := report.NewTable(fmt.Sprintf("A chain of %d tasks: nanoseconds a task in the tenth that begins there", n), columns...)
	t.Row(runnelgraph.Default, slices.Clone(cells)...)
	t.Print()
	goals.Add(report.Target{What: "chain: second half ÷ first half of a run, time per task", Measured: measure.Median(aging), Bound: mostAging, Timed: true})
	return nil
}
