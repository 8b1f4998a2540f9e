// Package recording finds and opens recordings: files on disk, and the clips that
// come with the examples.
package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/runnelflow/runnel/examples/internal/clips"
)

// Prefix is that of paths that name a clip inside the program.
const Prefix = "shipped:"

// Shipped names the clips that come with the program.
func Shipped() []string {
	names, err := fs.Glob(clips.FS, "*.wav")
	if err != nil {
		panic(err) // the pattern is malformed: a mistake in the line above
	}
	for i, n := range names {
		names[i] = Prefix + n
	}
	return names
}

// File is an open recording, on disk or shipped.
type File interface {
	io.ReaderAt
	io.Closer
}

// Open opens a recording and returns its size in bytes. It opens regular files
// only: a device or a pipe may have no end. Errors do not name the path.
func Open(path string) (File, int64, error) {
	name, inside := strings.CutPrefix(path, Prefix)
	if inside {
		return opened(clips.FS.Open(name))
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, Cause(err)
	case info.IsDir():
		return nil, 0, errors.New("a folder, expected a file; name the files in it, as in folder/*.wav")
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("neither a file nor a folder")
	}
	return opened(os.Open(path))
}

func opened(f fs.File, err error) (File, int64, error) {
	if err != nil {
		return nil, 0, Cause(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, Cause(err)
	}
	at, ok := f.(File)
	if !ok {
		f.Close()
		return nil, 0, fmt.Errorf("%T cannot be read at an offset", f)
	}
	return at, info.Size(), nil
}

// Cause leaves out the path that errors of package os carry, for reports that name
// it anyway.
func Cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
