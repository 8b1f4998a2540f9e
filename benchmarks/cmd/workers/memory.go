package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/report"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// memorySection measures a process whose run has handed over many elements, of which
// none is done.
func memorySection(ctx context.Context, set settings, goals *report.Targets) error {
	s, err := newSite(false)
	if err != nil {
		return err
	}
	defer s.close()
	worker, err := launch("idle", s.url)
	if err != nil {
		return err
	}
	defer worker.end()
	run, err := launch("outstanding", s.url, fmt.Sprint(envSize, "=", set.outstanding))
	if err != nil {
		return err
	}
	defer run.end()
	said, err := run.line("holds")
	if err != nil {
		return fmt.Errorf("the process of the run: %w", err)
	}
	var peak, live, queued float64
	var messages int
	if _, err := fmt.Sscan(said, &peak, &live, &messages, &queued); err != nil {
		return err
	}
	t := report.NewTable(fmt.Sprintf("A run with %d elements outstanding", set.outstanding), "")
	t.Row("memory of its process at most, MB", report.Number(peak/1e6))
	t.Row("live heap after a collection, MB", report.Number(live/1e6))
	t.Row("messages in the queue", strconv.Itoa(messages))
	t.Row("bytes of one, with what the server adds", report.Number(queued/float64(max(messages, 1))))
	t.Print()
	goals.Add(report.Target{
		What: fmt.Sprintf("MB of a process with %d elements outstanding", set.outstanding), Measured: peak / 1e6, Bound: mostMemory,
	})
	return nil
}

// idle is the process of a worker whose tasks go on until they are cancelled.
func idle(ctx context.Context, url string) error {
	b, err := natsbroker.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer b.Close()
	endless := runnel.NewMapTask("elements[i]", func(ctx context.Context, in struct {
		N int `runnel:"numbers[i]"`
	}) (int, error) {
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
	w := runnel.NewWorker(b, endless, runnel.Concurrency(1), runnel.DrainTimeout(0))
	ready()
	return w.Run(ctx)
}

// holdOutstanding is the process of a run. It says what it holds once nothing more
// comes to the queue.
func holdOutstanding(ctx context.Context, url string) error {
	n, err := strconv.Atoi(os.Getenv(envSize))
	if err != nil {
		return err
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := natsbroker.Open(ctx, nc)
	if err != nil {
		return err
	}
	defer b.Close()
	set := full
	set.elements = n
	r, err := newRuns(b, set)
	if err != nil {
		return err
	}
	ready()
	run, err := r.mapped.Start(ctx, runnel.Values{"numbers": r.numbers}, runnel.WithBroker(b))
	if err != nil {
		return err
	}
	state, err := settled(ctx, nc)
	if err != nil {
		return err
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println("holds", peak, m.HeapAlloc, state.Msgs, state.Bytes)
	<-ctx.Done()
	<-run.Done()
	return nil
}

// settled is the state of the queue once nothing has come to it for a second.
func settled(ctx context.Context, nc *nats.Conn) (s jetstream.StreamState, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return s, err
	}
	stream, err := js.Stream(ctx, "runnel-jobs")
	if err != nil {
		return s, err
	}
	for same := 0; same < 10; {
		info, err := stream.Info(ctx)
		if err != nil {
			return s, err
		}
		if same++; info.State.Msgs == 0 || info.State.LastSeq != s.LastSeq {
			same = 0
		}
		s = info.State
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
	return s, nil
}

// peakMemory is the most memory that the process had, in bytes: its resident set
// where the system tells it, else what the Go runtime took from the system.
func peakMemory() (uint64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.Sys, nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kilobytes, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return kilobytes * 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
}
