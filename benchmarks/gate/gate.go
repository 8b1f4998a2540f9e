// Package gate tells whether the engine has become slower, on a machine that others
// use too: it compares ratios of what executors compute within one process, and
// each turn by turn, with those of a baseline, and allows for a band.
package gate

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/runnelflow/runnel/benchmarks/measure"
)

// A Pair is what is measured and what it is divided by.
type Pair struct {
	Name      string
	Own, Base measure.Case
	Band      float64 // how much larger than the baseline's the ratio may be, as a fraction
}

// A Baseline is the ratios that are held to, of the processor time of a task with
// the one executor to that with the other.
type Baseline struct {
	Go    string `json:"go"`
	Procs int    `json:"procs"` // GOMAXPROCS
	// Ratios are medians, by the name of the pair.
	Ratios map[string]float64 `json:"ratios"`
}

//go:embed baseline.json
var committed []byte

// Committed is the baseline in the repository.
func Committed() (Baseline, error) { return Parse(committed) }

// Parse reads a baseline.
func Parse(text []byte) (Baseline, error) {
	var b Baseline
	if err := json.Unmarshal(text, &b); err != nil {
		return Baseline{}, fmt.Errorf("the baseline: %w", err)
	}
	switch {
	case b.Procs < 1:
		return Baseline{}, fmt.Errorf("the baseline: procs must be 1 or more, got %d", b.Procs)
	case len(b.Ratios) == 0:
		return Baseline{}, fmt.Errorf("the baseline has no ratios")
	}
	return b, nil
}

// A Finding is a pair and its ratio now.
type Finding struct {
	Name            string
	Ratio, Baseline float64
	Band            float64
	Slower          bool // outside the band
}

// A Plan is how much is measured.
type Plan struct {
	Rounds int
	Window time.Duration // of one executor in one round
}

// attempts is how often a pair is measured that is outside its band each time.
const attempts = 5

// Check measures the pairs. One that is outside its band is measured again, each time
// twice as long, and is a finding only if it is outside every time: neighbours that
// took the machine during one measurement are gone in another, and an engine that has
// become slower is not. A pair that the baseline does not have, or the other way
// around, is an error.
func (b Baseline) Check(pairs []Pair, plan Plan) ([]Finding, error) {
	return b.check(pairs, plan, Measure)
}

func (b Baseline) check(pairs []Pair, plan Plan, measure func([]Pair, Plan) (map[string]float64, error)) ([]Finding, error) {
	var names []string
	for _, p := range pairs {
		names = append(names, p.Name)
	}
	known := slices.Sorted(maps.Keys(b.Ratios))
	if slices.Sort(names); !slices.Equal(names, known) {
		return nil, fmt.Errorf("the baseline has the pairs %q, measured are %q: make it anew with -update", known, names)
	}
	least := map[string]float64{}
	for try, left := 0, pairs; try < attempts && len(left) > 0; try++ {
		measured, err := measure(left, plan)
		if err != nil {
			return nil, err
		}
		var outside []Pair
		for _, p := range left {
			if try == 0 || measured[p.Name] < least[p.Name] {
				least[p.Name] = measured[p.Name]
			}
			if b.slower(p, least[p.Name]) {
				outside = append(outside, p)
			}
		}
		left, plan.Rounds = outside, 2*plan.Rounds
	}
	var findings []Finding
	for _, p := range pairs {
		r := least[p.Name]
		findings = append(findings, Finding{p.Name, r, b.Ratios[p.Name], p.Band, b.slower(p, r)})
	}
	return findings, nil
}

func (b Baseline) slower(p Pair, ratio float64) bool {
	return ratio > b.Ratios[p.Name]*(1+p.Band)
}

// Measure is the ratio of each pair: the median, over the rounds, of the ratios
// within a round.
func Measure(pairs []Pair, plan Plan) (map[string]float64, error) {
	ratios := map[string]float64{}
	for _, p := range pairs {
		series, err := measure.Interleave([]measure.Case{p.Own, p.Base}, plan.Rounds, plan.Window)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		r := series[0].CPURatio(series[1])
		if !(r > 0) {
			return nil, fmt.Errorf("%s: the system does not tell how long the process computed", p.Name)
		}
		ratios[p.Name] = r
	}
	return ratios, nil
}
