package natsbroker

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

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
