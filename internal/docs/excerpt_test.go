package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExcerptsStandInTheirFiles holds the blocks that are part of a file, such as
// a program among the examples or what it prints, against that file.
func TestExcerptsStandInTheirFiles(t *testing.T) {
	found := 0
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.from == "" {
				continue
			}
			found++
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(b.from)))
			switch {
			case err != nil:
				t.Errorf("%s:%d: %v", b.page, b.line, err)
			case strings.TrimSpace(b.text) == "":
				t.Errorf("%s:%d: the excerpt of %s is empty", b.page, b.line, b.from)
			case !strings.Contains(string(text), b.text):
				t.Errorf("%s:%d: %s has no such passage: copy it from there again", b.page, b.line, b.from)
			}
		}
	}
	if found == 0 {
		t.Error("expected excerpts in the pages, found none")
	}
}
