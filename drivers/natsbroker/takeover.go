package natsbroker

import (
	"context"
	"fmt"
	"slices"

	"github.com/runnelflow/runnel/broker"
)

// A run may be what ends the processes that drive it. So who claims one looks at what
// came of the claim before: whether it ran out, and whether a result was recorded since.

// recordedUntil is the end of the stream of results.
func (b *Broker) recordedUntil(ctx context.Context) (seq uint64, err error) {
	err = b.ride(ctx, func(ctx context.Context) error {
		info, err := b.stream("runs").Info(ctx)
		if err == nil {
			seq = info.State.LastSeq
		}
		return err
	})
	return seq, err
}

// progress is what the next claim of a run has to say of those before: which have run
// out with no result in between, and where the stream of results ends. That is asked
// first: a result that comes meanwhile counts once more, and not never.
func (b *Broker) progress(ctx context.Context, k *kept) (lost []wireLost, seen uint64, err error) {
	if seen, err = b.recordedUntil(ctx); err != nil || k.Owner == "" && len(k.Lost) == 0 {
		return nil, seen, err
	}
	m, err := b.after(ctx, "runs", k.Seen+1, b.names.doneOf(k.Run))
	if m != nil || err != nil {
		return nil, seen, err
	}
	lost = k.Lost
	if k.Owner != "" {
		lost = append(slices.Clone(lost), wireLost{k.Owner, k.claimed()})
	}
	return lost, seen, nil
}

// giveUpRun ends a run that was taken over too often, in the name of its owner. Dying in
// between is a claim more that runs out, and leaves the rest to the next owner.
func (b *Broker) giveUpRun(ctx context.Context, id, owner string, lost []wireLost) error {
	claims := make([]broker.LostClaim, len(lost))
	for k, l := range lost {
		claims[k] = broker.LostClaim(l)
	}
	if _, err := b.End(ctx, id, broker.End{Keep: true}); err != nil {
		return fmt.Errorf("natsbroker: run %q cannot be given up: %w", id, err)
	}
	if err := b.Conclude(ctx, id, owner, broker.GivenUp(id, claims)); err != nil {
		return err
	}
	return of(id, broker.ErrClosed)
}
