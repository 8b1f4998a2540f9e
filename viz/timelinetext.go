package viz

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/internal/boxes"
)

// TimelineText draws the timeline (Gantt chart) of a run for a terminal: a line
// for each task in the order in which they started, with light blocks while it
// waited for a slot and full ones while it ran. An asterisk marks the critical
// path, and a word behind the bar a task that did not succeed. It draws what
// [TimelineSVG] draws, and has the same errors.
func TimelineText(w io.Writer, r *runnel.Report, opts ...TimelineOption) error {
	config, err := timelineConfigOf(opts)
	if err != nil {
		return err
	}
	t, err := newTimeline(r, config.rows)
	if err != nil {
		return err
	}
	d := timelineText{timeline: t, textStyle: config.text, out: bufio.NewWriter(w)}
	d.draw()
	return d.out.Flush()
}

// timelineMarks are the characters of a timeline.
type timelineMarks struct{ wait, run, folded, call, axis, tick, cut string }

var (
	unicodeMarks = timelineMarks{"░", "█", "▒", "◆", "─", "┬", "…"}
	asciiMarks   = timelineMarks{".", "#", "=", "o", "-", "+", "~"}
)

const (
	leastChart = 16 // columns of the chart of a narrow terminal
	mostNames  = 32
	mostNotes  = 30
)

type timelineText struct {
	*timeline
	textStyle
	out                 *bufio.Writer
	marks               timelineMarks
	names, chart, notes int // columns
}

func (d *timelineText) draw() {
	d.marks = unicodeMarks
	if d.ascii {
		d.marks = asciiMarks
	}
	d.measure()
	fmt.Fprintln(d.out, d.fit(d.title(), d.width))
	d.axis()
	for _, r := range d.rows {
		d.row(r)
	}
	if len(d.folded) > 0 {
		cells := d.blank()
		for _, s := range d.foldedSpans() {
			d.fill(cells, s, d.marks.folded)
		}
		d.line(" ", "+ "+d.foldedNote(), strings.Join(cells, ""), "")
	}
	d.legend()
}

// measure shares the width out: names and notes get what they need, up to a
// limit, and the chart the rest.
func (d *timelineText) measure() {
	if len(d.folded) > 0 {
		d.names = boxes.Columns(d.foldedNote()) + 2
	}
	for _, r := range d.rows {
		d.names = max(d.names, boxes.Columns(oneLine(r.task.Name)))
		d.notes = max(d.notes, boxes.Columns(r.note()))
	}
	half := (d.width - leastChart - 4) / 2
	d.names, d.notes = min(d.names, mostNames, half), min(d.notes, mostNotes, half)
	d.chart = d.width - d.names - d.notes - 4
}

// cell is the column in which a time is.
func (d *timelineText) cell(at time.Duration) int {
	if d.end <= 0 {
		return 0
	}
	return min(d.chart-1, int(float64(at)/float64(d.end)*float64(d.chart)))
}

func (d *timelineText) blank() []string {
	cells := make([]string, d.chart)
	for i := range cells {
		cells[i] = " "
	}
	return cells
}

// fill marks the cells of a stretch, one at least.
func (d *timelineText) fill(cells []string, s span, mark string) {
	first := d.cell(s.from)
	last := first
	for last+1 < d.chart && float64(last+1)*float64(d.end) < float64(s.to)*float64(d.chart) {
		last++
	}
	for i := first; i <= last; i++ {
		cells[i] = mark
	}
}

func (d *timelineText) row(r timelineRow) {
	cells := d.blank()
	if from, to, ok := r.waiting(); ok {
		d.fill(cells, span{from, to}, d.marks.wait)
	}
	first, last := 0, -1 // the cells in the colour of the state
	if from, to, ok := r.running(); ok {
		d.fill(cells, span{from, to}, d.marks.run)
		first = d.cell(from)
		for last = first; last+1 < d.chart && cells[last+1] == d.marks.run; {
			last++
		}
	} else if r.task.State.Ended() {
		first = d.cell(r.ended)
		last = first
		cells[first] = d.marks.call
	}
	bar := strings.Join(cells, "")
	if d.color && last >= first {
		bar = strings.Join(cells[:first], "") + stateEscape(r.task.State) + strings.Join(cells[first:last+1], "") + "\x1b[0m" + strings.Join(cells[last+1:], "")
	}
	mark := " "
	if r.critical {
		mark = "*"
	}
	d.line(mark, r.task.Name, bar, r.note())
}

func (d *timelineText) line(mark, name, bar, note string) {
	name = d.fit(name, d.names)
	line := fmt.Sprintf("%s %s%s %s %s", mark, name, strings.Repeat(" ", d.names-boxes.Columns(name)), bar, d.fit(note, d.notes))
	fmt.Fprintln(d.out, strings.TrimRight(line, " "))
}

// axis is two lines: labels, and where they belong.
func (d *timelineText) axis() {
	labels, rule := d.blank(), make([]string, d.chart)
	for i := range rule {
		rule[i] = d.marks.axis
	}
	taken := 0
	for _, at := range ticks(d.end, max(1, d.chart/9)) {
		i, label := d.cell(at), tickLabel(at)
		if d.ascii {
			label = strings.ReplaceAll(label, "µ", "u")
		}
		rule[i] = d.marks.tick
		if size := boxes.Columns(label); i >= taken && i+size <= d.chart {
			for k, c := range []rune(label) {
				labels[i+k] = string(c)
			}
			taken = i + size + 1
		}
	}
	d.line(" ", "", strings.Join(labels, ""), "")
	d.line(" ", "", strings.Join(rule, ""), "")
}

func (d *timelineText) legend() {
	var parts []string
	waited, critical, notCalled := false, false, false
	for _, r := range d.rows {
		_, _, waits := r.waiting()
		waited = waited || waits
		critical = critical || r.critical
		notCalled = notCalled || r.started < 0 && r.task.State.Ended()
	}
	if critical {
		parts = append(parts, "* critical path")
	}
	if waited {
		parts = append(parts, d.marks.wait+" waits for a slot")
	}
	parts = append(parts, d.marks.run+" runs")
	if notCalled {
		parts = append(parts, d.marks.call+" not called")
	}
	fmt.Fprintln(d.out, d.fit(strings.Join(parts, "   "), d.width))
}

// fit shortens a text to that many columns.
func (d *timelineText) fit(s string, most int) string {
	s = oneLine(s)
	if d.ascii {
		s = asciiOnly(s)
	}
	if boxes.Columns(s) <= most {
		return s
	}
	used, b := 0, strings.Builder{}
	for _, r := range s {
		if used += boxes.RuneColumns(r); used > most-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + d.marks.cut
}

// asciiOnly writes other characters as question marks, but for the micro sign.
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'µ':
			return 'u'
		case r == '×':
			return 'x'
		case r > '~':
			return '?'
		}
		return r
	}, s)
}

// stateEscape begins the colour of a state.
func stateEscape(s runnel.State) string {
	switch s {
	case runnel.Succeeded:
		return "\x1b[32m"
	case runnel.Failed:
		return "\x1b[31m"
	case runnel.Running:
		return "\x1b[34m"
	case runnel.Retrying:
		return "\x1b[33m"
	}
	return "\x1b[90m"
}
