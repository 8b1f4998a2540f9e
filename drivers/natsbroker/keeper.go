package natsbroker

import (
	"context"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/runnelflow/runnel/broker"
)

// The state of a kept run is one message. Who changes it publishes the next one and
// expects the one that it has read to be the last: of several at once one succeeds,
// and the others read again. So a claim is never lost to a race, and never taken
// from an owner that is alive.
//
// Whether a claim lasts is decided by the server's clock alone: it stamped the claim,
// and it is asked what time it is when somebody else wants the run.

// kept is a state as it was read.
type kept struct {
	wireKept
	seq uint64
	at  time.Time // the server's
}

// state reads the state of a run. One that is not kept has a Change of "".
func (b *Broker) state(ctx context.Context, id string) (*kept, error) {
	m, err := b.last(ctx, "kept", b.names.kept(id))
	if isNotFound(err) {
		return &kept{}, nil
	}
	if err != nil {
		return nil, err
	}
	k := &kept{seq: m.Sequence, at: m.Time}
	if err := cborIn.Unmarshal(m.Data, &k.wireKept); err != nil {
		return nil, fmt.Errorf("natsbroker: run %q: its state cannot be read: %w", id, err)
	}
	if err := newer(id, k.Version); err != nil {
		return nil, err
	}
	if k.Dropped {
		return &kept{seq: k.seq}, nil
	}
	return k, nil
}

// claimed is the server's time of a claim.
func (k *kept) claimed() time.Time {
	if k.Since.IsZero() {
		return k.at
	}
	return k.Since
}

// void reports whether a claim is of a process that cannot be alive: an embedded
// server without a socket serves this one alone.
func (b *Broker) void(k *kept) bool {
	return b.server != nil && b.config.listen == "" && k.Broker != b.id
}

// owner is who drives a run, empty when nobody does.
func (b *Broker) owner(ctx context.Context, k *kept) (string, error) {
	if k.Owner == "" || b.void(k) {
		return "", nil
	}
	now, err := b.serverTime(ctx)
	if err != nil || now.Sub(k.claimed()) >= time.Duration(k.Lease) {
		return "", err
	}
	return k.Owner, nil
}

// serverTime is what time it is where claims are stamped.
func (b *Broker) serverTime(ctx context.Context) (now time.Time, err error) {
	err = b.ride(ctx, func(ctx context.Context) error {
		info, err := b.stream("kept").Info(ctx)
		if err == nil {
			now = info.TimeStamp
		}
		return err
	})
	return now, err
}

// change replaces the state of a run by what next makes of it, until nobody else
// changed it meanwhile. A next of nil changes nothing.
func (b *Broker) change(ctx context.Context, id string, next func(*kept) (*wireKept, error)) error {
	for {
		now, err := b.state(ctx, id)
		if err != nil {
			return err
		}
		w, err := next(now)
		if w == nil || err != nil {
			return err
		}
		w.Version, w.Run, w.Change = wirePlain, id, nuid.Next()
		data, err := cborOut.Marshal(w)
		if err != nil {
			return err
		}
		opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(now.seq)}
		if w.Lifetime > 0 {
			opts = append(opts, jetstream.WithMsgTTL(time.Duration(w.Lifetime)))
		}
		tries := 0
		err = b.waitForRoom(ctx, func(ctx context.Context) error {
			tries++
			_, err := b.js.Publish(ctx, b.names.kept(id), data, opts...)
			return err
		})
		if !isTaken(err) {
			return err
		}
		if tries > 1 { // an answer may have been lost: then it is this change that is there
			if now, err := b.state(ctx, id); err != nil || now.Change == w.Change {
				return err
			}
		}
	}
}

// of names a run in an error of the contract.
func of(id string, err error) error { return fmt.Errorf("natsbroker: run %q: %w", id, err) }

