package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/clips"
	"github.com/runnelflow/runnel/examples/internal/describe"
	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// song is a recording of the folder that is made on the spot.
func song(i int) synth.Song {
	return synth.Song{Rate: 22050, Tempo: 70_000 + 8_000*i, Tonic: 7 * i % 12, Minor: i%3 == 2, Bars: 4, Groove: synth.Groove(1 + i%3), Peak: 4000 + 2000*i}
}

func write(folder string, i int, s synth.Song) error {
	f, err := os.Create(filepath.Join(folder, fmt.Sprintf("song-%02d.wav", i)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := wavfile.Encode(f, s.Samples(), s.Rate); err != nil {
		return err
	}
	return f.Close()
}

// songs is how many there are, beside the clips that come with the examples.
const songs = 9

// show makes a folder, changes it, and analyses it after each change.
func show(ctx context.Context, out io.Writer) error {
	work, err := os.MkdirTemp("", "incremental")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	folder, cache := filepath.Join(work, "music"), filepath.Join(work, "cache")
	if err := os.CopyFS(folder, clips.FS); err != nil {
		return err
	}
	for i := range songs {
		if err := write(folder, i, song(i)); err != nil {
			return err
		}
	}
	path := func(name string) string { return filepath.Join(folder, name) }
	// In a real program it is the same declaration, with another version.
	otherEmbedding := runnel.NewMapTask("embedding[i]", runnel.Pure(func(in struct {
		Features describe.Music `runnel:"features[i]"`
	}) describe.Embedding {
		return describe.Embed(in.Features, nil) // by what was measured alone
	}), runnel.Cached("2", 0))

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT HAS CHANGED\tFEATURES\tEMBEDDINGS\tLIBRARY\tFROM THE CACHE\tTOOK")
	for _, step := range []struct {
		what      string
		change    func() error
		embedding runnel.AnyTask
	}{
		{"everything is new", func() error { return nil }, Embedding},
		{"nothing", func() error { return nil }, Embedding},
		{"a recording is another", func() error { return write(folder, 3, song(20)) }, Embedding},
		{"a recording has another name", func() error { return os.Rename(path("song-04.wav"), path("song-04b.wav")) }, Embedding},
		{"a recording is new", func() error { return write(folder, songs, song(songs)) }, Embedding},
		{"a recording is gone", func() error { return os.Remove(path("song-05.wav")) }, Embedding},
		{"how embeddings are made", func() error { return nil }, otherEmbedding},
	} {
		if err := step.change(); err != nil {
			return err
		}
		res, _, err := analyse(ctx, cache, folder, Content, Features, step.embedding, Library)
		if err != nil {
			return err
		}
		r := res.Report()
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%v\n", step.what, made(r, "features"), made(r, "embedding"), made(r, "library"), r.Cache.Hits, r.Duration.Round(1e6))
	}
	return w.Flush()
}

// made is how many results of a task were made and not taken from the cache.
func made(r *runnel.Report, task string) int {
	t, _ := r.Task(task)
	if t.Cache == nil {
		return 0
	}
	return t.Cache.Misses
}
