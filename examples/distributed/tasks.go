package main

import (
	"context"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/catalogue"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/perfile"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
)

// A job that reaches a worker has the path of a recording and not its audio: each
// measurement decodes it by itself, which takes less than sending it would.
type ofOne struct {
	Path string `runnel:"paths[i]"`
}

// Duration looks at the head of recording i.
var Duration = runnel.NewMapTask("duration[i]", func(_ context.Context, in ofOne) (time.Duration, error) {
	info, err := recording.Inspect(in.Path)
	return info.Duration(), err
})

// Loudness measures the level.
var Loudness = runnel.NewMapTask("loudness[i]", func(ctx context.Context, in ofOne) (none loudness.Level, err error) {
	a, err := recording.Decode(ctx, in.Path)
	if err != nil {
		return none, err
	}
	return loudness.Measure(ctx, a.Channels, a.SampleRate)
})

// Spectrum measures the colour of the sound, Tempo finds the beats per minute, and
// Key the musical key.
var (
	Spectrum = runnel.NewMapTask("spectrum[i]", ofMono(spectrum.Measure))
	Tempo    = runnel.NewMapTask("tempo[i]", ofMono(tempo.Measure))
	Key      = runnel.NewMapTask("key[i]", ofMono(tonality.Measure))
)

// ofMono is a measurement of the channels mixed down to one.
func ofMono[T any](measure func(context.Context, []float64, int) (T, error)) func(context.Context, ofOne) (T, error) {
	return func(ctx context.Context, in ofOne) (none T, err error) {
		a, err := recording.Decode(ctx, in.Path)
		if err != nil {
			return none, err
		}
		return measure(ctx, a.Mono(), a.SampleRate)
	}
}

// Music puts together what was measured of one recording.
var Music = runnel.NewMapTask("music[i]", runnel.Pure(func(in struct {
	Duration time.Duration  `runnel:"duration[i]"`
	Loudness loudness.Level `runnel:"loudness[i]"`
	Spectrum spectrum.Shape `runnel:"spectrum[i]"`
	Tempo    tempo.Estimate `runnel:"tempo[i]"`
	Key      tonality.Key   `runnel:"key[i]"`
}) describe.Music {
	sound := describe.Sound{Duration: in.Duration, Loudness: in.Loudness, Spectrum: in.Spectrum}
	return describe.Music{Sound: sound, Tempo: in.Tempo, Key: in.Key}
}))

// Tags puts words to what was measured of one recording.
var Tags = runnel.NewMapTask("tags[i]", runnel.Pure(func(in struct {
	Music describe.Music `runnel:"music[i]"`
}) []string {
	return describe.Tags(in.Music)
}))

// Embedding makes a point in space of one recording.
var Embedding = runnel.NewMapTask("embedding[i]", runnel.Pure(func(in struct {
	Music describe.Music `runnel:"music[i]"`
	Tags  []string       `runnel:"tags[i]"`
}) describe.Embedding {
	return describe.Embed(in.Music, in.Tags)
}))

// Catalogue compares the recordings, and says all there is to say of each; nothing
// of those that could not be analysed, which are missing in the Partials.
var Catalogue = runnel.NewTask("catalogue", runnel.Pure(func(in struct {
	Paths     []string
	Music     runnel.Partial[describe.Music]
	Tags      runnel.Partial[[]string]
	Embedding runnel.Partial[describe.Embedding]
}) []catalogue.Entry {
	all := catalogue.Of(perFile(in.Paths, in.Music), perFile(in.Paths, in.Tags), perFile(in.Paths, in.Embedding))
	entries := make([]catalogue.Entry, len(all))
	for i, e := range all {
		entries[i] = e.Value
	}
	return entries
}))

func perFile[T any](paths []string, p runnel.Partial[T]) perfile.Results[T] {
	all := make(perfile.Results[T], len(paths))
	for i, path := range paths {
		all[i] = perfile.Of[T]{Path: path, Value: p.Values[i], Err: p.Errs[i]}
	}
	return all
}

func newPipeline() (*runnel.Pipeline, error) {
	return runnel.FromTasks(Duration, Loudness, Spectrum, Tempo, Key, Music, Tags, Embedding, Catalogue)
}
