package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// eventually asks the tool until it says something, and returns what it said.
func eventually(t *testing.T, want string, args ...string) string {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; {
		text := said(t, args...)
		if strings.Contains(text, want) {
			return text
		}
		if time.Now().After(late) {
			t.Fatalf("runnel %s says\n%s\nwant %q in it", strings.Join(args, " "), text, want)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// riskyWaits is what "queues --json" has once the job that kills its workers is queued:
// its queue is made before.
const riskyWaits = `"queue": "risky",
    "priority": "low",
    "waiting": 1`

// world is a server, and a run that fails since one of its jobs kills its workers.
type world struct {
	url  string
	mend string // the file that mends the job
	b    *natsbroker.Broker
	stop func() // of the worker of this process
}

func newWorld(t *testing.T) *world {
	w := &world{url: startServer(t), mend: filepath.Join(t.TempDir(), "mended")}
	var err error
	if w.b, err = natsbroker.Connect(t.Context(), w.url, natsbroker.Lease(lease), natsbroker.MaxDeliveries(2)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.b.Close)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(w.b, lengths, total).Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// run runs the pipeline.
func (w *world) run(t *testing.T) error {
	_, err := pipeline().Run(t.Context(), runnel.Values{"words": []string{"a", "bcd"}, "mend": w.mend},
		runnel.WithBroker(w.b), runnel.RunID("nightly"), runnel.OnError(runnel.ContinueOnError))
	return err
}

// whileWorkersDie starts one worker after the other until the run ends. A job that is
// delivered twice kills two of them, or three if the first one died too fast to be
// counted.
func whileWorkersDie(t *testing.T, url string, ended <-chan error) error {
	t.Helper()
	for range 4 {
		worker := process(t, "worker", url, nil)
		died := make(chan struct{})
		go func() {
			_ = worker.Wait()
			close(died)
		}()
		select {
		case <-died:
		case err := <-ended:
			_ = worker.Process.Kill()
			<-died
			return err
		}
	}
	t.Fatal("the job has killed four workers")
	return nil
}

// TestCommands: each command against a real server, with real workers, one of which
// dies of its job.
func TestCommands(t *testing.T) {
	empty := startServer(t)
	golden(t, "empty", transcript(t, empty, "workers", "queues", "dead list", "runs list", "workers --json", "queues --json", "dead list --json", "runs list --json",
		"workers --namespace other", "dead show a/b/#1", "runs show a", "runs cancel a", "runs retry a", "dead retry a/b/#1", "purge --run a --yes"))

	w := newWorld(t)
	eventually(t, "default", "workers", "--server", w.url)
	ended := make(chan error, 1)
	go func() { ended <- w.run(t) }()
	eventually(t, riskyWaits, "queues", "--json", "--server", w.url)
	golden(t, "waiting", transcript(t, w.url, "workers", "workers --tasks", "workers --json", "queues", "queues --json", "runs list", "runs show nightly", "runs show nightyl"))

	err := whileWorkersDie(t, w.url, ended)
	if err == nil || !strings.Contains(err.Error(), "delivered 2 times") {
		t.Fatalf("the run ended with %v, want the story of two deliveries", err)
	}
	job := "nightly/poison/#1"
	golden(t, "dead", transcript(t, w.url, "dead list", "dead list --json", "dead show "+job, "dead show "+job+" --json", "dead show nightly/poisson/#1", "runs list", "runs show nightly"))

	if err := os.WriteFile(w.mend, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	golden(t, "retry", transcript(t, w.url, "dead retry "+job, "dead list", "runs list", "runs show nightly --json"))
	mended := process(t, "worker", w.url, nil)
	if err := w.run(t); err != nil {
		t.Fatal(err)
	}
	golden(t, "again", transcript(t, w.url, "runs list", "runs show nightly", "runs retry nightly", "runs cancel nightly", "purge --run nightly", "purge --run nightly --yes", "runs list"))

	if err := mended.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := mended.Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	if text := said(t, "purge", "--all", "--yes", "--server", w.url); !strings.Contains(text, "are alive") {
		t.Errorf("it said %q while a worker was alive", text)
	}
	w.stop()
	w.b.Close()
	eventually(t, "no worker", "workers", "--server", w.url)
	golden(t, "purged", transcript(t, w.url, "purge --all", "purge --all --yes", "queues"))
}

// TestARunThatWasGivenUp: who drove it, and when, is there to read, and it can be opened
// again.
func TestARunThatWasGivenUp(t *testing.T) {
	url := startServer(t)
	b, err := natsbroker.Connect(t.Context(), url, natsbroker.Lease(lease), natsbroker.MaxDeliveries(2))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = pipeline().Submit(t.Context(), runnel.Values{"words": []string{"a"}, "mend": ""}, runnel.WithBroker(b), runnel.RunID("nightly"))
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"first", "second"} { // each of which dies at once
		if _, err := b.Claim(t.Context(), "nightly", owner); err != nil {
			t.Fatal(err)
		}
		eventually(t, "waiting", "runs", "list", "--server", url)
	}
	if _, err := b.Claim(t.Context(), "nightly", "third"); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("the third claim: %v, want that the run has ended", err)
	}
	golden(t, "givenup", transcript(t, url, "runs list", "runs show nightly", "runs show nightly --json", "runs retry nightly", "runs show nightly"))
}

// TestPurgeQueue: the runs that wait for the jobs are told that they have failed.
func TestPurgeQueue(t *testing.T) {
	w := newWorld(t)
	ended := make(chan error, 1)
	go func() { ended <- w.run(t) }()
	eventually(t, riskyWaits, "queues", "--json", "--server", w.url)
	golden(t, "purgequeue", transcript(t, w.url, "purge --queue risky", "purge --queue risky --yes"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), `the queue "risky" was purged`) {
		t.Errorf("the run ended with %v", err)
	}
}

// TestCancelARun that is driven by another process, and retry it.
func TestCancelARun(t *testing.T) {
	w := newWorld(t)
	ended := make(chan error, 1)
	go func() { ended <- w.run(t) }()
	eventually(t, riskyWaits, "queues", "--json", "--server", w.url)
	if text := said(t, "purge", "--run", "nightly", "--yes", "--server", w.url); !strings.Contains(text, "driven by another process") {
		t.Errorf("it said %q while the run was driven", text)
	}
	if text := said(t, "runs", "cancel", "nightly", "--why", "enough", "--server", w.url); !strings.Contains(text, "run nightly is to end") {
		t.Fatal(text)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("the run ended with %v, want the cause of its cancellation", err)
	}
	if text := eventually(t, "cancelled", "runs", "list", "--server", w.url); strings.Contains(text, "running") {
		t.Error(text)
	}
	if text := said(t, "runs", "retry", "nightly", "--server", w.url); !strings.Contains(text, "is open again") {
		t.Fatal(text)
	}
	if err := os.WriteFile(w.mend, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	process(t, "worker", w.url, nil)
	if err := w.run(t); err != nil {
		t.Error(err)
	}
}

// TestDev: a process of its own listens on loopback, tells what to do next, ends on
// SIGTERM, and has what it had when it is started again; its folder is in use
// meanwhile.
func TestDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runnel-data")
	begin := func() (*exec.Cmd, string, string) {
		r, w := io.Pipe()
		c := process(t, "tool", "", w, "dev", "--dir", dir, "--listen", "0")
		var said strings.Builder
		for lines := bufio.NewScanner(r); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "Ctrl-C") {
				break
			}
		}
		go func() { _, _ = io.Copy(io.Discard, r) }()
		t.Cleanup(func() { _ = w.Close() })
		return c, said.String(), regexp.MustCompile(`nats://127\.0\.0\.1:\d+`).FindString(said.String())
	}
	end := func(c *exec.Cmd) {
		t.Helper()
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	c, text, url := begin()
	golden(t, "dev", strings.ReplaceAll(same(text), dir, "/home/me/runnel-data"))
	if text := said(t, "dev", "--dir", dir, "--listen", "0"); !strings.Contains(text, "in use by another process") {
		t.Errorf("a second one said %q", text)
	}
	b, err := natsbroker.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), &broker.Run{ID: "kept", Graph: "g"}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	end(c)
	c, _, url = begin()
	if text := said(t, "runs", "list", "--server", url); !strings.Contains(text, "kept") {
		t.Errorf("after a restart it has\n%s", text)
	}
	end(c)
}
