package natsbroker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// putPart writes a part of a kept run, compressed, under its hash. With a time it is
// gone after it. It returns the place in the stream of its first message.
func (b *Broker) putPart(ctx context.Context, run string, what any, ttl time.Duration) (*wirePart, uint64, error) {
	data, err := cborOut.Marshal(what)
	if err != nil {
		return nil, 0, err
	}
	data = packer.EncodeAll(data, nil)
	p := &wirePart{Ref: digest(data)[:22], Size: int64(len(data)), Chunks: (len(data) + chunkSize - 1) / chunkSize}
	var opts []jetstream.PublishOpt
	if ttl > 0 {
		opts = append(opts, jetstream.WithMsgTTL(ttl))
	}
	var first uint64
	for k := range p.Chunks {
		err := b.waitForRoom(ctx, func(ctx context.Context) error {
			ack, err := b.js.Publish(ctx, b.names.part(run, p.Ref, k), data[k*chunkSize:min((k+1)*chunkSize, len(data))], opts...)
			if err == nil && k == 0 {
				first = ack.Sequence
			}
			return err
		})
		if err != nil {
			return nil, 0, fmt.Errorf("natsbroker: run %q cannot be kept: %w", run, err)
		}
	}
	return p, first, nil
}

// getPart reads a part. The error is that of a message that is not found when the
// part was dropped.
func (b *Broker) getPart(ctx context.Context, run string, p *wirePart, into any) error {
	if p.Size < 0 || p.Size > b.config.maxValue {
		return &tooLarge{fmt.Sprintf("a part of run %q", run), p.Size, b.config.maxValue, "raise MaxValue in this process too"}
	}
	data := make([]byte, 0, p.Size)
	for k := range p.Chunks {
		m, err := b.last(ctx, "kept", b.names.part(run, p.Ref, k))
		if err != nil {
			return err
		}
		data = append(data, m.Data...)
	}
	data, err := b.unpack(data)
	if err != nil {
		return err
	}
	return cborIn.Unmarshal(data, into)
}

// expirePart gives a part a lifetime, unless it is written again meanwhile.
func (b *Broker) expirePart(ctx context.Context, run string, p *wirePart, ttl time.Duration) error {
	for k := range p.Chunks {
		subject := b.names.part(run, p.Ref, k)
		m, err := b.last(ctx, "kept", subject)
		if isNotFound(err) {
			continue
		}
		if err == nil {
			err = b.waitForRoom(ctx, func(ctx context.Context) error {
				_, err := b.js.Publish(ctx, subject, m.Data, jetstream.WithMsgTTL(ttl), jetstream.WithExpectLastSequencePerSubject(m.Sequence))
				return err
			})
		}
		if err != nil && !isTaken(err) {
			return err
		}
	}
	return nil
}

// dropPart removes a part that nothing refers to.
func (b *Broker) dropPart(ctx context.Context, run string, p *wirePart) error {
	return b.purge(ctx, "kept", b.names.partsOf(run, p.Ref))
}

// last is the last message of a subject.
func (b *Broker) last(ctx context.Context, stream, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = b.ride(ctx, func(ctx context.Context) (err error) {
		m, err = b.stream(stream).GetLastMsgForSubject(ctx, subject)
		return err
	})
	return m, err
}

// purge removes what a stream has below a filter.
func (b *Broker) purge(ctx context.Context, stream, filter string) error {
	return b.ride(ctx, func(ctx context.Context) error {
		return b.stream(stream).Purge(ctx, jetstream.WithPurgeSubject(filter))
	})
}
