package natsbroker

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// follow hands over the messages of a stream: first, in one call, as many as were
// there before, then those that come, several at once when they come fast.
func (b *Broker) follow(ctx context.Context, stream string, c jetstream.OrderedConsumerConfig, deliver func([]jetstream.Msg) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(b.ctx, func() { cancel(errClosed) })()
	var consumer jetstream.Consumer
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		c.InactiveThreshold = deserted
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
		b.unfollow(stream, consumer)
	}()
	first, err := gather(ctx, consumer, arrived)
	if err != nil {
		return err
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

// deserted is how long the server keeps the consumer of a process that has died.
const deserted = time.Minute

// unfollow deletes a consumer that nobody listens to any more: the server would keep it
// for a time, and each run has two. Nobody waits for that.
func (b *Broker) unfollow(stream string, consumer jetstream.Consumer) {
	info := consumer.CachedInfo()
	if info == nil || b.ctx.Err() != nil {
		return
	}
	b.wait.Go(func() {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		// An error means that it is gone, or will be.
		_ = b.stream(stream).DeleteConsumer(ctx, info.Name)
	})
}

// gather takes what was there when a consumer was made. Of that some may be gone before
// it comes: then the server is asked again.
func gather(ctx context.Context, consumer jetstream.Consumer, arrived <-chan jetstream.Msg) ([]jetstream.Msg, error) {
	left := consumer.CachedInfo().NumPending
	first := make([]jetstream.Msg, 0, min(left, 4096))
	idle := time.NewTimer(patience / 5)
	defer idle.Stop()
	for left > 0 {
		select {
		case m := <-arrived:
			first = append(first, m)
			left--
			if meta, err := m.Metadata(); err == nil {
				left = min(left, meta.NumPending)
			}
		case <-idle.C:
			if info, err := consumer.Info(ctx); err == nil && len(arrived) == 0 {
				left = min(left, info.NumPending)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		idle.Reset(patience / 5)
	}
	return first, nil
}
