package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// direct reports whether the results of a parcel go to an inbox.
func (p *parcel) direct() bool { return len(p.jobs) > 0 && p.jobs[0].Direct }

// errReleased says that a worker has given back a delivery whose results nobody has
// taken yet.
var errReleased = errors.New("natsbroker: the delivery was released before its results were taken")

// hand hands results of a delivery to the inbox of their run, and returns when it has
// them. It goes on while the run's process is cut off, until the run has ended, the
// worker gives the delivery back, or the run counts as dead.
func (b *Broker) hand(ctx context.Context, h *held, results []*broker.Result) (first int, err error) {
	run := h.parcel.run
	if b.isGone(run) || len(results) == 0 {
		return 0, nil
	}
	left, err := b.resultsOut(ctx, run, results)
	for err == nil && len(left) > 0 {
		var n, taken int
		var data []byte
		if n, data, err = recordOut(results[0], left); err == nil {
			taken, err = b.handRecord(ctx, h, data)
			first, left = first+taken, left[n:]
		}
	}
	return first, err
}

// mostPause is how long a worker waits before it tells an inbox again what that did not
// answer.
const mostPause = 250 * time.Millisecond

func (b *Broker) handRecord(ctx context.Context, h *held, data []byte) (first int, err error) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, mostPause) {
		a, err := b.tellInbox(ctx, h.parcel.run, someResults, data)
		switch {
		case err == nil && a.Error != "":
			return 0, fmt.Errorf("natsbroker: the run cannot read a result: %s", a.Error)
		case err == nil:
			return a.First, nil
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case b.ctx.Err() != nil || b.nc.IsClosed():
			return 0, b.closed()
		case !passing(err):
			return 0, err
		case b.isGone(h.parcel.run):
			return 0, nil
		case !b.has(h):
			return 0, errReleased
		}
		if err := b.pause(ctx, wait); err != nil {
			return 0, err
		}
	}
}

func (b *Broker) has(h *held) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, has := b.held[h]
	return has
}

// tellInbox has an answer of the inbox of a run, or an error. Where nobody has answered
// for too long the run's process has died, and the run is ended.
func (b *Broker) tellInbox(ctx context.Context, run, what string, data []byte) (*wireAnswer, error) {
	asked := silence{time.Now(), b.nc.Stats().Reconnects}
	try, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := b.nc.RequestWithContext(try, b.names.direct(run, what), data)
	if err == nil {
		var a wireAnswer
		if err = cborIn.Unmarshal(m.Data, &a); err == nil {
			b.answered(run)
			return &a, nil
		}
	}
	if ctx.Err() == nil && passing(err) && !b.isGone(run) && b.isSilent(run, asked) {
		text := fmt.Sprintf("nobody answered for the run in %v: its process has died, or was cut off for so long", b.silentAfter())
		if _, err := b.end(ctx, run, &mark{Ended: true, Cause: text, Silent: true}, nil); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// silence is since when nobody has answered for a run.
type silence struct {
	since      time.Time
	reconnects uint64 // of this process until then: while it is cut off itself it hears nobody
}

// silentAfter is how long nobody answers for a run that counts as dead.
func (b *Broker) silentAfter() time.Duration {
	if b.config.silence > 0 {
		return b.config.silence
	}
	return max(time.Minute, 2*b.config.lease)
}

func (b *Broker) answered(run string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.silent, token(run))
}

// isSilent notes that nobody has answered for a run that was asked, and reports whether
// it counts as dead by now.
func (b *Broker) isSilent(run string, asked silence) bool {
	reconnects, connected := b.nc.Stats().Reconnects, b.nc.IsConnected()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.silent[token(run)]
	switch {
	case !connected || asked.reconnects != reconnects: // perhaps it was this process
		delete(b.silent, token(run))
		return false
	case s == nil || s.reconnects != reconnects:
		s = &asked
		b.silent[token(run)] = s
	}
	return time.Since(s.since) >= b.silentAfter()
}

// attend asks for the runs of deliveries that take long whether they are still there: a
// task may take hours, and is not to go on for nobody.
func (b *Broker) attend(deliveries []*broker.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range deliveries {
		h, ok := d.Token.(*held)
		if !ok || !h.parcel.direct() || b.attended[h.run] || b.ctx.Err() != nil {
			continue
		}
		b.attended[h.run] = true
		b.wait.Go(func() {
			// An error is noted as silence.
			_, _ = b.tellInbox(b.ctx, h.parcel.run, whichDone, nil)
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.attended, h.run)
		})
	}
}

// doneAt are those jobs of a parcel that its run has a result of, as far as that
// answers.
func (b *Broker) doneAt(ctx context.Context, p *parcel) []string {
	ids := make([]string, len(p.jobs))
	for k, j := range p.jobs {
		ids[k] = j.ID()
	}
	data, err := cborOut.Marshal(ids)
	if err != nil {
		return nil
	}
	asking, enough := context.WithTimeout(ctx, patience/5)
	defer enough()
	a, err := b.tellInbox(asking, p.run, whichDone, data)
	if err != nil {
		return nil // its jobs are done again, and the results dropped
	}
	return a.Done
}

// isNoted reports whether the first delivery of a parcel is written down too. That of
// one that is direct is not: that there was one is known when the second comes, and by
// whom it was does not matter enough.
func (b *Broker) isNoted(p *parcel) bool { return !p.direct() || b.config.maxDeliveries == 1 }
