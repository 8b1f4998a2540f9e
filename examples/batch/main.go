// Command batch analyses a library of recordings and sums it up: what there is, how
// loud, how fast, in which keys, which two sound most alike, and which files are
// damaged.
//
//	go run ./examples/batch                  a library that is made on the spot
//	go run ./examples/batch music more.wav   folders and files of your own
//
// Where the program in examples/audio handles lists of files inside its tasks, here
// the list is an axis: a task is declared for one recording, and Runnel runs it for
// each. Retries, errors and progress are then those of one recording.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// Audio decodes recording i of the external input "paths". A file that cannot be
// decoded fails alone.
var Audio = runnel.NewMapTask("audio[i]", func(ctx context.Context, in struct {
	Path string `runnel:"paths[i]"`
}) (*wavfile.Audio, error) {
	return recording.Decode(ctx, in.Path)
})

// The measurements take one recording each, as soon as it is decoded. They do not
// wait for the other recordings, nor for one another.
type ofOne struct {
	Audio *wavfile.Audio `runnel:"audio[i]"`
}

// Loudness measures the level.
var Loudness = runnel.NewMapTask("loudness[i]", func(ctx context.Context, in ofOne) (loudness.Level, error) {
	return loudness.Measure(ctx, in.Audio.Channels, in.Audio.SampleRate)
})

// Spectrum measures the colour of the sound.
var Spectrum = runnel.NewMapTask("spectrum[i]", func(ctx context.Context, in ofOne) (spectrum.Shape, error) {
	return spectrum.Measure(ctx, in.Audio.Mono(), in.Audio.SampleRate)
})

// Tempo finds the beats per minute.
var Tempo = runnel.NewMapTask("tempo[i]", func(ctx context.Context, in ofOne) (tempo.Estimate, error) {
	return tempo.Measure(ctx, in.Audio.Mono(), in.Audio.SampleRate)
})

// Key finds the musical key.
var Key = runnel.NewMapTask("key[i]", func(ctx context.Context, in ofOne) (tonality.Key, error) {
	return tonality.Measure(ctx, in.Audio.Mono(), in.Audio.SampleRate)
})

// Features puts together what was measured of one recording. Inputs on the same
// axis are zipped: element i of each.
var Features = runnel.NewMapTask("features[i]", runnel.Pure(func(in struct {
	Audio    *wavfile.Audio `runnel:"audio[i]"`
	Loudness loudness.Level `runnel:"loudness[i]"`
	Spectrum spectrum.Shape `runnel:"spectrum[i]"`
	Tempo    tempo.Estimate `runnel:"tempo[i]"`
	Key      tonality.Key   `runnel:"key[i]"`
}) describe.Music {
	sound := describe.Sound{Duration: in.Audio.Duration(), Loudness: in.Loudness, Spectrum: in.Spectrum}
	return describe.Music{Sound: sound, Tempo: in.Tempo, Key: in.Key}
}))

// Embedding makes a point in space of one recording.
var Embedding = runnel.NewMapTask("embedding[i]", runnel.Pure(func(in struct {
	Features describe.Music `runnel:"features[i]"`
}) describe.Embedding {
	return describe.Embed(in.Features, describe.Tags(in.Features))
}))

// Library sums up all recordings. It takes "features" without an axis, the whole,
// and as a Partial: what was measured, with an error in the place of what was not.
var Library = runnel.NewTask("library", runnel.Pure(func(in struct {
	Paths     []string
	Features  runnel.Partial[describe.Music]
	Embedding runnel.Partial[describe.Embedding]
}) Summary {
	return summarize(in.Paths, in.Features, in.Embedding.Values)
}))

func newPipeline() (*runnel.Pipeline, error) {
	return runnel.FromTasks(Audio, Loudness, Spectrum, Tempo, Key, Features, Embedding, Library)
}

// analyse runs the pipeline. ContinueOnError: the recordings that can be analysed
// are, and what failed is in the error. Targets: nothing else is kept, so that the
// audio of the recordings can go once it has been measured.
func analyse(ctx context.Context, paths []string) (Summary, []*runnel.TaskError, error) {
	p, err := newPipeline()
	if err != nil {
		return Summary{}, nil, err
	}
	res, err := p.Run(ctx, runnel.Values{"paths": paths},
		runnel.OnError(runnel.ContinueOnError),
		runnel.MaxParallel(runtime.GOMAXPROCS(0)),
		runnel.Targets("library"))
	var damaged []*runnel.TaskError
	if failed, ok := errors.AsType[*runnel.RunError](err); ok && failed.Cause == nil {
		damaged = slices.SortedFunc(slices.Values(failed.Tasks), func(a, b *runnel.TaskError) int {
			return slices.Compare(a.Index, b.Index)
		})
	} else if err != nil {
		return Summary{}, nil, err
	}
	s, err := Library.Get(res)
	return s, damaged, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "batch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		folder, err := os.MkdirTemp("", "library")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		if err := makeLibrary(ctx, folder); err != nil {
			return err
		}
		args = []string{folder}
	}
	paths, err := find(args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no .wav files in %s", strings.Join(args, ", "))
	}
	s, damaged, err := analyse(ctx, paths)
	if err != nil {
		return err
	}
	report(stdout, s)
	for _, d := range damaged {
		fmt.Fprintf(stdout, "%s: %s: %v\n", name(paths[d.Index[0]]), d.Task, d.Err)
	}
	if len(s.Recordings) == 0 {
		return fmt.Errorf("none of %d files could be analysed", len(paths))
	}
	return nil
}
