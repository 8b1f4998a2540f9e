package capacity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// tree reads files below root. The zero value with a root opens each anew; with a map of
// kept files it opens each once, since the kernel writes such a file anew for whoever
// reads it from the start. It is not safe for concurrent use.
type tree struct {
	root fs.FS
	kept map[string]fs.File // nil to keep none
	buf  []byte
}

// read returns the content of a file, valid until the next call. Its errors name the
// file; one that is missing is fs.ErrNotExist.
func (t *tree) read(name string) ([]byte, error) {
	f := t.kept[name]
	if f == nil {
		var err error
		if f, err = t.root.Open(name); err != nil {
			return nil, fileError(name, err)
		}
		if t.kept == nil {
			defer f.Close()
		} else {
			t.kept[name] = f
		}
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fileError(name, errors.New("it cannot be read from the start again"))
	}
	if t.buf == nil {
		t.buf = make([]byte, 4096)
	}
	for n := 0; ; {
		k, err := r.ReadAt(t.buf[n:], int64(n))
		n += k
		switch {
		case errors.Is(err, io.EOF):
			return t.buf[:n], nil
		case err != nil:
			return nil, fileError(name, err)
		}
		t.buf = append(t.buf, make([]byte, len(t.buf))...)
	}
}

// value parses the content of a file. It returns found false and no error when there is
// no such file, as there is none for a control group without the controller.
func value[T any](t *tree, name string, parse func([]byte) (T, error)) (v T, found bool, err error) {
	text, err := t.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	if v, err = parse(text); err != nil {
		return v, false, fileError(name, err)
	}
	return v, true, nil
}

// close closes the files that are kept, and keeps none of them.
func (t *tree) close() {
	for _, f := range t.kept {
		f.Close()
	}
	clear(t.kept)
}

// fileError names the file by its whole path, once.
func fileError(name string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("/%s: %w", name, err)
}
