package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel/examples/internal/clips"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestOnlyWhatChangedIsComputed, as the program shows.
func TestOnlyWhatChangedIsComputed(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"everything is new 12 12 1 0",
		"nothing 0 0 0 25",
		"a recording is another 1 1 1 22",
		"a recording has another name 0 0 0 25",
		"a recording is new 1 1 1 24",
		"a recording is gone 0 0 1 24",
		"how embeddings are made 0 12 1 12",
	} {
		got := strings.Join(strings.Fields(lines[i+1]), " ")
		if !strings.HasPrefix(got, want+" ") {
			t.Errorf("got  %s\nwant %s …", got, want)
		}
	}
}

// TestFolderOfOnesOwn, twice.
func TestFolderOfOnesOwn(t *testing.T) {
	folder, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	if err := os.CopyFS(folder, clips.FS); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"result cache: 0 hits, 7 misses", "result cache: 7 hits, 0 misses"} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{cache, folder}, &out); err != nil || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "3 recordings of ") {
			t.Errorf("run %d: %v, %q", i+1, err, out.String())
		}
	}
	for _, args := range [][]string{{"one"}, {cache, t.TempDir()}} {
		if err := run(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Error(fmt.Sprint(args), "was no error")
		}
	}
}
