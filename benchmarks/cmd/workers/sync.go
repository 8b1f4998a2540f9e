package main

import (
	"context"
	"os"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// syncSection measures what it costs that each message waits for the disk: two embedded
// servers, of which one syncs its files before it acknowledges, have their turns.
func syncSection(ctx context.Context, set settings, _ *report.Targets) error {
	set.elements, set.tasks, set.chain = set.elements/10, set.tasks/10, set.chain/10
	var lazy, always *runs
	for r, opts := range map[**runs][]natsbroker.Option{&lazy: nil, &always: {natsbroker.SyncAlways()}} {
		dir, err := os.MkdirTemp("", "benchmark")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		b, err := natsbroker.Embedded(ctx, dir, append(opts, natsbroker.Listen("127.0.0.1:0"))...)
		if err != nil {
			return err
		}
		defer b.Close()
		p, err := launch("worker", b.URL())
		if err != nil {
			return err
		}
		defer p.end()
		if *r, err = newRuns(b, set); err != nil {
			return err
		}
	}
	t := report.NewTable("Files synced every two minutes, and before each acknowledgement; µs", "every two minutes", "always", "always ÷ every two minutes")
	for _, c := range []struct {
		name string
		n    int
		run  func(*runs) error
	}{
		{"an element of a mapped task", set.elements, func(r *runs) error { return r.allElements(ctx) }},
		{"an independent task", set.tasks, func(r *runs) error { return r.allSingles(ctx) }},
		{"a task of a chain", set.chain, func(r *runs) error { _, err := r.latency(ctx); return err }},
	} {
		series, err := measure.Interleave([]measure.Case{
			{Name: "every two minutes", Tasks: c.n, Run: func() error { return c.run(lazy) }},
			{Name: "always", Tasks: c.n, Run: func() error { return c.run(always) }},
		}, set.rounds, 0)
		if err != nil {
			return err
		}
		t.Row(c.name, report.Number(series[0].Median().Nanoseconds/1000), report.Number(series[1].Median().Nanoseconds/1000), report.Ratio(series[1].Ratio(series[0])))
	}
	t.Print()
	return nil
}
