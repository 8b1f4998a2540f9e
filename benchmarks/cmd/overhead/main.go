// Command overhead measures what a result cache and a budget cost a task, and prints
// Markdown tables.
//
//	go -C benchmarks run ./cmd/overhead          # all of it
//	go -C benchmarks run ./cmd/overhead -quick   # fewer and shorter rounds
//	go -C benchmarks run ./cmd/overhead -gate    # exit status 1 when a target is missed
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/runnelflow/runnel/benchmarks/report"
)

// settings say how much is measured.
type settings struct {
	rounds int
	window time.Duration // of one case in one round
}

var (
	full  = settings{rounds: 21, window: 100 * time.Millisecond}
	quick = settings{rounds: 7, window: 50 * time.Millisecond}
)

func main() {
	isQuick := flag.Bool("quick", false, "fewer and shorter rounds: some ten seconds")
	gate := flag.Bool("gate", false, "exit with status 1 when a target is missed")
	band := flag.Float64("band", 0, "with -gate: how far a measured time may miss its target, as a fraction (0.1 is 10 %)")
	procs := flag.Int("procs", 2, "GOMAXPROCS")
	flag.Parse()
	if err := start(*isQuick, *gate, *band, *procs); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func start(isQuick, gate bool, band float64, procs int) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	case procs < 1:
		return fmt.Errorf("-procs must be 1 or more, got %d", procs)
	case !(band >= 0 && band < 1):
		return fmt.Errorf("-band must be at least 0 and below 1, got %v", band)
	}
	set := full
	if isQuick {
		set = quick
	}
	runtime.GOMAXPROCS(procs)
	fmt.Printf("%s, %s/%s, GOMAXPROCS=%d of %d processors; medians of %d rounds of %v.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, procs, runtime.NumCPU(), set.rounds, set.window)
	var goals report.Targets
	for _, section := range []func(settings, *report.Targets) error{cacheSection, budgetSection} {
		if err := section(set, &goals); err != nil {
			return err
		}
	}
	missed := goals.Print(band)
	if gate && missed > 0 {
		return fmt.Errorf("%d of %d targets missed", missed, goals.Len())
	}
	return nil
}
