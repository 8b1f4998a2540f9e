// Command audio analyses recordings: how loud they are, their tempo, their key
// and their colour, and which of them sound alike.
//
//	go run ./examples/audio                  three clips that come with it
//	go run ./examples/audio one.wav two.wav  your own files
//	go run ./examples/audio graph            its graph; --format svg and others draw it
//	go run ./examples/audio help             what else it can do
//
// A file that is called like one of these commands is reached by a path: ./graph.
// A file that cannot be analysed ends in one line on the standard error, and the
// others go on. The exit status is 0 when at least one file was analysed.
//
// The program is a pipeline of tasks. Each says what it produces (the name given
// to NewTask) and what it needs (the fields of its input struct: the field
// AudioFeatures is the data "audio_features"). Nobody says what runs when: Runnel
// finds that out from the names, checks it, and runs side by side what can be.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/cli"
	"github.com/runnelflow/runnel/examples/internal/catalogue"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/perfile"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// Clips looks at the files. Nothing produces "paths", so it is an external input:
// the caller of Run supplies it. Every result is a perfile.Results, which has for
// each file a value or the error that ended its analysis.
var Clips = runnel.NewTask("clips",
	func(ctx context.Context, in struct{ Paths []string }) (perfile.Results[Clip], error) {
		return perfile.Map(ctx, perfile.Start(in.Paths), inspect)
	})

// The four measurements need only the clips, so they run at the same time.
type fromClips struct{ Clips perfile.Results[Clip] }

// Loudness measures the level: integrated, RMS and peak.
var Loudness = runnel.NewTask("loudness",
	func(ctx context.Context, in fromClips) (perfile.Results[loudness.Level], error) {
		return measure(ctx, in.Clips, func(ctx context.Context, a *wavfile.Audio) (loudness.Level, error) {
			return loudness.Measure(ctx, a.Channels, a.SampleRate)
		})
	})

// Spectrum measures the colour of the sound.
var Spectrum = runnel.NewTask("spectrum",
	func(ctx context.Context, in fromClips) (perfile.Results[spectrum.Shape], error) {
		return measure(ctx, in.Clips, func(ctx context.Context, a *wavfile.Audio) (spectrum.Shape, error) {
			return spectrum.Measure(ctx, a.Mono(), a.SampleRate)
		})
	})

// Tempo finds the beats per minute.
var Tempo = runnel.NewTask("tempo",
	func(ctx context.Context, in fromClips) (perfile.Results[tempo.Estimate], error) {
		return measure(ctx, in.Clips, func(ctx context.Context, a *wavfile.Audio) (tempo.Estimate, error) {
			return tempo.Measure(ctx, a.Mono(), a.SampleRate)
		})
	})

// Key finds the musical key.
var Key = runnel.NewTask("key",
	func(ctx context.Context, in fromClips) (perfile.Results[tonality.Key], error) {
		return measure(ctx, in.Clips, func(ctx context.Context, a *wavfile.Audio) (tonality.Key, error) {
			return tonality.Measure(ctx, a.Mono(), a.SampleRate)
		})
	})

// AudioFeatures brings together what is known of any sound. It starts as soon as
// its own three inputs are there, whether tempo and key are finished or not.
var AudioFeatures = runnel.NewTask("audio_features",
	func(_ context.Context, in struct {
		Clips    perfile.Results[Clip]
		Loudness perfile.Results[loudness.Level]
		Spectrum perfile.Results[spectrum.Shape]
	}) (perfile.Results[describe.Sound], error) {
		return perfile.Join3(in.Clips, in.Loudness, in.Spectrum,
			func(c Clip, l loudness.Level, s spectrum.Shape) describe.Sound {
				return describe.Sound{Duration: c.Duration(), Loudness: l, Spectrum: s}
			}), nil
	})

