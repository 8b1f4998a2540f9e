package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runnelflow/runnel"
)

// A Sum is a file and what its content has to be.
type Sum struct {
	Path  string // from the folder
	Bytes int64
	Hash  [sha256.Size]byte
}

// A Content is what was found in a copy.
type Content struct {
	Files int
	Bytes int64
}

// Files are the files of the folder.
var Files = runnel.NewTask("files", runnel.NoContext(func(in struct{ Source string }) ([]string, error) {
	var files []string
	err := filepath.WalkDir(in.Source, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}))

// Sums looks at each file by itself.
var Sums = runnel.NewMapTask("sums[i]", runnel.NoContext(func(in struct {
	Source string
	File   string `runnel:"files[i]"`
}) (Sum, error) {
	f, err := os.Open(in.File)
	if err != nil {
		return Sum{}, err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	path, outside := filepath.Rel(in.Source, in.File)
	return Sum{filepath.ToSlash(path), n, [sha256.Size]byte(hash.Sum(nil))}, errors.Join(err, outside)
}))

// Archive writes the copy. It has its name once it is whole, and a run that is made
// again for the same night writes the same name.
var Archive = runnel.NewTask("archive", func(ctx context.Context, in struct {
	Source, Target, Night string
	Sums                  []Sum
}) (path string, err error) {
	if err := os.MkdirAll(in.Target, 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(in.Target, "part")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // does nothing once it is renamed
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	for _, sum := range in.Sums {
		if err := ctx.Err(); err != nil {
			return "", errors.Join(err, f.Close())
		}
		if err := add(archive, in.Source, sum); err != nil {
			return "", errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	path = filepath.Join(in.Target, in.Night+".tar.gz")
	return path, os.Rename(f.Name(), path)
}, runnel.Retries(2))

func add(archive *tar.Writer, source string, sum Sum) error {
	f, err := os.Open(filepath.Join(source, filepath.FromSlash(sum.Path)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := archive.WriteHeader(&tar.Header{Name: sum.Path, Mode: 0o644, Size: sum.Bytes}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, f); err != nil {
		return fmt.Errorf("%s has changed meanwhile: %w", sum.Path, err)
	}
	return nil
}

// Checked reads the copy back.
var Checked = runnel.NewTask("checked", runnel.NoContext(func(in struct {
	Archive string
	Sums    []Sum
}) (c Content, err error) {
	f, err := os.Open(in.Archive)
	if err != nil {
		return c, err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return c, err
	}
	archive := tar.NewReader(zipped)
	for _, sum := range in.Sums {
		header, err := archive.Next()
		if err != nil {
			return c, fmt.Errorf("%s is not in the copy: %w", sum.Path, err)
		}
		hash := sha256.New()
		n, err := io.Copy(hash, archive)
		if err != nil {
			return c, err
		}
		if header.Name != sum.Path || [sha256.Size]byte(hash.Sum(nil)) != sum.Hash {
			return c, fmt.Errorf("the copy of %s is not what the file was", sum.Path)
		}
		c.Files, c.Bytes = c.Files+1, c.Bytes+n
	}
	return c, nil
}))

// Kept removes the oldest copies, once the new one is known to be good.
var Kept = runnel.NewTask("kept", runnel.NoContext(func(in struct {
	Target  string
	Keep    int
	Checked Content
}) ([]string, error) {
	entries, err := os.ReadDir(in.Target) // in the order of names, which is that of nights
	if err != nil {
		return nil, err
	}
	var copies []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".tar.gz") {
			copies = append(copies, entry.Name())
		}
	}
	for len(copies) > in.Keep {
		if err := os.Remove(filepath.Join(in.Target, copies[0])); err != nil {
			return nil, err
		}
		copies = slices.Delete(copies, 0, 1)
	}
	return copies, nil
}))

func newPipeline() (*runnel.Pipeline, error) {
	return runnel.FromTasks(Files, Sums, Archive, Checked, Kept)
}
