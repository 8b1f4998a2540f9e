package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/runnelflow/runnel/examples/audio/clips"
	"github.com/runnelflow/runnel/examples/audio/internal/perfile"
	"github.com/runnelflow/runnel/examples/audio/internal/wavfile"
)

// shipped is the prefix of paths that name a clip inside the program.
const shipped = "shipped:"

// shippedPaths names the clips that come with the program.
func shippedPaths() []string {
	names, err := fs.Glob(clips.FS, "*.wav")
	if err != nil {
		panic(err) // the pattern is malformed: a mistake in the line above
	}
	for i, n := range names {
		names[i] = shipped + n
	}
	return names
}

// Clip is a file that was found to hold audio. It does not hold the audio itself:
// the measurements decode it when their turn comes, so that a long list of files
// needs no more memory than a short one.
type Clip struct {
	Path string
	wavfile.Info
}

func inspect(_ context.Context, path string) (Clip, error) {
	f, size, err := open(path)
	if err != nil {
		return Clip{}, err
	}
	defer f.Close()
	info, err := wavfile.Inspect(f, size)
	return Clip{Path: path, Info: info}, err
}

// measure decodes every clip and has it measured.
func measure[T any](ctx context.Context, all perfile.Results[Clip], fn func(context.Context, *wavfile.Audio) (T, error)) (perfile.Results[T], error) {
	return perfile.Map(ctx, all, func(ctx context.Context, c Clip) (none T, err error) {
		f, size, err := open(c.Path)
		if err != nil {
			return none, err
		}
		defer f.Close()
		a, err := wavfile.Decode(ctx, f, size)
		if err != nil {
			return none, err
		}
		return fn(ctx, a)
	})
}

// file is an open file, on disk or shipped.
type file interface {
	io.ReaderAt
	io.Closer
}

// open opens a file and returns its size. It opens regular files only: a device
// or a pipe may have no end.
func open(path string) (file, int64, error) {
	name, inside := strings.CutPrefix(path, shipped)
	if inside {
		return opened(clips.FS.Open(name))
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, cause(err)
	case info.IsDir():
		return nil, 0, errors.New("a folder, expected a file; name the files in it, as in folder/*.wav")
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("neither a file nor a folder")
	}
	return opened(os.Open(path))
}

func opened(f fs.File, err error) (file, int64, error) {
	if err != nil {
		return nil, 0, cause(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, cause(err)
	}
	at, ok := f.(file)
	if !ok {
		f.Close()
		return nil, 0, fmt.Errorf("%T cannot be read at an offset", f)
	}
	return at, info.Size(), nil
}

// cause leaves out the path that errors of package os carry: the report names it.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
