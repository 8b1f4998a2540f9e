package hand

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/runnelflow/runnel/benchmarks/subject"
)

// errgroupCounters starts a goroutine for a node when its counter reaches zero.
func errgroupCounters(p *plan) subject.Run {
	return func(ctx context.Context) (subject.Values, error) {
		group, ctx := errgroup.WithContext(ctx)
		slots, left := p.slots(), p.counters()
		var start func(i int32)
		start = func(i int32) {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := p.jobs[i](ctx, slots); err != nil {
					return err
				}
				for _, s := range p.g.Succ(int(i)) {
					if left[s].Add(-1) == 0 {
						start(s)
					}
				}
				return nil
			})
		}
		for _, r := range p.roots {
			start(r)
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		return p.results(slots), nil
	}
}

// errgroupInline goes on with the first successor that it made ready instead
// of starting a goroutine for it.
func errgroupInline(p *plan) subject.Run {
	return func(ctx context.Context) (subject.Values, error) {
		group, ctx := errgroup.WithContext(ctx)
		slots, left := p.slots(), p.counters()
		var start func(i int32)
		start = func(i int32) {
			group.Go(func() error {
				for i >= 0 {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := p.jobs[i](ctx, slots); err != nil {
						return err
					}
					next := int32(-1)
					for _, s := range p.g.Succ(int(i)) {
						if left[s].Add(-1) != 0 {
							continue
						}
						if next < 0 {
							next = s
						} else {
							start(s)
						}
					}
					i = next
				}
				return nil
			})
		}
		for _, r := range p.roots {
			start(r)
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		return p.results(slots), nil
	}
}
