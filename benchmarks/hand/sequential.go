package hand

import (
	"context"

	"github.com/runnelflow/runnel/benchmarks/subject"
)

// sequential is the floor: a loop over the topological order, on the caller's
// goroutine.
func sequential(p *plan) subject.Run {
	return func(ctx context.Context) (subject.Values, error) {
		slots := p.slots()
		for _, do := range p.jobs {
			if err := do(ctx, slots); err != nil {
				return nil, err
			}
		}
		return p.results(slots), nil
	}
}
