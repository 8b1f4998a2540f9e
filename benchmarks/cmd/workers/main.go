// Command workers measures runs whose tasks are done by a worker in another process,
// over NATS JetStream, beside JetStream used by hand and beside the library asynq on
// Redis, and prints Markdown tables.
//
//	go -C benchmarks run ./cmd/workers          # all of it
//	go -C benchmarks run ./cmd/workers -quick   # fewer and smaller rounds
//	go -C benchmarks run ./cmd/workers -gate    # exit status 1 when a target is missed
//
// It starts everything it needs: NATS servers inside its own binary, and Redis by the
// program redis-server, which Debian's package of that name has. Without it the rows
// of asynq are missing, and a line says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/benchmarks/report"
)

// settings say how much is measured.
type settings struct {
	rounds      int
	elements    int // of a mapped task, and messages of JetStream by hand
	tasks       int // that depend on no other, and of asynq
	chain       int // tasks one after another, and round trips by hand
	outstanding int // elements of the run whose memory is measured
}

var (
	full  = settings{rounds: 7, elements: 50_000, tasks: len(owners), chain: 500, outstanding: 100_000}
	quick = settings{rounds: 3, elements: 10_000, tasks: 1_000, chain: 100, outstanding: 100_000}
)

// A section measures one thing, prints its tables and adds what the targets are set
// for.
type section struct {
	name string
	run  func(context.Context, settings, *report.Targets) error
}

var sections = []section{{"own", ownSection}, {"embedded", embeddedSection}, {"memory", memorySection}, {"sync", syncSection}}

// The targets.
const (
	leastMapped = 0.8  // mapped elements a second, of the messages a second by hand
	leastSingle = 0.5  // independent tasks a second, of the same
	mostLatency = 1.5  // times the round trip by hand, at p50
	mostMemory  = 200. // MB of the process of the run
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if role := os.Getenv(envRole); role != "" {
		err = play(ctx, role)
	} else {
		err = start(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "workers:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	isQuick := flag.Bool("quick", false, "fewer and smaller rounds")
	gate := flag.Bool("gate", false, "exit with status 1 when a target is missed")
	band := flag.Float64("band", 0, "with -gate: how far a measured time may miss its target, as a fraction (0.1 is 10 %)")
	only := flag.String("only", "own,embedded,memory,sync", "what to measure, comma-separated: with a server in its own process, with an embedded one, memory, and what syncing each message costs")
	flag.Parse()
	wanted := strings.Split(*only, ",")
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	case !(*band >= 0 && *band < 1):
		return fmt.Errorf("-band must be at least 0 and below 1, got %v", *band)
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("-only: no section %q; there are own, embedded, memory and sync", name)
		}
	}
	set := full
	if *isQuick {
		set = quick
	}
	fmt.Printf("%s, %s/%s, %d processors; medians of %d rounds.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), set.rounds)
	var goals report.Targets
	for _, s := range sections {
		if !slices.Contains(wanted, s.name) {
			continue
		}
		if err := s.run(ctx, set, &goals); err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	missed := goals.Print(*band)
	if *gate && missed > 0 {
		return fmt.Errorf("%d of %d targets missed", missed, goals.Len())
	}
	return nil
}
