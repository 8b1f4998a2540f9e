package hand

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/runnelflow/runnel/benchmarks/subject"
)

// static is the least that can be done for a graph of which everything is known before.
// Of the nodes in topological order each worker has every second one, with two workers, and
// watches for those that they depend on without ever sleeping. Nothing is handed out, and
// one slow node holds up all that come after it.
func static(p *plan) subject.Run {
	workers := runtime.GOMAXPROCS(0)
	done := make([][]atomic.Uint32, workers) // the last run in which each node was done, by worker
	for me := range done {
		done[me] = make([]atomic.Uint32, len(p.jobs)/workers+1)
	}
	turn := uint32(0)
	return func(ctx context.Context) (subject.Values, error) {
		turn++
		slots := p.slots()
		var all sync.WaitGroup
		errs := make([]error, workers)
		work := func(me int) {
			for i := me; i < len(p.jobs); i += workers {
				for _, d := range p.g.Deps(i) {
					await(&done[int(d)%workers][int(d)/workers], turn)
				}
				if err := p.jobs[i](ctx, slots); err != nil && errs[me] == nil {
					errs[me] = err
				}
				done[me][i/workers].Store(turn)
			}
		}
		for me := 1; me < workers; me++ {
			all.Go(func() { work(me) })
		}
		work(0)
		all.Wait()
		for _, err := range errs {
			if err != nil {
				return nil, err
			}
		}
		return p.results(slots), nil
	}
}

// await watches for a value. It lets others run now and then, or with fewer processors
// than workers it might watch for one that cannot come.
func await(x *atomic.Uint32, want uint32) {
	for looks := 1; x.Load() != want; looks++ {
		if looks%1000 == 0 {
			runtime.Gosched()
		}
	}
}
