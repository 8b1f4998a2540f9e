// Command core measures the engine beside hand-written executors and other
// libraries on the same graphs, and prints Markdown tables.
//
//	go -C benchmarks run ./cmd/core          # all of it
//	go -C benchmarks run ./cmd/core -quick   # fewer and shorter rounds
//	go -C benchmarks run ./cmd/core -gate    # exit status 1 when a target is missed
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/benchmarks/report"
)

// settings say how much is measured.
type settings struct {
	rounds int
	window time.Duration // of one case in one round
	large  int           // rounds of the linearity section
}

var (
	full  = settings{rounds: 11, window: 200 * time.Millisecond, large: 5}
	quick = settings{rounds: 5, window: 50 * time.Millisecond, large: 1}
)

// A section measures one thing, prints its tables and adds what the targets
// are set for.
type section struct {
	name string
	run  func(settings, *report.Targets) error
}

var sections = []section{{"run", runSection}, {"build", buildSection}, {"linear", linearSection}}

func main() {
	isQuick := flag.Bool("quick", false, "fewer and shorter rounds: under two minutes")
	gate := flag.Bool("gate", false, "exit with status 1 when a target is missed")
	band := flag.Float64("band", 0, "with -gate: how far a measured time may miss its target, as a fraction (0.1 is 10 %)")
	procs := flag.Int("procs", 2, "GOMAXPROCS")
	only := flag.String("only", "run,build,linear", "sections to measure, comma-separated")
	flag.Parse()
	if err := start(*isQuick, *gate, *band, *procs, *only); err != nil {
		fmt.Fprintln(os.Stderr, "core:", err)
		os.Exit(1)
	}
}

func start(isQuick, gate bool, band float64, procs int, only string) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	case procs < 1:
		return fmt.Errorf("-procs must be 1 or more, got %d", procs)
	case !(band >= 0 && band < 1):
		return fmt.Errorf("-band must be at least 0 and below 1, got %v", band)
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("-only: no section %q; there are run, build and linear", name)
		}
	}
	set := full
	if isQuick {
		set = quick
	}
	runtime.GOMAXPROCS(procs)
	fmt.Printf("%s, %s/%s, GOMAXPROCS=%d of %d processors; medians of %d rounds of %v.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, procs, runtime.NumCPU(), set.rounds, set.window)

	var goals report.Targets
	for _, s := range sections {
		if !slices.Contains(wanted, s.name) {
			continue
		}
		if err := s.run(set, &goals); err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	missed := goals.Print(band)
	if gate && missed > 0 {
		return fmt.Errorf("%d of %d targets missed", missed, goals.Len())
	}
	return nil
}
