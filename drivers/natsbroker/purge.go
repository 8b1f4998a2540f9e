package natsbroker

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

// PurgeRun removes everything of a run: its queued jobs, results, values and dead
// letters, and what is kept of it. It fails with [broker.ErrClaimed] while somebody
// drives the run, and with [broker.ErrUnknownRun] when nothing is there.
func (b *Broker) PurgeRun(ctx context.Context, id string) error {
	found := false
	err := b.change(ctx, id, func(k *kept) (*wireKept, error) {
		if k.Change == "" {
			return nil, nil
		}
		found = true
		switch owner, err := b.owner(ctx, k); {
		case err != nil:
			return nil, err
		case owner != "":
			return nil, of(id, broker.ErrClaimed)
		}
		return &wireKept{Dropped: true, Order: k.Order, Lifetime: int64(b.markTime())}, nil
	})
	if err != nil {
		return err
	}
	if !found {
		for what, filter := range map[string]string{"runs": b.names.run(id), "jobs": b.names.jobsOf(id), "values": b.names.valuesOf(id), "dead": b.names.deadOf(id)} {
			m, err := b.after(ctx, what, 1, filter)
			if err != nil {
				return err
			}
			found = found || m != nil
		}
	}
	if !found {
		return of(id, broker.ErrUnknownRun)
	}
	if _, err := b.End(ctx, id, broker.End{}); err != nil {
		return err
	}
	for what, filter := range map[string]string{"dead": b.names.deadOf(id), "kept": b.names.parts(id)} {
		if err := b.purge(ctx, what, filter); err != nil {
			return err
		}
	}
	return nil
}

// PurgeQueue takes the jobs out of a queue that wait there or are with workers, and
// returns how many messages those were. Each job has failed then, for its run goes on.
func (b *Broker) PurgeQueue(ctx context.Context, queue string) (messages int, err error) {
	filter := b.names.ns + ".job." + token(queue) + ".>"
	for seq := uint64(1); ; seq++ {
		m, err := b.after(ctx, "jobs", seq, filter)
		if m == nil || err != nil {
			return messages, err
		}
		seq = m.Sequence
		if p, _ := b.parcelIn(m.Data); p != nil {
			var failed []*broker.Result
			for _, j := range p.jobs {
				r := broker.ResultOf(j)
				r.Failure = &broker.Failure{Text: fmt.Sprintf("the queue %q was purged", queue), Permanent: true}
				failed = append(failed, r)
			}
			if _, _, err := b.record(ctx, p, 0, failed); err != nil {
				return messages, err
			}
		}
		err = b.ride(ctx, func(ctx context.Context) error { return b.stream("jobs").DeleteMsg(ctx, m.Sequence) })
		if err != nil && !isNotFound(err) {
			return messages, err
		}
		messages++
	}
}

// PurgeAll removes the streams of the namespace and all that is in them. Every broker
// of it has to be closed: it fails while a worker is alive, and this broker is of no
// use afterwards.
func (b *Broker) PurgeAll(ctx context.Context) error {
	said, err := b.subjects(ctx, "workers", b.names.all("worker"))
	if err != nil {
		return err
	}
	alive := 0
	for subject := range said {
		m, err := b.last(ctx, "workers", subject)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		var w broker.Worker
		if cborIn.Unmarshal(m.Data, &w) != nil || len(w.Tasks) > 0 {
			alive++
		}
	}
	if alive > 0 {
		return fmt.Errorf("natsbroker: workers of the namespace %q are alive, or were within the last %v (%d of them): stop them first", b.config.namespace, b.config.lease, alive)
	}
	for _, s := range b.config.streams() {
		if err := b.ride(ctx, func(ctx context.Context) error { return b.js.DeleteStream(ctx, s.Name) }); err != nil {
			return err
		}
	}
	return nil
}
