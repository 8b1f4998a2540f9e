package runnel_test

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// The tasks of a run are done by a worker, which elsewhere would be another program.
func ExampleWithBroker() {
	square := runnel.Each("squares", "numbers", runnel.NoError(func(_ context.Context, n int) int { return n * n }))
	p, err := runnel.FromTasks(square)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := &broker.Memory{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(b, p).Run(ctx) }()

	res, err := p.Run(ctx, runnel.Values{"numbers": []int{1, 2, 3}}, runnel.WithBroker(b))
	squares, _ := square.Get(res)
	fmt.Println(squares, err)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// [1 4 9] <nil>
	// <nil>
}

// A worker of one task, of a pipeline and of options. What is wrong with it is said
// before it starts.
func ExampleNewWorker() {
	extract := runnel.NewTask("features", func(context.Context, struct{ Path string }) (string, error) { return "", nil },
		runnel.Queue("audio"), runnel.Priority(broker.High))
	w := runnel.NewWorker(&broker.Memory{}, extract, runnel.Queues("audio", "default"), runnel.Concurrency(-1))
	fmt.Println(w.Build())
	// Output:
	// runnel: the worker cannot be built: Concurrency must be 1 or more, got -1: 1 does one attempt at a time
}

// A run that may be lost with its process: nothing of what workers make is kept on the
// way, and an id to take it up by is refused.
func ExampleDirectResults() {
	square := runnel.Each("squares", "numbers", runnel.NoError(func(_ context.Context, n int) int { return n * n }))
	p, err := runnel.FromTasks(square)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := &broker.Memory{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(b, p).Run(ctx) }()

	in := runnel.Values{"numbers": []int{1, 2, 3}}
	res, err := p.Run(ctx, in, runnel.WithBroker(b), runnel.DirectResults())
	squares, _ := square.Get(res)
	fmt.Println(squares, err)
	_, err = p.Run(ctx, in, runnel.WithBroker(b), runnel.DirectResults(), runnel.RunID("nightly"))
	fmt.Println(err)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// [1 4 9] <nil>
	// runnel: the pipeline cannot run: DirectResults and RunID contradict each other: nothing is kept of a run with DirectResults, so it cannot be taken up by its id: drop one of them
	// <nil>
}
