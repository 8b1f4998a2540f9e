package wavfile

import (
	"encoding/binary"
	"math"
)

// build makes WAV files for the tests, byte by byte.
type build struct {
	code      uint16
	channels  int
	rate      uint32
	bits      int
	before    []byte // chunks between the header and the format
	between   []byte // chunks between the format and the data
	extension []byte // of the format chunk
	data      []byte
}

func (b build) bytes() []byte {
	le := binary.LittleEndian
	format := le.AppendUint16(nil, b.code)
	format = le.AppendUint16(format, uint16(b.channels))
	format = le.AppendUint32(format, b.rate)
	align := b.channels * b.bits / 8
	format = le.AppendUint32(format, b.rate*uint32(align))
	format = le.AppendUint16(format, uint16(align))
	format = le.AppendUint16(format, uint16(b.bits))
	format = append(format, b.extension...)

	body := append([]byte("WAVE"), b.before...)
	body = append(body, chunk("fmt ", format)...)
	body = append(body, b.between...)
	body = append(body, chunk("data", b.data)...)
	return chunk("RIFF", body)
}

func chunk(id string, content []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(content)))
	out = append(out, content...)
	if len(content)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// encode puts a value in [-1, 1) into the bytes of a format.
func encode(v float64, bits int, float bool) []byte {
	le := binary.LittleEndian
	switch {
	case float:
		return le.AppendUint32(nil, math.Float32bits(float32(v)))
	case bits == 8:
		return []byte{byte(int(math.Round(v*128)) + 128)}
	}
	n := uint32(int32(math.Round(v * float64(int64(1)<<(bits-1)))))
	return le.AppendUint32(nil, n)[:bits/8]
}

// extension is the tail of a WAVEFORMATEXTENSIBLE format chunk.
func extension(code uint16, bits int) []byte {
	le := binary.LittleEndian
	out := le.AppendUint16(nil, 22)
	out = le.AppendUint16(out, uint16(bits))
	out = le.AppendUint32(out, 0)
	out = le.AppendUint16(out, code)
	return append(out, "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
}
