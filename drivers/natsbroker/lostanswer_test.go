package natsbroker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// apart are two brokers of one namespace: the answers to far can be lost on the way.
func apart(t *testing.T, opts ...Option) (near, far *Broker, net *proxy) {
	t.Helper()
	url := startURL(t)
	net = newProxy(t, strings.TrimPrefix(url, "nats://"))
	t.Cleanup(net.close)
	opts = append([]Option{Namespace(fmt.Sprintf("test%d", namespaces.Add(1))), Lease(shortLease), Connection(nats.IgnoreDiscoveredServers())}, opts...)
	both := make([]*Broker, 2)
	for k, at := range []string{url, "nats://" + net.at()} {
		b, err := Connect(t.Context(), at, opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		both[k] = b
	}
	return both[0], both[1], net
}

// await fails the test when something does not happen in time.
func await(t *testing.T, what string, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: that did not happen", what)
	}
}

func everyLink() bool { return true }

// TestASubmitWhoseAnswerIsLost: a job that the server has, and the process that submitted
// it does not know, is submitted again when the connection is back. It is done once,
// whatever has become of it meanwhile: it waits, a worker has it, or it is done and gone
// from the queue.
func TestASubmitWhoseAnswerIsLost(t *testing.T) {
	for name, c := range map[string]struct{ direct, taken, done bool }{
		"queued":        {},
		"held":          {taken: true},
		"done":          {taken: true, done: true},
		"direct queued": {direct: true},
		"direct held":   {direct: true, taken: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far, net := apart(t, Lease(time.Minute)) // longer than it takes
			j := job("r", 1, "a")
			if c.direct {
				directly(j)
			}
			lost := net.loseAnswer("PUB " + near.names.ns + ".job.")
			submitted := make(chan error, 1)
			go func() { submitted <- far.Submit(t.Context(), []broker.Batch{{j}}) }()
			await(t, "the answer to Submit is lost", lost)

			w := worker(t, near, "w")
			var d *broker.Delivery
			finish := func() {
				t.Helper()
				n, err := near.Finish(t.Context(), d, broker.ResultOf(d.Jobs[0]))
				if err != nil || n != 1 {
					t.Errorf("the result was the first of %d, %v", n, err)
				}
			}
			if c.taken {
				d, _ = receive[string](t, near, w)
			}
			if c.done {
				finish()
				awaitQueue(t, near, 0)
			}
			net.cut(everyLink)
			if err := <-submitted; err != nil {
				t.Fatal(err)
			}
			if !c.taken {
				d, _ = receive[string](t, near, w)
			}
			if d.Number != 1 {
				t.Errorf("it was delivered %d times", d.Number)
			}
			ctx, enough := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer enough()
			if again, err := near.Receive(ctx, w, 1); err == nil {
				t.Errorf("the job came again: %s", again[0].Jobs[0].ID())
			}
			if !c.done {
				finish()
			}
			awaitQueue(t, near, 0)
		})
	}
}

// awaitQueue waits until so many messages are queued or with workers.
func awaitQueue(t *testing.T, b *Broker, want uint64) {
	t.Helper()
	for since := time.Now(); ; <-time.After(5 * time.Millisecond) {
		info, err := b.stream("jobs").Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs == want {
			return
		}
		if time.Since(since) > 10*time.Second {
			t.Fatalf("%d messages are queued, want %d", info.State.Msgs, want)
		}
	}
}