// MIRFeatures adds what music information retrieval found. Its data is called
// "mir_features".
var MIRFeatures = runnel.NewTask("mir_features",
	func(_ context.Context, in struct {
		AudioFeatures perfile.Results[describe.Sound]
		Tempo         perfile.Results[tempo.Estimate]
		Key           perfile.Results[tonality.Key]
	}) (perfile.Results[describe.Music], error) {
		return perfile.Join3(in.AudioFeatures, in.Tempo, in.Key,
			func(s describe.Sound, t tempo.Estimate, k tonality.Key) describe.Music {
				return describe.Music{Sound: s, Tempo: t, Key: k}
			}), nil
	})

// Tags puts words to the features.
var Tags = runnel.NewTask("tags",
	func(ctx context.Context, in struct {
		MIRFeatures perfile.Results[describe.Music]
	}) (perfile.Results[[]string], error) {
		return perfile.Map(ctx, in.MIRFeatures, func(_ context.Context, m describe.Music) ([]string, error) {
			return describe.Tags(m), nil
		})
	})

// Embedding makes each recording a point in space, near to those that sound alike.
var Embedding = runnel.NewTask("embedding",
	func(_ context.Context, in struct {
		MIRFeatures perfile.Results[describe.Music]
		Tags        perfile.Results[[]string]
	}) (perfile.Results[describe.Embedding], error) {
		return perfile.Join(in.MIRFeatures, in.Tags, describe.Embed), nil
	})

// Catalogue is the library: all there is to say of each file, with its nearest
// neighbour among the others.
var Catalogue = runnel.NewTask("catalogue",
	func(_ context.Context, in struct {
		MIRFeatures perfile.Results[describe.Music]
		Tags        perfile.Results[[]string]
		Embedding   perfile.Results[describe.Embedding]
	}) (perfile.Results[catalogue.Entry], error) {
		return catalogue.Of(in.MIRFeatures, in.Tags, in.Embedding), nil
	})

// newPipeline builds the graph, in whatever order the tasks are named. Two tasks
// that produce the same data, types that do not fit or a cycle would be reported
// here, before anything runs.
func newPipeline() (*runnel.Pipeline, error) {
	return runnel.FromTasks(Clips, Loudness, Spectrum, Tempo, Key,
		AudioFeatures, MIRFeatures, Tags, Embedding, Catalogue)
}

func main() {
	p, err := newPipeline()
	if err != nil {
		fmt.Fprintln(os.Stderr, "audio:", err)
		os.Exit(cli.ExitBuild)
	}
	tool(p).Main()
}

// tool is the program's command line: what package cli makes of a pipeline, and
// the program's own job when there is no command.
func tool(p *runnel.Pipeline) *cli.Tool {
	return cli.New(p).Default("[file.wav ...]", "analyses these recordings, or the clips that come with it",
		func(ctx context.Context, paths []string, s cli.Streams) int {
			return analyse(ctx, p, paths, s.Out, s.Err)
		})
}

// analyse is the program's own job. It returns the exit status.
func analyse(ctx context.Context, p *runnel.Pipeline, paths []string, stdout, stderr io.Writer) int {
	if len(paths) == 0 {
		paths = shippedPaths()
	}
	fmt.Fprintf(stdout, "The graph:\n\n%s\n\nProgress:\n\n", p)

	res, err := p.Run(ctx, runnel.Values{"paths": paths}, runnel.Observe(progress(stdout)))
	if err != nil {
		fmt.Fprintln(stderr, "audio:", err)
		if ctx.Err() != nil {
			return cli.ExitCancelled
		}
		return cli.ExitFailed
	}
	entries, err := Catalogue.Get(res) // a perfile.Results[catalogue.Entry]: the compiler knows
	if err != nil {
		fmt.Fprintln(stderr, "audio:", err)
		return cli.ExitFailed
	}
	fmt.Fprint(stdout, "\nResults:\n\n")
	if catalogue.Report(stdout, stderr, entries) == 0 {
		fmt.Fprintln(stdout, "none: no file could be analysed")
		return cli.ExitFailed
	}
	return cli.ExitOK
}
