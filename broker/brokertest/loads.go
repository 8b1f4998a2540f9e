package brokertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

var loads = []rule{{
	name:     "back-pressure",
	rule:     "Submit waits while the broker is full, and goes on when a job is finished",
	why:      "a run that makes jobs faster than they are done must not fill the disk",
	settings: Settings{MaxJobs: 3},
	check: func(h *harness) {
		w := h.join("w")
		h.submit(job("r", 1), job("r", 2), job("r", 3))
		ctx, cancel := context.WithTimeout(h.ctx, lease)
		err := h.b.Submit(ctx, alone(job("r", 4)))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			h.fail("Submit of a job too many returned %v, want the end of its context", err)
		}
		submitted := make(chan error, 1)
		go func() { submitted <- h.b.Submit(h.ctx, alone(job("r", 4))) }()
		for range 4 {
			d := h.receive(w)
			h.finish(d, done(d, w, 1))
		}
		h.must(<-submitted, "Submit")
	},
}, {
	name:     "many at once",
	rule:     "with many jobs, and workers that die, give back and finish at the same time, each job has exactly one result",
	why:      "that is what a broker is for",
	settings: Settings{Lease: lease, MaxDeliveries: 50},
	check: func(h *harness) {
		const count, workers = 400, 4
		got := h.follow("r")
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(h.ctx)
		for n := range workers {
			w := h.join(fmt.Sprint("w", n))
			random := rand.New(rand.NewPCG(uint64(n), 1))
			all.Go(func() { h.unreliable(ctx, w, random) })
		}
		for from := 0; from < count; from += 50 {
			all.Go(func() {
				var jobs []*broker.Job
				for e := from; e < from+50; e++ {
					j := job("r", e%100)
					j.Element = e
					jobs = append(jobs, j)
				}
				if err := h.b.Submit(ctx, alone(jobs...)); err != nil {
					h.Errorf("Submit: %v", err)
				}
			})
		}
		seen := map[string]int{}
		for range count {
			r := h.next(got)
			if seen[r.ID()]++; seen[r.ID()] > 1 {
				h.fail("%s has two results", r.ID())
			}
			if v := decode[int](h, r.Outputs[0]); v != r.Element {
				h.fail("%s has output %d, want %d", r.ID(), v, r.Element)
			}
		}
		cancel()
		all.Wait()
		if len(got) > 0 {
			h.fail("there are more results than jobs")
		}
	},
}}

// unreliable is a worker that drops some of its jobs.
func (h *harness) unreliable(ctx context.Context, w *broker.Worker, random *rand.Rand) {
	for {
		if _, err := h.b.Extend(ctx, w, nil); err != nil {
			return
		}
		call, cancel := context.WithTimeout(ctx, lease/4)
		held, err := h.b.Receive(call, w, 1+random.IntN(5))
		cancel()
		if err != nil && ctx.Err() != nil {
			return
		}
		for _, d := range held {
			switch random.IntN(12) {
			case 0: // die
			case 1:
				h.b.Release(ctx, []*broker.Delivery{d}, time.Duration(random.IntN(2))*lease/10)
			case 2: // finish twice
				h.b.Finish(ctx, d, done(d, w, d.Jobs[0].Element))
				h.b.Finish(ctx, d, done(d, w, d.Jobs[0].Element))
			default:
				h.b.Finish(ctx, d, done(d, w, d.Jobs[0].Element))
			}
		}
	}
}