// open is the state of a run that has to be open.
func (k *kept) open(id string) (*wireKept, error) {
	switch {
	case k.Change == "":
		return nil, of(id, broker.ErrUnknownRun)
	case k.Outcome != nil:
		return nil, of(id, broker.ErrClosed)
	}
	next := k.wireKept
	return &next, nil
}

// Open implements [broker.Keeper].
func (b *Broker) Open(ctx context.Context, r *broker.Run) (*broker.Run, error) {
	now, err := b.state(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if now.Change == "" {
		if now, err = b.openNew(ctx, r); err != nil {
			return nil, err
		}
	}
	owner := now.Owner
	if now.seq > 0 { // else it was opened just now
		if owner, err = b.owner(ctx, now); err != nil {
			return nil, err
		}
	}
	return b.runOf(ctx, now, owner)
}

// openNew keeps a run, unless another one was faster. It returns the state that is
// there.
func (b *Broker) openNew(ctx context.Context, r *broker.Run) (*kept, error) {
	spec, order, err := b.putSpec(ctx, r)
	if err != nil {
		return nil, err
	}
	var now *kept
	err = b.change(ctx, r.ID, func(k *kept) (*wireKept, error) {
		if now = k; k.Change != "" {
			return nil, nil
		}
		w := &wireKept{Order: order, Opened: r.Opened, Spec: spec}
		b.claim(w, r.Owner)
		now = &kept{wireKept: *w}
		now.Run = r.ID
		return w, nil
	})
	if err == nil && now.Spec.Ref != spec.Ref {
		err = b.dropPart(ctx, r.ID, spec)
	}
	return now, err
}

// putSpec writes what does not change of a run.
func (b *Broker) putSpec(ctx context.Context, r *broker.Run) (*wirePart, uint64, error) {
	s := &wireSpec{Pipeline: r.Pipeline, Graph: r.Graph, Nodes: r.Nodes, Digests: r.Digests, Options: r.Options}
	for _, in := range r.Inputs {
		w := wireInput{Name: in.Name, Whole: in.Whole}
		if in.Value != nil {
			v, err := b.valueOut(ctx, r.ID, func() string { return fmt.Sprintf("input %q of run %q", in.Name, r.ID) }, in.Value)
			if err != nil {
				return nil, 0, fmt.Errorf("natsbroker: %w", err)
			}
			w.Value = v
		}
		s.Inputs = append(s.Inputs, w)
	}
	s.Version = versionOf(s.Inputs)
	return b.putPart(ctx, r.ID, s, 0)
}

// runOf is a run as it is kept, with all its parts.
func (b *Broker) runOf(ctx context.Context, k *kept, owner string) (*broker.Run, error) {
	r := &broker.Run{ID: k.Run, Opened: k.Opened, Owner: owner, Cancelled: k.Cancelled}
	var s wireSpec
	if err := b.getPart(ctx, k.Run, k.Spec, &s); err != nil {
		return nil, of(k.Run, err)
	}
	if err := newer(k.Run, s.Version); err != nil {
		return nil, err
	}
	b.setSpec(r, &s, true)
	var err error
	r.Outcome, err = b.outcome(ctx, k)
	return r, err
}

func (b *Broker) outcome(ctx context.Context, k *kept) (*broker.Outcome, error) {
	if k.Outcome == nil {
		return nil, nil
	}
	var o wireOutcome
	if err := b.getPart(ctx, k.Run, k.Outcome, &o); err != nil {
		return nil, of(k.Run, err)
	}
	return o.in(), newer(k.Run, o.Version)
}

// Claim implements [broker.Keeper].
func (b *Broker) Claim(ctx context.Context, id, owner string) (time.Duration, error) {
	fresh := false
	var lost []wireLost
	err := b.change(ctx, id, func(k *kept) (*wireKept, error) {
		w, err := k.open(id)
		if err != nil {
			return nil, err
		}
		if fresh = k.Owner != owner || b.void(k); fresh {
			switch other, err := b.owner(ctx, k); {
			case err != nil:
				return nil, err
			case other != "":
				return nil, of(id, broker.ErrClaimed)
			}
			if w.Lost, w.Seen, err = b.progress(ctx, k); err != nil {
				return nil, err
			}
		}
		lost = w.Lost
		b.claim(w, owner)
		return w, nil
	})
	if err == nil && fresh {
		b.forgetRun(id) // what was known of it may be of before it was reopened
		if len(lost) >= b.config.maxDeliveries {
			err = b.giveUpRun(ctx, id, owner, lost)
		}
	}
	return b.config.lease, err
}

// claim makes owner, unless it is empty, the one who drives a run from now on.
func (b *Broker) claim(w *wireKept, owner string) {
	if owner != "" {
		w.Owner, w.Broker, w.Lease, w.Since = owner, b.id, int64(b.config.lease), time.Time{}
	}
}

// forgetRun has the next job of a run look at what is recorded.
func (b *Broker) forgetRun(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.begun, token(id))
	delete(b.sent, token(id))
}

