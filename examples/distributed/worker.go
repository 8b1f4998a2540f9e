package main

import (
	"context"
	"encoding/json"
	"fmt"
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

// String is a note of an end as a line of the output has it.
func (n note) String() string {
	return fmt.Sprintf("%-13s %7.1f ms  %s", job(n.Task, n.Index), float64(n.Took)/float64(time.Millisecond), n.Error)
}

// job names a task or an element of one.
func job(task string, index []int) string {
	if index == nil {
		return task
	}
	return task + fmt.Sprint(index)
}

// workFor is a worker that another process has started, and takes notes for it. It ends
// with its standard input, so that no worker outlives the process that started it.
func workFor(ctx context.Context, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	notes := json.NewEncoder(os.Stdout)
	return work(ctx, url, func(n note) error { return notes.Encode(n) })
}

// workAlone is a worker by itself, which prints what it has done.
func workAlone(ctx context.Context, url string, out io.Writer) error {
	fmt.Fprintf(out, "process %d works for %s\n", os.Getpid(), url)
	return work(ctx, url, func(n note) error {
		if n.Ended {
			fmt.Fprintf(out, "  %s\n", n)
		}
		return nil
	})
}

// work is the program of a worker, on any machine.
func work(ctx context.Context, url string, take func(note) error) error {
	b, err := natsbroker.Connect(ctx, url, agreed...)
	if err != nil {
		return err
	}
	defer b.Close()
	p, err := newPipeline()
	if err != nil {
		return err
	}
	tell := func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
		began := time.Now()
		n := note{Task: task.Task, Index: task.Index}
		if err := take(n); err != nil {
			return err
		}
		err := next(ctx)
		n.Ended, n.Took = true, time.Since(began)
		if err != nil {
			n.Error = err.Error()
		}
		_ = take(n) // when nobody listens any more, this process ends
		return err
	}
	// One job at a time: the processes are what is side by side here.
	return runnel.NewWorker(b, p, runnel.Concurrency(1), runnel.Intercept(tell), runnel.DrainTimeout(time.Second)).Run(ctx)
}
