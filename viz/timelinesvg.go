package viz

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/runnelflow/runnel"
)

// The measures of a timeline, in pixels.
const (
	timelineWidth  = 1120
	timelineLeft   = 216 // of the chart
	timelineRight  = 200 // for the notes
	timelineTop    = 84
	timelineRowGap = 22
	timelineBar    = 14 // height of a running bar
	timelineWait   = 6  // height of a waiting bar
	timelineTicks  = 8
	timelineLabel  = 28 // characters of a name
	timelineNote   = 30 // characters of a note
)

// timelineStyle colours by state, for light and dark pages. A state shows in
// the note as well, and the critical path in outline and bold type, so that no
// colour is needed to tell.
const timelineStyle = `
svg{--page:#ffffff;--ink:#1b1f24;--faint:#59636e;--line:#d8dee4;--band:#f6f8fa;--wait:#8c959f;
--succeeded:#2c974b;--failed:#cf222e;--running:#0969da;--retrying:#bf8700;--cancelled:#bc6c00;--skipped:#8c959f}
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--ink:#f0f6fc;--faint:#9ea7b1;--line:#30363d;--band:#151b23;--wait:#6e7681;
--succeeded:#3fb950;--failed:#ff7b72;--running:#58a6ff;--retrying:#e3b341;--cancelled:#e3a24a;--skipped:#6e7681}}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
.title{font-size:15px;font-weight:600}.faint,.tick{fill:var(--faint)}.tick{font-size:11px}
.page{fill:var(--page)}.band{fill:var(--band)}.grid{stroke:var(--line)}.now{stroke:var(--faint);stroke-dasharray:3 3}
.wait{fill:url(#waiting);stroke:var(--wait);stroke-width:.75}.hatch{stroke:var(--wait);stroke-width:1.5}
.critical{font-weight:700}rect.critical{stroke:var(--ink);stroke-width:1.75}
.succeeded{fill:var(--succeeded)}.failed{fill:var(--failed)}.running{fill:var(--running)}.retrying{fill:var(--retrying)}
.cancelled{fill:var(--cancelled)}.skipped{fill:var(--skipped)}.path{fill:none}.folded{fill:var(--succeeded);opacity:.55}
g.row:hover .band{fill:var(--line)}`

// TimelineSVG draws the timeline (Gantt chart) of a run as one SVG document that
// needs nothing else: a row for each task in the order in which they started,
// with a thin hatched bar while it waited for a slot and a full one while it ran,
// waits between attempts counted. States have colours, and words behind the bar
// where a task did not succeed. The critical path is in bold with outlined bars.
// Each row has a tooltip. The colours follow the viewer's light or dark mode.
//
// A mapped task is one row. Of a run that goes on, tasks are drawn up to the
// time of the report. [Rows] bounds the rows. A report without times is an
// error, and so is nil.
func TimelineSVG(w io.Writer, r *runnel.Report, opts ...TimelineOption) error {
	config, err := timelineConfigOf(opts)
	if err != nil {
		return err
	}
	t, err := newTimeline(r, config.rows)
	if err != nil {
		return err
	}
	d := timelineSVG{timeline: t}
	d.draw()
	_, err = w.Write(d.out.Bytes())
	return err
}

type timelineSVG struct {
	*timeline
	out bytes.Buffer
}

func (d *timelineSVG) printf(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

// x is the place of a time.
func (d *timelineSVG) x(at time.Duration) float64 {
	const chart = timelineWidth - timelineLeft - timelineRight
	if d.end <= 0 {
		return timelineLeft
	}
	return timelineLeft + chart*(float64(at)/float64(d.end))
}

func (d *timelineSVG) draw() {
	rows := len(d.rows)
	if len(d.folded) > 0 {
		rows++
	}
	bottom := timelineTop + rows*timelineRowGap
	height := bottom + 32
	title := esc(d.title())
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">`+"\n",
		timelineWidth, height, title)
	d.printf("<title>%s</title>\n<style>%s</style>\n", title, timelineStyle)
	d.printf(`<defs><pattern id="waiting" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V5"/></pattern></defs>` + "\n")
	d.printf(`<rect class="page" width="%d" height="%d"/>`+"\n", timelineWidth, height)
	d.printf(`<text class="title" x="16" y="28">%s</text>`+"\n", esc(cut(d.title(), 110)))
	d.legend()
	for i, row := range d.rows {
		d.row(i, row)
	}
	if len(d.folded) > 0 {
		d.foldedRow(len(d.rows))
	}
	d.axis(bottom)
	if !d.report.State.Ended() {
		d.printf(`<path class="now" d="M%.1f %dV%d"/>`+"\n", d.x(d.end), timelineTop-6, bottom)
	}
	d.printf("</svg>\n")
}

