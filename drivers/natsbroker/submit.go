package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// Submit implements [broker.Broker]. Jobs go out side by side, and each is
// acknowledged by the server. One with a part that is too large, or cannot be
// encoded, has a result at once: a failure that says so.
func (b *Broker) Submit(ctx context.Context, jobs []*broker.Job) error {
	msgs := make([]*nats.Msg, 0, len(jobs))
	for _, j := range jobs {
		known, err := b.begin(ctx, j.Run)
		if err != nil {
			return err
		}
		if known[unit(j.ID())] {
			continue
		}
		data, err := b.jobOut(ctx, j)
		if err != nil && refused(err) {
			err = b.refuse(ctx, j, err)
			data = nil
		}
		if err != nil {
			return err
		}
		if data != nil {
			msgs = append(msgs, &nats.Msg{Subject: b.names.job(j), Data: data})
		}
	}
	for wait := 10 * time.Millisecond; len(msgs) > 0; wait = min(2*wait, time.Second) {
		left, err := b.publish(ctx, msgs)
		if err != nil {
			return err
		}
		if msgs = left; len(msgs) > 0 {
			if err := b.pause(ctx, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish sends messages side by side and returns those to be sent again: the
// server was away, or the stream full.
func (b *Broker) publish(ctx context.Context, msgs []*nats.Msg) (left []*nats.Msg, err error) {
	futures := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs {
		// The message belongs to the future from then on: another try is a copy.
		f, err := b.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Data: m.Data}, jetstream.WithStallWait(patience))
		switch {
		case err == nil:
			futures[i] = f
		case !passing(err):
			return nil, err
		}
	}
	late := time.NewTimer(2 * patience)
	defer late.Stop()
	timeUp := false
	for i, f := range futures {
		if f == nil || timeUp {
			left = append(left, msgs[i])
			continue
		}
		select {
		case <-f.Ok():
		case err := <-f.Err():
			switch {
			case isDuplicate(err): // its ID is queued already
			case passing(err) || isFull(err):
				left = append(left, msgs[i])
			default:
				return nil, fmt.Errorf("natsbroker: a job cannot be queued: %w", err)
			}
		case <-late.C:
			timeUp = true
			left = append(left, msgs[i])
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-b.ctx.Done():
			return nil, errClosed
		}
	}
	return left, nil
}

// jobOut writes a job.
func (b *Broker) jobOut(ctx context.Context, j *broker.Job) ([]byte, error) {
	w := b.jobWire(j)
	for i := range j.Inputs {
		in := &j.Inputs[i]
		wi := wireInput{Name: in.Name, Whole: in.Whole}
		if in.Value != nil {
			v, err := b.valueOut(ctx, j.Run, fmt.Sprintf("input %q of task %q", in.Name, j.Task), in.Value)
			if err != nil {
				return nil, err
			}
			wi.Value = v
		}
		for k, f := range in.Holes {
			if wi.Holes == nil {
				wi.Holes = map[int]*wireFailure{}
			}
			wi.Holes[k] = failureOut(f)
		}
		w.Inputs = append(w.Inputs, wi)
	}
	data, err := cborOut.Marshal(w)
	if err != nil {
		return nil, err
	}
	if most := b.nc.MaxPayload() - 1024; int64(len(data)) > most {
		return nil, &tooLarge{fmt.Sprintf("the message for task %q", j.Task), int64(len(data)), most,
			"lower Inline, so that values are stored, hand over fewer inputs, or raise the server's max_payload"}
	}
	return data, nil
}

func (b *Broker) jobWire(j *broker.Job) *wireJob {
	return &wireJob{
		Version: wireVersion, Run: j.Run, Pipeline: j.Pipeline, Task: j.Task, Element: j.Element, Index: j.Index, Attempt: j.Attempt,
		Key: j.Key, Fingerprint: j.Fingerprint, Queue: j.Queue, Priority: int(j.Priority), Cause: failureOut(j.Cause),
	}
}

// refuse ends a job that cannot be sent.
func (b *Broker) refuse(ctx context.Context, j *broker.Job, why error) error {
	r := broker.ResultOf(j)
	r.Failure = &broker.Failure{Text: why.Error(), Permanent: true}
	_, err := b.record(ctx, j.Run, r)
	return err
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
