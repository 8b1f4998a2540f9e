package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// pull is a durable consumer: the jobs of one queue and priority. Workers share
// it. What it asks the server for in advance is one job, and only while somebody
// waits.
type pull struct {
	consumer jetstream.Consumer
	wanted   chan struct{} // somebody waits for a job, or the connection is back

	mu      sync.Mutex
	asking  bool             // a job is asked for
	since   time.Time        // since when, in vain
	empty   time.Time        // when the server last said that it has no more
	anew    func()           // has it be asked for anew, nil while it is not asked for
	cut     bool             // the connection was lost and is back
	waiting []chan<- arrival // those who wait for it
}

// arrival is a job that came, or why none can come.
type arrival struct {
	msg jetstream.Msg
	err error
}

// pull is that of a queue and priority, made if need be.
func (b *Broker) pull(ctx context.Context, queue string, p broker.Priority) (*pull, error) {
	filter := b.names.queue(queue, p)
	b.mu.Lock()
	known := b.pulls[filter]
	b.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made := &pull{wanted: make(chan struct{}, 1)}
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		made.consumer, err = b.stream("jobs").CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable:       "q-" + token(queue) + "-" + p.String(),
			Description:   fmt.Sprintf("queue %q, priority %s", queue, p),
			Metadata:      map[string]string{queueName: queue, queuePriority: p.String()},
			FilterSubject: filter,
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       b.config.lease,
			MaxDeliver:    b.config.maxDeliveries, // then settleSpent sees to it
			MaxAckPending: -1,
			Replicas:      b.config.replicas,
			MemoryStorage: b.config.memory,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("natsbroker: queue %q: %w", queue, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.pulls[filter]; known != nil {
		return known, nil
	}
	b.pulls[filter] = made
	b.wait.Go(func() { b.ask(made) })
	return made, nil
}

// Receive implements [broker.Broker].
func (b *Broker) Receive(ctx context.Context, w *broker.Worker, n int) ([]*broker.Delivery, error) {
	if n < 1 {
		return nil, errors.New("natsbroker: Receive: n must be 1 or more")
	}
	var pulls []*pull
	for _, p := range priorities {
		for _, q := range w.Queues {
			pull, err := b.pull(ctx, q, p)
			if err != nil {
				return nil, err
			}
			pulls = append(pulls, pull)
		}
	}
	if len(pulls) == 0 {
		return nil, errors.New("natsbroker: Receive: the worker names no queue")
	}
	for {
		var got []*broker.Delivery
		for _, p := range pulls {
			if p.isQuiet() {
				continue
			}
			msgs, err := b.fetchNow(ctx, p, n-len(got))
			if err != nil {
				return got, orNil(err, got)
			}
			if got, err = b.take(ctx, w, msgs, got); err != nil {
				return got, orNil(err, got)
			}
			if len(got) == n {
				return got, nil
			}
		}
		if len(got) > 0 {
			return got, nil
		}
		msg, err := b.await(ctx, pulls)
		if err != nil {
			return nil, err
		}
		if got, err = b.take(ctx, w, []jetstream.Msg{msg}, got); err != nil || len(got) > 0 {
			return got, orNil(err, got)
		}
	}
}

// orNil is no error where there are jobs to be done first.
func orNil(err error, got []*broker.Delivery) error {
	if len(got) > 0 {
		return nil
	}
	return err
}

// fetchNow gets what is there.
func (b *Broker) fetchNow(ctx context.Context, p *pull, n int) (msgs []jetstream.Msg, err error) {
	asked := time.Now()
	err = b.ride(ctx, func(ctx context.Context) error {
		batch, err := p.consumer.FetchNoWait(n)
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			msgs = append(msgs, m)
		}
		if err = batch.Error(); err == nil || len(msgs) > 0 {
			return nil
		}
		if errors.Is(err, nats.ErrNoResponders) { // nobody answers for a consumer that is gone, either
			if _, gone := p.consumer.Info(ctx); errors.Is(gone, jetstream.ErrConsumerNotFound) {
				return notAsked(gone)
			}
		}
		return err
	})
	if err == nil && len(msgs) < n {
		p.mu.Lock()
		p.empty = asked
		p.mu.Unlock()
	}
	return msgs, err
}

// await waits for a job of any of the pulls. What comes to the others meanwhile
// goes to who else waits, or back.
func (b *Broker) await(ctx context.Context, pulls []*pull) (jetstream.Msg, error) {
	arrived := make(chan arrival, len(pulls))
	for _, p := range pulls {
		p.mu.Lock()
		p.waiting = append(p.waiting, arrived)
		p.mu.Unlock()
		p.nudge()
	}
	defer func() {
		for _, p := range pulls {
			p.leave(arrived)
		}
		for {
			select {
			case a := <-arrived: // one came, and another one with it
				if a.msg != nil {
					b.giveBack(a.msg)
				}
			default:
				return
			}
		}
	}()
	select {
	case a := <-arrived:
		return a.msg, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-b.ctx.Done():
		return nil, b.closed()
	}
}

// quiet is how long the server has had no job for who asks, when it is not asked again
// what it has at once.
const quiet = 20 * time.Millisecond

// fresh is how long it counts that the server said that it has no more. It would have to
// be asked twice for each of the jobs that come one by one, and of those that come within
// that time of each other any may be the first.
const fresh = time.Millisecond

// isQuiet reports whether the server has no job, as far as can be told without asking: it
// has just said so, or would send one by itself and has sent none for a while.
func (p *pull) isQuiet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asking && time.Since(p.since) > quiet || time.Since(p.empty) < fresh
}

func (p *pull) leave(c chan<- arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting {
		if w == c {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
}
