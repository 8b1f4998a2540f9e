package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/cli"
	"github.com/runnelflow/runnel/examples/internal/clips"
	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/runneltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is a call of the program with these arguments. It returns the exit status.
func call(t *testing.T, ctx context.Context, stdout, stderr io.Writer, args ...string) int {
	t.Helper()
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	return tool(p).Run(ctx, args, cli.Streams{Out: stdout, Err: stderr})
}

// The pipeline finds the truth about the shipped clips: the key, the tempo within
// 2 %, the length.
func TestShippedClips(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, c := range synth.Shipped {
		paths = append(paths, recording.Prefix+c.File)
	}
	runneltest.Check(t, p)
	res := runneltest.ReadOnly(t, p, runnel.Values{"paths": paths})
	entries, err := Catalogue.Get(res)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range synth.Shipped {
		e := entries[i]
		if e.Path != paths[i] || e.Err != nil {
			t.Errorf("entry %d is %q with error %v, want %q", i, e.Path, e.Err, paths[i])
			continue
		}
		want := float64(c.Tempo) / 1000
		if got := e.Value.Tempo.BPM; math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %.2f BPM, want %.0f ± 2 %%", c.File, got, want)
		}
		if k := e.Value.Key; !k.Found() || k.Tonic != c.Tonic || k.Minor != c.Minor {
			t.Errorf("%s: key %v, want pitch class %d, minor %v", c.File, k, c.Tonic, c.Minor)
		}
		seconds := float64(4*c.Bars) * 60 / want
		if got := e.Value.Duration.Seconds(); math.Abs(got-seconds) > 0.001 {
			t.Errorf("%s: %.4f s, want %.4f", c.File, got, seconds)
		}
	}
	for _, name := range []string{"audio_features", "mir_features", "tags", "embedding"} {
		if _, there := res.Outputs()[name]; !there {
			t.Errorf("there is no output %q", name)
		}
	}
}

// The graph is the one that the issue of an audio library asks for: the
// measurements fan out from the clips and come together again.
func TestGraph(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"clips"},
		{"key", "loudness", "spectrum", "tempo"},
		{"audio_features"},
		{"mir_features"},
		{"tags"},
		{"embedding"},
		{"catalogue"},
	}
	levels := g.Levels()
	for l := range max(len(levels), len(want)) {
		if l >= len(levels) || l >= len(want) {
			t.Fatalf("%d levels, want %d", len(levels), len(want))
		}
		names := map[string]bool{}
		for _, n := range levels[l] {
			names[n.Name] = true
		}
		for _, w := range want[l] {
			if !names[w] || len(names) != len(want[l]) {
				t.Errorf("level %d is %v, want %v", l, names, want[l])
			}
		}
	}
}

// badFiles makes one file of each kind that cannot be analysed, and returns them
// with what their lines must say.
func badFiles(t *testing.T, folder string) map[string]string {
	t.Helper()
	good, err := clips.FS.ReadFile(synth.Shipped[0].File)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing := filepath.Join(folder, "missing.wav")
	_, err = os.Stat(missing)
	return map[string]string{
		missing: recording.Cause(err).Error(), // in the words of the system
		folder:  "a folder, expected a file",
		write("notes.wav", []byte("remember the milk")): "not a WAV file",
		write("empty.wav", nil):                         "the file is empty",
		write("truncated.wav", good[:len(good)/2]):      "truncated",
	}
}

