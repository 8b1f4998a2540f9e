package natsbroker

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// The server notices that a job was delivered too often when the next worker asks
// for one. Where no worker is left, the one who follows the run has to look: when
// nothing has come for the time of a lease, which is seldom and costs three
// requests.

// sweepWhile looks after a run as long as its results are followed. heard is set by
// all that comes.
func (b *Broker) sweepWhile(ctx context.Context, run string, heard *atomic.Bool) {
	t := time.NewTicker(b.config.lease)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if !heard.Swap(false) {
				_ = b.sweep(ctx, run) // or when it is due again
			}
		case <-ctx.Done():
			return
		}
	}
}

// sweep gives up the jobs of a run that were delivered too often, the last time to
// a worker that is dead.
func (b *Broker) sweep(ctx context.Context, run string) error {
	delivered, err := b.subjects(ctx, "got", b.names.gotOf(run))
	if err != nil {
		return err
	}
	queued, err := b.subjects(ctx, "jobs", b.names.jobsOf(run))
	if err != nil {
		return err
	}
	noted := b.config.maxDeliveries
	if b.inbox(run) != nil { // of some of its jobs the first delivery is not written down
		noted = max(1, noted-1)
	}
	for subject := range queued {
		id, _, _ := strings.Cut(lastPart(subject), "-#")
		if delivered[b.names.gotUnit(run, id)] < uint64(noted) {
			continue
		}
		p, seq, err := b.queued(ctx, subject)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		story, err := b.story(ctx, p)
		if err != nil {
			return err
		}
		if len(story) < b.config.maxDeliveries || b.isAlive(ctx, story[len(story)-1].Worker) {
			continue
		}
		if err := b.settle(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

// subjects are those of a stream below a filter, and how many messages each has.
func (b *Broker) subjects(ctx context.Context, stream, filter string) (subjects map[string]uint64, err error) {
	err = b.ride(ctx, func(ctx context.Context) error {
		info, err := b.stream(stream).Info(ctx, jetstream.WithSubjectFilter(filter))
		if err == nil {
			subjects = info.State.Subjects
		}
		return err
	})
	return subjects, err
}

// isAlive reports whether a worker was heard of within a lease, or whether that
// cannot be found out.
func (b *Broker) isAlive(ctx context.Context, worker string) (alive bool) {
	err := b.ride(ctx, func(ctx context.Context) error {
		m, err := b.stream("workers").GetLastMsgForSubject(ctx, b.names.worker(worker))
		if err == nil {
			var w broker.Worker
			alive = cborIn.Unmarshal(m.Data, &w) == nil
		}
		return err
	})
	return alive || !isNotFound(err)
}
