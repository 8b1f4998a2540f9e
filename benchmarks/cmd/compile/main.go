// Command compile measures what a task costs the compiler, and prints a Markdown table.
//
//	go -C benchmarks run ./cmd/compile            # the difference of programs of 20 and 120 tasks
//	go -C benchmarks run ./cmd/compile -rounds 1  # once, in place of three times
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"github.com/runnelflow/runnel/benchmarks/compile"
)

func main() {
	few := flag.Int("few", 20, "tasks of the smaller program")
	many := flag.Int("many", 120, "tasks of the larger one")
	rounds := flag.Int("rounds", 3, "how often each is compiled; the table has medians")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, *few, *many, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "compile:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, few, many, rounds int) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: there are only flags (see -h)", flag.Arg(0))
	}
	if few < 1 || many <= few || rounds < 1 {
		return fmt.Errorf("-few must be 1 or more, -many more than that, and -rounds 1 or more; got %d, %d and %d", few, many, rounds)
	}
	fmt.Printf("%s, %s/%s, %d processors; medians of %d rounds; what one more of %d to %d costs.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, few, many)
	fmt.Print("| | functions | bytes of code | processor time, ms | bytes of the binary |\n|---|---:|---:|---:|---:|\n")
	for _, k := range compile.Kinds {
		var costs []compile.Cost
		for range rounds {
			c, err := k.PerStep(ctx, few, many)
			if err != nil {
				return err
			}
			costs = append(costs, c)
		}
		slices.SortFunc(costs, func(a, b compile.Cost) int { return cmp.Compare(a.Time, b.Time) })
		c := costs[len(costs)/2]
		fmt.Printf("| %s | %d | %d | %.1f | %d |\n", k.Name, c.Functions, c.Code, float64(c.Time)/float64(time.Millisecond), c.Binary)
	}
	return nil
}
