package viz

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

// wellFormed reads a document to its end and returns its texts.
func wellFormed(t *testing.T, document []byte) string {
	t.Helper()
	var all strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return all.String()
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, document)
		}
		if c, ok := token.(xml.CharData); ok {
			all.Write(c)
			all.WriteByte('\n')
		}
	}
}

type trace struct {
	TraceEvents []struct {
		Name, Cat, Ph, ID string
		Ts, Dur           *float64
		Pid, Tid          int
		Args              map[string]any
	}
	DisplayTimeUnit string
}

// decodeTrace checks a trace against the rules of the format.
func decodeTrace(t interface{ Fatalf(string, ...any) }, text []byte) trace {
	var got trace
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	lanes, named, open := map[int][][2]float64{}, map[int]bool{}, map[string]float64{}
	for _, e := range got.TraceEvents {
		if e.Name == "" && e.Ph == "M" || e.Pid == 0 {
			t.Fatalf("an event without name or process: %+v", e)
		}
		switch e.Ph {
		case "M":
			if e.Name == "thread_name" {
				named[e.Tid] = true
			}
			if name, _ := e.Args["name"].(string); name == "" || e.Ts != nil {
				t.Fatalf("metadata %+v", e)
			}
		case "X":
			if e.Ts == nil || e.Dur == nil || *e.Ts < 0 || *e.Dur < 0 || e.Tid == 0 {
				t.Fatalf("complete event %+v", e)
			}
			lanes[e.Tid] = append(lanes[e.Tid], [2]float64{*e.Ts, *e.Ts + *e.Dur})
		case "b":
			if e.Ts == nil || e.ID == "" || e.Cat == "" {
				t.Fatalf("begin %+v", e)
			}
			open[e.Cat+e.ID+e.Name] = *e.Ts
		case "e":
			at, ok := open[e.Cat+e.ID+e.Name]
			if e.Ts == nil || !ok || *e.Ts < at {
				t.Fatalf("end without begin, or before it: %+v", e)
			}
			delete(open, e.Cat+e.ID+e.Name)
		case "i":
			if e.Ts == nil || *e.Ts < 0 {
				t.Fatalf("instant %+v", e)
			}
		default:
			t.Fatalf("phase %q", e.Ph)
		}
	}
	if len(open) > 0 {
		t.Fatalf("begins without ends: %v", open)
	}
	for lane, bars := range lanes {
		slices.SortFunc(bars, func(a, b [2]float64) int { return slices.Compare(a[:], b[:]) })
		for i := 1; i < len(bars); i++ {
			if bars[i][0] < bars[i-1][1]-1e-6*bars[i-1][1] {
				t.Fatalf("lane %d: %v and %v overlap", lane, bars[i-1], bars[i])
			}
		}
		if !named[lane] {
			t.Fatalf("lane %d has no name", lane)
		}
	}
	return got
}

// drawReport draws a report as a run could have made it, with hard names.
func drawReport(t *rapid.T) *runnel.Report {
	start := time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)
	r := &runnel.Report{Pipeline: rapid.String().Draw(t, "pipeline"), RunID: "r", State: runnel.Running, Started: start}
	at := func(label string) time.Duration { return time.Duration(rapid.IntRange(0, 50_000).Draw(t, label)) }
	for i := range rapid.IntRange(0, 30).Draw(t, "tasks") {
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom(hardNames)).Draw(t, "name")
		task := runnel.TaskReport{Name: fmt.Sprint(name, i), State: rapid.SampledFrom([]runnel.State{runnel.Pending, runnel.Ready, runnel.Running,
			runnel.Retrying, runnel.Succeeded, runnel.Failed, runnel.Skipped, runnel.Cancelled}).Draw(t, "state")}
		ready, wait, took := at("ready"), at("wait"), at("took")
		switch task.State {
		case runnel.Ready:
			task.Ready = start.Add(ready)
		case runnel.Running, runnel.Retrying:
			task.Ready, task.Started, task.Attempts = start.Add(ready), start.Add(ready+wait), 1
		case runnel.Succeeded, runnel.Failed:
			task.Ready, task.Started, task.Attempts = start.Add(ready), start.Add(ready+wait), 2
			task.Ended = task.Started.Add(took)
		case runnel.Skipped, runnel.Cancelled:
			task.Ended, task.Reason = start.Add(ready), name
		}
		if task.State == runnel.Failed {
			task.Err = errors.New(name)
		}
		r.Duration = max(r.Duration, ready+wait+took)
		r.Tasks = append(r.Tasks, task)
		if rapid.IntRange(0, 3).Draw(t, "critical") == 0 {
			r.CriticalPath = append(r.CriticalPath, task.Name)
		}
	}
	return r
}

