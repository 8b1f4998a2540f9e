// Command incremental analyses a folder of recordings again and again, and computes
// only what has changed since the last time.
//
//	go run ./examples/incremental            shows it on a folder that is made on the spot
//	go run ./examples/incremental cache DIR  analyses the WAV files of a folder of your
//	                                         own, with results kept in the folder cache
//
// The tasks that take long are declared with Cached: before one of them runs, Runnel
// looks whether it has been run with inputs of the same content, in this process or
// another. What a recording is called does not matter, and nobody keeps a list of what
// was done: change a file and it is analysed, rename it and it is not.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/drivers/dircache"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// Content reads recording i. It is not cached: a path says nothing about what is in
// the file now. Its output does, and that is what the next task's results are kept by.
var Content = runnel.NewMapTask("content[i]", func(_ context.Context, in struct {
	Path string `runnel:"paths[i]"`
}) ([]byte, error) {
	return os.ReadFile(in.Path)
})

// Features measures recording i. All that is called from here is part of the version:
// change it when one of the measurements is to give other numbers.
var Features = runnel.NewMapTask("features[i]", func(ctx context.Context, in struct {
	Content []byte `runnel:"content[i]"`
}) (m describe.Music, err error) {
	a, err := wavfile.Decode(ctx, bytes.NewReader(in.Content), int64(len(in.Content)))
	if err != nil {
		return m, err
	}
	m.Duration = a.Duration()
	if m.Loudness, err = loudness.Measure(ctx, a.Channels, a.SampleRate); err != nil {
		return m, err
	}
	if m.Spectrum, err = spectrum.Measure(ctx, a.Mono(), a.SampleRate); err != nil {
		return m, err
	}
	if m.Tempo, err = tempo.Measure(ctx, a.Mono(), a.SampleRate); err != nil {
		return m, err
	}
	m.Key, err = tonality.Measure(ctx, a.Mono(), a.SampleRate)
	return m, err
}, runnel.Cached("1", 0))

// Embedding makes a point in space of recording i. It takes the features: those of a
// recording that was changed and sounds as before cost nothing from here on.
var Embedding = runnel.NewMapTask("embedding[i]", runnel.Pure(func(in struct {
	Features describe.Music `runnel:"features[i]"`
}) describe.Embedding {
	return describe.Embed(in.Features, describe.Tags(in.Features))
}), runnel.Cached("1", 0))

// Summary is what there is to say of the whole folder.
type Summary struct {
	Recordings int
	Duration   time.Duration
	Alike      [2]int // the recordings that sound most alike
}

// Library sums up. It takes everything, so it runs whenever anything has changed.
var Library = runnel.NewTask("library", runnel.Pure(func(in struct {
	Features  []describe.Music
	Embedding []describe.Embedding
}) Summary {
	s := Summary{Recordings: len(in.Features)}
	best := -2.0
	for i, m := range in.Features {
		s.Duration += m.Duration
		for k := range i {
			if alike := describe.Similarity(in.Embedding[i], in.Embedding[k]); alike > best {
				best, s.Alike = alike, [2]int{k, i}
			}
		}
	}
	return s
}), runnel.Cached("1", 0))

// analyse runs the pipeline over the WAV files of a folder, with results in another.
func analyse(ctx context.Context, cache, folder string, tasks ...runnel.AnyTask) (*runnel.Result, []string, error) {
	// Opened anew each time, as another process would.
	store, err := dircache.Open(cache, 1<<30)
	if err != nil {
		return nil, nil, err
	}
	p, err := runnel.FromTasks(tasks...)
	if err != nil {
		return nil, nil, err
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.wav"))
	if err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		return nil, nil, fmt.Errorf("there is no WAV file in %s", folder)
	}
	res, err := p.Run(ctx, runnel.Values{"paths": paths}, runnel.ResultCache(store), runnel.Targets("library"))
	return res, paths, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "incremental:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch len(args) {
	case 0:
		return show(ctx, out)
	case 2:
		return once(ctx, args[0], args[1], out)
	}
	return fmt.Errorf("expected a folder for results and one with WAV files, or nothing, got %q", args)
}

// once analyses a folder of the user's own.
func once(ctx context.Context, cache, folder string, out io.Writer) error {
	res, paths, err := analyse(ctx, cache, folder, Content, Features, Embedding, Library)
	if err != nil {
		return err
	}
	s, err := Library.Get(res)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d recordings of %v in all; ", s.Recordings, s.Duration.Round(time.Second))
	if s.Recordings > 1 {
		fmt.Fprintf(out, "%s and %s sound most alike\n", filepath.Base(paths[s.Alike[0]]), filepath.Base(paths[s.Alike[1]]))
	}
	fmt.Fprintf(out, "result cache: %v\n", res.Report().Cache)
	return nil
}
