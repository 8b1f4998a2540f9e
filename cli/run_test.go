package cli

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// modes is a pipeline of which one task fails.
func modes() *runnel.Pipeline {
	return runnel.NewPipeline().Add(
		runnel.NewTask("good", runnel.Pure(func(struct{}) int { return 1 })),
		runnel.NewTask("bad", runnel.NoContext(func(struct{}) (int, error) { return 0, errors.New("it is broken") })),
		runnel.NewTask("after", runnel.Pure(func(in struct{ Bad int }) int { return in.Bad })),
	)
}

func TestExitStatusOfRuns(t *testing.T) {
	ps := []*runnel.Pipeline{modes()}
	for _, c := range []struct {
		args string
		code int
		out  string
		says string
	}{
		{"run --target good --progress off", ExitOK, "good: 1\n", ""},
		{"run --on-error continue --progress off", ExitFailed, "good: 1\n", "it is broken"},
		{"run --on-error skip-failed --progress off", ExitOK, "good: 1\n", ""},
		{"run --target after --progress off", ExitFailed, "", "it is broken"},
		{"run --target good --report no/such/folder.json --progress off", ExitFailed, "good: 1\n", "no such file"},
	} {
		got := called(t, "", ps, strings.Fields(c.args)...)
		if got.code != c.code || got.out != c.out || !strings.Contains(got.errors, c.says) || c.says == "" && got.errors != "" {
			t.Errorf("%s: %v\nwant exit status %d, output %q, and %q", c.args, got, c.code, c.out, c.says)
		}
	}
}

// With --json there are all outputs and the report, also of a run that failed.
func TestRunWritesJSON(t *testing.T) {
	p := modes().Add(
		runnel.NewTask("odd", runnel.Pure(func(struct{}) float64 { return math.NaN() })),
		runnel.NewTask("worse", runnel.Pure(func(struct{}) angry { return angry{} })),
	)
	got := called(t, "", []*runnel.Pipeline{p}, "run", "--on-error", "continue", "--json", "--progress=off")
	var result struct {
		Outputs map[string]any
		Report  struct {
			State  string
			Totals runnel.Totals
		}
	}
	if err := json.Unmarshal([]byte(got.out), &result); err != nil {
		t.Fatal(err, got)
	}
	o := result.Outputs
	if got.code != ExitFailed || o["good"] != 1.0 || o["odd"] != "NaN" || o["worse"] == nil || len(o) != 3 || result.Report.State != "failed" || result.Report.Totals.Failed != 1 || result.Report.Totals.Skipped != 1 {
		t.Errorf("%v", got)
	}
	if readable := called(t, "", []*runnel.Pipeline{p}, "run", "--on-error", "continue", "--progress=off"); readable.code != ExitFailed || !strings.Contains(readable.out, "odd: NaN\n") {
		t.Error(readable)
	}
}

// angry cannot be written as JSON or as text.
type angry struct{}

func (angry) MarshalJSON() ([]byte, error) { panic("no") }

func TestReadableResults(t *testing.T) {
	long := make([]int, 1000)
	for _, c := range []struct {
		v    any
		want string
	}{
		{"text", "x: text\n"},
		{"two\nlines\n", "x:\n  two\n  lines\n"},
		{[]byte("bytes"), "x: bytes\n"},
		{[]byte{0xff}, "x: 1 byte\n"},
		{1.5, "x: 1.5\n"},
		{time.Second, "x: 1s\n"},
		{errors.New("failed"), "x: failed\n"},
		{nil, "x: nil\n"},
		{Config{Rate: 1, Tags: []string{"<a>"}}, `x: {"rate":1,"tags":["<a>"]}` + "\n"},
		{long, "x:\n  [\n" + strings.Repeat("    0,\n", mostLines-1) + "  … and 962 more lines; --json shows all\n"},
	} {
		var b strings.Builder
		writeResults(&b, map[string]any{"x": c.v}, []string{"x", "not there"})
		if b.String() != c.want {
			t.Errorf("%v: got %q, want %q", c.v, b.String(), c.want)
		}
	}
}

