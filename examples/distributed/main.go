// Command distributed analyses recordings with processes that share the work.
//
//	go run ./examples/distributed                  three clips that come with it
//	go run ./examples/distributed one.wav two.wav  your own files
//	go run ./examples/distributed -workers 4       more processes
//	go run ./examples/distributed -kill            one of them is killed while it works
//
// It starts a NATS server inside its own process, listening on loopback, and its own
// binary a few times more, as workers. Nothing has to be installed. On several machines
// the parts are programs of their own: a server, workers and the run, here in a terminal
// each. Any of them may be killed and started again; the run goes on where it was since
// it has an id.
//
//	go run github.com/nats-io/nats-server/v2@v2.15.2 -js -a 127.0.0.1
//	go run ./examples/distributed -server nats://127.0.0.1:4222 -work
//	go run ./examples/distributed -server nats://127.0.0.1:4222 -id today
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
	"syscall"
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
	server  string // that is there; empty to start one, and the workers
	id      string // of the run
	paths   []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "distributed:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	if url := os.Getenv(workerOf); url != "" {
		return workFor(ctx, url)
	}
	var set settings
	var asWorker bool
	flag.IntVar(&set.workers, "workers", 3, "how many worker processes there are")
	flag.BoolVar(&set.kill, "kill", false, "kill a worker while it works")
	flag.StringVar(&set.server, "server", "", "the `address` of a NATS server: neither one nor workers are started")
	flag.StringVar(&set.id, "id", "", "a `name` of the run at -server: started again with it, the run goes on where it was")
	flag.BoolVar(&asWorker, "work", false, "be a worker at -server, until interrupted")
	flag.Parse()
	set.paths = flag.Args()
	switch {
	case set.server == "" && (asWorker || set.id != ""):
		return errors.New("-work and -id need the -server that they are about")
	case asWorker:
		return workAlone(ctx, set.server, os.Stdout)
	case set.server != "":
		return runAt(ctx, set, os.Stdout, os.Stderr)
	}
	return run(ctx, set, os.Stdout, os.Stderr)
}

// runAt is a run at a server that is there, with workers that are or will be.
func runAt(ctx context.Context, set settings, stdout, stderr io.Writer) error {
	if set.kill {
		return errors.New("-kill is for workers of its own: kill one at -server by hand")
	}
	b, err := natsbroker.Connect(ctx, set.server, agreed...)
	if err != nil {
		return err
	}
	defer b.Close()
	opts := []runnel.RunOption{runnel.Observe(func(e runnel.Event) {
		if e, ok := e.(runnel.TaskFinished); ok {
			fmt.Fprintf(stdout, "  %s is %v\n", job(e.Task, e.Index), e.State)
		}
	})}
	if set.id != "" {
		opts = append(opts, runnel.RunID(set.id))
	}
	return analyse(ctx, set, b, stdout, stderr, func() {}, opts...)
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
	return analyse(ctx, set, b, stdout, stderr, func() {
		c.dismiss()
		c.sum()
	})
}

// analyse is the run, what is done after it, and the table of the recordings.
func analyse(ctx context.Context, set settings, b *natsbroker.Broker, stdout, stderr io.Writer, after func(), opts ...runnel.RunOption) error {
	if len(set.paths) == 0 {
		set.paths = recording.Shipped()
	}
	p, err := newPipeline()
	if err != nil {
		return err
	}
	res, err := p.Run(ctx, runnel.Values{"paths": set.paths}, append(opts, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))...)
	failed, ok := errors.AsType[*runnel.RunError](err)
	if err != nil && (!ok || failed.Cause != nil) {
		return err
	}
	after()

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
