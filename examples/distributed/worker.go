package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// workerOf is the environment variable that makes this binary a worker, and has the
// address of the server.
const workerOf = "DISTRIBUTED_WORKER_OF"

// note is what a worker tells on its standard output: that it begins with an attempt,
// or has ended one.
type note struct {
	Task  string
	Index []int
	Ended bool
	Took  time.Duration
	Error string
}

// work is the program of a worker. Everything but the notes is what a worker on
// another machine would do. It ends with its standard input, so that no worker
// outlives the process that started it.
func work(ctx context.Context, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	b, err := natsbroker.Connect(ctx, url, agreed...)
	if err != nil {
		return err
	}
	defer b.Close()
	p, err := newPipeline()
	if err != nil {
		return err
	}
	notes := json.NewEncoder(os.Stdout)
	tell := func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
		began := time.Now()
		n := note{Task: task.Task, Index: task.Index}
		if err := notes.Encode(n); err != nil {
			return err
		}
		err := next(ctx)
		n.Ended, n.Took = true, time.Since(began)
		if err != nil {
			n.Error = err.Error()
		}
		_ = notes.Encode(n) // when nobody listens any more, this process ends
		return err
	}
	// One job at a time: the processes are what is side by side here.
	return runnel.NewWorker(b, p, runnel.Concurrency(1), runnel.Intercept(tell), runnel.DrainTimeout(time.Second)).Run(ctx)
}