// What runs out of its time has failed, and what its caller cancels is cancelled.
func TestTimeoutAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runnel.NewPipeline().Add(
			runnel.NewTask("first", runnel.Pure(func(struct{}) int { return 1 })),
			runnel.NewTask("slow", func(ctx context.Context, in struct{ First int }) (int, error) {
				<-ctx.Done()
				time.Sleep(time.Second) // it takes its time
				return 0, ctx.Err()
			}))
		got := called(t, "", []*runnel.Pipeline{p}, "run", "--timeout", "90s")
		if got.code != ExitFailed || !strings.Contains(got.errors, "--timeout 1m30s is over") || !strings.Contains(got.errors, "slow   cancelled") {
			t.Error(got)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errSignal) })
		var out, errs strings.Builder
		code := New(p).Run(ctx, []string{"run", "--json"}, Streams{nil, &out, &errs})
		if code != ExitCancelled || !strings.Contains(out.String(), `"first": 1`) || !strings.Contains(errs.String(), "the run was cancelled: interrupted") || !strings.Contains(errs.String(), stopping) {
			t.Errorf("exit status %d\n%s\n%s", code, &out, &errs)
		}
		// So does a standard input that does not end.
		ctx, cancel = context.WithCancelCause(t.Context())
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		cancel(errSignal)
		code = New(pipelines()[1]).Run(ctx, []string{"run", "--words", "-"}, Streams{read, &out, &errs})
		write.Close()
		if code != ExitCancelled {
			t.Errorf("exit status %d, want %d", code, ExitCancelled)
		}
	})
}

func TestReportsOfARunInFiles(t *testing.T) {
	dir := t.TempDir()
	ps := pipelines()[1:2]
	table, asJSON := filepath.Join(dir, "r.txt"), filepath.Join(dir, "r.json")
	for _, name := range []string{table, asJSON} {
		if got := called(t, "", ps, "run", "--words", "a", "--progress=off", "--report", name); got.code != ExitOK {
			t.Fatal(got)
		}
	}
	if text, err := os.ReadFile(table); err != nil || !strings.Contains(string(text), "\nTASK ") {
		t.Errorf("%v\n%s", err, text)
	}
	for _, end := range []string{"svg", "txt", "json", "trace"} {
		file := filepath.Join(dir, "timeline."+end)
		got := called(t, "", ps, "run", "--words", "a", "--progress=off", "--timeline", file)
		if text, err := os.ReadFile(file); got.code != ExitOK || err != nil || !strings.Contains(string(text), "lengths") {
			t.Errorf("%v, %s\n%s", err, text, got)
		}
	}
	for _, f := range graphFormats {
		if f.ending == "" {
			continue
		}
		file := filepath.Join(dir, "picture."+f.ending)
		got := called(t, "", ps, "run", "--words", "a", "--progress=off", "--picture", file)
		if text, err := os.ReadFile(file); got.code != ExitOK || err != nil || !f.binary && !strings.Contains(string(text), "lengths") {
			t.Errorf("%v, %s\n%s", err, text, got)
		}
	}
	for _, args := range []string{"--report r", "--report r.svg", "--timeline t.gif", "--picture p"} {
		got := called(t, "", ps, append([]string{"run", "--words", "a"}, strings.Fields(args)...)...)
		if got.code != ExitUsage || !strings.Contains(got.errors, "must end in ") {
			t.Errorf("%s: %v", args, got)
		}
	}
	// The report tells the next run what to expect.
	h, err := readHistory(asJSON)
	if err != nil || h["lengths"].elements != 1 {
		t.Errorf("%v, %v", h, err)
	}
	if got := called(t, "", ps, "run", "--words", "a", "--progress=live", "--expect", asJSON); got.code != ExitOK {
		t.Error(got)
	}
}

