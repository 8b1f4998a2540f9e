package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is the documentation of the command line.
const page = "../docs/cli.md"

// fences finds the blocks of a page in a language.
func fences(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s", page, language)
	}
	return found
}

// TestPageIsTrue builds the program of the page, as it stands there, runs each
// command of its sessions, and holds the output against the page. Times differ.
func TestPageIsTrue(t *testing.T) {
	programs := fences(t, "go")
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(programs[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	// The program exists only in an overlay of the go command: it sees the module
	// as it is, and nothing is written into it.
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(module, "words", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(dir, "words"), "./words")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, session := range fences(t, "console") {
		for part := range strings.SplitSeq("\n"+session, "\n$ ") {
			command, want, _ := strings.Cut(part, "\n")
			if command == "" {
				continue
			}
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if got, want := still(string(out)), still(want); got != want {
				t.Errorf("$ %s\nprints\n%s\nand %s says\n%s", command, got, page, want)
			}
		}
	}
}

var columns = regexp.MustCompile(` {2,}`)

// still is a text without what differs from run to run: times, and the widths of
// columns with times in them.
func still(text string) string {
	text = regexp.MustCompile(`[0-9.]+(µs|ms|s)\b`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`run [0-9a-f]{16} of`).ReplaceAllString(text, "run ID of")
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(columns.ReplaceAllString(line, "  ")))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
