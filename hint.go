package runnel

import (
	"fmt"
	"iter"

	"github.com/runnelflow/runnel/internal/nearest"
)

// mostHints bounds how many names of one error are looked up among the known
// ones: each look-up goes through all of them.
const mostHints = 50

// hints looks up the nearest known names for one error. The zero value is ready.
type hints struct{ given int }

// didYouMean is a hint at the known name nearest to a wrong one, or nothing.
func (h *hints) didYouMean(name string, known iter.Seq[string]) string {
	if h.given++; h.given > mostHints {
		return ""
	}
	if near, ok := nearest.Name(name, known); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// didYouMean is the hint of an error with a single name.
func didYouMean(name string, known iter.Seq[string]) string {
	return new(hints).didYouMean(name, known)
}
