package viz

import (
	"fmt"
	"strconv"
	"time"

	"github.com/runnelflow/runnel"
)

// outcomes says of each box, and of the edges between critical ones, what became
// of it in the run.
func (b *drawer) outcomes() {
	if b.report == nil {
		return
	}
	critical := map[string]bool{}
	for _, name := range b.report.CriticalPath {
		critical[name] = true
	}
	next := map[[2]string]bool{} // steps of the path
	for k := 1; k < len(b.report.CriticalPath); k++ {
		next[[2]string{b.report.CriticalPath[k-1], b.report.CriticalPath[k]}] = true
	}
	for k := range b.boxes {
		if x := &b.boxes[k]; x.kind != inputKind {
			x.run = b.outcome(x, critical)
		}
	}
	for _, e := range b.graph.Edges() {
		if !next[[2]string{e.From.Name, e.To.Name}] {
			continue
		}
		for k := range b.edges {
			if b.edges[k].from == b.at[e.From] && b.edges[k].to == b.at[e.To] {
				b.edges[k].critical = true
			}
		}
	}
}

// outcome is that of a box, of several tasks together.
func (b *drawer) outcome(x *box, critical map[string]bool) *outcome {
	o := &outcome{counts: map[runnel.State]int{}, state: runnel.State(255)}
	var started, ended time.Time
	for _, n := range x.tasks {
		t, _ := b.report.Task(n.Name)
		o.counts[t.State]++
		if o.state == 255 || rank(t.State) > rank(o.state) {
			o.state = t.State
			o.reason = t.Reason
			if t.Err != nil {
				o.reason = t.Err.Error()
			}
		}
		o.attempts += t.Attempts
		o.waited = max(o.waited, t.Waited)
		o.critical = o.critical || critical[n.Name]
		if !t.Started.IsZero() && (started.IsZero() || t.Started.Before(started)) {
			started = t.Started
		}
		if t.Ended.After(ended) {
			ended = t.Ended
		}
		if t.Elements != nil {
			if o.elements == nil {
				o.elements = &runnel.Totals{}
			}
			o.elements.Tasks += t.Elements.Tasks
			o.elements.Succeeded += t.Elements.Succeeded
			o.elements.Failed += t.Elements.Failed
			o.elements.Skipped += t.Elements.Skipped
			o.elements.Cancelled += t.Elements.Cancelled
			o.elements.Attempts += t.Elements.Attempts
		}
	}
	if !started.IsZero() && ended.After(started) {
		o.duration = ended.Sub(started)
	}
	return o
}

// rank orders states: a box of several tasks has the highest.
func rank(s runnel.State) int {
	for k, other := range [...]runnel.State{runnel.Succeeded, runnel.Pending, runnel.Ready, runnel.Skipped, runnel.Cancelled, runnel.Running, runnel.Retrying, runnel.Failed} {
		if s == other {
			return k
		}
	}
	return -1
}

// sign says a state without colour.
func sign(s runnel.State) string {
	switch s {
	case runnel.Succeeded:
		return "✓"
	case runnel.Failed:
		return "✗"
	case runnel.Skipped:
		return "↷"
	case runnel.Cancelled:
		return "⊘"
	case runnel.Running:
		return "▶"
	case runnel.Retrying:
		return "↻"
	case runnel.Ready:
		return "●"
	}
	return "○"
}

// details is the second line of a box: what kind it is, or what became of it.
func (x *box) details() string {
	var parts []string
	if x.run != nil {
		text := sign(x.run.state) + " " + x.run.state.String()
		if x.run.duration > 0 {
			text = sign(x.run.state) + " " + short(x.run.duration)
		}
		parts = append(parts, text)
		if e := x.run.elements; e != nil {
			parts = append(parts, fmt.Sprintf("%d of %d", e.Succeeded, e.Tasks))
		} else if x.kind == taskKind && x.run.attempts > 1 {
			parts = append(parts, fmt.Sprintf("%d attempts", x.run.attempts))
		}
	}
	switch {
	case x.kind == groupKind:
		parts = append(parts, "×"+strconv.Itoa(len(x.tasks)))
	case x.kind == pipelineKind:
		parts = append(parts, strconv.Itoa(len(x.tasks))+" tasks")
	}
	text := ""
	for k, p := range parts {
		if k > 0 {
			text += " · "
		}
		text += p
	}
	return text
}

// short writes a duration with three digits or so.
func short(d time.Duration) string {
	for _, unit := range [...]time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			d = d.Round(unit / 100)
			break
		}
	}
	if d >= time.Minute {
		d = d.Round(time.Second)
	}
	return d.String()
}
