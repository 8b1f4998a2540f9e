// Command taskbench measures the least task that is worth running, on the graphs of
// Task Bench, and what the engine costs at its limits, and prints Markdown tables.
//
//	go -C benchmarks run ./cmd/taskbench          # all of it
//	go -C benchmarks run ./cmd/taskbench -quick   # fewer and shorter rounds
//	go -C benchmarks run ./cmd/taskbench -check   # exit status 1 when a target is missed
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
	procs  int
	steps  int      // of the Task Bench graphs
	graphs []string // prefixes of the names of those whose METG is measured
	// together has METG measured against what the cores do at once; the targets are for
	// the other way.
	together bool
	sweeps   int           // rounds of METG
	turn     time.Duration // of one executor at one size in one of them
	rounds   int
	window   time.Duration // of one case in one round
	large    int           // rounds of the large graphs
	many     int           // tasks of them
}

var (
	full  = settings{steps: 1000, sweeps: 15, turn: 20 * time.Millisecond, rounds: 15, window: 60 * time.Millisecond, large: 15}
	quick = settings{steps: 1000, sweeps: 3, turn: 8 * time.Millisecond, rounds: 3, window: 8 * time.Millisecond, large: 1}
)

// A section measures one thing, prints its tables and adds what the targets
// are set for.
type section struct {
	name string
	run  func(settings, *report.Targets) error
}

var sections = []section{
	{"metg", metgSection}, {"cost", costSection}, {"million", millionSection}, {"memory", memorySection}, {"procs", procsSection},
}

func names() string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return strings.Join(all, ",")
}

func main() {
	isQuick := flag.Bool("quick", false, "fewer and shorter rounds")
	many := flag.Int("many", 1_000_000, "tasks of the large graphs")
	check := flag.Bool("check", false, "exit with status 1 when a target is missed")
	band := flag.Float64("band", 0, "with -check: how far a measured time may miss its target, as a fraction (0.1 is 10 %)")
	procs := flag.Int("procs", min(2, runtime.NumCPU()), "GOMAXPROCS, and the cores that METG counts")
	only := flag.String("only", names(), "sections to measure, comma-separated")
	graphs := flag.String("graphs", "", "measure METG only of the graphs whose names begin so, comma-separated")
	together := flag.Bool("together", false, "measure METG against what the kernel does on all cores at once, and not on one alone; there are no targets for it")
	flag.Parse()
	if err := start(*isQuick, *check, *together, *band, *procs, *many, *only, *graphs); err != nil {
		fmt.Fprintln(os.Stderr, "taskbench:", err)
		os.Exit(1)
	}
}

func start(isQuick, check, together bool, band float64, procs, many int, only, graphs string) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	case procs < 1:
		return fmt.Errorf("-procs must be 1 or more, got %d", procs)
	case many < few:
		return fmt.Errorf("-many must be %d or more, got %d", few, many)
	case !(band >= 0 && band < 1):
		return fmt.Errorf("-band must be at least 0 and below 1, got %v", band)
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("-only: no section %q; there are %s", name, names())
		}
	}
	set := full
	if isQuick {
		set = quick
	}
	set.procs, set.many, set.graphs, set.together = procs, many, strings.Split(graphs, ","), together
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
	if check && missed > 0 {
		return fmt.Errorf("%d of %d targets missed", missed, goals.Len())
	}
	return nil
}
