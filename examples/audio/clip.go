package main

import (
	"context"

	"github.com/runnelflow/runnel/examples/internal/perfile"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// shippedPaths names the clips that come with the program.
func shippedPaths() []string { return recording.Shipped() }

// Clip is a file that was found to hold audio. It does not hold the audio itself:
// the measurements decode it when their turn comes, so that a long list of files
// needs no more memory than a short one.
type Clip struct {
	Path string
	wavfile.Info
}

func inspect(_ context.Context, path string) (Clip, error) {
	info, err := recording.Inspect(path)
	return Clip{Path: path, Info: info}, err
}

// measure decodes every clip and has it measured.
func measure[T any](ctx context.Context, all perfile.Results[Clip], fn func(context.Context, *wavfile.Audio) (T, error)) (perfile.Results[T], error) {
	return perfile.Map(ctx, all, func(ctx context.Context, c Clip) (none T, err error) {
		a, err := recording.Decode(ctx, c.Path)
		if err != nil {
			return none, err
		}
		return fn(ctx, a)
	})
}
