package capacity

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// layout reads the tree of files that testdata/NAME.txt shows: a line that says what it
// is of, and each file below a line with its name.
func layout(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	var file *fstest.MapFile
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			file = &fstest.MapFile{}
			files[strings.TrimSuffix(rest, " --\n")] = file
		} else if file != nil {
			file.Data = append(file.Data, line...)
		}
	}
	if len(files) == 0 {
		t.Fatalf("testdata/%s.txt has no files", name)
	}
	return files
}

// hostOf is a host with these files, so many processors and an empty heap.
func hostOf(files fstest.MapFS, processors int) host {
	return host{
		root:        files,
		processors:  processors,
		maxProcs:    processors,
		memoryLimit: Unknown,
		heap:        func() (free, released int64) { return 0, 0 },
	}
}