// The expected time is that of the longest path of what remains.
func TestExpected(t *testing.T) {
	p := runnel.NewPipeline().Add(
		runnel.NewTask("a", runnel.Pure(func(struct{}) int { return 1 })),
		runnel.NewMapTask("b[i]", runnel.Pure(func(in struct {
			N int `runnel:"ns[i]"`
			A int
		}) int {
			return 1
		})),
		runnel.NewTask("c", runnel.Pure(func(in struct{ B []int }) int { return 1 })),
		runnel.NewTask("d", runnel.Pure(func(in struct{ A int }) int { return 1 })),
	)
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	h := history{"a": {took: 2 * time.Second}, "b": {10 * time.Second, 5}, "c": {took: time.Second}, "d": {took: 5 * time.Second}}
	pr := newProgress(g, start)
	want := func(h history, slots, now, seconds int) {
		t.Helper()
		d, ok := pr.expected(g, h, slots, at(now))
		if ok != (seconds > 0) || ok && d != time.Duration(seconds)*time.Second {
			t.Errorf("expected %s, %v; want %d s", d, ok, seconds)
		}
	}
	pr.observe(runnel.RunStarted{At: start, Tasks: 4})
	want(nil, 0, 0, 0) // nothing is known
	want(history{"a": h["a"]}, 0, 0, 0)
	want(h, 0, 0, 2+10+1)
	want(h, 1, 0, 2+10+1+5) // all in one slot
	want(h, 2, 0, 2+10+1)
	pr.observe(runnel.TaskStarted{At: start, Task: "a"})
	want(h, 0, 1, 13)
	pr.observe(runnel.TaskFinished{At: at(4), Task: "a", State: runnel.Succeeded})
	want(h, 0, 4, 4+10+1)
	pr.observe(runnel.TaskStarted{At: at(4), Task: "b", Elements: 10}) // twice as many as before
	pr.observe(runnel.TaskStarted{At: at(4), Task: "d"})
	want(h, 0, 4, 4+20+1)
	for i := range 5 {
		pr.observe(runnel.TaskFinished{At: at(6), Task: "b", Index: []int{i}, State: runnel.Succeeded})
	}
	want(h, 0, 6, 6+2+1) // half of them took 2 s; of d are 3 s left
	want(nil, 0, 6, 0)   // of c nothing is known
	pr.observe(runnel.TaskFinished{At: at(8), Task: "b", State: runnel.Succeeded})
	pr.observe(runnel.TaskFinished{At: at(9), Task: "d", State: runnel.Succeeded})
	pr.observe(runnel.TaskStarted{At: at(8), Task: "c"})
	want(h, 0, 20, 20) // it takes longer than it did
}

func TestSweep(t *testing.T) {
	ps := pipelines()[:1]
	args := []string{"sweep", "--grid", "alpha=0.5,2,1", "--grid", `paths=[["a"],["a","b"]]`, "--config", "{}"}
	got := called(t, "", ps, append(args, "--format", "csv", "--target", "score")...)
	var rows []string
	for line := range strings.Lines(got.out) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		rows = append(rows, cells[0]+" "+cells[len(cells)-3]+" "+cells[len(cells)-1])
	}
	want := []string{
		"alpha score error",
		"0.5 0.5 ", "0.5 1 ",
		`2  "task ""score"" (tool_test.go:0) failed: alpha is above 1"`, `2  "task ""score"" (tool_test.go:0) failed: alpha is above 1"`,
		"1 1 ", "1 2 ",
	}
	for i, row := range rows {
		if i >= len(want) || masked(row) != want[i] {
			t.Errorf("row %d is %q", i, masked(row))
		}
	}
	if got.code != ExitFailed || len(rows) != len(want) || !strings.Contains(got.errors, "2 of 6 combinations failed") {
		t.Errorf("want %q\n%v", want, got)
	}

	got = called(t, "", ps, append(args, "--format", "json")...)
	var all []struct {
		Inputs  map[string]string
		Outputs map[string]any
		Error   string
	}
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all) != 6 {
		t.Fatal(err, got)
	}
	if r := all[5]; r.Inputs["alpha"] != "1" || r.Inputs["paths"] != `["a","b"]` || r.Outputs["score"] != 2.0 || r.Error != "" || all[2].Error == "" {
		t.Error(got)
	}

	got = called(t, "", ps, "sweep", "--grid", "alpha=0.5,2", "--paths", "a", "--config", "{}", "--max-parallel", "1")
	lines := strings.Split(got.out, "\n")
	if !strings.HasPrefix(lines[0], "alpha  score  took") || !strings.HasPrefix(lines[1], "0.5    0.5    ") || !strings.Contains(lines[2], "alpha is above 1") {
		t.Error(got)
	}

	// Cancelled, it shows what there is.
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	var out, errs strings.Builder
	if code := New(ps...).Run(ctx, args, Streams{nil, &out, &errs}); code != ExitCancelled || strings.Count(out.String(), "\n") != 7 {
		t.Errorf("exit status %d\n%s\n%s", code, &out, &errs)
	}
}

