package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// Submit implements [broker.Broker]. Batches go out side by side, and each is
// acknowledged by the server. A job with a part that is too large, or cannot be
// encoded, has a result at once: a failure that says so.
func (b *Broker) Submit(ctx context.Context, batches []broker.Batch) error {
	var out []*outbound
	for len(batches) > 0 { // the first ones are under way while the next are written
		n := min(len(batches), writtenAtOnce)
		var msgs []*nats.Msg
		for _, batch := range batches[:n] {
			var err error
			if msgs, err = b.pack(ctx, batch, msgs); err != nil {
				return err
			}
		}
		if err := b.send(msgs, &out); err != nil {
			return err
		}
		batches = batches[n:]
	}
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		left, err := b.acknowledged(ctx, out)
		if err != nil || len(left) == 0 {
			return err
		}
		if err := b.pause(ctx, wait); err != nil {
			return err
		}
		for _, m := range left { // perhaps only the answer was lost
			m.Header = repeated()
		}
		out = nil
		if err := b.send(left, &out); err != nil {
			return err
		}
	}
}

// writtenAtOnce is how many batches are written before they are sent.
const writtenAtOnce = 32

// outbound is a message that was sent; ack is nil if it could not be.
type outbound struct {
	msg *nats.Msg
	ack jetstream.PubAckFuture
}

// send sends messages side by side.
func (b *Broker) send(msgs []*nats.Msg, out *[]*outbound) error {
	for _, m := range msgs {
		// The message belongs to the future from then on: another try is a copy.
		f, err := b.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Data: m.Data, Header: maps.Clone(m.Header)}, jetstream.WithStallWait(patience))
		if err != nil && !passing(err) {
			return b.because(err)
		}
		if err != nil {
			f = nil
		}
		*out = append(*out, &outbound{m, f})
	}
	return nil
}

// acknowledged waits until the server has what was sent, and returns what is to be sent
// again: the server was away, or the stream full.
func (b *Broker) acknowledged(ctx context.Context, out []*outbound) (left []*nats.Msg, err error) {
	late := time.NewTimer(2 * patience)
	defer late.Stop()
	timeUp := false
	for _, o := range out {
		if o.ack == nil || timeUp {
			left = append(left, o.msg)
			continue
		}
		select {
		case <-o.ack.Ok():
		case err := <-o.ack.Err():
			switch {
			case isDuplicate(err): // its ID is queued already
			case b.nc.IsClosed():
				return nil, b.closed()
			case passing(err) || isFull(err):
				left = append(left, o.msg)
			default:
				return nil, fmt.Errorf("natsbroker: a job cannot be queued: %w", err)
			}
		case <-late.C:
			timeUp = true
			left = append(left, o.msg)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-b.ctx.Done():
			return nil, b.closed()
		}
	}
	return left, nil
}

// waitForRoom is ride for what a full stream refuses: it waits for room.
func (b *Broker) waitForRoom(ctx context.Context, do func(context.Context) error) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := b.ride(ctx, do)
		if err == nil || !isFull(err) {
			return err
		}
		if err := b.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// The server tells a full stream from a taken subject by its words only.
func isFull(err error) bool {
	return is(err, "maximum messages exceeded") || is(err, "maximum bytes exceeded") || is(err, "insufficient resources") || is(err, "resource limits exceeded")
}

func isDuplicate(err error) bool { return is(err, "maximum messages per subject exceeded") }

func is(err error, text string) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && strings.Contains(api.Description, text)
}
