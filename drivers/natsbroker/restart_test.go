package natsbroker

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// restartable is a server at one address and with one folder, as often as it is started.
func restartable(t *testing.T) (serve func() *server.Server, end func(*server.Server)) {
	host, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	serve = func() *server.Server {
		s, err := server.NewServer(&server.Options{Host: host, Port: number, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
		return s
	}
	end = func(s *server.Server) { s.Shutdown(); s.WaitForShutdown() }
	return serve, end
}

// TestARestartWithoutNewcomers: the signs of life of workers are in memory, and gone
// with the server. Whoever is connected still makes room for them again.
func TestARestartWithoutNewcomers(t *testing.T) {
	serve, end := restartable(t)
	s := serve()
	b, err := Connect(t.Context(), s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	wholeRun(t, b)
	end(s)
	s = serve()
	defer end(s)
	wholeRun(t, b, runnel.RunID("again"))
}

// TestAServerIsStoppedInOrder: it tells those who wait for jobs that it shuts down, and
// they go on waiting for the next one.
func TestAServerIsStoppedInOrder(t *testing.T) {
	serve, end := restartable(t)
	s := serve()
	b, err := Connect(t.Context(), s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := worker(t, b, "w")
	received := make(chan error, 1)
	go func() {
		_, err := b.Receive(t.Context(), w, 1)
		received <- err
	}()
	awaitAsking(b)
	end(s)
	select {
	case err := <-received:
		t.Fatalf("the worker was told %v", err)
	case <-time.After(100 * time.Millisecond): // the time for an answer to be taken for an end
	}
	s = serve()
	defer end(s)
	submit(t, b, job("r", 1, "a"))
	if err := <-received; err != nil {
		t.Errorf("no job came: %v", err)
	}
}

// TestAnIdleWorkerAsksAnewAfterACut: the server has forgotten that it asked for a job. It
// would miss a heartbeat of the server only after twice that time.
func TestAnIdleWorkerAsksAnewAfterACut(t *testing.T) {
	near, far, net := apart(t)
	far.config.beat = 20 * time.Second
	w := worker(t, far, "w")
	ctx, enough := context.WithTimeout(t.Context(), far.config.beat)
	defer enough()
	received := make(chan error, 1)
	go func() {
		_, err := far.Receive(ctx, w, 1)
		received <- err
	}()
	awaitAsking(far)
	net.cut(everyLink)
	for far.nc.Stats().Reconnects == 0 {
		<-time.After(5 * time.Millisecond)
	}
	submit(t, near, job("r", 1, "a"))
	if err := <-received; err != nil {
		t.Errorf("no job came: %v", err)
	}
}

// TestAWorkerThatWasBusyDuringACut asks for one job when it wants one: what it asked before
// on another connection would bring it a second one, which nobody else could have.
func TestAWorkerThatWasBusyDuringACut(t *testing.T) {
	near, far, net := apart(t, Lease(time.Minute))
	far.config.beat = 20 * time.Second
	w, other := worker(t, far, "w"), worker(t, near, "other")
	received := make(chan error, 1)
	asks := func() {
		go func() {
			_, err := far.Receive(t.Context(), w, 1)
			received <- err
		}()
		awaitAsking(far)
	}
	asks()
	submit(t, near, job("r", 1, "a"))
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	net.cut(everyLink)
	for far.nc.Stats().Reconnects == 0 {
		<-time.After(5 * time.Millisecond)
	}
	asks()
	submit(t, near, job("r", 2, "b"))
	submit(t, near, job("r", 3, "c"))
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	ctx, enough := context.WithTimeout(t.Context(), 20*time.Second)
	defer enough()
	if _, err := near.Receive(ctx, other, 1); err != nil {
		t.Errorf("the third job is with nobody, and did not come: %v", err)
	}
}

// TestAConsumerThatSomebodyDeletes is named with the mend to a worker that is asking, and to
// one that begins to ask after a cut.
func TestAConsumerThatSomebodyDeletes(t *testing.T) {
	for _, asking := range []bool{true, false} {
		near, far, net := apart(t)
		w := worker(t, far, "w")
		received := make(chan error, 1)
		ctx, enough := context.WithTimeout(t.Context(), 20*time.Second)
		defer enough()
		asks := func() {
			_, err := far.Receive(ctx, w, 1)
			received <- err
		}
		go asks()
		awaitAsking(far)
		if !asking {
			submit(t, near, job("r", 1, "a"))
			if err := <-received; err != nil {
				t.Fatal(err)
			}
		}
		list := near.stream("jobs").ConsumerNames(t.Context())
		for name := range list.Name() {
			if err := near.stream("jobs").DeleteConsumer(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if !asking {
			net.cut(everyLink)
			go asks()
		}
		if err := <-received; err == nil || !strings.Contains(err.Error(), "start the worker's process again") {
			t.Errorf("the consumer was deleted, and a worker (asking: %v) has got %v", asking, err)
		}
	}
}

// awaitAsking returns when the server has been asked for a job for a while.
func awaitAsking(b *Broker) {
	for asked := false; !asked; <-time.After(5 * time.Millisecond) {
		b.mu.Lock()
		p := b.pulls[b.names.queue("q", broker.Normal)]
		b.mu.Unlock()
		if p != nil {
			p.mu.Lock()
			asked = p.asking && time.Since(p.since) > quiet
			p.mu.Unlock()
		}
	}
}
