package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// AsFound leaves the streams of a namespace as they are, and takes the lease, the
// lifetime and all else that they say from them. It is for tools: a namespace that
// nobody has used is an error that names the ones there are.
func AsFound() Option { return option(func(c *config) { c.asFound = true }) }

// find takes the streams that are there, and the settings from them.
func (b *Broker) find(ctx context.Context) error {
	c := b.config
	for _, s := range c.streams() {
		var stream jetstream.Stream
		err := b.ride(ctx, func(ctx context.Context) (err error) {
			stream, err = b.js.Stream(ctx, s.Name)
			return err
		})
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("natsbroker: nobody has used the namespace %q at %s: %s", c.namespace, b.nc.ConnectedUrlRedacted(), b.others(ctx))
		}
		if err != nil {
			return fmt.Errorf("natsbroker: stream %s: %w: the account needs JetStream, and permission for this stream", s.Name, err)
		}
		b.streams[s.Name] = stream
	}
	jobs, got := b.stream("jobs").CachedInfo().Config, b.stream("got").CachedInfo().Config
	c.lease = b.stream("workers").CachedInfo().Config.MaxAge
	c.maxDeliveries = int(got.MaxMsgsPerSubject / deliveriesKept)
	c.lifetime, c.replicas, c.memory = jobs.MaxAge, jobs.Replicas, jobs.Storage == jetstream.MemoryStorage
	c.maxJobs, c.maxBytes = jobs.MaxMsgs, jobs.MaxBytes
	return nil
}

// others says which namespaces there are.
func (b *Broker) others(ctx context.Context) string {
	var found []string
	names := b.js.StreamNames(ctx)
	for name := range names.Name() {
		if ns, ok := strings.CutSuffix(name, "-jobs"); ok && validNamespace.MatchString(ns) {
			found = append(found, ns)
		}
	}
	slices.Sort(found)
	switch {
	case names.Err() != nil:
		return "start a worker or a run, or correct the namespace"
	case len(found) == 0:
		return "no namespace is in use there; start a worker or a run, or correct the address"
	}
	return "the namespaces there are " + strings.Join(found, ", ")
}