// Unclaim implements [broker.Keeper].
func (b *Broker) Unclaim(ctx context.Context, id, owner string) error {
	return b.change(ctx, id, func(k *kept) (*wireKept, error) {
		if k.Owner != owner || k.Outcome != nil {
			return nil, nil
		}
		return k.unclaimed(), nil
	})
}

// unclaimed is a state without its claim.
func (k *kept) unclaimed() *wireKept {
	w := k.wireKept
	w.Owner, w.Broker, w.Lease, w.Since = "", "", 0, time.Time{}
	return &w
}

// Cancel implements [broker.Keeper].
func (b *Broker) Cancel(ctx context.Context, id, why string) error {
	if why == "" {
		why = "cancelled"
	}
	return b.change(ctx, id, func(k *kept) (*wireKept, error) {
		w, err := k.open(id)
		if err == nil {
			w.Cancelled, w.Since = cut(why, maxText), k.claimed()
		}
		return w, err
	})
}

// Conclude implements [broker.Keeper].
func (b *Broker) Conclude(ctx context.Context, id, owner string, o *broker.Outcome) error {
	life := max(b.config.lifetime, time.Second)
	var outcome, spec *wirePart
	err := b.change(ctx, id, func(k *kept) (*wireKept, error) {
		if _, err := k.open(id); err != nil {
			return nil, err
		}
		switch holds, err := b.owner(ctx, k); {
		case err != nil:
			return nil, err
		case holds != owner:
			return nil, of(id, broker.ErrClaimed)
		}
		if outcome == nil {
			var err error
			if outcome, _, err = b.putPart(ctx, id, outcomeOut(o), life+b.markTime()); err != nil {
				return nil, err
			}
		}
		w := k.unclaimed()
		w.Outcome, w.Lifetime, w.Lost, spec = outcome, int64(life), nil, k.Spec
		return w, nil
	})
	if err == nil {
		return b.expirePart(ctx, id, spec, life+b.markTime())
	}
	if outcome != nil {
		_ = b.dropPart(context.WithoutCancel(ctx), id, outcome) // or it is gone after its time
	}
	return err
}

