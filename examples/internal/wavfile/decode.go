package wavfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// Audio is a decoded file.
type Audio struct {
	Info
	// Channels hold Frames samples each. Integer formats are scaled to [-1, 1);
	// float samples stand as they are in the file, and are finite.
	Channels [][]float64
}

// blockFrames is how many frames are decoded between two looks at the context.
const blockFrames = 1 << 14

// Decode reads the audio of a file of size bytes. Its errors are those of Inspect,
// and the context's cause when it is cancelled.
func Decode(ctx context.Context, r io.ReaderAt, size int64) (*Audio, error) {
	info, err := Inspect(r, size)
	if err != nil {
		return nil, err
	}
	out := &Audio{Info: info, Channels: make([][]float64, info.Channels)}
	for c := range out.Channels {
		out.Channels[c] = make([]float64, info.Frames)
	}
	decoder := wav.NewDecoder(newView(r, info))
	buf := &audio.IntBuffer{Data: make([]int, blockFrames*info.Channels)}
	for done := 0; done < info.Frames; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, err := decoder.PCMBuffer(buf)
		if err != nil {
			return nil, err
		}
		frames := n / info.Channels
		if frames == 0 {
			return nil, fmt.Errorf("%w: %d of %d frames could be read", ErrTruncated, done, info.Frames)
		}
		if err := out.put(done, buf.Data[:frames*info.Channels]); err != nil {
			return nil, err
		}
		done += frames
	}
	return out, nil
}

// put scales a block of interleaved samples into the channels.
func (a *Audio) put(at int, block []int) error {
	for i, v := range block {
		s := a.scale(v)
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("%w: sample %d is not a finite number", ErrUnsupported, at*len(a.Channels)+i)
		}
		a.Channels[i%len(a.Channels)][at+i/len(a.Channels)] = s
	}
	return nil
}

// scale turns what the decoder gives for a sample into its value. The decoder
// leaves 8-bit samples unsigned, as they are in the file, and hands over the bits
// of a float as an integer.
func (a *Audio) scale(v int) float64 {
	switch {
	case a.Float:
		return float64(math.Float32frombits(uint32(int32(v))))
	case a.BitsPerSample == 8:
		return float64(v-128) / 128
	}
	return float64(v) / float64(int64(1)<<(a.BitsPerSample-1))
}

// Mono returns the mean of the channels. With one channel it is that channel
// itself, not a copy.
func (a *Audio) Mono() []float64 {
	if len(a.Channels) == 1 {
		return a.Channels[0]
	}
	mix := make([]float64, a.Frames)
	for _, samples := range a.Channels {
		for i, v := range samples {
			mix[i] += v / float64(len(a.Channels))
		}
	}
	return mix
}

// view is the part of a file that the decoder gets to see: a plain header made
// from the checked format, and the data. Whatever else the file holds, such as
// lists of titles, is left out.
type view struct{ io.Reader }

func newView(r io.ReaderAt, i Info) view {
	bytesOfData := int64(i.Frames) * i.frameBytes()
	code := uint16(formatPCM)
	if i.Float {
		code = formatFloat
	}
	le := binary.LittleEndian
	h := append([]byte("RIFF"), 0, 0, 0, 0)
	le.PutUint32(h[4:], uint32(36+bytesOfData))
	h = append(h, "WAVEfmt "...)
	h = le.AppendUint32(h, 16)
	h = le.AppendUint16(h, code)
	h = le.AppendUint16(h, uint16(i.Channels))
	h = le.AppendUint32(h, uint32(i.SampleRate))
	h = le.AppendUint32(h, uint32(int64(i.SampleRate)*i.frameBytes()))
	h = le.AppendUint16(h, uint16(i.frameBytes()))
	h = le.AppendUint16(h, uint16(i.BitsPerSample))
	h = append(h, "data"...)
	h = le.AppendUint32(h, uint32(bytesOfData))
	return view{io.MultiReader(bytes.NewReader(h), io.NewSectionReader(r, i.dataOffset, bytesOfData))}
}

// Read fills p as far as there is data: the decoder drops the rest of a sample
// that a short read has cut.
func (v view) Read(p []byte) (int, error) {
	n, err := io.ReadFull(v.Reader, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// Seek is there for the decoder's signature. It seeks only when the format is not
// the first chunk, and in a view it is.
func (v view) Seek(int64, int) (int64, error) {
	return 0, errors.New("a view of a WAV file is read from its start only")
}
