// Package wavfile reads WAV files: it checks the layout of a file against what is
// really there, and has github.com/go-audio/wav decode the samples.
//
// The check comes first because the decoder believes what a file says of itself:
// it allocates what a chunk declares, up to 4 GB for a few bytes of nonsense, and
// takes a file that ends early for a shorter one.
package wavfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The reasons for which a file is refused. Errors of this package wrap one of
// them, or an error of the reader.
var (
	ErrEmpty       = errors.New("the file is empty")
	ErrNotWAV      = errors.New("not a WAV file")
	ErrTruncated   = errors.New("truncated")
	ErrNoAudio     = errors.New("no audio")
	ErrUnsupported = errors.New("unsupported WAV format")
)

// Limits of what is read. They bound the memory that a file can take whatever its
// header says.
const (
	MinRate     = 4_000   // Hz
	MaxRate     = 768_000 // Hz
	MaxChannels = 32
	// MaxSamples counts the samples of all channels: 50 minutes of stereo at
	// 44.1 kHz, 2 GB decoded.
	MaxSamples = 1 << 28
)

// Info describes the audio of a file.
type Info struct {
	SampleRate    int  // frames per second
	Channels      int  // samples in a frame
	BitsPerSample int  // 8, 16, 24 or 32
	Float         bool // IEEE 754 samples of 32 bits instead of integers
	Frames        int  // at least 1

	dataOffset int64
}

// Duration is the playing time.
func (i Info) Duration() time.Duration {
	return time.Duration(float64(i.Frames) / float64(i.SampleRate) * float64(time.Second))
}

func (i Info) frameBytes() int64 { return int64(i.Channels) * int64(i.BitsPerSample) / 8 }

const (
	formatPCM        = 0x0001
	formatFloat      = 0x0003
	formatExtensible = 0xFFFE
)

// Inspect walks the chunks of a file of size bytes and returns what it holds. It
// reads headers only. The layout is that of "Multimedia Programming Interface and
// Data Specifications 1.0" (IBM and Microsoft, 1991) with the extension in
// Microsoft's WAVEFORMATEXTENSIBLE.
func Inspect(r io.ReaderAt, size int64) (Info, error) {
	if size == 0 {
		return Info{}, ErrEmpty
	}
	var head [12]byte
	if err := readAt(r, head[:min(size, 12)], 0); err != nil {
		return Info{}, err
	}
	if size < 12 || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return Info{}, fmt.Errorf("%w: it does not start with RIFF and WAVE", ErrNotWAV)
	}
	var format *Info
	for at := int64(12); ; {
		if at+8 > size {
			return Info{}, missing(format, at, size)
		}
		var chunk [8]byte
		if err := readAt(r, chunk[:], at); err != nil {
			return Info{}, err
		}
		id, length := string(chunk[:4]), int64(binary.LittleEndian.Uint32(chunk[4:]))
		at += 8
		if at+length > size {
			return Info{}, fmt.Errorf("%w: chunk %q declares %d bytes, the file has %d left", ErrTruncated, id, length, size-at)
		}
		switch id {
		case "fmt ":
			f, err := readFormat(r, at, length)
			if err != nil {
				return Info{}, err
			}
			format = &f
		case "data":
			if format == nil {
				return Info{}, fmt.Errorf("%w: the data comes before the format", ErrNotWAV)
			}
			return format.withData(at, length)
		}
		at += length + length%2 // chunks begin at even offsets
	}
}

// missing says what a file that ended without a data chunk lacks.
func missing(format *Info, at, size int64) error {
	switch {
	case at < size:
		return fmt.Errorf("%w: the file ends inside a chunk header", ErrTruncated)
	case format == nil:
		return fmt.Errorf("%w: the file ends before its format", ErrTruncated)
	}
	return fmt.Errorf("%w: the file ends before its data", ErrTruncated)
}

func readFormat(r io.ReaderAt, at, length int64) (Info, error) {
	if length < 16 {
		return Info{}, fmt.Errorf("%w: the format chunk has %d bytes, at least 16 are needed", ErrNotWAV, length)
	}
	b := make([]byte, min(length, 40))
	if err := readAt(r, b, at); err != nil {
		return Info{}, err
	}
	le := binary.LittleEndian
	code := le.Uint16(b)
	if code == formatExtensible && len(b) == 40 {
		code = le.Uint16(b[24:]) // the sub-format's GUID starts with the code
	}
	i := Info{
		Channels:      int(le.Uint16(b[2:])),
		BitsPerSample: int(le.Uint16(b[14:])),
		Float:         code == formatFloat,
	}
	rate, align := le.Uint32(b[4:]), int64(le.Uint16(b[12:]))
	switch {
	case code != formatPCM && code != formatFloat:
		return Info{}, unsupported("its encoding is 0x%04x, expected PCM (0x0001) or float (0x0003)", code)
	case i.Float && i.BitsPerSample != 32:
		return Info{}, unsupported("%d-bit float samples, expected 32", i.BitsPerSample)
	case i.BitsPerSample != 8 && i.BitsPerSample != 16 && i.BitsPerSample != 24 && i.BitsPerSample != 32:
		return Info{}, unsupported("%d-bit samples, expected 8, 16, 24 or 32", i.BitsPerSample)
	case i.Channels < 1 || i.Channels > MaxChannels:
		return Info{}, unsupported("%d channels, expected 1 to %d", i.Channels, MaxChannels)
	case rate < MinRate || rate > MaxRate:
		return Info{}, unsupported("%d Hz, expected %d to %d", rate, MinRate, MaxRate)
	case align != i.frameBytes():
		return Info{}, unsupported("frames of %d bytes, expected %d", align, i.frameBytes())
	}
	i.SampleRate = int(rate)
	return i, nil
}

// withData completes the information with the place and length of the data. Bytes
// after the last whole frame are left out.
func (i Info) withData(at, length int64) (Info, error) {
	frames := length / i.frameBytes()
	switch {
	case frames == 0:
		return Info{}, fmt.Errorf("%w: the data chunk has %d bytes, a frame takes %d", ErrNoAudio, length, i.frameBytes())
	case frames*int64(i.Channels) > MaxSamples:
		return Info{}, unsupported("%d samples, at most %d are read; cut the file into shorter ones", frames*int64(i.Channels), MaxSamples)
	}
	i.Frames, i.dataOffset = int(frames), at
	return i, nil
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}

// readAt fills b or fails: a reader that ends before its size is a truncated file.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it became shorter while it was read", ErrTruncated)
	}
	return err
}
