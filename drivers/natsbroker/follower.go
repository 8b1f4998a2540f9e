package natsbroker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// follower is one who follows a run through this broker, and how far it is.
type follower struct {
	mu    sync.Mutex
	seen  uint64        // the place in the stream up to which it has everything
	moved chan struct{} // closed when seen grows, or it follows no more
	left  bool
}

func (f *follower) reach(seq uint64, left bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.left = max(f.seen, seq), f.left || left
	close(f.moved)
	f.moved = make(chan struct{})
}

// await waits until a follower has everything up to a place.
func (f *follower) await(ctx context.Context, seq uint64) error {
	for {
		f.mu.Lock()
		there, moved := f.left || f.seen >= seq, f.moved
		f.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// awaitFollowers waits until all who follow a run here have everything up to a
// place.
func (b *Broker) awaitFollowers(ctx context.Context, run string, seq uint64) error {
	b.mu.Lock()
	var all []*follower
	for f := range b.followers[token(run)] {
		all = append(all, f)
	}
	b.mu.Unlock()
	for _, f := range all {
		if err := f.await(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) join(run string, f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.followers[run] == nil {
		b.followers[run] = map[*follower]struct{}{}
	}
	b.followers[run][f] = struct{}{}
}

func (b *Broker) leave(run string, f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.followers[run], f)
	if len(b.followers[run]) == 0 {
		delete(b.followers, run)
	}
}

// Results implements [broker.Broker].
func (b *Broker) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	subjects, err := b.subjects(ctx, "runs", b.names.run(run))
	if err != nil {
		return err
	}
	past := uint64(0)
	for _, messages := range subjects {
		past += messages
	}
	f := &follower{moved: make(chan struct{})}
	b.join(token(run), f)
	defer b.leave(token(run), f)
	defer f.reach(0, true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var heard atomic.Bool
	b.wait.Go(func() { b.sweepWhile(ctx, run, &heard) })
	live := false
	c := jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.names.run(run)}, DeliverPolicy: jetstream.DeliverAllPolicy}
	return b.follow(ctx, "runs", c, past, func(msgs []jetstream.Msg) error {
		heard.Store(true)
		results, last, err := b.resultsIn(run, msgs, live)
		if err != nil {
			return err
		}
		if len(results) > 0 || !live {
			deliver(results)
		}
		live = true
		f.reach(last, false)
		return nil
	})
}

// resultsIn are the results among messages, and the place of the last message.
// That a job was stopped is news only while it happens.
func (b *Broker) resultsIn(run string, msgs []jetstream.Msg, live bool) (results []*broker.Result, last uint64, err error) {
	for _, m := range msgs {
		meta, err := m.Metadata()
		if err != nil {
			return nil, 0, err
		}
		last = meta.Sequence.Stream
		parts := strings.Split(m.Subject(), ".")
		if kind := parts[3]; kind != "done" && (kind != "stopped" || !live) {
			continue
		}
		r, err := b.resultIn(m.Data())
		if err != nil {
			return nil, 0, fmt.Errorf("natsbroker: run %q: %w", run, err)
		}
		results = append(results, r)
	}
	return results, last, nil
}
