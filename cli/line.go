package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/runnelflow/runnel"
)

// line is a task on a display: its state, its name in so many columns, its time,
// and what else there is to say, cut to the width.
func (r *row) line(now time.Time, nameWidth, width int, color bool) string {
	took := ""
	if !r.started.IsZero() {
		took = short(r.elapsed(now))
	}
	state := r.state.String()
	text := fmt.Sprintf("%s  %s  %s", pad(state, 9), pad(cut(clean(r.name), nameWidth), nameWidth), padLeft(took, 7))
	if note := r.note(now); note != "" {
		text += "  " + note
	}
	text = cut(strings.TrimRight(text, " "), width)
	if code := colors[r.state]; color && code != "" && strings.HasPrefix(text, state) {
		text = "\x1b[" + code + "m" + state + "\x1b[m" + text[len(state):]
	}
	return text
}

// colors are the codes of states.
var colors = map[runnel.State]string{
	runnel.Pending:   "2",
	runnel.Running:   "36",
	runnel.Retrying:  "33",
	runnel.Succeeded: "32",
	runnel.Failed:    "31",
	runnel.Skipped:   "35",
	runnel.Cancelled: "35",
}

// note is what there is to say of a task beside its time.
func (r *row) note(now time.Time) string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch {
	case r.mapped && r.elements > 0:
		add("%d/%d", r.done, r.elements)
	case r.mapped && r.done > 0:
		add("%d done", r.done)
	}
	if r.failed > 0 {
		add("%d failed", r.failed)
	}
	if r.missed > 0 {
		add("%d without result", r.missed)
	}
	switch {
	case r.retries == 0:
	case r.mapped:
		add("%s", plural(r.retries, "retry", "retries"))
	case r.state == runnel.Retrying:
		add("attempt %d in %s: %s", r.attempt+1, short(max(0, r.again.Sub(now))), firstLine(r.err))
	case r.state == runnel.Running:
		add("attempt %d", r.attempt)
	default:
		add("%s", plural(r.attempt, "attempt", "attempts"))
	}
	if left, ok := r.left(now); ok && !r.state.Ended() && r.done < r.elements {
		add("about %s left", short(left))
	}
	switch {
	case r.reason != "":
		add("%s", clean(r.reason))
	case r.err != nil && r.state.Ended() && r.state != runnel.Succeeded:
		add("%s", firstLine(r.err))
	}
	return strings.Join(notes, ", ")
}

// stopping is said while a cancelled run waits for its tasks to return.
const stopping = "stopping; Ctrl-C again quits at once"

// total is the line about the run as a whole.
func (p *progress) total(now time.Time, expected time.Duration, known bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s", p.ended(), plural(len(p.rows), "task", "tasks"))
	for _, s := range []runnel.State{runnel.Running, runnel.Retrying, runnel.Failed, runnel.Skipped, runnel.Cancelled} {
		if n := p.counts[s]; n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, s)
		}
	}
	if p.over {
		fmt.Fprintf(&b, ", in %s", short(p.took))
		return b.String()
	}
	fmt.Fprintf(&b, ", %s", short(max(0, now.Sub(p.started))))
	if p.stopping {
		b.WriteString(", " + stopping)
		return b.String()
	}
	if known {
		fmt.Fprintf(&b, ", expected %s", short(expected))
	}
	return b.String()
}

// short is a duration in three digits or so that does not change its width all
// the time.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}

// cut shortens a text to a width in columns.
func cut(s string, width int) string { return displaywidth.TruncateString(s, max(width, 0), "…") }

// pad fills a text up to a width in columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displaywidth.String(s)))
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-displaywidth.String(s))) + s
}
