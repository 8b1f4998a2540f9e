package natsbroker

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// follow hands over the messages of a stream: first, in one call, as many as were
// there before, then each that comes, at once and where it came.
func (b *Broker) follow(ctx context.Context, stream string, c jetstream.OrderedConsumerConfig, deliver func([]jetstream.Msg) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(b.ctx, func() { cancel(b.closed()) })()
	var consumer jetstream.Consumer
	err := b.ride(ctx, func(ctx context.Context) (err error) {
		c.InactiveThreshold = deserted
		consumer, err = b.js.OrderedConsumer(ctx, b.names.stream(stream), c)
		return err
	})
	if err != nil {
		return err
	}
	f := &following{deliver: deliver, fail: cancel, came: make(chan struct{}, 1)}
	consuming, err := consumer.Consume(f.take, jetstream.PullMaxMessages(512))
	if err != nil {
		return err
	}
	defer func() {
		f.end()
		consuming.Stop()
		<-consuming.Closed()
		b.unfollow(stream, consumer)
	}()
	if err := f.gather(ctx, consumer); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
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

// following is what has come of a stream that is followed, and where it goes.
type following struct {
	deliver func([]jetstream.Msg) error
	fail    context.CancelCauseFunc
	came    chan struct{} // there is more in first

	mu    sync.Mutex // held while something is delivered
	first []jetstream.Msg
	live  bool // the first call was made
	over  bool // none is to be made any more
}

func (f *following) take(m jetstream.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.over:
	case !f.live:
		f.first = append(f.first, m)
		select {
		case f.came <- struct{}{}:
		default:
		}
	default:
		f.hand([]jetstream.Msg{m})
	}
}

// hand is the next call of deliver, and the last one if that fails. f.mu is held.
func (f *following) hand(msgs []jetstream.Msg) {
	if err := f.deliver(msgs); err != nil {
		f.over = true
		f.fail(err)
	}
}

// gathered is how many there are for the first call.
func (f *following) gathered() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.first))
}

func (f *following) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
}

// gather waits for what was there when a consumer was made, and hands it over. Of that
// some may be gone before it comes: then the server is asked again.
func (f *following) gather(ctx context.Context, consumer jetstream.Consumer) error {
	there := consumer.CachedInfo().NumPending
	idle := time.NewTimer(patience / 5)
	defer idle.Stop()
	for !f.begin(there) {
		select {
		case <-f.came:
		case <-idle.C:
			n := f.gathered()
			// Who waits for an answer holds the consumer, and one that is lost never comes.
			try, cancel := context.WithTimeout(ctx, patience)
			info, err := consumer.Info(try)
			cancel()
			if err == nil && n == f.gathered() { // else some were on their way here
				there = min(there, n+info.NumPending)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		idle.Reset(patience / 5)
	}
	return nil
}

// begin makes the first call if all is here that was there before.
func (f *following) begin(there uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.first); n > 0 {
		if meta, err := f.first[n-1].Metadata(); err == nil {
			there = min(there, uint64(n)+meta.NumPending)
		}
	}
	if uint64(len(f.first)) < there {
		return false
	}
	f.live = true
	f.hand(f.first)
	f.first = nil
	return true
}
