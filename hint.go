package runnel

import (
	"fmt"
	"iter"
	"strings"

	"github.com/runnelflow/runnel/internal/nearest"
)

// didYouMean is a hint at the known name nearest to a wrong one, or nothing.
func didYouMean(name string, known iter.Seq[string]) string {
	if near, ok := nearest.Name(name, known); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// hintMark stands in the text of a problem where its hint goes.
const hintMark = "\x00"

// mostHints bounds how many problems of one error get a hint: each goes through
// all known names.
const mostHints = 50

// hintFor makes the last of the problems, whose text has a hintMark, look for the
// known name nearest to a wrong one. That is done when the order of the problems
// is known: the first ones get a hint.
func hintFor(problems []Problem, name string, known iter.Seq[string]) {
	problems[len(problems)-1].hint = func() string { return didYouMean(name, known) }
}

// giveHints puts the hints of problems in their places.
func giveHints(problems []Problem) {
	given := 0
	for i := range problems {
		p := &problems[i]
		if p.hint == nil {
			continue
		}
		hint := ""
		if given < mostHints {
			hint = p.hint()
		}
		given++
		p.Text, p.hint = strings.Replace(p.Text, hintMark, hint, 1), nil
	}
}
