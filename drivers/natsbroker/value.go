package natsbroker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/runnelflow/runnel/broker"
)

// value is a value that came in a message.
type value struct {
	b    *Broker
	run  string
	wire *wireValue
}

// Decode implements [broker.Value]. A value that is stored is fetched, once for
// those that take it soon after each other.
func (v *value) Decode(into any) error {
	data := v.wire.Data
	if v.wire.Ref != "" {
		var err error
		if data, err = v.b.fetch(v.b.ctx, v.run, v.wire); err != nil {
			return err
		}
	}
	if v.wire.Packed {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(v.b.config.maxValue)))
		if err != nil {
			return err
		}
		defer d.Close()
		if data, err = d.DecodeAll(data, nil); err != nil {
			return fmt.Errorf("a value cannot be unpacked: %w (at most %d bytes: see MaxValue)", err, v.b.config.maxValue)
		}
	}
	return v.wire.Codec.decode(data, into)
}

// packer compresses. It is safe for concurrent use.
var packer = must(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)))

// tooLarge says that a part of a job has no place in it.
type tooLarge struct {
	what string
	size int64
	most int64
	mend string
}

func (e *tooLarge) Error() string {
	return fmt.Sprintf("%s has %d bytes, and at most %d are possible: %s", e.what, e.size, e.most, e.mend)
}

// valueOut writes a value, and stores it if it is large, or if whole says that
// many messages will have it. One that came from this broker goes on as it is.
func (b *Broker) valueOut(ctx context.Context, run, what string, v broker.Value) (*wireValue, error) {
	if v, ok := v.(*value); ok && v.b.names == b.names && v.run == run {
		return v.wire, nil
	}
	g, ok := v.(broker.Go)
	if !ok {
		return nil, fmt.Errorf("%s is a %T, which is of another broker or run", what, v)
	}
	data, err := b.config.codec.encode(g.V)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be encoded: %w", what, err)
	}
	if size := int64(len(data)); size > b.config.maxValue {
		return nil, &tooLarge{what, size, b.config.maxValue, "raise MaxValue, or hand over a place where the data is instead of the data"}
	}
	w := &wireValue{Codec: b.config.codec}
	if b.config.compress >= 0 && len(data) >= b.config.compress {
		if packed := packer.EncodeAll(data, nil); len(packed) < len(data) {
			data, w.Packed = packed, true
		}
	}
	if len(data) <= b.config.inline {
		w.Data = data
		return w, nil
	}
	return w, b.store(ctx, run, data, w)
}

// refused reports whether an error is about the data and not about the server, so
// that trying again is of no use.
func refused(err error) bool {
	_, large := errors.AsType[*tooLarge](err)
	return large || strings.Contains(err.Error(), "cannot be encoded")
}
