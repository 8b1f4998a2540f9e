package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/examples/internal/clips"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// find lists the files that are named, and the WAV files in the folders that are.
func find(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			paths = append(paths, arg) // what is wrong with it, its analysis says
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.EqualFold(filepath.Ext(path), ".wav") {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// made are the songs of the library that is made on the spot, one in each key and
// faster from one to the next.
func made() []synth.Song {
	var songs []synth.Song
	for i := range 12 {
		songs = append(songs, synth.Song{
			Rate: 22050, Tempo: 70_000 + 8_000*i, Tonic: 7 * i % 12, Minor: i%3 == 2,
			Bars: 4, Groove: synth.Groove(1 + i%3), Peak: 4000 + 2000*i,
		})
	}
	return songs
}

// makeLibrary fills a folder: the clips that ship with the examples, songs, and two
// files that are damaged. Making a song takes as long as analysing one, so that is
// a batch too; a helper does for it, since nothing follows from it.
func makeLibrary(ctx context.Context, folder string) error {
	if err := os.CopyFS(folder, clips.FS); err != nil {
		return err
	}
	files, err := runnel.Map(ctx, made(), func(_ context.Context, s synth.Song) (string, error) {
		path := filepath.Join(folder, fmt.Sprintf("song-%03dbpm.wav", s.Tempo/1000))
		return path, write(path, s)
	})
	if err != nil {
		return err
	}
	whole, err := os.ReadFile(files.Results[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "cut-short.wav"), whole[:len(whole)/2], 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "shopping-list.wav"), []byte("milk, bread, strings for the guitar\n"), 0o600)
}

func write(path string, s synth.Song) error {
	f, err := os.Create(path)
	if err != nil {
		return recording.Cause(err)
	}
	defer f.Close()
	if err := wavfile.Encode(f, s.Samples(), s.Rate); err != nil {
		return err
	}
	return f.Close()
}
