package runnel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// deaf is a broker whose runs take a while to follow their results.
type deaf struct{ *broker.Memory }

func (b deaf) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	time.Sleep(time.Second)
	return b.Memory.Results(ctx, run, deliver)
}

// TestAResultCountsThoughTheRunWasCancelledBeforeItFollowed: what the broker recorded
// before the end of a run was done, also in a run that is over at once.
func TestAResultCountsThoughTheRunWasCancelledBeforeItFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := pipelineOf(t,
			step("a", nil, func(context.Context) error { cancel(); return nil }),
			step("b", from("a"), func(context.Context) error { return nil }))
		b := deaf{&broker.Memory{}}
		defer employ(t, b, p)()
		res, err := p.Run(ctx, nil, runnel.WithBroker(b))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		wantState(t, res.Report(), "a", runnel.Succeeded)
		wantState(t, res.Report(), "b", runnel.Cancelled)
	})
}

// dumb is a broker that does not answer any more once it is down.
type dumb struct {
	*broker.Memory
	down    *atomic.Bool
	largest *atomic.Int64 // how many jobs were delivered at once
}

func newDumb() dumb { return dumb{&broker.Memory{}, new(atomic.Bool), new(atomic.Int64)} }

func (b dumb) Receive(ctx context.Context, w *broker.Worker, n int) ([]*broker.Delivery, error) {
	got, err := b.Memory.Receive(ctx, w, n)
	for _, d := range got {
		b.largest.Store(max(b.largest.Load(), int64(len(d.Jobs))))
	}
	return got, err
}

func (b dumb) wait(ctx context.Context) error {
	if b.down.Load() {
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

func (b dumb) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	if err := b.wait(ctx); err != nil {
		return 0, err
	}
	return b.Memory.Finish(ctx, d, results...)
}

func (b dumb) Release(ctx context.Context, held []*broker.Delivery, after time.Duration) error {
	if err := b.wait(ctx); err != nil {
		return err
	}
	return b.Memory.Release(ctx, held, after)
}

// TestAWorkerEndsThoughTheBrokerDoesNotAnswer: what it cannot give back goes on elsewhere
// when its lease is over.
func TestAWorkerEndsThoughTheBrokerDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("long", nil, sleeps(time.Hour)), step("short", nil, sleeps(time.Second), runnel.Queue("other")))
		b := newDumb()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- runnel.NewWorker(b, p, runnel.DrainTimeout(10*time.Second)).Run(ctx) }()
		synctest.Wait()
		running, stop := context.WithCancel(t.Context())
		r, err := p.Start(running, nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.down.Store(true)
		time.Sleep(2 * time.Second) // the short one has ended, and nobody takes its result
		began := time.Now()
		cancel()
		if err := <-ended; err != nil || time.Since(began) != 15*time.Second {
			t.Errorf("the worker ended with %v after %v, want nil after its 10s and 5s more", err, time.Since(began))
		}
		b.down.Store(false)
		stop()
		_, _ = r.Wait(t.Context())
	})
}

// TestAWorkerEndsMidwayThroughABatchThoughTheBrokerDoesNotAnswer: what is left of the
// batch cannot be handed back, so it goes on elsewhere when its lease is over.
func TestAWorkerEndsMidwayThroughABatchThoughTheBrokerDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		task := runnel.NewMapTask("out[i]", func(ctx context.Context, in struct {
			N int `runnel:"ns[i]"`
		}) (int, error) {
			return in.N + 1, sleeps(time.Millisecond)(ctx)
		})
		p := pipelineOf(t, task)
		b := newDumb()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- runnel.NewWorker(b, p, runnel.Concurrency(1), runnel.DrainTimeout(10*time.Second)).Run(ctx)
		}()
		synctest.Wait()
		r, err := p.Start(t.Context(), runnel.Values{"ns": upTo(n)}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(n * time.Millisecond / 2)
		if b.largest.Load() < 3 {
			t.Fatalf("at most %d elements came at once, want a batch", b.largest.Load())
		}
		b.down.Store(true)
		time.Sleep(time.Millisecond / 2)
		began := time.Now()
		cancel()
		if err := <-ended; err != nil || time.Since(began) > 15*time.Second {
			t.Errorf("the worker ended with %v after %v, want nil within its 10s and 5s more", err, time.Since(began))
		}
		b.down.Store(false)
		defer employ(t, b, p)()
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := task.Get(res)
		for k, v := range got {
			if v != k+1 {
				t.Errorf("element %d is %d", k, v)
			}
		}
		if err != nil || len(got) != n {
			t.Errorf("there are %d elements, %v, want %d", len(got), err, n)
		}
	})
}
