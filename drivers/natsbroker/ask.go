package natsbroker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// askTime is how long a job that nobody waits for any more is still asked for: the
// server is not told of it.
const askTime = 30 * time.Second

// beatTime is how often the server says that it is there while it has no job, unless the
// config says otherwise. One that has said nothing for twice as long is asked anew.
const beatTime = 5 * time.Second

// ask asks the server for the jobs of a pull, one by one, as long as somebody waits for
// any. It keeps its subscription: to make and end one for each job would be more work
// than what else there is to do for it.
func (b *Broker) ask(p *pull) {
	var jobs jetstream.MessagesContext
	leaveOff := func() {
		if left := jobs; left != nil {
			b.wait.Go(func() { b.stopAsking(left) })
			jobs = nil
		}
	}
	for {
		select {
		case <-p.wanted:
		case <-b.ctx.Done():
			if jobs != nil {
				jobs.Stop()
			}
			return
		}
		if p.listen(nil) {
			leaveOff()
		}
		for p.begin() && b.ctx.Err() == nil {
			err := b.askOnce(p, &jobs)
			if err == nil || b.ctx.Err() != nil {
				continue
			}
			leaveOff()
			switch {
			case b.nc.IsClosed():
				p.refuse(b.closed())
			case !passing(err) && !errors.Is(err, context.Canceled):
				p.refuse(notAsked(err))
			}
		}
	}
}

// notAsked is the error of a worker that can get no jobs.
func notAsked(err error) error {
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted) {
		err = fmt.Errorf("%w: somebody has deleted it on the server: start the worker's process again, which makes it anew", err)
	}
	return fmt.Errorf("natsbroker: no jobs can be asked for: %w", err)
}

// messages begins to ask the server. It knows of the consumer then: what it is asked
// before it may not answer.
func (b *Broker) messages(ctx context.Context, p *pull) (jobs jetstream.MessagesContext, err error) {
	err = b.ride(ctx, func(ctx context.Context) error {
		_, err := p.consumer.Info(ctx)
		if err == nil {
			jobs, err = p.consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullExpiry(2*askTime), jetstream.PullHeartbeat(cmp.Or(b.config.beat, beatTime)))
		}
		return err
	})
	return jobs, err
}

// nudge has it looked at who waits, and at the connection.
func (p *pull) nudge() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

func (p *pull) isWanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) > 0
}

// begin reports whether somebody waits for a job. Then one is asked for.
func (p *pull) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking, p.since = len(p.waiting) > 0, time.Now()
	return p.asking
}

// refuse tells those who wait why no job can come.
func (p *pull) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting {
		w <- arrival{err: err}
	}
	p.waiting = nil
}

// listen has a connection that comes back end the asking, and reports whether one has
// since the last call. What was asked on another connection is not to be asked again: it
// may be answered twice.
func (p *pull) listen(anew func()) (cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut, p.cut, p.anew = p.cut, false, anew
	return cut
}

// askOnce waits for a job, and hands it to one who waits for it, or back. With an error
// nothing more is to be asked for this way. While the server is asked for something
// somebody listens, also when nobody waits any more.
func (b *Broker) askOnce(p *pull, jobs *jetstream.MessagesContext) error {
	job, err := b.next(p, jobs)
	for errors.Is(err, context.DeadlineExceeded) && p.isWanted() {
		job, err = b.next(p, jobs)
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.empty = time.Time{}
	if meta, err := job.Metadata(); err == nil && meta.NumPending == 0 {
		p.empty = time.Now()
	}
	if len(p.waiting) > 0 {
		p.waiting[0] <- arrival{msg: job} // there is room: each pull sends once
		p.waiting = p.waiting[1:]
		job = nil
	}
	p.mu.Unlock()
	if job != nil {
		b.giveBack(job)
	}
	return nil
}

// next waits for a job for a while.
func (b *Broker) next(p *pull, jobs *jetstream.MessagesContext) (job jetstream.Msg, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, askTime)
	defer cancel()
	if p.listen(cancel) && *jobs != nil {
		return nil, context.Canceled
	}
	if *jobs == nil {
		if *jobs, err = b.messages(ctx, p); err != nil {
			return nil, err
		}
	}
	return (*jobs).Next(jetstream.NextContext(ctx))
}

// stopAsking hands back what comes all the same.
func (b *Broker) stopAsking(jobs jetstream.MessagesContext) {
	jobs.Drain()
	for {
		job, err := jobs.Next(jetstream.NextContext(b.ctx))
		if err != nil {
			return
		}
		b.giveBack(job)
	}
}

// askAnew has jobs asked for again when a lost connection is back: the server has
// forgotten who asked, and workers would be idle until they miss its heartbeats. It closes
// the broker when the connection is closed: nobody would hear of anything any more.
func (b *Broker) askAnew() {
	changes := b.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer b.nc.RemoveStatusListener(changes)
	for {
		select {
		case status, open := <-changes:
			if !open || status == nats.CLOSED {
				_ = b.closed()
				return
			}
		case <-b.ctx.Done():
			return
		}
		b.mu.Lock()
		pulls := slices.Collect(maps.Values(b.pulls))
		b.mu.Unlock()
		for _, p := range pulls {
			p.mu.Lock()
			p.cut = true
			if p.anew != nil {
				p.anew()
			}
			p.mu.Unlock()
			p.nudge()
		}
	}
}
