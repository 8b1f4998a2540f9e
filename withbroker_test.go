package runnel

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/runnelflow/runnel/broker"
)

// RUNNEL_TEST_BROKER=memory gives every run of this package's tests a broker and a
// worker that has all tasks of the pipeline. Half of what the worker makes comes as a
// broker that encodes hands it over. The counterpart over NATS is in
// drivers/natsbroker/testdata/matrix, since it needs what this module must not require.
func init() {
	switch os.Getenv("RUNNEL_TEST_BROKER") {
	case "", "nats":
	case "memory":
		half := func(r *broker.Result) bool { return (len(r.Task)+r.Element)%2 == 0 }
		testBroker = func(p *Pipeline) broker.Broker {
			return &staffed{Memory: &broker.Memory{Lease: 1 << 60}, pipeline: p, hides: half}
		}
	default:
		panic("RUNNEL_TEST_BROKER must be memory or nats, or not set")
	}
}

// HasWorkers reports whether workers do the tasks of these tests' runs, for what is said
// to differ then.
func HasWorkers() bool { return os.Getenv("RUNNEL_TEST_BROKER") != "" }

// The lease is as good as endless: tests that replay days in virtual time would have
// the worker say every ten seconds of them that it is alive.

// staffed is a broker for one run that brings its worker, until the run's end.
type staffed struct {
	*broker.Memory
	pipeline *Pipeline
	hides    func(*broker.Result) bool // which results are opaque
	mu       sync.Mutex
	ended    bool
	purged   bool // nothing is kept of the run
	stop     context.CancelFunc
	worker   sync.WaitGroup
}

// Workers begins with the worker, so that the run knows it before its first job.
func (b *staffed) Workers(ctx context.Context, deliver func([]*broker.Worker)) error {
	there := !b.hire(ctx)
	return b.Memory.Workers(ctx, func(now []*broker.Worker) {
		if there = there || len(now) > 0; there {
			deliver(now)
		}
	})
}

// hire starts the worker. There is none for a pipeline that has nothing for it.
func (b *staffed) hire(ctx context.Context) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// As many at once as there would be goroutines.
	w := NewWorker(b.Memory, b.pipeline, Concurrency(1<<16), DrainTimeout(1<<62))
	if b.ended || w.Build() != nil {
		return false
	}
	var working context.Context
	working, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.worker.Go(func() {
		if err := w.Run(working); err != nil {
			panic(err)
		}
	})
	return true
}

func (b *staffed) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	held, err := b.Memory.End(ctx, run, e)
	b.mu.Lock()
	stop := b.stop
	b.ended, b.purged = true, b.purged || !e.Keep
	b.mu.Unlock()
	if stop != nil {
		stop()
		if len(held) == 0 { // else the run waits for them, and the worker ends soon after
			b.worker.Wait()
		}
	}
	return held, err
}

// opaque is an output as a broker that encodes hands it over.
type opaque struct {
	by *staffed
	of broker.Value
}

// Decode implements [broker.Value].
func (v *opaque) Decode(ctx context.Context, into any) error {
	v.by.mu.Lock()
	defer v.by.mu.Unlock()
	if v.by.purged {
		return errors.New("it is read after the run has ended")
	}
	return v.of.Decode(ctx, into)
}

func (b *staffed) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	return b.Memory.Results(ctx, run, func(results []*broker.Result) {
		for _, r := range results {
			for k, v := range r.Outputs {
				if _, is := v.(*opaque); !is && b.hides(r) {
					r.Outputs[k] = &opaque{b, v}
				}
			}
		}
		deliver(results)
	})
}

func (b *staffed) Submit(ctx context.Context, batches []broker.Batch) error {
	for _, batch := range batches {
		for _, j := range batch {
			for i := range j.Inputs {
				j.Inputs[i].Value = b.bare(j.Inputs[i].Value)
			}
		}
	}
	return b.Memory.Submit(ctx, batches)
}

// bare is a value as a worker gets it.
func (b *staffed) bare(v broker.Value) broker.Value {
	switch v := v.(type) {
	case *opaque:
		if v.by != b {
			panic("a value of another run is handed on")
		}
		return v.of
	case broker.List:
		bare := make(broker.List, len(v))
		for i := range v {
			bare[i] = b.bare(v[i])
		}
		return bare
	}
	return v
}
