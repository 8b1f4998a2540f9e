package recording

import (
	"context"

	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// Decode is the audio of a recording.
func Decode(ctx context.Context, path string) (*wavfile.Audio, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return wavfile.Decode(ctx, f, size)
}

// Inspect is what the head of a recording says, without decoding it.
func Inspect(path string) (wavfile.Info, error) {
	f, size, err := Open(path)
	if err != nil {
		return wavfile.Info{}, err
	}
	defer f.Close()
	return wavfile.Inspect(f, size)
}
