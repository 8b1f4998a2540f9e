package wavfile

import (
	"io"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// Encode writes a mono WAV file of 16-bit samples.
func Encode(w io.WriteSeeker, samples []int16, rate int) error {
	buf := &audio.IntBuffer{
		Format: &audio.Format{NumChannels: 1, SampleRate: rate},
		Data:   make([]int, len(samples)),
	}
	for i, v := range samples {
		buf.Data[i] = int(v)
	}
	e := wav.NewEncoder(w, rate, 16, 1, formatPCM)
	if err := e.Write(buf); err != nil {
		return err
	}
	return e.Close()
}
