package runneltest

import (
	"fmt"
	"reflect"
	"strings"
)

// step leads from a value to a part of it.
type step struct {
	field string        // of a struct
	key   reflect.Value // of a map
	index int           // of a slice or an array
	spare bool          // behind the end of the slice
}

func (s step) String() string {
	switch {
	case s.field != "":
		return "." + s.field
	case s.key.IsValid() && s.key.Kind() == reflect.String:
		return fmt.Sprintf("[%q]", s.key.String())
	case s.key.IsValid():
		return fmt.Sprintf("[%v]", s.key)
	case s.spare:
		return fmt.Sprintf("[%d], behind the end of the slice, as an append writes it,", s.index)
	}
	return fmt.Sprintf("[%d]", s.index)
}

// mostSteps is how many steps a path shows at each end.
const mostSteps = 12

// path writes how the walk came to the present value. Pointers are followed
// without a mark, as Go's selectors do.
func (w *walk) path() string {
	legs := [][]step{w.steps}
	for at := w.now; at >= 0; at = w.queue[at].from {
		legs = append(legs, w.queue[at].steps)
	}
	var all []string
	for i := len(legs) - 1; i >= 0; i-- {
		for _, s := range legs[i] {
			all = append(all, s.String())
		}
	}
	if skip := len(all) - 2*mostSteps; skip > 0 {
		all = append(append(all[:mostSteps:mostSteps], fmt.Sprintf("…(%d steps)…", skip)), all[len(all)-mostSteps:]...)
	}
	return strings.Join(all, "")
}
