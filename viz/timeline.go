package viz

//go:generate go test -run ^TestPicture -update .

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/runnelflow/runnel"
)

// A TimelineOption is an option of [TimelineSVG] and [TimelineText].
type TimelineOption interface{ applyTimeline(*timelineConfig) }

type timelineOption func(*timelineConfig)

func (o timelineOption) applyTimeline(c *timelineConfig) { o(c) }

type timelineConfig struct {
	rows int
	text textStyle
	err  error
}

// mostTimelineRows is how many rows a timeline has unless Rows says otherwise.
const mostTimelineRows = 500

// Rows bounds the rows of a timeline, which are 500 unless it is given; n is 2
// or more. Of a run with more tasks, those of the critical path, those that did
// not succeed and the longest keep their rows, in this order, and the last row
// stands for the others, with their number.
func Rows(n int) TimelineOption {
	return timelineOption(func(c *timelineConfig) {
		if n < 2 {
			c.err = errors.Join(c.err, fmt.Errorf("viz: Rows must be 2 or more, got %d", n))
		}
		c.rows = n
	})
}

func timelineConfigOf(opts []TimelineOption) (timelineConfig, error) {
	c := timelineConfig{rows: mostTimelineRows, text: textStyle{width: defaultWidth}}
	for _, o := range opts {
		o.applyTimeline(&c)
	}
	return c, c.err
}

// timeline is a run to be drawn: times are since its start.
type timeline struct {
	report *runnel.Report
	end    time.Duration
	rows   []timelineRow
	folded []timelineRow // without a row of their own
}

// timelineRow is one task. ready to started it waited for a slot, started to
// ended it ran, waits between its attempts counted.
type timelineRow struct {
	task     *runnel.TaskReport
	critical bool
	// ready and started are negative when there was none. Of a task that goes on,
	// ended is the end of the timeline; of one that was not called, when that was
	// decided.
	ready, started, ended time.Duration
}

// waiting and running are the two bars of a row; ok is false when there is none.
func (r timelineRow) waiting() (from, to time.Duration, ok bool) {
	to = r.started
	if to < 0 {
		to = r.ended
	}
	return r.ready, to, r.ready >= 0 && to > r.ready
}

func (r timelineRow) running() (from, to time.Duration, ok bool) {
	return r.started, r.ended, r.started >= 0
}

// took is the length of the running bar.
func (r timelineRow) took() time.Duration {
	if r.started < 0 {
		return 0
	}
	return r.ended - r.started
}

// newTimeline reads a report, which needs times.
func newTimeline(r *runnel.Report, mostRows int) (*timeline, error) {
	if r == nil {
		return nil, errors.New("viz: a timeline needs the report of a run, got nil: take it from Result.Report or Run.Report")
	}
	if r.Started.IsZero() {
		return nil, fmt.Errorf("viz: the report of run %q has no times to draw: run it without Timings(false)", r.RunID)
	}
	t := &timeline{report: r, end: r.Duration, rows: make([]timelineRow, len(r.Tasks))}
	for i := range r.Tasks {
		if ended := r.Tasks[i].Ended; !ended.IsZero() {
			t.end = max(t.end, ended.Sub(r.Started))
		}
	}
	critical := make(map[string]bool, len(r.CriticalPath))
	for _, name := range r.CriticalPath {
		critical[name] = true
	}
	since := func(at time.Time) time.Duration {
		if at.IsZero() {
			return -1
		}
		return max(0, at.Sub(r.Started))
	}
	for i := range r.Tasks {
		task := &r.Tasks[i]
		row := timelineRow{task: task, critical: critical[task.Name], ready: since(task.Ready), started: since(task.Started), ended: since(task.Ended)}
		if row.ended < 0 {
			row.ended = t.end
		}
		row.ended = max(row.ended, row.started)
		t.rows[i] = row
	}
	// A report has those that have not started by name; here what waits for a slot
	// comes first, and then what ended without a call, in order of time.
	slices.SortStableFunc(t.rows, func(a, b timelineRow) int {
		return cmp.Or(cmp.Compare(a.place(), b.place()), cmp.Compare(a.since(), b.since()))
	})
	t.fold(mostRows)
	return t, nil
}

// place is that of the group in which the row stands.
func (r timelineRow) place() int {
	switch {
	case r.started >= 0:
		return 0
	case r.ready >= 0:
		return 1
	case r.task.State.Ended():
		return 2
	}
	return 3
}

// since is the time by which rows of one group are ordered.
func (r timelineRow) since() time.Duration {
	switch {
	case r.started >= 0:
		return r.started
	case r.ready >= 0:
		return r.ready
	}
	return r.ended
}

// fold takes the shortest rows out, so that with one for them there are no more
// than most; 0 folds none.
func (t *timeline) fold(most int) {
	if most == 0 || len(t.rows) <= most {
		return
	}
	rank := func(r timelineRow) int {
		switch {
		case r.critical:
			return 0
		case r.task.State != runnel.Succeeded && r.started >= 0:
			return 1
		}
		return 2
	}
	order := make([]int, len(t.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := t.rows[i], t.rows[j]
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.took(), a.took()))
	})
	keep := make([]bool, len(t.rows))
	for _, i := range order[:most-1] {
		keep[i] = true
	}
	rows := t.rows
	t.rows = nil
	for i, r := range rows {
		if keep[i] {
			t.rows = append(t.rows, r)
		} else {
			t.folded = append(t.folded, r)
		}
	}
}

// span is a stretch of time.
type span struct{ from, to time.Duration }

// foldedSpans are the times at which one of the folded tasks ran, at least.
func (t *timeline) foldedSpans() []span {
	var spans []span
	for _, r := range t.folded { // by start
		from, to, ok := r.running()
		if !ok {
			continue
		}
		if last := len(spans) - 1; last >= 0 && from <= spans[last].to {
			spans[last].to = max(spans[last].to, to)
		} else {
			spans = append(spans, span{from, to})
		}
	}
	return spans
}

// title says what the timeline is of.
func (t *timeline) title() string {
	r := t.report
	name := "run " + r.RunID
	if r.Pipeline != "" {
		name = r.Pipeline + ", " + name
	}
	after := " after "
	if !r.State.Ended() {
		after = " for "
	}
	return name + ": " + r.State.String() + after + short(r.Duration)
}

// foldedNote is the name of the row that stands for the folded tasks.
func (t *timeline) foldedNote() string {
	if len(t.folded) == 1 {
		return "1 more task"
	}
	return fmt.Sprintf("%d more tasks", len(t.folded))
}

// note is what stands behind a row: the state unless it succeeded, how long it
// took, and what else there is to say in a few words.
func (r timelineRow) note() string {
	t := r.task
	note := ""
	add := func(s string) {
		if note != "" {
			note += ", "
		}
		note += s
	}
	if t.State != runnel.Succeeded {
		add(t.State.String())
	}
	if r.started >= 0 {
		add(short(r.took()))
	}
	if t.Elements != nil {
		add(fmt.Sprintf("×%d", t.Elements.Tasks))
		if t.Elements.Failed > 0 {
			add(fmt.Sprintf("%d failed", t.Elements.Failed))
		}
	} else if t.Attempts > 1 {
		add(fmt.Sprintf("%d attempts", t.Attempts))
	}
	return note
}
