package library

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/alitto/pond/v2"

	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Pond is github.com/alitto/pond, the fastest pool of goroutines on these graphs,
// with the graph by hand: a counter a node, and a task of the pool for each node
// that becomes ready. It has no graph of its own.
func Pond() subject.Subject {
	return subject.Subject{Name: "pond, counters", Kind: subject.Library, Build: buildPond}
}

func buildPond(g *shape.Graph, visit subject.Visit) (subject.Run, error) {
	return func(context.Context) (subject.Values, error) {
		pool := pond.NewPool(runtime.GOMAXPROCS(0))
		defer pool.StopAndWait()
		left := make([]atomic.Int32, g.N())
		for i := range left {
			left[i].Store(int32(len(g.Deps(i))))
		}
		var done sync.WaitGroup
		done.Add(g.N())
		var start func(i int)
		start = func(i int) {
			// The error is that of a stopped pool, which this one is not yet.
			_ = pool.Go(func() {
				defer done.Done()
				visit(i)
				for _, s := range g.Succ(i) {
					if left[s].Add(-1) == 0 {
						start(int(s))
					}
				}
			})
		}
		for i := range g.N() {
			if len(g.Deps(i)) == 0 {
				start(i)
			}
		}
		done.Wait()
		return nil, nil
	}, nil
}
