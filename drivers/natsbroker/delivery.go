package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// held is the token of a delivery: a job in the hands of a worker of this process.
type held struct {
	msg    jetstream.Msg
	run    string // token
	worker string
	cancel context.CancelCauseFunc
	lease  *time.Timer // ends the delivery's context when the lease runs out
}

// take makes deliveries of messages, and settles those that are none: of runs that
// have ended, of jobs that are finished, or that were delivered too often.
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
	job, err := b.jobIn(m.Data())
	switch {
	case job == nil: // not written by any version of this
		return nil, m.TermWithReason(err.Error())
	case err != nil: // for a newer process
		return nil, m.NakWithDelay(time.Second)
	}
	run := token(job.Run)
	if b.hasEnded(job.Run) != nil {
		return nil, m.Ack()
	}
	number := 1
	if meta.NumDelivered > 1 || m.Headers().Get(again) != "" {
		done, err := b.isDone(ctx, job)
		if err != nil {
			return nil, err
		}
		if done {
			return nil, m.Ack()
		}
		story, err := b.story(ctx, job)
		if err != nil {
			return nil, err
		}
		number += len(story)
		if number > b.config.maxDeliveries {
			if err := b.giveUp(ctx, job, m.Data(), story); err != nil {
				return nil, err
			}
			return nil, m.Ack()
		}
	}
	if err := b.note(job, w.ID, false); err != nil {
		return nil, err
	}
	h := &held{msg: m, run: run, worker: w.ID}
	d := &broker.Delivery{Job: job, Number: number, Token: h}
	d.Context, h.cancel = context.WithCancelCause(b.ctx)
	h.lease = time.AfterFunc(b.config.lease, func() {
		h.cancel(broker.ErrLeaseLost)
		if m := b.hasEnded(job.Run); m != nil && m.Keep {
			_ = b.stopJob(b.ctx, job, "its lease was lost after the run had ended") // or its worker's death tells it
		}
	})
	b.mu.Lock()
	b.held[h] = struct{}{}
	ended := b.ended[run]
	b.mu.Unlock()
	if ended != nil { // meanwhile
		h.cancel(ended.cause())
	}
	return d, nil
}

// isDone reports whether a job has a result.
func (b *Broker) isDone(ctx context.Context, j *broker.Job) (bool, error) {
	return b.has(ctx, "runs", b.names.done(j.Run, j.ID()))
}

// giveBack hands a message back that nobody here took.
func (b *Broker) giveBack(m jetstream.Msg) { _ = m.Nak() } // if it is lost, the lease ends by itself

// drop ends what this process knows of a delivery.
func (b *Broker) drop(d *broker.Delivery) (*held, error) {
	h, ok := d.Token.(*held)
	if !ok {
		return nil, errors.New("natsbroker: the delivery is of another broker")
	}
	h.lease.Stop()
	b.mu.Lock()
	delete(b.held, h)
	b.mu.Unlock()
	return h, nil
}

// Extend implements [broker.Broker]. A lease counts from the last time that the
// server was reached.
func (b *Broker) Extend(ctx context.Context, w *broker.Worker, deliveries []*broker.Delivery) (time.Duration, error) {
	data, err := cborOut.Marshal(w)
	if err != nil {
		return 0, err
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

// Finish implements [broker.Broker].
func (b *Broker) Finish(ctx context.Context, d *broker.Delivery, r *broker.Result) (bool, error) {
	var first bool
	var err error
	switch {
	case r.Failure == nil || r.Failure.Kind != broker.Stopped:
		first, err = b.record(ctx, d.Job.Run, r)
	case !b.isGone(d.Job.Run):
		first, err = true, b.tellStopped(ctx, r)
	}
	if err != nil {
		return false, err
	}
	h, err := b.drop(d)
	if err != nil {
		return first, err
	}
	_ = h.msg.Ack() // if it is lost, the next to get the job finds its result
	return first, nil
}

// Release implements [broker.Broker].
func (b *Broker) Release(ctx context.Context, deliveries []*broker.Delivery, after time.Duration) error {
	for _, d := range deliveries {
		h, err := b.drop(d)
		if err != nil {
			return err
		}
		if m := b.hasEnded(d.Job.Run); m != nil {
			if m.Keep {
				err = b.stopJob(ctx, d.Job, "its worker gave it back after the run had ended")
			}
			if err != nil {
				return err
			}
			continue
		}
		if d.Context.Err() != nil {
			continue // the lease is lost
		}
		err = b.ride(ctx, func(context.Context) error {
			if err := b.note(d.Job, h.worker, true); err != nil {
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
