package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel/broker"
)

// The results of jobs that are direct are requests to the broker that the jobs were
// submitted to, by core NATS. It has an inbox for each such run. What happens to a job
// without its worker, as that it is given up, comes by the stream of results, as for
// all runs.

// inbox is where the results of a run come in, and knows which have.
type inbox struct {
	run          string
	subscription *nats.Subscription

	mu sync.Mutex
	// done has the jobs with a result, by ID: true for one that came straight.
	done    map[string]bool
	unheard []*broker.Result // while nobody follows
}

// wireAnswer is what an inbox says to a worker.
type wireAnswer struct {
	Version int      `cbor:"0,keyasint"`
	First   int      `cbor:"1,keyasint,omitempty"` // how many results were the first of their IDs
	Done    []string `cbor:"2,keyasint,omitempty"` // those of the IDs asked about that have a result
	Error   string   `cbor:"3,keyasint,omitempty"` // why the results are of no use
}

// What an inbox is told or asked.
const (
	someResults = "results" // a wireRecord
	whichDone   = "done"    // IDs of jobs, or none, to hear whether the inbox is there
)

func (b *Broker) inbox(run string) *inbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inboxes[token(run)]
}

// openInbox makes the inbox of a run, unless it is there, and returns once it has an
// answer of itself: workers will have one too.
func (b *Broker) openInbox(ctx context.Context, run string) error {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.inbox(run) != nil {
		return nil
	}
	in := &inbox{run: run, done: map[string]bool{}}
	var err error
	if in.subscription, err = b.nc.Subscribe(b.names.direct(run, "*"), func(m *nats.Msg) { b.answer(in, m) }); err != nil {
		return fmt.Errorf("natsbroker: run %q: %w", run, b.because(err))
	}
	err = b.ride(ctx, func(ctx context.Context) error {
		_, err := b.nc.RequestWithContext(ctx, b.names.direct(run, whichDone), nil)
		if refusal := b.nc.LastError(); err != nil && errors.Is(refusal, nats.ErrPermissionViolation) {
			return fmt.Errorf("natsbroker: run %q: direct results need the permissions to subscribe to %q and to answer what comes there (allow_responses): %w",
				run, b.names.all("direct"), refusal)
		}
		return err
	})
	if err != nil {
		_ = in.subscription.Unsubscribe() // an error means that the connection is closed
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inboxes[token(run)] = in
	return nil
}

// closeInbox ends the inbox of a run, given by its token, if it has one. b.mu is held.
func (b *Broker) closeInbox(run string) {
	if in := b.inboxes[run]; in != nil {
		_ = in.subscription.Unsubscribe() // an error means that the connection is closed
		delete(b.inboxes, run)
	}
}

// answer takes results, or says which there are.
func (b *Broker) answer(in *inbox, m *nats.Msg) {
	a := wireAnswer{Version: wireVersion}
	switch lastPart(m.Subject) {
	case someResults:
		results, err := b.recordIn(m.Data)
		if err != nil {
			a.Error = err.Error()
			b.failFollowers(in.run, fmt.Errorf("natsbroker: run %q: %w", in.run, err))
			break
		}
		results = in.first(results, true)
		a.First = len(results)
		b.handOver(in, results)
	case whichDone:
		var ids []string
		if err := cborIn.Unmarshal(m.Data, &ids); err == nil { // else it asks about none
			a.Done = in.doneOf(ids)
		}
	}
	if data, err := cborOut.Marshal(&a); err == nil {
		_ = m.Respond(data) // if it is lost, the worker comes again
	}
}

// first are those of some results that are the first of their IDs. That a job was
// stopped is no result of it. One that came by the stream may come that way again, as
// to another follower.
func (in *inbox) first(results []*broker.Result, straight bool) []*broker.Result {
	in.mu.Lock()
	defer in.mu.Unlock()
	var first []*broker.Result
	for _, r := range results {
		id := r.ID()
		before, known := in.done[id]
		if known && (straight || before) {
			continue
		}
		if r.Failure == nil || r.Failure.Kind != broker.Stopped {
			in.done[id] = straight
		}
		first = append(first, r)
	}
	return first
}

func (in *inbox) doneOf(ids []string) (done []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, id := range ids {
		if _, known := in.done[id]; known {
			done = append(done, id)
		}
	}
	return done
}

// handOver hands results to those who follow the run, or keeps them for the first who
// does.
func (b *Broker) handOver(in *inbox, results []*broker.Result) {
	if len(results) == 0 {
		return
	}
	b.mu.Lock()
	var all []*follower
	for f := range b.followers[token(in.run)] {
		all = append(all, f)
	}
	if len(all) == 0 {
		in.unheard = append(in.unheard, results...)
	}
	b.mu.Unlock()
	for _, f := range all {
		f.hand(results)
	}
}

// unheard are the results of a run that came while nobody followed it. b.mu is held.
func (b *Broker) unheard(run string) []*broker.Result {
	in := b.inboxes[run]
	if in == nil {
		return nil
	}
	results := in.unheard
	in.unheard = nil
	return results
}

// failFollowers ends the following of a run with an error.
func (b *Broker) failFollowers(run string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range b.followers[token(run)] {
		f.fail(err)
	}
}
