package runnel

import (
	"context"
	"os"
	"sync"

	"github.com/runnelflow/runnel/broker"
)

// RUNNEL_TEST_BROKER=memory gives every run of this package's tests a broker and a
// worker that has all tasks of the pipeline.
func init() {
	switch os.Getenv("RUNNEL_TEST_BROKER") {
	case "":
	case "memory":
		testBroker = func(p *Pipeline) broker.Broker { return &staffed{Memory: &broker.Memory{Lease: 1 << 60}, pipeline: p} }
	default:
		panic("RUNNEL_TEST_BROKER must be memory, or not set")
	}
}

// The lease is as good as endless: tests that replay days in virtual time would have
// the worker say every ten seconds of them that it is alive.

// staffed is a broker for one run that brings its worker: from the run's first job
// until its end.
type staffed struct {
	*broker.Memory
	pipeline *Pipeline
	start    sync.Once
	stop     context.CancelFunc
	worker   sync.WaitGroup
}

func (b *staffed) Submit(ctx context.Context, jobs []*broker.Job) error {
	b.start.Do(func() {
		var working context.Context
		working, b.stop = context.WithCancel(context.WithoutCancel(ctx))
		// As many at once as there would be goroutines.
		w := NewWorker(b.Memory, b.pipeline, Concurrency(1<<16), DrainTimeout(1<<62))
		b.worker.Go(func() {
			if err := w.Run(working); err != nil {
				panic(err)
			}
		})
	})
	return b.Memory.Submit(ctx, jobs)
}

func (b *staffed) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	held, err := b.Memory.End(ctx, run, e)
	if b.stop != nil {
		b.stop()
		if len(held) == 0 { // else the run waits for them, and the worker ends soon after
			b.worker.Wait()
		}
	}
	return held, err
}