// TestASubmittedRunWhoseAnswerIsLost is kept, driven and done while its submitter does
// not know whether it is there; it is not opened again when the connection is back, nor
// when it is submitted once more.
func TestASubmittedRunWhoseAnswerIsLost(t *testing.T) {
	near, far, net := apart(t)
	ledger := t.TempDir() + "/ledger"
	p := pipelineOfNaps()
	ctx, dismiss := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- runnel.NewWorker(near, p).Run(ctx) }()
	go func() { ended <- runnel.NewCoordinator(near, p).Run(ctx) }()
	changes := watchRuns(t, near, "nightly")

	submit := func() error {
		_, err := p.Submit(t.Context(), runnel.Values{"lengths": []time.Duration{1, 2, 3}, "ledger": ledger}, runnel.WithBroker(far), runnel.RunID("nightly"))
		return err
	}
	lost := net.loseAnswer("PUB " + near.names.kept("nightly"))
	submitted := make(chan error, 1)
	go func() { submitted <- submit() }()
	await(t, "the answer to Submit is lost", lost)
	until(t, changes, "closed", func(r *broker.Run) bool { return r.Outcome != nil })
	net.cut(everyLink)
	if err := <-submitted; err != nil {
		t.Fatal(err)
	}
	if err := submit(); err != nil {
		t.Error(err)
	}
	k, err := near.state(t.Context(), "nightly")
	if err != nil || k.Outcome == nil || k.Owner != "" {
		t.Errorf("the run is kept as %+v, %v, want it closed still", k, err)
	}
	select {
	case r := <-changes:
		t.Errorf("the run has changed: %+v", r)
	default:
	}
	dismiss()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if page, _ := os.ReadFile(ledger); strings.Count(string(page), "begin") != 3 || strings.Count(string(page), "done") != 3 {
		t.Errorf("want each nap once:\n%s", page)
	}
}

// TestARunWhoseAnswersAreLost: whichever message of a run is stored, and the answer to it
// lost, the run ends with the right result and no element is done twice. The run, its
// worker and its coordinator are all behind the same network.
func TestARunWhoseAnswersAreLost(t *testing.T) {
	for name, message := range map[string]string{
		"the run":            "PUB %s.kept.nightly.state",
		"a part of it":       "PUB %s.kept.nightly.part.",
		"a job":              "PUB %s.job.",
		"a result":           "PUB %s.run.nightly.done.",
		"the end":            "PUB %s.run.nightly.end",
		"a worker's sign":    "PUB %s.worker.",
		"the claim, anew":    "PUB %s.kept.nightly.state",
		"the clearing":       "PUB $JS.API.STREAM.PURGE.%s-jobs",
		"the asking of jobs": "PUB $JS.API.CONSUMER.CREATE.%s-jobs",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far, net := apart(t)
			ledger := t.TempDir() + "/ledger"
			p := pipelineOfNaps()
			message := fmt.Sprintf(message, near.names.ns)
			var lost <-chan struct{}
			lose := func() { lost = net.loseAnswer(message) }
			if name != "the claim, anew" {
				lose()
			}
			ctx, dismiss := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- runnel.NewWorker(far, p).Run(ctx) }()
			type end struct {
				pids []int
				err  error
			}
			over := make(chan end, 1)
			begun := make(chan struct{})
			begin := sync.OnceFunc(func() { close(begun) })
			go func() {
				lengths := []time.Duration{time.Millisecond, shortLease / 2, 2}
				res, err := p.Run(t.Context(), runnel.Values{"lengths": lengths, "ledger": ledger}, runnel.WithBroker(far), runnel.RunID("nightly"), runnel.Observe(func(e runnel.Event) {
					if _, ok := e.(runnel.TaskFinished); ok {
						begin()
					}
				}))
				pids, _ := naps.Get(res)
				over <- end{pids, err}
			}()
			if name == "the claim, anew" {
				await(t, "an element ends", begun)
				lose()
			}
			await(t, "the answer is lost", lost)
			net.cut(everyLink)
			got := <-over
			if got.err != nil || len(got.pids) != 3 {
				t.Errorf("got %v, %v", got.pids, got.err)
			}
			dismiss()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if page, _ := os.ReadFile(ledger); strings.Count(string(page), "begin") != 3 {
				t.Errorf("want each nap once:\n%s", page)
			}
			k, err := near.state(t.Context(), "nightly")
			if err != nil || k.Outcome == nil || k.Owner != "" {
				t.Errorf("the run is kept as %+v, %v", k, err)
			}
		})
	}
}
