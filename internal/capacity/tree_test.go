package capacity

import (
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTreeReadsFilesOfAnyLength(t *testing.T) {
	for _, kept := range []map[string]fs.File{nil, {}} {
		files := tree{root: fstest.MapFS{}, kept: kept}
		for _, length := range []int{100_000, 0, 1, 4095, 4096, 4097, 8192} {
			want := strings.Repeat("0123456789", length/10+1)[:length]
			files.close()
			files.root = fstest.MapFS{"f": {Data: []byte(want)}}
			for range 2 {
				if got, err := files.read("f"); err != nil || string(got) != want {
					t.Errorf("kept %v, %d bytes: got %d bytes, which may differ, and %v", kept != nil, length, len(got), err)
				}
			}
		}
	}
}

func TestTreeNamesTheFileInErrors(t *testing.T) {
	files := tree{root: fstest.MapFS{"dir/f": {Data: []byte("few")}}}
	for name, want := range map[string]string{
		"dir/g": "/dir/g: file does not exist",
		"dir":   "/dir: it cannot be read from the start again",
	} {
		if _, err := files.read(name); err == nil || err.Error() != want {
			t.Errorf("read %s: got %v, want %s", name, err, want)
		}
	}
	_, _, err := value(&files, "dir/f", parseAmount)
	if want := `/dir/f: expected a number of 0 or more, found "few"`; err == nil || err.Error() != want {
		t.Errorf("value: got %v, want %s", err, want)
	}
}

// counted counts the files that are opened and those that are open.
type counted struct {
	fs.FS
	opened, open int
}

func (c *counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c.opened++
	c.open++
	return countedFile{f, f.(io.ReaderAt), c}, nil
}

type countedFile struct {
	fs.File
	io.ReaderAt
	files *counted
}

func (f countedFile) Close() error {
	f.files.open--
	return f.File.Close()
}

func TestFilesAreOpenedOnceAndClosed(t *testing.T) {
	for _, name := range []string{"docker-v1", "docker-v2", "kubernetes-v2", "ulimit"} {
		files := &counted{FS: layout(t, name)}
		h := hostOf(nil, 8)
		h.root = files
		h.read()
		m := h.meter()
		if files.open != 0 {
			t.Errorf("%s: %d files open before the first sample", name, files.open)
		}
		m.Load()
		opened, open := files.opened, files.open
		if open == 0 {
			t.Errorf("%s: the meter keeps no file open", name)
		}
		m.Load()
		if files.opened != opened || files.open != open {
			t.Errorf("%s: the second sample opened %d files, and %d are open after %d", name, files.opened-opened, files.open, open)
		}
		m.Close()
		m.Close()
		if files.open != 0 {
			t.Errorf("%s: %d files open at the end", name, files.open)
		}
	}
}
