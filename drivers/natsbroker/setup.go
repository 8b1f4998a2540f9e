package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streams are all streams of a namespace. An account that may create and use
// them, and publish and subscribe below the namespace, suffices.
func (c *config) streams() []jetstream.StreamConfig {
	n := names{c.namespace}
	base := func(what, subjects string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name:        n.stream(what),
			Subjects:    []string{subjects},
			Storage:     c.storage(),
			Replicas:    c.replicas,
			MaxAge:      c.lifetime,
			MaxBytes:    c.maxBytes,
			AllowDirect: true,
			Discard:     jetstream.DiscardNew,
			Duplicates:  min(time.Minute, c.lifetime),
		}
	}
	jobs := base("jobs", n.all("job"))
	jobs.Description = "jobs that wait for a worker or are with one"
	jobs.Retention = jetstream.WorkQueuePolicy
	jobs.MaxMsgs = c.maxJobs
	jobs.MaxMsgsPerSubject = 1 // an ID is queued once
	jobs.DiscardNewPerSubject = true

	runs := base("runs", n.all("run"))
	runs.Description = "results of runs"
	runs.AllowMsgTTL = true

	kept := base("kept", n.all("kept"))
	kept.Description = "runs that are kept: what they are, who drives them, how they ended"
	kept.MaxAge = 0 // what is over says itself how long it stays
	kept.AllowMsgTTL = true
	kept.MaxMsgsPerSubject = 1

	values := base("values", n.all("value"))
	values.Description = "values too large for a message"
	values.MaxMsgsPerSubject = 1
	values.Discard = jetstream.DiscardOld // a chunk that is written again takes its own place

	got := base("got", n.all("got"))
	got.Description = "which worker got a job when"
	got.Discard = jetstream.DiscardOld
	got.MaxMsgsPerSubject = int64(deliveriesKept * c.maxDeliveries)

	dead := base("dead", n.all("dead"))
	dead.Description = "jobs that were given up"
	dead.Discard = jetstream.DiscardOld
	dead.MaxMsgsPerSubject = 1 // two may give up a job at once, and it may be given up again

	workers := base("workers", n.all("worker"))
	workers.Description = "workers that are alive"
	workers.Storage = jetstream.MemoryStorage
	workers.MaxAge = c.lease
	workers.Duplicates = c.lease
	workers.MaxMsgsPerSubject = 1
	workers.Discard = jetstream.DiscardOld

	spent := base("spent", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES."+jobs.Name+".>")
	spent.Description = "jobs that the server does not deliver any more"
	spent.Retention = jetstream.WorkQueuePolicy

	schedules := base("schedules", n.all("schedule"))
	schedules.Description = "schedules: when they fire, and what became of that"
	schedules.MaxAge = 0
	schedules.AllowMsgTTL = true // of what says that one was removed
	schedules.MaxMsgsPerSubject = 1
	return []jetstream.StreamConfig{jobs, runs, kept, values, got, dead, workers, spent, schedules}
}

// deliveriesKept is how many deliveries and releases of a job are kept for each that it
// may have.
const deliveriesKept = 4

// setUp makes the streams that are not there, and brings the others up to date.
func (b *Broker) setUp(ctx context.Context) error {
	if b.config.asFound {
		return b.find(ctx)
	}
	for _, s := range b.config.streams() {
		var stream jetstream.Stream
		err := b.ride(ctx, func(ctx context.Context) (err error) {
			stream, err = b.makeStream(ctx, s)
			return err
		})
		if err != nil {
			return fmt.Errorf("natsbroker: stream %s: %w: %s", s.Name, err, b.config.mend(err))
		}
		b.streams[s.Name] = stream
	}
	return nil
}

// makeStream makes a stream, or brings it up to date. To make one that is there as it should
// be changes nothing, where an update has the server go through what the stream has, each
// time that a process connects.
func (b *Broker) makeStream(ctx context.Context, s jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := b.js.CreateStream(ctx, s)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return b.js.UpdateStream(ctx, s)
	}
	return stream, err
}

// mend is what to do about a stream that cannot be made.
func (c *config) mend(err error) string {
	if c.maxBytes > 0 && (is(err, "insufficient storage resources") || is(err, "insufficient memory resources")) {
		return fmt.Sprintf("a server sets MaxBytes aside for each of the streams, and has no %d bytes left for this one: lower MaxBytes, or give the server or the account more", c.maxBytes)
	}
	return "the account needs JetStream, and permission for this stream"
}

// remakeWorkers makes the stream of workers anew when an error says that a stream is
// not there and it is that one, and reports whether it did. It is in the memory of the
// server, and gone when that was started again.
func (b *Broker) remakeWorkers(ctx context.Context, why error) bool {
	missing := errors.Is(why, jetstream.ErrStreamNotFound) || errors.Is(why, jetstream.ErrNoStreamResponse) || errors.Is(why, nats.ErrNoResponders)
	if !missing || b.config.asFound || b.streams[b.names.stream("workers")] == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := b.js.Stream(ctx, b.names.stream("workers")); !errors.Is(err, jetstream.ErrStreamNotFound) {
		return false
	}
	for _, s := range b.config.streams() {
		if s.Name == b.names.stream("workers") {
			_, err := b.makeStream(ctx, s)
			return err == nil
		}
	}
	return false
}

func (b *Broker) stream(what string) jetstream.Stream { return b.streams[b.names.stream(what)] }
