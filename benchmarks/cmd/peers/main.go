// Command peers runs the same graphs with Runnel and with what Python has: Dask's
// threaded scheduler, and Taskiq-Flow, where they are installed. Where one is not,
// it says so.
//
//	go -C benchmarks run ./cmd/peers
//	go -C benchmarks run ./cmd/peers -python ./venv/bin/python
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

func main() {
	python := flag.String("python", "python3", "the Python that has the peers")
	rounds := flag.Int("rounds", 5, "runs of each graph")
	procs := flag.Int("procs", min(2, runtime.NumCPU()), "GOMAXPROCS, and Dask's threads")
	flag.Parse()
	if err := start(*python, *rounds, *procs); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func start(python string, rounds, procs int) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	case rounds < 1:
		return fmt.Errorf("-rounds must be 1 or more, got %d", rounds)
	case procs < 1:
		return fmt.Errorf("-procs must be 1 or more, got %d", procs)
	}
	runtime.GOMAXPROCS(procs)
	// Small ones: Taskiq-Flow looks at all tasks again and again.
	shapes := []*shape.Graph{shape.Chain(200), shape.Tree(128), shape.Random(20, 10)}
	var columns []string
	for _, g := range shapes {
		columns = append(columns, g.Name())
	}
	builds := report.NewTable("Build, microseconds a task", columns...)
	runs := report.NewTable(fmt.Sprintf("Run, microseconds a task, medians of %d", rounds), columns...)
	if err := ownRows(shapes, rounds, builds, runs); err != nil {
		return err
	}
	var missing []string
	for _, p := range peers {
		err := peerRows(p, python, shapes, rounds, procs, builds, runs)
		if errors.Is(err, errMissing) {
			missing = append(missing, fmt.Sprintf("%s is %v", p.name, err))
		} else if err != nil {
			return err
		}
	}
	builds.Print()
	runs.Print()
	fmt.Println()
	for _, text := range missing {
		fmt.Println(text)
	}
	return nil
}

func ownRows(shapes []*shape.Graph, rounds int, builds, runs *report.Table) error {
	var build, run []string
	for _, g := range shapes {
		s := runnelgraph.ByDefault()
		once, err := s.Build(g, subject.NoOp)
		if err != nil {
			return err
		}
		cases := []measure.Case{
			{Name: "build", Tasks: g.N(), Run: func() error {
				_, err := s.Build(g, subject.NoOp)
				return err
			}},
			{Name: "run", Tasks: g.N(), Run: func() error {
				_, err := once(context.Background())
				return err
			}},
		}
		series, err := measure.Interleave(cases, rounds, 20*time.Millisecond)
		if err != nil {
			return err
		}
		build = append(build, micro(series[0].Median().Nanoseconds))
		run = append(run, micro(series[1].Median().Nanoseconds))
	}
	builds.Row("Runnel", build...)
	runs.Row("Runnel", run...)
	return nil
}

func peerRows(p peer, python string, shapes []*shape.Graph, rounds, procs int, builds, runs *report.Table) error {
	var build, run []string
	name := p.name
	for _, g := range shapes {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		a, err := p.run(ctx, python, newJob(g, rounds, procs))
		cancel()
		if err != nil {
			return err
		}
		b, r := a.perTask(g.N())
		build, run = append(build, micro(b)), append(run, micro(r))
		name = p.name + " " + a.Version
	}
	builds.Row(name, build...)
	runs.Row(name, run...)
	return nil
}

func micro(nanoseconds float64) string { return report.Number(nanoseconds / 1000) }