// legend says what the marks mean; of the states only those that are there.
func (d *timelineSVG) legend() {
	x := 16.0
	item := func(class, text string, height int) {
		d.printf(`<rect class="%s" x="%.1f" y="%d" width="22" height="%d" rx="2"/><text class="faint" x="%.1f" y="51">%s</text>`+"\n",
			class, x, 47-height/2, height, x+28, text)
		x += 28 + 7*float64(utf8.RuneCountInString(text)) + 18
	}
	there := map[runnel.State]bool{}
	critical, waited := false, false
	for _, r := range d.rows {
		_, _, waits := r.waiting()
		waited = waited || waits
		critical = critical || r.critical
		there[r.task.State] = there[r.task.State] || r.started >= 0 || r.task.State.Ended()
	}
	if waited {
		item("wait", "waits for a slot", timelineWait)
	}
	for s := runnel.Running; s <= runnel.Cancelled; s++ {
		if there[s] {
			item(s.String(), s.String(), 12)
		}
	}
	if critical {
		item("critical path", "critical path", 12)
	}
}

func (d *timelineSVG) row(i int, r timelineRow) {
	y := timelineTop + i*timelineRowGap
	middle := y + timelineRowGap/2
	class := ""
	if r.critical {
		class = ` class="critical"`
	}
	d.printf(`<g class="row"><title>%s</title>`, esc(r.tooltip()))
	d.band(i)
	d.printf(`<text%s x="%d" y="%d" text-anchor="end">%s</text>`, class, timelineLeft-10, middle+4, esc(cutMiddle(r.task.Name, timelineLabel)))
	right := d.x(0)
	if from, to, ok := r.waiting(); ok {
		d.bar("wait", span{from, to}, middle, timelineWait)
		right = d.x(to)
	}
	state := r.task.State.String()
	if from, to, ok := r.running(); ok {
		if r.critical {
			state += " critical"
		}
		d.bar(state, span{from, to}, middle, timelineBar)
		right = d.x(to)
	} else if r.task.State.Ended() {
		right = d.x(r.ended)
		d.printf(`<path class="%s" d="M%.1f %dl5 5l-5 5l-5 -5z"/>`, state, right, middle-5)
		right += 5
	}
	if note := r.note(); note != "" {
		d.printf(`<text class="faint" x="%.1f" y="%d">%s</text>`, right+7, middle+4, esc(cut(note, timelineNote)))
	}
	d.printf("</g>\n")
}

func (d *timelineSVG) foldedRow(i int) {
	middle := timelineTop + i*timelineRowGap + timelineRowGap/2
	d.printf(`<g class="row"><title>%s, each shorter than those above or not called; the bar is where at least one ran</title>`, d.foldedNote())
	d.band(i)
	d.printf(`<text class="faint" x="%d" y="%d" text-anchor="end">+ %s</text>`, timelineLeft-10, middle+4, d.foldedNote())
	for _, s := range d.foldedSpans() {
		d.bar("folded", s, middle, timelineBar-4)
	}
	d.printf("</g>\n")
}

// band is the ground of a row: it makes the whole row a place for the tooltip.
func (d *timelineSVG) band(i int) {
	class := "band"
	if i%2 == 1 {
		class = "page"
	}
	d.printf(`<rect class="%s" x="0" y="%d" width="%d" height="%d"/>`, class, timelineTop+i*timelineRowGap, timelineWidth, timelineRowGap)
}

// bar is a pixel wide at least, so that no task is invisible.
func (d *timelineSVG) bar(class string, s span, middle, height int) {
	x, width := d.x(s.from), max(1, d.x(s.to)-d.x(s.from))
	d.printf(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="%.1f"/>`,
		class, x, float64(middle)-float64(height)/2, width, height, min(3, width/2))
}

func (d *timelineSVG) axis(bottom int) {
	for _, at := range ticks(d.end, timelineTicks) {
		x := d.x(at)
		d.printf(`<path class="grid" d="M%.1f %dV%d" opacity=".7" pointer-events="none"/>`, x, timelineTop-4, bottom)
		for _, y := range []int{timelineTop - 10, bottom + 16} {
			d.printf(`<text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x, y, tickLabel(at))
		}
		d.printf("\n")
	}
}

// tooltip is all that is known about a task.
func (r timelineRow) tooltip() string {
	t := r.task
	lines := []string{t.Name, t.State.String()}
	if r.critical {
		lines[1] += ", on the critical path"
	}
	if r.started >= 0 {
		lines = append(lines, fmt.Sprintf("ran from +%s to +%s: %s", short(r.started), short(r.ended), short(r.took())))
	}
	if from, to, ok := r.waiting(); ok {
		lines = append(lines, fmt.Sprintf("waited for a slot from +%s: %s", short(from), short(to-from)))
	}
	if t.Elements != nil {
		lines = append(lines, fmt.Sprintf("%d elements: %d succeeded, %d failed, %d skipped, %d cancelled",
			t.Elements.Tasks, t.Elements.Succeeded, t.Elements.Failed, t.Elements.Skipped, t.Elements.Cancelled))
	} else if t.Attempts > 1 {
		lines = append(lines, fmt.Sprintf("%d attempts", t.Attempts))
	}
	if t.Reason != "" {
		lines = append(lines, t.Reason)
	}
	if t.Err != nil {
		lines = append(lines, cut(errorText(t.Err), 500))
	}
	return strings.Join(lines, "\n")
}

// cut shortens a text to that many characters, of one line.
func cut(s string, most int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// cutMiddle shortens a name, whose ends tell most.
func cutMiddle(s string, most int) string {
	s = oneLine(s)
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}

// oneLine replaces characters that do not print.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r) && r != '\u200d': // which joins emoji
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
