package natsbroker

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// record writes a result, if it is the first one of its ID.
func (b *Broker) record(ctx context.Context, run string, r *broker.Result) (first bool, err error) {
	if b.isGone(run) {
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
	if b.isGone(run) {
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
