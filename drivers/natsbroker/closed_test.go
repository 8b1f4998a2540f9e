package natsbroker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel/broker"
)

// TestAConnectionThatIsClosedForGood: the library gives a connection up after some errors
// of the server. Who waits for something, and who comes later, is told why.
func TestAConnectionThatIsClosedForGood(t *testing.T) {
	_, far, net := apart(t)
	w := worker(t, far, "w")
	ctx, enough := context.WithTimeout(t.Context(), 20*time.Second)
	defer enough()
	calls := map[string]func() error{
		"Receive": func() error {
			_, err := far.Receive(ctx, w, 1)
			return err
		},
		"Results": func() error { return far.Results(ctx, "r", func([]*broker.Result) {}) },
		"Runs":    func() error { return far.Runs(ctx, "", func([]*broker.Run) {}) },
		"Submit": func() error {
			<-far.ctx.Done()
			return far.Submit(ctx, []broker.Batch{{job("r", 1, "a")}})
		},
	}
	type told struct {
		who string
		err error
	}
	heard := make(chan told, len(calls))
	ask := func() {
		for who, call := range calls {
			go func() { heard <- told{who, call()} }()
		}
	}
	ask()
	awaitAsking(far)
	net.say("-ERR 'Maximum Payload Violation'\r\n")
	for _, when := range []string{"before", "after"} {
		for range calls {
			if h := <-heard; !errors.Is(h.err, nats.ErrConnectionClosed) || !strings.Contains(h.err.Error(), "Maximum Payload Violation") || !strings.Contains(h.err.Error(), "start the process again") {
				t.Errorf("%s, called %s the connection was closed for good, has returned %v", h.who, when, h.err)
			}
		}
		if when == "before" {
			ask()
		}
	}
}

// TestAConnectionThatItsOwnerCloses: who uses the broker then is told that it has to stay open.
func TestAConnectionThatItsOwnerCloses(t *testing.T) {
	nc, err := nats.Connect(startURL(t), durable()...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), nc)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := worker(t, b, "w")
	nc.Close()
	if _, err := b.Receive(t.Context(), w, 1); !errors.Is(err, nats.ErrConnectionClosed) || !strings.Contains(err.Error(), "has to stay open") {
		t.Errorf("Receive on a connection that its owner has closed returned %v", err)
	}
}
