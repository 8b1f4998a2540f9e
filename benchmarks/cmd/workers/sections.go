package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// messageSize is about what Runnel writes for a job of one element, in bytes, without
// its subject.
const messageSize = 150

func ownSection(ctx context.Context, set settings, goals *report.Targets) error {
	return natsSection(ctx, set, false, "server in a process of its own", goals)
}

func embeddedSection(ctx context.Context, set settings, goals *report.Targets) error {
	return natsSection(ctx, set, true, "embedded server", goals)
}

// natsSection measures throughput and latency with a server in a process of its own,
// or in that of the run. The worker is in another process.
func natsSection(ctx context.Context, set settings, embedded bool, where string, goals *report.Targets) error {
	s, err := newSite(embedded)
	if err != nil {
		return err
	}
	defer s.close()
	hand, err := newByHand(ctx, s.nc, messageSize)
	if err != nil {
		return err
	}
	b, err := natsbroker.Open(ctx, s.nc)
	if err != nil {
		return err
	}
	defer b.Close()
	for _, role := range []string{"hand", "worker"} {
		p, err := launch(role, s.url)
		if err != nil {
			return err
		}
		defer p.end()
	}
	r, err := newRuns(b, set)
	if err != nil {
		return err
	}
	var redis *onRedis
	if !embedded { // Redis is never embedded
		if redis, err = newOnRedis(ctx, messageSize); errors.Is(err, exec.ErrNotFound) {
			fmt.Print("\nThere is no redis-server here: install Debian's package of that name to have the rows of asynq.\n")
		} else if err != nil {
			return err
		} else {
			defer redis.close()
		}
	}
	if err := throughput(ctx, set, where, hand, r, redis, goals); err != nil {
		return err
	}
	return latency(ctx, set, where, hand, r, redis, goals)
}

func throughput(ctx context.Context, set settings, where string, hand *byHand, r *runs, redis *onRedis, goals *report.Targets) error {
	cases := []measure.Case{
		{Name: "JetStream by hand, messages", Tasks: set.elements, Run: func() error { return hand.all(ctx, set.elements) }},
		{Name: "Runnel, elements of a mapped task", Tasks: set.elements, Run: func() error { return r.allElements(ctx) }},
		{Name: "Runnel, independent tasks of one function", Tasks: set.tasks, Run: func() error { return r.allSingles(ctx) }},
		{Name: "Runnel, independent tasks, each of its own function", Tasks: set.tasks, Run: func() error { return r.allOwn(ctx) }},
		{Name: "Runnel, elements, direct results", Tasks: set.elements, Run: func() error { return r.allElements(ctx, runnel.DirectResults()) }},
		{Name: "Runnel, independent tasks of one function, direct results", Tasks: set.tasks, Run: func() error { return r.allSingles(ctx, runnel.DirectResults()) }},
		{Name: "Runnel, independent tasks, each of its own function, direct results", Tasks: set.tasks, Run: func() error { return r.allOwn(ctx, runnel.DirectResults()) }},
	}
	if redis != nil {
		cases = append(cases, measure.Case{Name: "asynq on Redis, tasks", Tasks: set.tasks, Run: func() error { return redis.all(ctx, set.tasks) }})
	}
	series, err := measure.Interleave(cases, set.rounds, 0)
	if err != nil {
		return err
	}
	t := report.NewTable("Throughput, "+where, "a second", "÷ by hand")
	for i, c := range cases {
		t.Row(c.Name, report.Number(1e9/series[i].Median().Nanoseconds), report.Ratio(series[0].Ratio(series[i])))
	}
	t.Print()
	goals.Add(report.Target{
		What: where + ": mapped elements a second ÷ messages by hand", Measured: series[0].Ratio(series[1]), Bound: leastMapped, AtLeast: true, Timed: true,
	})
	for i, of := range []string{"of one function", "each of its own function"} {
		goals.Add(report.Target{
			What: where + ": independent tasks a second, " + of + ", ÷ messages by hand", Measured: series[0].Ratio(series[2+i]), Bound: leastSingle, AtLeast: true, Timed: true,
		})
	}
	return nil
}

// asynqTrips is how many tasks the latency of asynq is measured with in a round: one
// takes up to a second.
const asynqTrips = 3

func latency(ctx context.Context, set settings, where string, hand *byHand, r *runs, redis *onRedis, goals *report.Targets) error {
	cases := []struct {
		name string
		p50  func() (float64, error)
	}{
		{"JetStream by hand, round trip", func() (float64, error) { return hand.roundTrips(ctx, set.chain) }},
		{"Runnel, task of a chain", func() (float64, error) { return r.latency(ctx) }},
		{"Runnel, task of a chain, direct results", func() (float64, error) { return r.latency(ctx, runnel.DirectResults()) }},
		{"asynq on Redis, task", func() (float64, error) { return redis.latency(ctx, asynqTrips) }},
	}
	if redis == nil {
		cases = cases[:len(cases)-1]
	}
	series := make([]measure.Series, len(cases))
	for round := range set.rounds {
		for k := range cases {
			i := (round + k) % len(cases)
			p50, err := cases[i].p50()
			if err != nil {
				return fmt.Errorf("%s: %w", cases[i].name, err)
			}
			series[i] = append(series[i], measure.Cost{Nanoseconds: p50})
		}
	}
	t := report.NewTable("Latency at p50, "+where, "µs", "÷ by hand")
	for i, c := range cases {
		t.Row(c.name, report.Number(series[i].Median().Nanoseconds/1000), report.Ratio(series[i].Ratio(series[0])))
	}
	t.Print()
	goals.Add(report.Target{
		What: where + ": latency of a task ÷ round trip by hand, p50", Measured: series[1].Ratio(series[0]), Bound: mostLatency, Timed: true,
	})
	return nil
}
