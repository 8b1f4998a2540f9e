package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// held is the token of a delivery: a parcel in the hands of a worker of this process.
type held struct {
	msg    jetstream.Msg
	parcel *parcel
	run    string // token
	worker string
	cancel context.CancelCauseFunc
	lease  *time.Timer // ends the delivery's context when the lease runs out

	mu   sync.Mutex      // held while results are recorded
	last uint64          // place of the last record of the parcel that is known here
	done map[string]bool // jobs that have a result
}

// rest are the jobs without a result, as far as is known here.
func (h *held) rest() broker.Batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.parcel.without(h.done)
}

// take makes deliveries of messages, and settles those that are none: of runs that
// have ended, of jobs that are finished, or that are not delivered again.
func (b *Broker) take(ctx context.Context, w *broker.Worker, msgs []jetstream.Msg, got []*broker.Delivery) ([]*broker.Delivery, error) {
	for i, m := range msgs {
		d, err := b.deliver(ctx, w, m)
		if err != nil {
			for _, left := range msgs[i:] {
				b.giveBack(left)
			}
			return got, err
		}
		if d != nil {
			got = append(got, d)
		}
	}
	return got, nil
}

// deliver makes a delivery of a message, nil if there is nothing to do.
func (b *Broker) deliver(ctx context.Context, w *broker.Worker, m jetstream.Msg) (*broker.Delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("natsbroker: %w", err)
	}
	p, err := b.parcelIn(m.Data())
	switch {
	case p == nil: // not written by any version of this
		return nil, sent(m.TermWithReason(err.Error()))
	case err != nil: // for a newer process
		return nil, sent(m.NakWithDelay(time.Second))
	}
	if b.hasEnded(p.run) != nil {
		begun, err := b.hasBegunAgain(ctx, p.run)
		switch {
		case err != nil:
			return nil, err
		case begun: // the news of it is on its way here
			return nil, sent(m.NakWithDelay(10 * time.Millisecond))
		}
		return nil, sent(m.Ack())
	}
	h := &held{msg: m, parcel: p, run: token(p.run), worker: w.ID}
	number := 1
	again := meta.NumDelivered > 1 || m.Headers().Get(again) != ""
	if again {
		story, over, err := b.seen(ctx, h)
		if err != nil {
			return nil, err
		}
		if over {
			return nil, sent(m.Ack())
		}
		number += len(story)
	}
	if again || b.isNoted(p) {
		if err := b.note(p, w.ID); err != nil {
			return nil, err
		}
	}
	if again { // it may kill this process at once, and then has to be counted
		if err := b.ride(ctx, b.nc.FlushWithContext); err != nil {
			return nil, err
		}
	}
	d := &broker.Delivery{Jobs: h.rest(), Number: number, Token: h}
	d.Context, h.cancel = context.WithCancelCause(b.ctx)
	h.lease = time.AfterFunc(b.config.lease, func() {
		h.cancel(broker.ErrLeaseLost)
		if m := b.hasEnded(p.run); m != nil && m.Keep {
			_ = b.stopJobs(b.ctx, p, h.rest(), "its lease was lost after the run had ended") // or its worker's death tells it
		}
	})
	b.mu.Lock()
	b.held[h] = struct{}{}
	ended := b.ended[h.run]
	b.mu.Unlock()
	if ended != nil { // meanwhile
		h.cancel(ended.cause())
	}
	return d, nil
}

// seen looks at what became of a parcel that was delivered before. over says that there
// is nothing to do: its jobs have results by now.
func (b *Broker) seen(ctx context.Context, h *held) (story []wireDelivered, over bool, err error) {
	if h.done, h.last, _, err = b.recorded(ctx, h.parcel, 0, nil); err != nil {
		return nil, false, err
	}
	rest := h.parcel.without(h.done)
	if len(rest) == 0 {
		return nil, true, nil
	}
	if story, err = b.story(ctx, h.parcel); err != nil {
		return nil, false, err
	}
	if !wasDelivered(h.msg) && !b.isNoted(h.parcel) {
		story = nil // it was only submitted twice
	}
	over, err = b.spent(ctx, h.parcel, h.last, rest, story)
	return story, over, err
}

// spent ends what is left of a parcel that is not to be delivered again, and reports
// whether it is not: a job that was delivered as often as may be is given up, and the
// jobs of a batch go on alone.
func (b *Broker) spent(ctx context.Context, p *parcel, last uint64, rest broker.Batch, story []wireDelivered) (bool, error) {
	switch {
	case len(p.jobs) > 1 && len(story) > 0:
		var orphans []*broker.Result
		for _, j := range rest {
			orphans = append(orphans, broker.HandBackOf(j, broker.Orphaned))
		}
		_, _, err := b.record(ctx, p, last, orphans)
		return true, err
	case len(p.jobs) == 1 && len(story) >= b.config.maxDeliveries:
		return true, b.giveUp(ctx, p.jobs[0], story)
	}
	return false, nil
}

