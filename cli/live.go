package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/runnelflow/runnel/dag"
)

// redraw is the time between two pictures of a display.
const redraw = 100 * time.Millisecond

// live draws the progress of a run in place. Each picture is one write, and
// leaves the cursor, which is never hidden, at the start of the line below: so
// nothing has to be restored, however the program ends.
type live struct {
	terminal
	p       *progress
	graph   *dag.Graph
	history history
	slots   int
	color   bool

	lines int // of the picture on the screen
	stop  chan struct{}
	done  chan struct{}
}

// start begins to draw. Call finish at the end.
func (l *live) start() {
	l.stop, l.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(l.done)
		ticker := time.NewTicker(redraw)
		defer ticker.Stop()
		for {
			l.draw(time.Now())
			select {
			case <-ticker.C:
			case <-l.stop:
				l.draw(time.Now())
				return
			}
		}
	}()
}

// finish draws the last picture and waits until it is there.
func (l *live) finish() {
	close(l.stop)
	<-l.done
}

func (l *live) draw(now time.Time) {
	width, height := l.size()
	picture := l.picture(now, width, height)
	var b strings.Builder
	b.WriteString("\x1b[?2026h\r") // one update, where the terminal knows that
	if up := min(l.lines, height-1); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	for _, line := range picture {
		b.WriteString(line)
		b.WriteString("\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	l.lines = len(picture)
	_, _ = l.w.Write([]byte(b.String())) // a terminal that has gone away ends no run
}

// picture is the lines to show on a screen of this size: tasks as they fit, one
// line about the others, one about the whole. The last column stays free, where
// some terminals would begin a new line, and the last line for the cursor.
func (l *live) picture(now time.Time, width, height int) []string {
	p := l.p
	p.mu.Lock()
	defer p.mu.Unlock()
	width--
	rows := p.rows
	if len(rows) > height-2 {
		rows = p.shown(height - 3)
	}
	nameWidth := 0
	for _, r := range rows {
		nameWidth = max(nameWidth, displaywidth.String(clean(r.name)))
	}
	nameWidth = min(nameWidth, max(8, width-40))
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.line(now, nameWidth, width, l.color))
	}
	if more := len(p.rows) - len(rows); more > 0 && height > 2 {
		lines = append(lines, cut(fmt.Sprintf("and %s that do not fit here", plural(more, "task", "tasks")), width))
	}
	expected, known := time.Duration(0), false
	if !p.over {
		expected, known = p.expected(l.graph, l.history, l.slots, now)
	}
	return append(lines, cut(p.total(now, expected, known), width))
}
