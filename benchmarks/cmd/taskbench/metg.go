package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
)

// The targets of the METG section.
const (
	mostMETG       = 1000.0 // nanoseconds
	mostOfStealing = 1.5    // times the METG of the work-stealing executor
)

// targeted are the patterns that the targets are set for.
var targeted = []taskbench.Pattern{taskbench.Stencil1D, taskbench.FFT, taskbench.Tree, taskbench.Nearest, taskbench.RandomNearest}

func isTargeted(name string) bool {
	for _, p := range targeted {
		if name == string(p) || name == string(p)+" radix 5" {
			return true
		}
	}
	return false
}

// metgSection measures the least task at which half of the machine computes.
func metgSection(set settings, goals *report.Targets) error {
	benches, err := taskbench.Cases(set.procs, set.steps)
	if err != nil {
		return err
	}
	if benches, err = chosen(benches, set.graphs); err != nil {
		return err
	}
	executors := taskbench.Executors()
	var columns []string
	for _, e := range executors {
		columns = append(columns, e.Name)
	}
	of := "of what one core does alone, times the cores"
	if set.together {
		of = "of what the cores do at once"
	}
	t := report.NewTable(fmt.Sprintf("METG(50%%), nanoseconds, %s; %d steps; medians of %d rounds of %v", of, set.steps, set.sweeps, set.turn),
		append(columns, taskbench.Own+" ÷ "+taskbench.Stealing)...)
	sweep := taskbench.Sweep{Cores: set.procs, Rounds: set.sweeps, Window: set.turn, Together: set.together}
	points, err := sweep.Run(benches, executors)
	if err != nil {
		return err
	}
	for k, b := range benches {
		var cells []string
		least := map[string]float64{}
		for i, e := range executors {
			g, known := taskbench.METG(points[k][i])
			switch {
			case known:
				cells = append(cells, report.Number(g))
			case math.IsInf(g, 1):
				cells = append(cells, "–")
			default:
				cells = append(cells, "≤ "+report.Number(g))
			}
			least[e.Name] = g
			if e.Name != taskbench.Stealing || known {
				continue
			}
			if math.IsInf(g, 1) {
				least[e.Name] = points[k][i][0].Granularity // the largest that was measured: it needs more
			} else {
				least[e.Name] = 0 // it needs less than was measured: how many times Runnel's is of that is not known
			}
		}
		own, ratio := least[taskbench.Own], least[taskbench.Own]/least[taskbench.Stealing]
		if math.IsInf(ratio, 1) {
			cells = append(cells, "–")
		} else {
			cells = append(cells, report.Ratio(ratio))
		}
		t.Row(b.Name, cells...)
		if isTargeted(b.Name) && !set.together {
			goals.Add(report.Target{What: b.Name + ": METG(50%), ns", Measured: own, Bound: mostMETG, Timed: true})
			goals.Add(report.Target{What: b.Name + ": METG, Runnel ÷ work stealing by hand", Measured: ratio, Bound: mostOfStealing, Timed: true})
		}
	}
	t.Print()
	single := taskbench.KernelRate(1, set.window)
	fmt.Printf("\nA dash: no size was efficient; for all of them, the machine is busy. A bound: the smallest size was efficient. The static schedule hands out nothing and never sleeps: it is a bound for what the machine allows. The kernel alone does %s Gflop/s on one core, and %s %% of as much on each of %d at once, "+
		"which is what an executor without any cost could reach. The payload is 16 bytes.\n",
		report.Ratio(single), report.Number(100*taskbench.KernelRate(set.procs, set.window)/single), set.procs)
	return nil
}

// chosen are the graphs whose names begin with one of the prefixes.
func chosen(all []*taskbench.Bench, prefixes []string) ([]*taskbench.Bench, error) {
	var some []*taskbench.Bench
	for _, b := range all {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(b.Name, p) }) {
			some = append(some, b)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("-graphs: no graph's name begins with one of %q; there are %v", prefixes, taskbench.Patterns)
	}
	return some, nil
}
