package runnel

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// mostRows is how many tasks the text of a report shows.
const mostRows = 200

// String is the report as a table, of at most 200 tasks.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "run %s of %s: %s", r.RunID, pipelineLabel(r.Pipeline), r.State)
	if r.Duration > 0 {
		fmt.Fprintf(&b, " after %s", short(r.Duration))
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	columns := "START\tTOOK\tWAITED\t"
	if r.Started.IsZero() {
		columns = ""
	}
	fmt.Fprintf(w, "TASK\tSTATE\tATTEMPTS\t%sNOTE\n", columns)
	for i, t := range r.Tasks {
		if i == mostRows {
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s%s\n", t.Name, t.State, t.Attempts, r.times(t), t.note())
	}
	w.Flush()
	if more := len(r.Tasks) - mostRows; more > 0 {
		fmt.Fprintf(&b, "… and %d more tasks\n", more)
	}
	fmt.Fprintf(&b, "%d tasks: %d succeeded (%.0f %%), %d failed, %d skipped, %d cancelled; %d attempts\n",
		r.Totals.Tasks, r.Totals.Succeeded, 100*r.SuccessRate, r.Totals.Failed, r.Totals.Skipped, r.Totals.Cancelled, r.Totals.Attempts)
	if c := r.Cache; c != nil {
		fmt.Fprintf(&b, "result cache: %s\n", c)
	}
	if r.Resources != nil {
		fmt.Fprintf(&b, "resources: %s\n", r.Resources)
	}
	if len(r.CriticalPath) > 0 {
		fmt.Fprintf(&b, "parallelism %.1f on average, %d at most\n", r.Parallelism, r.PeakParallel)
		fmt.Fprintf(&b, "critical path, %s: %s\n", short(r.CriticalTime), pathText(r.CriticalPath))
	}
	return b.String()
}

// times are the columns with times; there are none in a report without.
func (r *Report) times(t TaskReport) string {
	switch {
	case r.Started.IsZero():
		return ""
	case t.Started.IsZero():
		return "\t\t\t"
	case t.Ended.IsZero():
		return "+" + short(t.Started.Sub(r.Started)) + "\t\t\t"
	}
	return fmt.Sprintf("+%s\t%s\t%s\t", short(t.Started.Sub(r.Started)), short(t.Duration()), short(t.Waited))
}

// note is the error or the reason, on one line.
func (t TaskReport) note() string {
	note := t.Reason
	if note == "" {
		note = text(t.Err)
	}
	if note == "" && t.Elements != nil {
		note = fmt.Sprintf("%d elements", t.Elements.Tasks)
		if t.Cache != nil && t.Cache.Hits > 0 {
			note += fmt.Sprintf(", %d from the result cache", t.Cache.Hits)
		}
	}
	if t.Resources != nil && t.Err == nil {
		if waited := t.Resources.String(); note != "" && waited != "" {
			note += ", " + waited
		} else {
			note += waited
		}
	}
	note, _, _ = strings.Cut(note, "\n")
	return note
}

// short is a duration with three significant digits or so.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 100*unit {
			return d.Round(unit / 10).String()
		}
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// pathText writes a path, the middle of a long one left out.
func pathText(path []string) string {
	const ends = 10
	if len(path) <= 2*ends+1 {
		return strings.Join(path, " → ")
	}
	return fmt.Sprintf("%s → … %d more … → %s", strings.Join(path[:ends], " → "), len(path)-2*ends, strings.Join(path[len(path)-ends:], " → "))
}

// MarshalJSON encodes the report. Durations are in seconds, errors are text,
// times are RFC 3339 and left out when zero.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Pipeline     string          `json:"pipeline,omitempty"`
		RunID        string          `json:"run_id"`
		State        State           `json:"state"`
		Error        string          `json:"error,omitempty"`
		Started      time.Time       `json:"started,omitzero"`
		Duration     float64         `json:"duration_seconds"`
		Totals       Totals          `json:"totals"`
		SuccessRate  float64         `json:"success_rate"`
		CriticalPath []string        `json:"critical_path,omitempty"`
		CriticalTime float64         `json:"critical_time_seconds"`
		Parallelism  float64         `json:"parallelism"`
		PeakParallel int             `json:"peak_parallel"`
		Cache        *CacheReport    `json:"result_cache,omitempty"`
		Resources    *ResourceReport `json:"resources,omitempty"`
		Tasks        []TaskReport    `json:"tasks"`
	}{r.Pipeline, r.RunID, r.State, text(r.Err), r.Started, r.Duration.Seconds(), r.Totals, r.SuccessRate,
		r.CriticalPath, r.CriticalTime.Seconds(), r.Parallelism, r.PeakParallel, r.Cache, r.Resources, r.Tasks})
}

// MarshalJSON encodes the report of a task, like that of the run.
func (t TaskReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name     string    `json:"name"`
		State    State     `json:"state"`
		Attempts int       `json:"attempts"`
		Error    string    `json:"error,omitempty"`
		Reason   string    `json:"reason,omitempty"`
		Ready    time.Time `json:"ready,omitzero"`
		Started  time.Time `json:"started,omitzero"`
		Ended    time.Time `json:"ended,omitzero"`
		Duration float64   `json:"duration_seconds"`
		Waited   float64   `json:"waited_seconds"`
		Elements *Totals   `json:"elements,omitempty"`

		Cache     *CacheReport   `json:"result_cache,omitempty"`
		Resources *TaskResources `json:"resources,omitempty"`
	}{t.Name, t.State, t.Attempts, text(t.Err), t.Reason, t.Ready, t.Started, t.Ended, t.Duration().Seconds(), t.Waited.Seconds(), t.Elements, t.Cache, t.Resources})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprint(err) // which survives the Error method of a nil pointer
}
