// Package brokertest holds a broker against the contract of package broker. Each
// case says which rule it checks, and why the rule is there.
package brokertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// Settings are what a case needs of a broker. A zero field is left to the broker.
type Settings struct {
	Lease         time.Duration
	MaxDeliveries int
	MaxJobs       int           // jobs queued or with workers, while Submit waits
	Lifetime      time.Duration // of runs that are closed
}

// lease is short, so that the suite does not take long, and long enough for a busy
// machine.
const lease = 500 * time.Millisecond

// patience is how long a case waits for what has to happen.
const patience = 30 * time.Second

type rule struct {
	name     string
	rule     string
	why      string
	settings Settings
	check    func(*harness)
}

// Run checks every rule, each with a broker of its own. newBroker makes one that
// knows of no job, and cleans up by t.Cleanup.
func Run(t *testing.T, newBroker func(*testing.T, Settings) broker.Broker) {
	var rules []rule
	for _, part := range [][]rule{jobs, batches, mixed, leases, results, direct, runs, workers, loads} {
		rules = append(rules, part...)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			h := &harness{T: t, rule: r, ctx: ctx, b: newBroker(t, r.settings)}
			r.check(h)
		})
	}
}

// harness is what a case works with.
type harness struct {
	*testing.T
	rule rule
	ctx  context.Context
	b    broker.Broker
}

// fail ends the case, and says what it was about.
func (h *harness) fail(format string, args ...any) {
	h.Helper()
	h.Fatalf("%s\nrule: %s\nwhy:  %s", fmt.Sprintf(format, args...), h.rule.rule, h.rule.why)
}

// must ends the case on an error.
func (h *harness) must(err error, doing string) {
	h.Helper()
	if err != nil {
		h.fail("%s: %v", doing, err)
	}
}

// job is the n-th job of a run, with an input of its number.
func job(run string, n int) *broker.Job {
	return &broker.Job{
		Run: run, Pipeline: "p", Task: fmt.Sprintf("task%d", n), Element: broker.Whole, Attempt: 1,
		Key: fmt.Sprintf("%s/task%d", run, n), Fingerprint: "f", Queue: "default",
		Inputs: []broker.Input{{Name: "n", Value: broker.Go{V: n}}},
	}
}

// worker has the tasks of the first 100 jobs.
func worker(id string, queues ...string) *broker.Worker {
	w := &broker.Worker{ID: id, Host: "host", Queues: queues}
	if len(queues) == 0 {
		w.Queues = []string{"default"}
	}
	for n := range 100 {
		w.Tasks = append(w.Tasks, &broker.Task{Pipeline: "p", Name: fmt.Sprintf("task%d", n), Fingerprint: "f",
			Types: []broker.Field{{Path: "input n", Type: "int"}}})
	}
	return w
}

// join makes a worker known.
func (h *harness) join(id string, queues ...string) *broker.Worker {
	h.Helper()
	w := worker(id, queues...)
	_, err := h.b.Extend(h.ctx, w, nil)
	h.must(err, "Extend")
	return w
}

// submit submits jobs, each in a batch of its own.
func (h *harness) submit(jobs ...*broker.Job) {
	h.Helper()
	h.must(h.b.Submit(h.ctx, alone(jobs...)), "Submit")
}

// alone are jobs in a batch each.
func alone(jobs ...*broker.Job) []broker.Batch {
	var batches []broker.Batch
	for _, j := range jobs {
		batches = append(batches, broker.Batch{j})
	}
	return batches
}

// receive waits for exactly one batch.
func (h *harness) receive(w *broker.Worker) *broker.Delivery {
	h.Helper()
	got, err := h.b.Receive(h.ctx, w, 1)
	h.must(err, "Receive")
	if len(got) != 1 {
		h.fail("Receive(1) returned %d batches", len(got))
	}
	return got[0]
}

// nothing checks that there is no job for a worker within a time.
func (h *harness) nothing(w *broker.Worker, within time.Duration) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, within)
	defer cancel()
	got, err := h.b.Receive(ctx, w, 1)
	if len(got) > 0 {
		h.fail("Receive returned job %s, want none", got[0].Jobs[0].ID())
	}
	if err == nil {
		h.fail("Receive returned no job and no error")
	}
}

// done is the result of a job that came alone, with one output.
func done(d *broker.Delivery, w *broker.Worker, v any) *broker.Result {
	return doneOf(d, d.Jobs[0], w, v)
}

// doneOf is the result of a job of a delivery.
func doneOf(d *broker.Delivery, j *broker.Job, w *broker.Worker, v any) *broker.Result {
	r := broker.ResultOf(j)
	r.Outputs, r.Worker, r.Deliveries = []broker.Value{broker.Go{V: v}}, w.ID, d.Number
	return r
}

// finish reports whether all results were the first.
func (h *harness) finish(d *broker.Delivery, results ...*broker.Result) bool {
	h.Helper()
	first, err := h.b.Finish(h.ctx, d, results...)
	h.must(err, "Finish")
	return first == len(results)
}

// end ends a run, and returns the jobs that workers still have.
func (h *harness) end(run string, e broker.End) []string {
	h.Helper()
	held, err := h.b.End(h.ctx, run, e)
	h.must(err, "End")
	return held
}

// follow hands over the results of a run one by one; the first call of deliver is
// over when it returns.
func (h *harness) follow(run string) <-chan *broker.Result {
	h.Helper()
	got, begun := make(chan *broker.Result, 100_000), make(chan struct{})
	ctx, cancel := context.WithCancel(h.ctx)
	ended := make(chan struct{})
	first := true
	go func() {
		defer close(ended)
		h.b.Results(ctx, run, func(results []*broker.Result) {
			for _, r := range results {
				got <- r
			}
			if first {
				close(begun)
			}
			first = false
		})
	}()
	h.Cleanup(func() { cancel(); <-ended })
	select {
	case <-begun:
	case <-h.ctx.Done():
		h.fail("Results never called deliver")
	}
	return got
}

func (h *harness) next(results <-chan *broker.Result) *broker.Result {
	h.Helper()
	select {
	case r := <-results:
		return r
	case <-h.ctx.Done():
		h.fail("no result came")
		return nil
	}
}

// decode is a value as a T.
func decode[T any](h *harness, v broker.Value) T {
	h.Helper()
	var into T
	if v == nil {
		h.fail("the value is nil")
	}
	h.must(v.Decode(h.ctx, &into), "Decode")
	return into
}

// ended waits for the end of a delivery's context.
func (h *harness) ended(d *broker.Delivery, within time.Duration, cause error) {
	h.Helper()
	select {
	case <-d.Context.Done():
	case <-time.After(within):
		h.fail("the delivery's context did not end within %v", within)
	}
	if got := context.Cause(d.Context); got != cause {
		h.fail("the delivery's context ended with cause %v, want %v", got, cause)
	}
}