type jsonRow struct {
	Name, State string
	Spans       []struct {
		Kind string
		From float64 `json:"from_seconds"`
		To   float64 `json:"to_seconds"`
		Open bool
	}
}

func TestTimelinesOfAnyReport(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		report := drawReport(r)
		rows := rapid.IntRange(2, 40).Draw(r, "rows")
		width := rapid.IntRange(40, 200).Draw(r, "width")

		// The trace has every task once, in as few lanes as can be.
		ran := 0
		got := decodeTrace(r, written(t, func(w io.Writer) error { return ChromeTrace(w, report) }))
		lanes := 0
		for _, e := range got.TraceEvents {
			if e.Ph == "X" {
				ran++
				lanes = max(lanes, e.Tid)
			}
		}
		started, most := 0, 0
		for i := range report.Tasks {
			a := &report.Tasks[i]
			if a.Started.IsZero() {
				continue
			}
			started++
			at := 0
			for j := range report.Tasks {
				b := &report.Tasks[j]
				end := b.Ended
				if end.IsZero() {
					end = report.Started.Add(report.Duration)
				}
				if !b.Started.IsZero() && !b.Started.After(a.Started) && (end.After(a.Started) || i == j) {
					at++
				}
			}
			most = max(most, at)
		}
		if ran != started || lanes != most {
			r.Fatalf("%d tasks in %d lanes, want %d in %d", ran, lanes, started, most)
		}

		// JSON gives the report back.
		var decoded struct{ Rows []jsonRow }
		if err := json.Unmarshal(written(t, func(w io.Writer) error { return TimelineJSON(w, report) }), &decoded); err != nil {
			r.Fatal(err)
		}
		if len(decoded.Rows) != len(report.Tasks) {
			r.Fatalf("%d rows of %d tasks", len(decoded.Rows), len(report.Tasks))
		}
		for _, task := range report.Tasks {
			name := string([]rune(task.Name)) // bytes that are no UTF-8 are replaced
			k := slices.IndexFunc(decoded.Rows, func(row jsonRow) bool { return row.Name == name })
			if k < 0 || decoded.Rows[k].State != task.State.String() {
				r.Fatalf("task %+v is row %d of %+v", task, k, decoded.Rows)
			}
			row := decoded.Rows[k]
			for _, s := range row.Spans {
				if s.From > s.To || s.From < 0 || s.To > report.Duration.Seconds() || s.Open == task.State.Ended() && s.Kind == "running" {
					r.Fatalf("span %+v of task %+v", s, task)
				}
			}
		}

		// The picture is well-formed, and has every name or the number of the rest.
		texts := wellFormed(t, written(t, func(w io.Writer) error { return TimelineSVG(w, report, Rows(rows)) }))
		if hidden := len(report.Tasks) - rows + 1; len(report.Tasks) > rows && !strings.Contains(texts, fmt.Sprintf("+ %d more task", hidden)) {
			r.Fatalf("%d rows of %d, and nothing says so:\n%s", rows, len(report.Tasks), texts)
		}

		for _, ascii := range []bool{false, true} {
			opts := []TimelineOption{Rows(rows), Width(width)}
			if ascii {
				opts = append(opts, ASCII())
			}
			lines := strings.Split(string(written(t, func(w io.Writer) error { return TimelineText(w, report, opts...) })), "\n")
			if want := min(rows, len(report.Tasks)) + 5; len(lines) != want {
				r.Fatalf("%d lines, want %d:\n%s", len(lines), want, strings.Join(lines, "\n"))
			}
			for _, line := range lines {
				for _, c := range line {
					if c < ' ' || ascii && c > '~' {
						r.Fatalf("character %q in %q", c, line)
					}
				}
				if ascii && len(line) > width {
					r.Fatalf("%d columns, want %d: %q", len(line), width, line)
				}
			}
		}
	})
}

