package natsbroker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// Workers implements [broker.Broker].
func (b *Broker) Workers(ctx context.Context, deliver func([]*broker.Worker)) error {
	filter := b.names.all("worker")
	ctx, cancel := context.WithCancel(ctx)
	heard := make(chan []*broker.Worker)
	failed := make(chan error, 1)
	go func() {
		failed <- b.follow(ctx, "workers", jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy},
			func(msgs []jetstream.Msg) error {
				batch := make([]*broker.Worker, 0, len(msgs))
				for _, m := range msgs {
					var w broker.Worker
					if err := cborIn.Unmarshal(m.Data(), &w); err != nil {
						continue // of another version
					}
					batch = append(batch, &w)
				}
				select {
				case heard <- batch:
				case <-ctx.Done():
				}
				return nil
			})
	}()
	err := b.tell(ctx, heard, failed, deliver)
	cancel()
	if err == nil {
		return context.Cause(ctx)
	}
	return err
}

// roll is who is alive.
type roll map[string]*present

type present struct {
	worker *broker.Worker
	until  time.Time
}

// tell hands over who is alive whenever that changes.
func (b *Broker) tell(ctx context.Context, heard <-chan []*broker.Worker, failed <-chan error, deliver func([]*broker.Worker)) error {
	r := roll{}
	told := false
	next := time.NewTimer(b.config.lease)
	defer next.Stop()
	for {
		changed := false
		select {
		case batch := <-heard:
			changed = r.hear(batch, time.Now().Add(b.config.lease)) || !told
		case <-next.C:
			changed = r.bury(time.Now())
		case err := <-failed:
			return err
		}
		if changed && (told || len(heard) == 0) {
			deliver(r.sorted())
			told = true
		}
		next.Reset(r.next(b.config.lease))
	}
}

// hear takes note of signs of life, and reports whether they say anything new.
func (r roll) hear(batch []*broker.Worker, until time.Time) (changed bool) {
	for _, w := range batch {
		old := r[w.ID]
		switch {
		case len(w.Tasks) == 0:
			delete(r, w.ID)
			changed = changed || old != nil
		case old == nil || !same(old.worker, w):
			r[w.ID] = &present{w, until}
			changed = true
		default:
			old.until = until
		}
	}
	return changed
}

// bury removes those that were not heard of for a lease.
func (r roll) bury(now time.Time) (changed bool) {
	for id, p := range r {
		if !p.until.After(now) {
			delete(r, id)
			changed = true
		}
	}
	return changed
}

func (r roll) next(most time.Duration) time.Duration {
	for _, p := range r {
		most = min(most, max(0, time.Until(p.until)))
	}
	return most
}

func (r roll) sorted() []*broker.Worker {
	workers := make([]*broker.Worker, 0, len(r))
	for _, p := range r {
		workers = append(workers, p.worker)
	}
	slices.SortFunc(workers, func(a, b *broker.Worker) int { return strings.Compare(a.ID, b.ID) })
	return workers
}

// same reports whether a worker says of itself what it said before.
func same(a, b *broker.Worker) bool {
	return slices.Equal(a.Queues, b.Queues) && slices.Equal(a.Overdue, b.Overdue) && slices.EqualFunc(a.Tasks, b.Tasks, func(a, b *broker.Task) bool {
		return a.Pipeline == b.Pipeline && a.Name == b.Name && a.Fingerprint == b.Fingerprint
	})
}
