package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream used by hand: a work queue, a stream of results, and no more than what
// has to be written for them.

const (
	fetch      = 256 // jobs that a worker has at once, here and there
	handJobs   = "hand.job."
	handResult = "hand.run."
	handDone   = "hand.done"
)

// byHand is who publishes.
type byHand struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	jobs    jetstream.Stream
	results jetstream.Stream
	size    int // bytes of a message
	trips   int // so far
}

func newByHand(ctx context.Context, nc *nats.Conn, size int) (*byHand, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return nil, err
	}
	h := &byHand{nc: nc, js: js, size: max(size, 8)}
	h.jobs, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "hand-jobs", Subjects: []string{handJobs + ">"}, Retention: jetstream.WorkQueuePolicy,
	})
	if err == nil {
		h.results, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "hand-runs", Subjects: []string{handResult + ">"}, AllowDirect: true})
	}
	return h, err
}

// workByHand is the process that fetches and acknowledges. It tells when as many
// messages as each of them says are done; those of round trips it answers.
func workByHand(ctx context.Context, url string) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	var ends [2]chan error
	for i, loop := range []func(context.Context, *nats.Conn, jetstream.JetStream) error{takeAll, answer} {
		ends[i] = make(chan error, 1)
		go func() { ends[i] <- loop(ctx, nc, js) }()
	}
	ready()
	err = errors.Join(<-ends[0], <-ends[1])
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func consumer(ctx context.Context, js jetstream.JetStream, kind string) (jetstream.Consumer, error) {
	return js.CreateOrUpdateConsumer(ctx, "hand-jobs", jetstream.ConsumerConfig{
		Durable: kind, FilterSubject: handJobs + kind + ".>", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1,
	})
}

func takeAll(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	c, err := consumer(ctx, js, "all")
	if err != nil {
		return err
	}
	done := uint64(0)
	for ctx.Err() == nil {
		batch, err := c.FetchNoWait(fetch)
		if err != nil {
			return err
		}
		n, last := 0, uint64(0)
		for m := range batch.Messages() {
			if err := m.Ack(); err != nil {
				return err
			}
			n++
			last = binary.BigEndian.Uint64(m.Data())
		}
		if done += uint64(n); n > 0 && done >= last {
			done = 0
			if err := nc.Publish(handDone, nil); err != nil { // behind the acknowledgements
				return err
			}
		}
		if n > 0 {
			continue
		}
		one, err := c.Fetch(1, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return err
		}
		for m := range one.Messages() {
			if err := m.Ack(); err != nil {
				return err
			}
			if done++; done >= binary.BigEndian.Uint64(m.Data()) {
				done = 0
				if err := nc.Publish(handDone, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// answer records a result for each message, as the first one of its subject, and
// acknowledges it then.
func answer(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	c, err := consumer(ctx, js, "trip")
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		one, err := c.Fetch(1, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return err
		}
		for m := range one.Messages() {
			subject := handResult + strings.TrimPrefix(m.Subject(), handJobs+"trip.")
			if _, err := js.Publish(ctx, subject, m.Data(), jetstream.WithExpectLastSequencePerSubject(0)); err != nil {
				return err
			}
			if err := m.Ack(); err != nil {
				return err
			}
		}
	}
	return nil
}

// all publishes so many messages and waits until all are acknowledged.
func (h *byHand) all(ctx context.Context, n int) error {
	done, err := h.nc.SubscribeSync(handDone)
	if err != nil {
		return err
	}
	defer func() { _ = done.Unsubscribe() }() // the connection lives on without it
	data := make([]byte, h.size)
	binary.BigEndian.PutUint64(data, uint64(n))
	futures := make([]jetstream.PubAckFuture, n)
	for k := range n {
		if futures[k], err = h.js.PublishMsgAsync(&nats.Msg{Subject: fmt.Sprintf("%sall.%d", handJobs, k), Data: data}, jetstream.WithStallWait(5*time.Second)); err != nil {
			return err
		}
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err = done.NextMsgWithContext(ctx)
	return err
}

// roundTrips makes so many round trips, one after another: a message through the
// work queue, to the worker, and its result through the stream of results. It
// returns the median in nanoseconds.
func (h *byHand) roundTrips(ctx context.Context, n int) (float64, error) {
	c, err := h.js.OrderedConsumer(ctx, "hand-runs", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return 0, err
	}
	back := make(chan struct{}, 1)
	consuming, err := c.Consume(func(jetstream.Msg) { back <- struct{}{} })
	if err != nil {
		return 0, err
	}
	defer consuming.Stop()
	data := make([]byte, h.size)
	var took []time.Duration
	for range n {
		h.trips++
		began := time.Now()
		if _, err := h.js.Publish(ctx, fmt.Sprintf("%strip.%d", handJobs, h.trips), data); err != nil {
			return 0, err
		}
		select {
		case <-back:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()), nil
}