// A run that goes on is drawn up to the time of the report.
func TestTimelineOfARunThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := func(d time.Duration) func(context.Context, struct{}) (int, error) {
			return func(ctx context.Context, _ struct{}) (int, error) {
				select {
				case <-time.After(d):
					return 1, nil
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
			}
		}
		p, err := runnel.FromTasks(runnel.NewTask("first", sleep(time.Second)),
			runnel.NewTask("second", sleep(8*time.Second), runnel.After("first")),
			runnel.NewTask("third", sleep(8*time.Second), runnel.After("first")),
			runnel.NewTask("last", sleep(time.Second), runnel.After("second", "third")))
		if err != nil {
			t.Fatal(err)
		}
		run, err := p.Start(t.Context(), nil, runnel.RunID("live"), runnel.MaxParallel(1))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		draw := func() string {
			got := string(written(t, func(w io.Writer) error { return TimelineText(w, run.Report(), Width(60)) }))
			return strings.ReplaceAll(got, "third ", "second") // either may have the slot
		}
		want := `run live: running for 3s
         0s           1s           2s
         ┬────────────┬────────────┬───────────┬
* first  █████████████                           1s
  second              ██████████████████████████ running, 2s
  second              ░░░░░░░░░░░░░░░░░░░░░░░░░░ ready
  last                                           pending
* critical path   ░ waits for a slot   █ runs
`
		if got := draw(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		svg := string(written(t, func(w io.Writer) error { return TimelineSVG(w, run.Report()) }))
		if !strings.Contains(svg, `class="now"`) {
			t.Error("the picture does not show where now is")
		}
		run.Cancel(errors.New("enough"))
		if _, err := run.Wait(t.Context()); err == nil {
			t.Fatal("no error")
		}
		want = `run live: cancelled after 3s
         0s          1s          2s
         ┬───────────┬───────────┬───────────┬
* first  █████████████                         1s
* second             █████████████████████████ cancelled, 2s
  last                                       ◆ cancelled
  second                                     ◆ cancelled
* critical path   █ runs   ◆ not called
`
		if got := draw(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestTimelinesRefuseWhatTheyCannotDraw(t *testing.T) {
	good := reportOfNightly(t)
	none := &runnel.Report{RunID: "r1"}
	write := map[string]func(io.Writer, *runnel.Report) error{
		"svg":   func(w io.Writer, r *runnel.Report) error { return TimelineSVG(w, r) },
		"text":  func(w io.Writer, r *runnel.Report) error { return TimelineText(w, r) },
		"json":  TimelineJSON,
		"trace": ChromeTrace,
	}
	for name, f := range write {
		if err := f(io.Discard, nil); err == nil || err.Error() != "viz: a timeline needs the report of a run, got nil: take it from Result.Report or Run.Report" {
			t.Errorf("%s of nil: %v", name, err)
		}
		if err := f(io.Discard, none); err == nil || err.Error() != `viz: the report of run "r1" has no times to draw: run it without Timings(false)` {
			t.Errorf("%s without times: %v", name, err)
		}
		if err := f(full{}, good); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", name, err)
		}
	}
	for want, o := range map[string]TimelineOption{"viz: Rows must be 2 or more, got 1": Rows(1), "viz: Width must be 40 or more, got 3": Width(3)} {
		for name, err := range map[string]error{"svg": TimelineSVG(io.Discard, good, o), "text": TimelineText(io.Discard, good, o)} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
