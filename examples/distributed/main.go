// Command distributed analyses recordings with processes that share the work.
//
//	go run ./examples/distributed                  three clips that come with it
//	go run ./examples/distributed one.wav two.wav  your own files
//	go run ./examples/distributed -workers 4       more processes
//	go run ./examples/distributed -kill            one of them is killed while it works
//
// It starts a NATS server inside its own process, listening on loopback, and its own
// binary a few times more, as workers. Nothing has to be installed. On several machines
// the parts are the same: natsbroker.Connect with the address of a server in the place
// of natsbroker.Embedded, and the workers started there.
//
// With -kill, a worker is ended in the middle of a job as if its plug were pulled. When
// its lease on the job is over, the job goes to another worker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/natsbroker"
	"github.com/runnelflow/runnel/examples/internal/catalogue"
	"github.com/runnelflow/runnel/examples/internal/perfile"
	"github.com/runnelflow/runnel/examples/internal/recording"
)

// What the run and the workers have to agree on. CBOR, unlike JSON, has the loudness
// of silence, which is negative infinity. The lease is short, so that -kill does not
// take long; the default of 30 s asks less of the network.
var agreed = []natsbroker.Option{natsbroker.Encoding(natsbroker.CBOR), natsbroker.Lease(2 * time.Second)}

type settings struct {
	workers int
	kill    bool
	paths   []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := start(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "distributed:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	if url := os.Getenv(workerOf); url != "" {
		return work(ctx, url)
	}
	var set settings
	flag.IntVar(&set.workers, "workers", 3, "how many worker processes there are")
	flag.BoolVar(&set.kill, "kill", false, "kill a worker while it works")
	flag.Parse()
	set.paths = flag.Args()
	return run(ctx, set, os.Stdout, os.Stderr)
}

// run is the program: a server, workers, a run.
func run(ctx context.Context, set settings, stdout, stderr io.Writer) error {
	least := 1
	if set.kill {
		least = 2
	}
	if set.workers < least {
		return fmt.Errorf("-workers must be %d or more, got %d", least, set.workers)
	}
	if len(set.paths) == 0 {
		set.paths = recording.Shipped()
	}
	p, err := newPipeline()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "distributed")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := natsbroker.Embedded(ctx, dir, append(agreed, natsbroker.Listen("127.0.0.1:0"))...)
	if err != nil {
		return err
	}
	defer b.Close()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &crew{url: b.URL(), out: stdout, kill: set.kill, gone: func() { cancel(errors.New("no worker is left")) }}
	defer c.dismiss()
	for range set.workers {
		if err := c.hire(); err != nil {
			return err
		}
	}
	res, err := p.Run(ctx, runnel.Values{"paths": set.paths}, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
	failed, ok := errors.AsType[*runnel.RunError](err)
	if err != nil && (!ok || failed.Cause != nil) {
		return err
	}
	c.dismiss()
	c.sum()

	entries, err := Catalogue.Get(res)
	if err != nil {
		return err
	}
	all := make(perfile.Results[catalogue.Entry], len(set.paths))
	for i, path := range set.paths {
		all[i] = perfile.Of[catalogue.Entry]{Path: path, Value: entries[i]}
	}
	if failed != nil {
		for _, e := range failed.Tasks {
			all[e.Index[0]].Err = e.Err // all that measure a file say the same of it
		}
	}
	fmt.Fprintf(stdout, "\n%v\n", res.Report())
	if catalogue.Report(stdout, stderr, all) == 0 {
		return errors.New("no file could be analysed")
	}
	return nil
}