// masked is a text without the line numbers of this package.
func masked(s string) string {
	before, after, ok := strings.Cut(s, "tool_test.go:")
	if !ok {
		return s
	}
	return before + "tool_test.go:0" + strings.TrimLeft(after, "0123456789")
}

func TestBench(t *testing.T) {
	ps := pipelines()[:1]
	got := called(t, "", ps, "bench", "-n", "3", "--paths", "a", "--config", "{}", "--max-parallel", "1")
	for _, want := range []string{"3 runs after one to warm up", "\ntime ", "\nallocations ", "\ntasks, the slowest first\n", "\ncritical path of the median run, ", ": tokens → score\n"} {
		if got.code != ExitOK || !strings.Contains(got.out, want) {
			t.Errorf("no %q in %v", want, got)
		}
	}
	got = called(t, "", ps, "bench", "-n", "3", "--paths", "a", "--config", "{}", "--json")
	var m struct {
		Runs        int
		Seconds     struct{ Min, Median, Max float64 }
		Allocations struct{ Min, Median, Max float64 }
		Tasks       []struct {
			Name    string
			Seconds struct{ Median float64 }
		}
	}
	if err := json.Unmarshal([]byte(got.out), &m); err != nil {
		t.Fatal(err, got)
	}
	s := m.Seconds
	if m.Runs != 3 || s.Min <= 0 || s.Median < s.Min || s.Max < s.Median || m.Allocations.Min <= 0 || len(m.Tasks) != 2 || m.Tasks[0].Seconds.Median < m.Tasks[1].Seconds.Median {
		t.Error(got)
	}
	if got := called(t, "", ps, "bench", "--paths", "a", "--config", "{}", "--alpha", "2"); got.code != ExitFailed || !strings.Contains(got.errors, "run 1 of 11: ") {
		t.Error(got)
	}
}

func TestVersion(t *testing.T) {
	got := called(t, "", pipelines(), "version")
	if got.code != ExitOK || !strings.HasPrefix(got.out, "mytool ") || !strings.Contains(got.out, "\ngo1.") {
		t.Error(got)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := called(t, "", pipelines(), "completion", shell); got.code != ExitOK || !strings.Contains(got.out, "mytool") || got.errors != "" {
			t.Errorf("%s: exit status %d, %s", shell, got.code, got.errors)
		}
	}
}

func TestDefaultAction(t *testing.T) {
	var seen []string
	tool := New(pipelines()...).Default("[file ...]", "reads files", func(_ context.Context, args []string, s Streams) int {
		seen = append(seen, strings.Join(args, " "))
		return len(args)
	})
	for _, args := range [][]string{{}, {"a.txt"}, {"./list", "list"}, {"--", "-x"}} {
		want := strings.TrimPrefix(strings.Join(args, " "), "-- ")
		code := tool.Run(t.Context(), args, Streams{})
		if seen[len(seen)-1] != want || code != len(strings.Fields(want)) {
			t.Errorf("%q: the action got %q, exit status %d", args, seen[len(seen)-1], code)
		}
	}
	var out strings.Builder
	if code := tool.Run(t.Context(), []string{"list"}, Streams{Out: &out}); code != ExitOK || len(seen) != 4 || out.Len() == 0 {
		t.Errorf("exit status %d, the action was called %d times", code, len(seen))
	}
}
