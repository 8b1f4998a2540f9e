package viz

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/runnelflow/runnel"
)

type timelineJSON struct {
	Pipeline string            `json:"pipeline"`
	RunID    string            `json:"run_id"`
	State    runnel.State      `json:"state"`
	Started  time.Time         `json:"started"`
	Duration float64           `json:"duration_seconds"`
	Rows     []timelineJSONRow `json:"rows"`
}

type timelineJSONRow struct {
	Name     string         `json:"name"`
	State    runnel.State   `json:"state"`
	Critical bool           `json:"critical"`
	Attempts int            `json:"attempts"`
	Elements *runnel.Totals `json:"elements,omitempty"`
	Error    string         `json:"error,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Spans    []spanJSON     `json:"spans"`
}

type spanJSON struct {
	Kind string  `json:"kind"`
	From float64 `json:"from_seconds"`
	To   float64 `json:"to_seconds"`
	Open bool    `json:"open,omitempty"`
}

// TimelineJSON writes the timeline of a run, or of one that goes on, as one
// object with these members:
//
//	pipeline          the name of the pipeline, "" when it has none
//	run_id, state     of the run
//	started           RFC 3339
//	duration_seconds  until the end, or until the report was made
//	rows              the tasks in the order in which they started, those not
//	                  started last
//
// Each row has name, state, critical (true for a task of the critical path),
// attempts, elements for a mapped task (tasks, succeeded, failed, skipped,
// cancelled, attempts), error and reason where there is one, and spans. A span
// has kind, "waiting" for a slot or "running", and from_seconds and to_seconds
// since the start of the run; open is true when it goes on. A task that was not
// called has no span. Waits between attempts are part of running.
//
// A report without times is an error, and so is nil.
func TimelineJSON(w io.Writer, r *runnel.Report) error {
	t, err := newTimeline(r, 0)
	if err != nil {
		return err
	}
	out := timelineJSON{r.Pipeline, r.RunID, r.State, r.Started, r.Duration.Seconds(), make([]timelineJSONRow, len(t.rows))}
	for i, row := range t.rows {
		out.Rows[i] = timelineJSONRow{
			Name: row.task.Name, State: row.task.State, Critical: row.critical, Attempts: row.task.Attempts,
			Elements: row.task.Elements, Error: errorText(row.task.Err), Reason: row.task.Reason, Spans: row.spans(),
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("viz: encoding the timeline of run %q: %w", r.RunID, err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func (r timelineRow) spans() []spanJSON {
	spans := []spanJSON{}
	open := !r.task.State.Ended()
	if from, to, ok := r.waiting(); ok {
		spans = append(spans, spanJSON{"waiting", from.Seconds(), to.Seconds(), open && r.started < 0})
	}
	if from, to, ok := r.running(); ok {
		spans = append(spans, spanJSON{"running", from.Seconds(), to.Seconds(), open})
	}
	return spans
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprint(err) // which survives the Error method of a nil pointer
}
