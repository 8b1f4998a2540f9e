package runnel

import (
	"context"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// reopen makes the kept run the one that was asked for.
func reopen(ctx context.Context, k broker.Keeper, asked, kept *broker.Run, c *change) error {
	forget := func(*broker.Result) bool { return false }
	if c != nil {
		if kept.Outcome == nil {
			if err := settle(ctx, k, asked.ID); err != nil {
				return err
			}
		}
		forget = func(r *broker.Result) bool { return c.touched[r.Task] }
	}
	return k.Reopen(ctx, clone(asked), forget)
}

// settle ends the jobs of a run that is open and to be changed, and waits for those
// that workers have: what comes of them later would be taken for that of new ones.
func settle(ctx context.Context, k broker.Keeper, id string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	owner := newOwner()
	lease, err := k.Claim(ctx, id, owner)
	if err != nil {
		return err
	}
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	came := make(chan string)
	following.Go(func() {
		k.Results(ctx, id, func(results []*broker.Result) {
			for _, r := range results {
				select {
				case came <- r.ID():
				case <-ctx.Done():
				}
			}
		})
	})
	ended := make(chan []string, 1)
	failed := make(chan error, 1)
	following.Go(func() {
		held, err := k.End(ctx, id, broker.End{Keep: true})
		if err != nil {
			failed <- err
			return
		}
		ended <- held
	})
	tick := time.NewTicker(max(lease/3, time.Millisecond))
	defer tick.Stop()
	seen := map[string]bool{}
	var held []string
	for known := false; ; {
		if known {
			for len(held) > 0 && seen[held[0]] {
				held = held[1:]
			}
			if len(held) == 0 {
				return k.Unclaim(ctx, id, owner)
			}
		}
		select {
		case job := <-came:
			seen[job] = true
		case held = <-ended:
			known = true
		case err := <-failed:
			return err
		case <-tick.C:
			if _, err := k.Claim(ctx, id, owner); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
