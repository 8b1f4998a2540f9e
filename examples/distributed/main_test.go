package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel/examples/internal/recording"
	"github.com/runnelflow/runnel/runneltest"
)

// asProgram makes the binary of the tests the program; as a worker it is one anyway.
const asProgram = "DISTRIBUTED_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(workerOf) != "" || os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// rows are what the table says of the shipped clips.
var rows = []string{
	`(?m)^a-minor-90bpm\.wav +10\.7 s .* (89\.9|90\.\d) BPM +A minor `,
	`(?m)^c-major-120bpm\.wav +8\.0 s .* 120\.\d BPM +C major `,
	`(?m)^f-sharp-minor-140bpm\.wav +6\.9 s .* 140\.\d BPM +F# minor `,
}

// jobs are how often each job was done, by the lines of the output, and those that
// the killed worker had.
func jobs(output string) (done map[string]int, killed string) {
	done = map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^  worker \d+  (\w+(?:\[\d+\])?) +(?:\d+\.\d ms|(killed) )`).FindAllStringSubmatch(output, -1) {
		if m[2] != "" {
			killed = m[1]
			continue
		}
		done[m[1]]++
	}
	return done, killed
}

func TestWorkersShareTheWork(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), settings{workers: 2}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	check(t, stdout.String())
	if stderr.Len() > 0 {
		t.Errorf("the standard error has %q", &stderr)
	}
}

func check(t *testing.T, output string) {
	t.Helper()
	for _, row := range append(rows, `succeeded after`) {
		if !regexp.MustCompile(row).MatchString(output) {
			t.Errorf("no match for %s in\n%s", row, output)
		}
	}
	done, _ := jobs(output)
	const want = 8*3 + 1
	if len(done) != want {
		t.Errorf("%d different jobs were done, want %d:\n%s", len(done), want, output)
	}
	total := 0
	for _, m := range regexp.MustCompile(`(?m)^worker \d+ +(\d+) +\d+ ms`).FindAllStringSubmatch(output, -1) {
		n, _ := strconv.Atoi(m[1])
		total += n
	}
	if total < want {
		t.Errorf("the workers count %d jobs, want %d:\n%s", total, want, output)
	}
}

// A worker that is killed in the middle of a job loses nothing: another one does the
// job, and the results are the same.
func TestAKilledWorkerLosesNothing(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), settings{workers: 3, kill: true}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	check(t, stdout.String())
	done, killed := jobs(stdout.String())
	if !strings.HasPrefix(killed, "tempo[") || done[killed] == 0 {
		t.Errorf("%q was killed and done %d times, want a tempo that was done nevertheless:\n%s", killed, done[killed], &stdout)
	}
}

// A file that cannot be analysed ends in one line, and the others go on.
func TestABadFileAmongGoodOnes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "notes.wav")
	if err := os.WriteFile(bad, []byte("remember the milk"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), settings{workers: 2, paths: append(recording.Shipped(), bad)}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	for _, row := range rows {
		if !regexp.MustCompile(row).MatchString(stdout.String()) {
			t.Errorf("no match for %s in\n%s", row, &stdout)
		}
	}
	if want := fmt.Sprintf("%s: not a WAV file", bad); !strings.HasPrefix(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("the standard error is %q, want the line %q", &stderr, want)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, set := range []settings{{workers: 0}, {workers: 1, kill: true}} {
		if err := run(t.Context(), set, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "-workers must be") {
			t.Errorf("%+v: error %v", set, err)
		}
	}
}

func TestPipeline(t *testing.T) {
	p, err := newPipeline()
	if err != nil {
		t.Fatal(err)
	}
	runneltest.Check(t, p)
}
