package natsbroker

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// record writes a result, if it is the first one of its ID.
func (b *Broker) record(ctx context.Context, run string, r *broker.Result) (first bool, err error) {
	if b.hasEnded(run) {
		return false, nil
	}
	data, err := b.resultOut(ctx, run, r)
	if err != nil && refused(err) {
		r = &broker.Result{Run: r.Run, Task: r.Task, Element: r.Element, Attempt: r.Attempt, Fallback: r.Fallback, Worker: r.Worker, Deliveries: r.Deliveries, Took: r.Took}
		r.Failure = &broker.Failure{Text: err.Error(), Permanent: true}
		data, err = b.resultOut(ctx, run, r)
	}
	if err != nil {
		return false, err
	}
	subject, tries := b.names.done(run, r.ID()), 0
	err = b.waitForRoom(ctx, func(ctx context.Context) error {
		tries++
		_, err := b.js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(0))
		return err
	})
	if isTaken(err) {
		// An answer may have been lost: then it is this result that is there.
		return tries > 1 && b.isRecorded(ctx, subject, data), nil
	}
	if err != nil {
		return false, err
	}
	if b.hasEnded(run) {
		// It came too late for the one who cleans up.
		return false, b.ride(ctx, func(ctx context.Context) error {
			return b.stream("runs").Purge(ctx, jetstream.WithPurgeSubject(subject))
		})
	}
	return true, nil
}

func isTaken(err error) bool { return is(err, "wrong last sequence") }

func (b *Broker) isRecorded(ctx context.Context, subject string, data []byte) bool {
	same := false
	_ = b.ride(ctx, func(ctx context.Context) error {
		m, err := b.stream("runs").GetLastMsgForSubject(ctx, subject)
		if err == nil {
			same = string(m.Data) == string(data)
		}
		return err
	})
	return same
}

func (b *Broker) resultOut(ctx context.Context, run string, r *broker.Result) ([]byte, error) {
	w := &wireResult{
		Version: wireVersion, Run: r.Run, Task: r.Task, Element: r.Element, Attempt: r.Attempt, Fallback: r.Fallback,
		Skipped: cut(r.Skipped, maxText), Failure: failureOut(r.Failure), Worker: r.Worker, Deliveries: r.Deliveries, Took: int64(r.Took),
	}
	for k, v := range r.Outputs {
		out, err := b.valueOut(ctx, run, fmt.Sprintf("output %d of task %q", k+1, r.Task), v)
		if err != nil {
			return nil, err
		}
		w.Outputs = append(w.Outputs, out)
	}
	data, err := cborOut.Marshal(w)
	if err != nil {
		return nil, err
	}
	if most := b.nc.MaxPayload() - 1024; int64(len(data)) > most {
		return nil, &tooLarge{fmt.Sprintf("the result of task %q", r.Task), int64(len(data)), most,
			"lower Inline, so that values are stored, or raise the server's max_payload"}
	}
	return data, nil
}

// Results implements [broker.Broker].
func (b *Broker) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	subject := b.names.doneOf(run)
	past, err := b.subjects(ctx, "runs", subject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var heard atomic.Bool
	b.wait.Go(func() { b.sweepWhile(ctx, run, &heard) })
	return b.follow(ctx, "runs", jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverAllPolicy}, uint64(len(past)),
		func(msgs []jetstream.Msg) error {
			heard.Store(true)
			results := make([]*broker.Result, 0, len(msgs))
			for _, m := range msgs {
				r, err := b.resultIn(m.Data())
				if err != nil {
					return fmt.Errorf("natsbroker: run %q: %w", run, err)
				}
				results = append(results, r)
			}
			deliver(results)
			return nil
		})
}

// follow hands over the messages of a stream: first, in one call, as many as were
// there before, then those that come, several at once when they come fast.
func (b *Broker) follow(ctx context.Context, stream string, c jetstream.OrderedConsumerConfig, past uint64, deliver func([]jetstream.Msg) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(b.ctx, func() { cancel(errClosed) })()
	var consumer jetstream.Consumer
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		consumer, err = b.js.OrderedConsumer(ctx, b.names.stream(stream), c)
		return err
	})
	if err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, 512)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		select {
		case arrived <- m:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxMessages(512))
	if err != nil {
		return err
	}
	defer func() {
		consuming.Stop()
		<-consuming.Closed()
	}()
	first := make([]jetstream.Msg, 0, past)
	for uint64(len(first)) < past {
		select {
		case m := <-arrived:
			first = append(first, m)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := deliver(first); err != nil {
		return err
	}
	for {
		select {
		case m := <-arrived:
			batch := append(make([]jetstream.Msg, 0, 1+len(arrived)), m)
			for len(batch) < cap(batch) {
				batch = append(batch, <-arrived)
			}
			if err := deliver(batch); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
