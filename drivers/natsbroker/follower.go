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
	fail    func(error) // ends the following
	deliver func([]*broker.Result)
	heard   atomic.Bool // something has come since sweepWhile looked

	handing sync.Mutex       // one call of deliver at a time
	live    bool             // the first call was made
	over    bool             // none is to be made any more
	early   []*broker.Result // that came straight before the first call

	mu    sync.Mutex
	seen  uint64        // the place in the stream up to which it has everything
	moved chan struct{} // where somebody waits: closed when seen grows, or it follows no more
	left  bool
}

func (f *follower) reach(seq uint64, left bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.left = max(f.seen, seq), f.left || left
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// await waits until a follower has everything up to a place.
func (f *follower) await(ctx context.Context, seq uint64) error {
	for {
		f.mu.Lock()
		there := f.left || f.seen >= seq
		if !there && f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved := f.moved
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

// hand hands over results that came straight: those that came before the first call are
// part of it.
func (f *follower) hand(results []*broker.Result) {
	f.heard.Store(true)
	f.handing.Lock()
	defer f.handing.Unlock()
	switch {
	case f.over:
	case !f.live:
		f.early = append(f.early, results...)
	default:
		f.deliver(results)
	}
}

// handNext hands over results that came by the stream, in the first call all there are.
func (f *follower) handNext(results []*broker.Result) {
	f.handing.Lock()
	defer f.handing.Unlock()
	results = append(results, f.early...)
	if len(results) > 0 || !f.live {
		f.deliver(results)
	}
	f.live, f.early = true, nil
}

func (f *follower) end() {
	f.handing.Lock()
	defer f.handing.Unlock()
	f.over = true
}

func (b *Broker) join(run string, f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.followers[run] == nil {
		b.followers[run] = map[*follower]struct{}{}
	}
	b.followers[run][f] = struct{}{}
	f.early = b.unheard(run)
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &follower{fail: cancel, deliver: deliver}
	b.join(token(run), f)
	defer f.end()
	defer b.leave(token(run), f)
	defer f.reach(0, true)
	b.wait.Go(func() { b.sweepWhile(ctx, run, &f.heard) })
	live := false
	c := jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.names.run(run)}, DeliverPolicy: jetstream.DeliverAllPolicy}
	return b.follow(ctx, "runs", c, func(msgs []jetstream.Msg) error {
		f.heard.Store(true)
		results, last, err := b.resultsIn(run, msgs, live)
		if err != nil {
			return err
		}
		if in := b.inbox(run); in != nil {
			results = in.first(results, false)
		}
		f.handNext(results)
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
		kind := parts[3]
		if kind == "end" {
			if err := silent(run, m.Data()); err != nil {
				return nil, 0, err
			}
		}
		if kind != "done" && (kind != "stopped" || !live) {
			continue
		}
		some, err := b.recordIn(m.Data())
		if err != nil {
			return nil, 0, fmt.Errorf("natsbroker: run %q: %w", run, err)
		}
		results = append(results, some...)
	}
	return results, last, nil
}
