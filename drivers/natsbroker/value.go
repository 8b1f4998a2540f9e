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
func (v *value) Decode(ctx context.Context, into any) error {
	data := v.wire.Data
	if v.wire.Ref != "" {
		var err error
		if data, err = v.b.fetch(ctx, v.run, v.wire); err != nil {
			return err
		}
	}
	if v.wire.Packed {
		var err error
		if data, err = v.b.unpack(data); err != nil {
			return err
		}
	}
	if v.wire.Codec == listed {
		l, err := v.list(data)
		if err != nil {
			return err
		}
		return l.Decode(ctx, into)
	}
	return v.wire.Codec.decode(data, into)
}

// unpack is what packer has compressed.
func (b *Broker) unpack(data []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(b.config.maxValue)))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if data, err = d.DecodeAll(data, nil); err != nil {
		return nil, fmt.Errorf("a value cannot be unpacked: %w (at most %d bytes: see MaxValue)", err, b.config.maxValue)
	}
	return data, nil
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

// valueOut writes a value, and stores it if it is large. One that came from this broker
// goes on as it is. what says what it is, for errors.
func (b *Broker) valueOut(ctx context.Context, run string, what func() string, v broker.Value) (*wireValue, error) {
	switch v := v.(type) {
	case *value:
		if v.b.names != b.names || v.run != run {
			break
		}
		if len(v.wire.Data) > b.config.inline { // of a process that has more in its messages
			w := &wireValue{Codec: v.wire.Codec, Packed: v.wire.Packed}
			return w, b.store(ctx, run, v.wire.Data, w)
		}
		return v.wire, nil
	case broker.Go:
		data, err := b.config.codec.encode(v.V)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be encoded: %w", what(), err)
		}
		return b.written(ctx, run, what, b.config.codec, data)
	case broker.List:
		return b.listOut(ctx, run, what, v)
	}
	return nil, fmt.Errorf("%s is a %T, which is of another broker or run", what(), v)
}

// written is a value that was encoded: stored if it is large.
func (b *Broker) written(ctx context.Context, run string, what func() string, c Codec, data []byte) (*wireValue, error) {
	if size := int64(len(data)); size > b.config.maxValue {
		return nil, &tooLarge{what(), size, b.config.maxValue, "raise MaxValue, or hand over a place where the data is instead of the data"}
	}
	w := &wireValue{Codec: c}
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
