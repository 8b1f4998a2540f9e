package natsbroker

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The server stops delivering a job that it has delivered often enough, and says so
// in an advisory, which a stream keeps: one of the brokers of the namespace then
// gives the job up. Only deliveries that nobody released count for that, and the
// server counts all: a job that has some left is queued again.

// again is the header of a job that is queued again: how often it was, 0 if that is not
// known.
const again = "Runnel-Again"

// wasDelivered reports whether a message was delivered before, here or as the one that
// it was queued again for.
func wasDelivered(m jetstream.Msg) bool {
	meta, err := m.Metadata()
	n := m.Headers().Get(again)
	return err == nil && meta.NumDelivered > 1 || n != "" && n != "0"
}

// settleSpent settles jobs that the server does not deliver any more.
func (b *Broker) settleSpent() {
	for b.ctx.Err() == nil {
		var consumer jetstream.Consumer
		err := b.ride(b.ctx, func(ctx context.Context) (err error) {
			consumer, err = b.stream("spent").CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
				Durable:       "settle",
				AckPolicy:     jetstream.AckExplicitPolicy,
				AckWait:       4 * patience,
				MaxDeliver:    -1,
				Replicas:      b.config.replicas,
				MemoryStorage: b.config.memory,
			})
			return err
		})
		if err == nil {
			err = b.settleEach(consumer)
		}
		if err != nil && b.pause(b.ctx, time.Second) != nil {
			return
		}
	}
}

func (b *Broker) settleEach(consumer jetstream.Consumer) error {
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(b.ctx))
		if err != nil {
			return err
		}
		var advisory struct {
			Sequence uint64 `json:"stream_seq"`
		}
		if err := json.Unmarshal(m.Data(), &advisory); err != nil {
			_ = m.TermWithReason("it is no advisory")
			continue
		}
		if err := b.settle(b.ctx, advisory.Sequence); err != nil {
			_ = m.NakWithDelay(time.Second)
			continue
		}
		_ = m.Ack() // if it is lost, it is settled again, which finds nothing
	}
}

// settle gives up a job of the queue, or queues it again.
func (b *Broker) settle(ctx context.Context, seq uint64) error {
	var m *jetstream.RawStreamMsg
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		m, err = b.stream("jobs").GetMsg(ctx, seq)
		return err
	})
	if isNotFound(err) {
		return nil // finished after all
	}
	if err != nil {
		return err
	}
	remove := func() error {
		err := b.ride(ctx, func(ctx context.Context) error { return b.stream("jobs").DeleteMsg(ctx, seq) })
		if isNotFound(err) {
			return nil
		}
		return err
	}
	p, _ := b.parcelIn(m.Data)
	if p == nil { // not written by any version of this
		return remove()
	}
	done, last, _, err := b.recorded(ctx, p, 0, nil)
	if err != nil {
		return err
	}
	rest := p.without(done)
	if len(rest) == 0 {
		return remove()
	}
	story, err := b.story(ctx, p)
	if err != nil {
		return err
	}
	if over, err := b.spent(ctx, p, last, rest, story); over || err != nil {
		if err != nil {
			return err
		}
		return remove()
	}
	// First queued, then removed: dying in between delivers it twice, and loses
	// nothing.
	n, _ := strconv.Atoi(m.Header.Get(again))
	copied := &nats.Msg{Subject: b.names.job(p) + "-#" + strconv.Itoa(n+1), Data: m.Data, Header: nats.Header{again: {strconv.Itoa(n + 1)}}}
	err = b.waitForRoom(ctx, func(ctx context.Context) error {
		_, err := b.js.PublishMsg(ctx, copied)
		if isDuplicate(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return remove()
}
