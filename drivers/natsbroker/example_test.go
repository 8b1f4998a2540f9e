package natsbroker_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

var Length = runnel.NewMapTask("lengths[i]", func(_ context.Context, in struct {
	Word string `runnel:"words[i]"`
}) (int, error) {
	return len(in.Word), nil
})

var Total = runnel.Fold("total", "lengths", 0,
	func(_ context.Context, sum, n int) (int, error) { return sum + n, nil })

// worker is the program of a worker, on any machine.
func worker(ctx context.Context, url string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := natsbroker.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer b.Close()
	return runnel.NewWorker(b, Length, Total).Run(ctx)
}

// run is the program of the run.
func run(ctx context.Context, url string, words []string) (int, error) {
	b, err := natsbroker.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	p, err := runnel.FromTasks(Length, Total)
	if err != nil {
		return 0, err
	}
	res, err := p.Run(ctx, runnel.Values{"words": words}, runnel.WithBroker(b), runnel.RunID("nightly"))
	if err != nil {
		return 0, err
	}
	return Total.Get(res)
}

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "runnel")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b, err := natsbroker.Embedded(ctx, dir, natsbroker.Listen("127.0.0.1:0"))
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	ended := make(chan error, 1)
	go func() { ended <- worker(ctx, b.URL()) }()
	fmt.Println(run(ctx, b.URL(), []string{"a", "stream"}))
	cancel() // as the signal does
	fmt.Println(<-ended)
	// Output:
	// 7 <nil>
	// <nil>
}