// sent is the error of a message to the server that may be lost: that the connection
// is is none. A job whose acknowledgement is lost comes again.
func sent(err error) error {
	if err != nil && passing(err) {
		return nil
	}
	return err
}

// giveBack hands a message back that nobody here took.
func (b *Broker) giveBack(m jetstream.Msg) {
	if p, _ := b.parcelIn(m.Data()); p != nil && !b.isNoted(p) && !wasDelivered(m) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), patience/5)
		defer cancel()
		_ = b.noteReleased(ctx, p, "") // if it is lost, the job counts as delivered once more than it was
	}
	_ = m.Nak() // if it is lost, the lease ends by itself
}

// errForeign says that a delivery did not come from here.
var errForeign = errors.New("natsbroker: the delivery is of another broker")

// drop ends what this process knows of a delivery.
func (b *Broker) drop(h *held) {
	h.lease.Stop()
	b.mu.Lock()
	delete(b.held, h)
	b.mu.Unlock()
}

// Extend implements [broker.Broker]. A lease counts from the last time that the
// server was reached.
func (b *Broker) Extend(ctx context.Context, w *broker.Worker, deliveries []*broker.Delivery) (time.Duration, error) {
	data, err := cborOut.Marshal(w)
	if err != nil {
		return 0, err
	}
	if most := b.nc.MaxPayload() - 1024; int64(len(data)) > most {
		return 0, fmt.Errorf("natsbroker: what the worker says of its %d tasks and their types takes %d bytes, and the server takes messages of %d: give them to several workers, or raise max_payload of the server", len(w.Tasks), len(data), most)
	}
	err = b.ride(ctx, func(ctx context.Context) error {
		for _, d := range deliveries {
			if h, ok := d.Token.(*held); ok {
				if err := h.msg.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
					return err
				}
			}
		}
		_, err := b.js.Publish(ctx, b.names.worker(w.ID), data) // the answer comes after the server has had all of them
		return err
	})
	if err != nil {
		return 0, err
	}
	b.attend(deliveries)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range deliveries {
		if h, ok := d.Token.(*held); ok {
			if _, still := b.held[h]; still {
				h.lease.Reset(b.config.lease)
			}
		}
	}
	return b.config.lease, nil
}

// Finish implements [broker.Broker]. Results that are recorded together are one message,
// unless they are large.
func (b *Broker) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	h, ok := d.Token.(*held)
	if !ok {
		return 0, errForeign
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var kept, stopped []*broker.Result
	for _, r := range results {
		switch {
		case h.done[r.ID()]:
		case r.Failure != nil && r.Failure.Kind == broker.Stopped:
			stopped = append(stopped, r)
		default:
			kept = append(kept, r)
		}
	}
	direct := h.parcel.direct()
	var first int
	var late bool
	var err error
	if direct {
		first, err = b.hand(ctx, h, append(kept, stopped...))
	} else {
		first, h.last, late, err = b.write(ctx, h.parcel, h.last, kept)
	}
	if err != nil {
		return first, err
	}
	if len(stopped) > 0 && !direct && !late && !b.isGone(h.parcel.run) {
		if err := b.tellStopped(ctx, h.parcel, stopped); err != nil {
			return first, err
		}
		first += len(stopped)
	}
	if h.done == nil {
		h.done = make(map[string]bool, len(results))
	}
	for _, r := range results {
		h.done[r.ID()] = true
	}
	if len(h.done) >= len(h.parcel.jobs) {
		b.drop(h)
		_ = h.msg.Ack()                       // if it is lost, the next to get the parcel finds its results
		late = late || b.isGone(h.parcel.run) // its delivery may have been written down behind the end
	}
	if late {
		err = b.removeLate(ctx, h.parcel.run)
	}
	return first, err
}

// Release implements [broker.Broker].
func (b *Broker) Release(ctx context.Context, deliveries []*broker.Delivery, after time.Duration) error {
	for _, d := range deliveries {
		h, ok := d.Token.(*held)
		if !ok {
			return errForeign
		}
		b.drop(h)
		if m := b.hasEnded(h.parcel.run); m != nil {
			if m.Keep {
				if err := b.stopJobs(ctx, h.parcel, h.rest(), "its worker gave it back after the run had ended"); err != nil {
					return err
				}
			}
			continue
		}
		if d.Context.Err() != nil {
			continue // the lease is lost
		}
		err := b.ride(ctx, func(ctx context.Context) error {
			if err := b.noteReleased(ctx, h.parcel, h.worker); err != nil {
				return err
			}
			if after > 0 {
				return h.msg.NakWithDelay(after)
			}
			return h.msg.Nak()
		})
		if err != nil {
			return err
		}
	}
	return b.ride(ctx, b.nc.FlushWithContext)
}