// Bad files end in one line each and do not stop the good ones.
func TestBadFilesAmongGoodOnes(t *testing.T) {
	folder := t.TempDir()
	bad := badFiles(t, folder)
	mine := filepath.Join(folder, "my song.wav")
	song, err := clips.FS.ReadFile(synth.Shipped[1].File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, song, 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{recording.Prefix + synth.Shipped[0].File}
	for path := range bad {
		args = append(args, path)
	}
	args = append(args, mine)

	var stdout, stderr bytes.Buffer
	if status := call(t, context.Background(), &stdout, &stderr, args...); status != 0 {
		t.Errorf("exit status %d, want 0: two files are good", status)
	}
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != len(bad) {
		t.Errorf("%d lines on the standard error, want %d:\n%s", len(lines), len(bad), &stderr)
	}
	for path, says := range bad {
		n := 0
		for _, l := range lines {
			if rest, found := strings.CutPrefix(l, path+": "); found {
				n++
				if !strings.Contains(rest, says) {
					t.Errorf("%q should say %q", l, says)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d lines about %s, want 1:\n%s", n, path, &stderr)
		}
	}
	for _, row := range []string{
		`(?m)^c-major-120bpm\.wav +8\.0 s .* 120\.\d BPM +C major .*my song\.wav \(0\.\d\d\)$`,
		`(?m)my song\.wav +10\.7 s .* (89\.9|90\.\d) BPM +A minor .* c-major-120bpm\.wav \(0\.\d\d\)$`,
	} {
		if !regexp.MustCompile(row).Match(stdout.Bytes()) {
			t.Errorf("no row like %s in\n%s", row, &stdout)
		}
	}
}

func TestOnlyBadFiles(t *testing.T) {
	bad := badFiles(t, t.TempDir())
	var args []string
	for path := range bad {
		args = append(args, path)
	}
	var stdout, stderr bytes.Buffer
	if status := call(t, context.Background(), &stdout, &stderr, args...); status != 1 {
		t.Errorf("exit status %d, want 1: no file could be analysed", status)
	}
	if n := strings.Count(stderr.String(), "\n"); n != len(bad) {
		t.Errorf("%d lines on the standard error, want %d:\n%s", n, len(bad), &stderr)
	}
}

// A file name cannot break the table or forge a line.
func TestControlCharactersInNames(t *testing.T) {
	var stdout, stderr bytes.Buffer
	call(t, context.Background(), &stdout, &stderr, "a\nb\t\x1b[31m.wav")
	if got := stderr.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\t\x1b") {
		t.Errorf("got %q, want one line without control characters", got)
	}
}

func TestHelp(t *testing.T) {
	for _, flag := range []string{"-h", "--help", "help"} {
		var stdout, stderr bytes.Buffer
		status := call(t, context.Background(), &stdout, &stderr, flag)
		for _, want := range []string{"[file.wav ...]\n", "analyses these recordings", "\n  graph ", "./list"} {
			if !strings.Contains(stdout.String(), want) || status != 0 || stderr.Len() > 0 {
				t.Errorf("%s: exit status %d, standard error %q, and no %q in\n%s", flag, status, &stderr, want, &stdout)
			}
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	if status := call(t, ctx, &stdout, &stderr); status != cli.ExitCancelled || !strings.Contains(stderr.String(), "context canceled") {
		t.Errorf("exit status %d, standard error %q", status, &stderr)
	}
}

// A file that is called like a command is reached by a path.
func TestFileCalledLikeACommand(t *testing.T) {
	t.Chdir(t.TempDir())
	song, err := clips.FS.ReadFile(synth.Shipped[1].File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("graph", song, 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := call(t, context.Background(), &stdout, &stderr, "./graph"); status != 0 || !strings.Contains(stdout.String(), "\nResults:") {
		t.Errorf("./graph: exit status %d, standard error %q, output\n%s", status, &stderr, &stdout)
	}
	stdout.Reset()
	if status := call(t, context.Background(), &stdout, &stderr, "graph"); status != 0 || strings.Contains(stdout.String(), "Results:") || !strings.Contains(stdout.String(), "mir_features") {
		t.Errorf("graph: exit status %d, standard error %q, output\n%s", status, &stderr, &stdout)
	}
}

// Every format of the graph goes to the standard output.
func TestGraphFormats(t *testing.T) {
	for _, format := range []string{"text", "ascii", "svg", "dot", "mermaid", "json", "cytoscape"} {
		var stdout, stderr bytes.Buffer
		status := call(t, context.Background(), &stdout, &stderr, "graph", "--format", format)
		if status != 0 || stderr.Len() > 0 {
			t.Errorf("%s: exit status %d, standard error %q", format, status, &stderr)
		}
		for _, task := range []string{"clips", "loudness", "mir_features", "catalogue"} {
			if !strings.Contains(stdout.String(), task) {
				t.Errorf("%s: no task %s in\n%s", format, task, &stdout)
			}
		}
	}
}

// The program as a user gets it: built, and run somewhere else without arguments.
func TestProgram(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "audio.exe")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for _, want := range []string{
		`(?s)The graph:.*mir_features.*Progress:.*10/10.*Results:`,
		`(?m)^a-minor-90bpm\.wav +10\.7 s .* (89\.9|90\.\d) BPM +A minor `,
		`(?m)^c-major-120bpm\.wav +8\.0 s .* 120\.\d BPM +C major `,
		`(?m)^f-sharp-minor-140bpm\.wav +6\.9 s .* 140\.\d BPM +F# minor `,
	} {
		if !regexp.MustCompile(want).Match(stdout.Bytes()) {
			t.Errorf("no match for %s in\n%s", want, &stdout)
		}
	}
	for _, task := range []string{"clips", "loudness", "spectrum", "tempo", "key", "audio_features", "mir_features", "tags", "embedding", "catalogue"} {
		line := regexp.MustCompile(`(?m)^ +\d+/10 +` + task + ` +\d+\.\d ms$`)
		if n := len(line.FindAll(stdout.Bytes(), -1)); n != 1 {
			t.Errorf("%d progress lines for %s, want 1:\n%s", n, task, &stdout)
		}
	}
}
