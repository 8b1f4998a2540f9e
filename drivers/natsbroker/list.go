package natsbroker

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

// listed is the codec of a value that is a list of others: a CBOR array of wireValues,
// with nil for a zero value. So the elements of a list stay where they are stored.
const listed Codec = 'l'

// list reads a value that is a list.
func (v *value) list(data []byte) (broker.List, error) {
	var parts []*wireValue
	if err := cborIn.Unmarshal(data, &parts); err != nil {
		return nil, fmt.Errorf("a message is no list of values: %w", err)
	}
	l := make(broker.List, len(parts))
	for i, w := range parts {
		if w != nil {
			l[i] = &value{v.b, v.run, w}
		}
	}
	return l, nil
}

// listOut writes a list: as one value if all of it is here and written alike, and
// otherwise as a list of values.
func (b *Broker) listOut(ctx context.Context, run string, what func() string, l broker.List) (*wireValue, error) {
	c := b.codecOf(l)
	data, ok, err := b.joined(run, what, c, nil, l)
	if err != nil {
		return nil, err
	}
	if ok {
		return b.written(ctx, run, what, c, data)
	}
	parts := make([]*wireValue, len(l))
	for i, v := range l {
		if v == nil {
			continue
		}
		if parts[i], err = b.valueOut(ctx, run, func() string { return fmt.Sprintf("element %d of %s", i, what()) }, v); err != nil {
			return nil, err
		}
	}
	if data, err = cborOut.Marshal(parts); err != nil {
		return nil, err
	}
	return b.written(ctx, run, what, listed, data)
}

// codecOf is that of the first element that was written, by whichever process.
func (b *Broker) codecOf(l broker.List) Codec {
	for _, v := range l {
		switch v := v.(type) {
		case *value:
			return v.wire.Codec
		case broker.List:
			return b.codecOf(v)
		}
	}
	return b.config.codec
}

// joined appends a value as a codec writes it, without reading what was written by it.
// ok is false where that cannot be: something is stored, missing, or written by another
// codec.
func (b *Broker) joined(run string, what func() string, c Codec, data []byte, v broker.Value) (all []byte, ok bool, err error) {
	if c != JSON && c != CBOR {
		return nil, false, nil
	}
	switch v := v.(type) {
	case *value:
		w := v.wire
		if v.b.names != b.names || v.run != run || w.Codec != c || w.Ref != "" || len(w.Data) == 0 {
			return nil, false, nil
		}
		part := w.Data
		if w.Packed {
			if part, err = b.unpack(part); err != nil {
				return nil, false, err
			}
		}
		return append(data, part...), true, nil
	case broker.Go:
		part, err := c.encode(v.V)
		if err != nil {
			return nil, false, fmt.Errorf("%s cannot be encoded: %w", what(), err)
		}
		return append(data, part...), true, nil
	case broker.List:
		data = c.beginList(data, len(v))
		for i, part := range v {
			if i > 0 {
				data = c.nextInList(data)
			}
			if data, ok, err = b.joined(run, what, c, data, part); !ok || err != nil || int64(len(data)) > b.config.maxValue {
				return nil, false, err
			}
		}
		return c.endList(data), true, nil
	}
	return nil, false, nil
}

func (c Codec) beginList(data []byte, n int) []byte {
	const array = 4 << 5 // the major type of CBOR
	switch {
	case c == JSON:
		return append(data, '[')
	case n < 24:
		return append(data, array|byte(n))
	}
	return binary.BigEndian.AppendUint64(append(data, array|27), uint64(n))
}

func (c Codec) nextInList(data []byte) []byte {
	if c == JSON {
		data = append(data, ',')
	}
	return data
}

func (c Codec) endList(data []byte) []byte {
	if c == JSON {
		data = append(data, ']')
	}
	return data
}
