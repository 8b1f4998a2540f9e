package natsbroker

import (
	"context"
	"fmt"
	"time"

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
			Duplicates:  time.Minute,
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

	values := base("values", n.all("value"))
	values.Description = "values too large for a message"
	values.MaxMsgsPerSubject = 1
	values.Discard = jetstream.DiscardOld // a chunk that is written again takes its own place

	got := base("got", n.all("got"))
	got.Description = "which worker got a job when"
	got.Discard = jetstream.DiscardOld
	got.MaxMsgsPerSubject = int64(4 * c.maxDeliveries)

	dead := base("dead", n.all("dead"))
	dead.Description = "jobs that were given up"
	dead.Discard = jetstream.DiscardOld

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
	return []jetstream.StreamConfig{jobs, runs, values, got, dead, workers, spent}
}

// setUp makes the streams that are not there, and brings the others up to date.
func (b *Broker) setUp(ctx context.Context) error {
	for _, s := range b.config.streams() {
		var stream jetstream.Stream
		err := b.ride(ctx, func(ctx context.Context) (err error) {
			stream, err = b.js.CreateOrUpdateStream(ctx, s)
			return err
		})
		if err != nil {
			return fmt.Errorf("natsbroker: stream %s: %w: the account needs JetStream, and permission for this stream", s.Name, err)
		}
		b.streams[s.Name] = stream
	}
	return nil
}

func (b *Broker) stream(what string) jetstream.Stream { return b.streams[b.names.stream(what)] }