// Reopen implements [broker.Keeper]. It claims the run while it forgets.
func (b *Broker) Reopen(ctx context.Context, r *broker.Run, forget func(*broker.Result) bool) error {
	now, err := b.state(ctx, r.ID)
	if err != nil {
		return err
	}
	if now.Change == "" {
		return of(r.ID, broker.ErrUnknownRun)
	}
	spec, _, err := b.putSpec(ctx, r)
	if err != nil {
		return err
	}
	me := "reopening " + nuid.Next()
	var before *kept
	err = b.change(ctx, r.ID, func(k *kept) (*wireKept, error) {
		if k.Change == "" {
			return nil, of(r.ID, broker.ErrUnknownRun)
		}
		switch other, err := b.owner(ctx, k); {
		case err != nil:
			return nil, err
		case other != "":
			return nil, of(r.ID, broker.ErrClaimed)
		}
		before = k
		w := k.wireKept
		w.Owner, w.Broker, w.Lease, w.Since = me, b.id, int64(max(b.config.lease, time.Minute)), time.Time{}
		return &w, nil
	})
	if err == nil {
		err = b.forget(ctx, r.ID, forget)
	}
	var seen uint64
	if err == nil {
		seen, err = b.recordedUntil(ctx)
	}
	if err == nil {
		err = b.change(ctx, r.ID, func(k *kept) (*wireKept, error) {
			if k.Owner != me {
				return nil, of(r.ID, broker.ErrClaimed)
			}
			w := k.unclaimed()
			b.claim(w, r.Owner)
			w.Spec, w.Cancelled, w.Outcome, w.Lifetime, w.Lost, w.Seen = spec, "", nil, 0, nil, seen
			return w, nil
		})
	}
	b.forgetRun(r.ID)
	var old []*wirePart
	switch {
	case before == nil || err != nil:
		return err
	case before.Spec.Ref != spec.Ref:
		old = append(old, before.Spec)
	}
	if before.Outcome != nil {
		old = append(old, before.Outcome)
	}
	for _, p := range old {
		if err := b.dropPart(ctx, r.ID, p); err != nil {
			return err
		}
	}
	return nil
}

// forget removes results of a run. Of a record that has others too these are written
// again, before it goes. A message that is queued still may be one of which all is done,
// with its acknowledgement on the way: it must not be taken for one that brings what was
// forgotten.
func (b *Broker) forget(ctx context.Context, run string, which func(*broker.Result) bool) error {
	if err := b.purge(ctx, "jobs", b.names.jobsOf(run)); err != nil {
		return err
	}
	for seq := uint64(1); ; seq++ {
		m, err := b.after(ctx, "runs", seq, b.names.doneOf(run))
		if m == nil || err != nil {
			return err
		}
		seq = m.Sequence
		rest, err := b.recordWithout(m.Data, which)
		if err != nil {
			return of(run, err)
		}
		if rest == nil {
			continue
		}
		if len(rest) > 0 {
			err = b.waitForRoom(ctx, func(ctx context.Context) error {
				_, err := b.js.Publish(ctx, m.Subject, rest)
				return err
			})
			if err != nil {
				return err
			}
		}
		err = b.ride(ctx, func(ctx context.Context) error { return b.stream("runs").DeleteMsg(ctx, m.Sequence) })
		if err != nil && !isNotFound(err) {
			return err
		}
	}
}

// eachResult hands over the recorded results of a run, those of jobs that were handed
// back left out.
func (b *Broker) eachResult(ctx context.Context, run string, do func(*broker.Result)) error {
	return b.each(ctx, "runs", b.names.doneOf(run), 1, func(_ uint64, data []byte) error {
		results, err := b.recordIn(data)
		if err != nil {
			return of(run, err)
		}
		for _, r := range results {
			if !r.IsHandBack() {
				do(r)
			}
		}
		return nil
	})
}

// recordWithout is a record without some of its results: nil if it has none of them,
// and empty if it has no others. That a job was handed back is not forgotten: it says
// which round is next.
func (b *Broker) recordWithout(data []byte, which func(*broker.Result) bool) ([]byte, error) {
	results, err := b.recordIn(data)
	if err != nil {
		return nil, err
	}
	var w wireRecord
	if err := cborIn.Unmarshal(data, &w); err != nil {
		return nil, err
	}
	var left []cbor.RawMessage
	for k, r := range results {
		if r.IsHandBack() || !which(r) {
			left = append(left, w.Results[k])
		}
	}
	switch len(left) {
	case len(results):
		return nil, nil
	case 0:
		return []byte{}, nil
	}
	w.Results = left
	return cborOut.Marshal(&w)
}
