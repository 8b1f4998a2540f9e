package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/runnelflow/runnel"
)

// plainEvery is how often a mapped task is mentioned while it runs.
const plainEvery = 10 * time.Second

// plainLines writes a line for what happens, in the order in which it does:
// tasks that begin, attempts that failed, tasks that end.
func plainLines(w io.Writer) func(*progress, runnel.Event, *row) {
	return func(p *progress, e runnel.Event, r *row) {
		say := func(format string, args ...any) {
			line := fmt.Sprintf("%8s  ", short(e.When().Sub(p.started))) + fmt.Sprintf(format, args...)
			fmt.Fprintln(w, strings.TrimRight(line, " "))
		}
		switch e := e.(type) {
		case runnel.TaskStarted:
			switch {
			case r == nil || e.Index != nil:
			case r.mapped && e.Elements > 0:
				r.told = e.At
				say("%s  %s  %s", pad("running", 9), clean(e.Task), plural(e.Elements, "element", "elements"))
			default:
				say("%s  %s", pad("running", 9), clean(e.Task))
			}
		case runnel.AttemptFailed:
			if r != nil && e.Retry && e.Index == nil {
				say("%s  %s  %s", pad("retrying", 9), clean(e.Task), r.note(e.At))
			}
		case runnel.TaskUnresponsive:
			say("%s  %s  goes on %s after its context ended", pad("running", 9), clean(e.Task), short(e.For))
		case runnel.TaskFinished:
			switch {
			case r == nil:
			case e.Index == nil:
				took := ""
				if !r.started.IsZero() {
					took = short(r.elapsed(e.At))
				}
				say("%s  %s  %s", pad(e.State.String(), 9), clean(e.Task), join(took, r.note(e.At)))
			case e.At.Sub(r.told) >= plainEvery:
				r.told = e.At
				say("%s  %s  %s", pad("running", 9), clean(e.Task), r.note(e.At))
			}
		case runnel.RunFinished:
			say("%s", p.total(e.At, 0, false))
		}
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
