package clips

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/wavfile"
)

// The committed clips are what the committed program makes: nobody has to trust a
// binary file.
func TestClipsAreGenerated(t *testing.T) {
	total := 0
	for _, c := range synth.Shipped {
		path := filepath.Join(t.TempDir(), c.File)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := wavfile.Encode(f, c.Samples(), c.Rate); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := FS.ReadFile(c.File)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, committed) {
			t.Errorf("%s is not what synth makes: run go generate in this folder", c.File)
		}
		total += len(committed)
	}
	if entries, err := FS.ReadDir("."); err != nil || len(entries) != len(synth.Shipped) {
		t.Errorf("the folder holds %d clips (error %v), synth.Shipped lists %d", len(entries), err, len(synth.Shipped))
	}
	if total > 1_500_000 {
		t.Errorf("the clips take %d bytes, more than 1.5 MB", total)
	}
}
