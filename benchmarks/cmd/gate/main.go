// Command gate tells whether the engine has become slower than the baseline in the
// repository says, by more than its band, on this machine as it is now.
//
//	go -C benchmarks run ./cmd/gate                # exit status 1 when it has
//	go -C benchmarks run ./cmd/gate -repeat 10     # how far repeated measurements spread
//	go -C benchmarks run ./cmd/gate -update        # make the measured ratios the baseline
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/runnelflow/runnel/benchmarks/gate"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
)

var plan = gate.Plan{Rounds: 11, Window: 10 * time.Millisecond}

// file is where the baseline lies, seen from the module's folder.
const file = "gate/baseline.json"

func main() {
	update := flag.Bool("update", false, "write the baseline, in "+file+": the medians of as many measurements as -repeat says")
	repeat := flag.Int("repeat", 0, "measure so many times, and print how far the ratios spread")
	flag.Parse()
	if err := start(*update, *repeat); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
}

func start(update bool, repeat int) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	}
	if repeat < 0 {
		return fmt.Errorf("-repeat must be 0 or more, got %d", repeat)
	}
	b, err := gate.Committed()
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(b.Procs)
	pairs, err := gate.Pairs()
	if err != nil {
		return err
	}
	if !update && repeat == 0 {
		return check(b, pairs)
	}
	all := map[string][]float64{}
	for range max(1, repeat) {
		ratios, err := gate.Measure(pairs, plan)
		if err != nil {
			return err
		}
		for name, r := range ratios {
			all[name] = append(all[name], r)
		}
	}
	printSpread(pairs, all)
	if !update {
		return nil
	}
	b.Go, b.Ratios = runtime.Version(), map[string]float64{}
	for name, ratios := range all {
		b.Ratios[name] = float64(int(1000*measure.Median(ratios))) / 1000
	}
	text, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func check(b gate.Baseline, pairs []gate.Pair) error {
	found, err := b.Check(pairs, plan)
	if err != nil {
		return err
	}
	slower := 0
	t := report.NewTable("Processor time a task, ratios", "now", "baseline", "now ÷ baseline", "at most", "")
	for _, f := range found {
		verdict := "within the band"
		if f.Slower {
			verdict = "SLOWER"
			slower++
		}
		t.Row(f.Name, report.Ratio(f.Ratio), report.Ratio(f.Baseline), report.Ratio(f.Ratio/f.Baseline), report.Ratio(1+f.Band), verdict)
	}
	t.Print()
	fmt.Printf("\nThe baseline is of %s with GOMAXPROCS=%d.\n", b.Go, b.Procs)
	if slower > 0 {
		return fmt.Errorf("%d of %d ratios are outside the band, every time: find what made the engine slower, or, if it is meant, make a new baseline with -update -repeat 5", slower, len(found))
	}
	return nil
}

func printSpread(pairs []gate.Pair, all map[string][]float64) {
	t := report.NewTable("Processor time a task, ratios of repeated measurements", "least", "median", "most", "most ÷ median")
	for _, p := range pairs {
		r := all[p.Name]
		median := measure.Median(r)
		t.Row(p.Name, report.Ratio(slices.Min(r)), report.Ratio(median), report.Ratio(slices.Max(r)), report.Ratio(slices.Max(r)/median))
	}
	t.Print()
}
