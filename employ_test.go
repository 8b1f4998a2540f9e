package runnel_test

import (
	"context"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// employ starts a worker, and returns a function that ends it and waits for it.
func employ(t testing.TB, b broker.Broker, options ...runnel.WorkerOption) (dismiss func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w := runnel.NewWorker(b, options...)
	go func() { ended <- w.Run(ctx) }()
	// A run that knows no worker has more tasks share messages.
	waiting, there := context.WithCancel(ctx)
	b.Workers(waiting, func(now []*broker.Worker) {
		if slices.ContainsFunc(now, func(o *broker.Worker) bool { return o.ID == w.ID() }) {
			there()
		}
	})
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	}
}
