package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"strings"
)

//go:embed opticks.txt
var opticks string

// source is a text in one or more files, which can be read as often as it is
// wanted.
type source struct {
	files []file
	err   error // of readings that ended before their time
}

type file struct {
	name  string
	open  func() (io.ReadCloser, error)
	parts func(f file, lines iter.Seq[string]) iter.Seq[Part]
}

// shipped is the text that comes with the program.
func shipped() *source {
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(opticks)), nil }
	return &source{files: []file{{"opticks.txt", open, books}}}
}

// onDisk are files of which each is a part of the text.
func onDisk(paths []string) *source {
	s := &source{}
	for _, path := range paths {
		open := func() (io.ReadCloser, error) { return os.Open(path) }
		s.files = append(s.files, file{path, open, onePart})
	}
	return s
}

// lines reads all files, one line at a time. A sequence has no place for an error:
// failed knows it afterwards.
func (s *source) lines() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range s.files {
			for line := range s.linesOf(f) {
				if !yield(line) {
					return
				}
			}
		}
	}
}

func (s *source) linesOf(f file) iter.Seq[string] {
	return func(yield func(string) bool) {
		r, err := f.open()
		if err != nil {
			s.err = errors.Join(s.err, err)
			return
		}
		defer r.Close()
		in := bufio.NewScanner(r)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			if !yield(in.Text()) {
				return
			}
		}
		if err := in.Err(); err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("%s: %w", f.name, err))
		}
	}
}

// failed is the error of a reading, or else that of what it was read for.
func (s *source) failed(err error) error {
	if s.err != nil {
		return s.err
	}
	return err
}

// parts reads all files, one part at a time.
func (s *source) parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		for _, f := range s.files {
			for p := range f.parts(f, s.linesOf(f)) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// onePart is a file as a part of its own.
func onePart(f file, lines iter.Seq[string]) iter.Seq[Part] {
	return func(yield func(Part) bool) {
		var text strings.Builder
		for line := range lines {
			text.WriteString(line + "\n")
		}
		yield(Part{f.name, text.String()})
	}
}

var (
	bookLine = regexp.MustCompile(`\b(FIRST|SECOND|THIRD) BOOK\b`)
	partLine = regexp.MustCompile(`^_PART (I|II|III|IV)\._$`)
)

// books splits the Opticks where a part of one of its books begins. The lines in
// front of the first are a part too.
func books(_ file, lines iter.Seq[string]) iter.Seq[Part] {
	return func(yield func(Part) bool) {
		name, book := "Front matter", ""
		var text strings.Builder
		for line := range lines {
			if m := bookLine.FindString(line); m != "" {
				book = m[:1] + strings.ToLower(m[1:])
			}
			if m := partLine.FindStringSubmatch(line); m != nil {
				if !yield(Part{name, text.String()}) {
					return
				}
				name = book + ", part " + m[1]
				text.Reset()
			}
			text.WriteString(line + "\n")
		}
		yield(Part{name, text.String()})
	}
}
