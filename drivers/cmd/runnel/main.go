// Command runnel looks at what runs, workers and schedulers have at a NATS server, and
// steers it: workers, queues, dead letters, runs and schedules. Its command dev is a
// server for one machine.
//
//	go run github.com/runnelflow/runnel/drivers/cmd/runnel --help
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := call(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
