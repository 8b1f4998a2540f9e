package runnel

import (
	"fmt"
	"strings"
)

// An ItemError is the final failure of one item of a batch.
type ItemError struct {
	Index   int   // of the item, from 0
	Attempt int   // the last one made, from 1
	Err     error // what the last attempt returned
}

// Error names the item, the attempt and the cause.
func (e *ItemError) Error() string {
	attempt := ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf(" on attempt %d", e.Attempt)
	}
	return fmt.Sprintf("item %d failed%s: %v", e.Index, attempt, e.Err)
}

// Unwrap is the cause.
func (e *ItemError) Unwrap() error { return e.Err }

// A BatchError is why a batch did not succeed: the items that failed, and the
// cause of a cancellation. Items that were stopped because another one failed are
// not in it, so errors.Is(err, context.Canceled) means that the caller cancelled,
// unless an item failed with that error of its own accord.
type BatchError struct {
	// Func is the function that was called: "Map", "Reduce" …, or "MapReduce,
	// reducing" when the map was complete.
	Func   string
	Items  int          // how many there were
	Failed []*ItemError // by index
	Cause  error        // context.Cause when the caller cancelled, else nil

	kind error // context.Canceled or context.DeadlineExceeded, with a Cause
}

// Error lists the cause and the failed items.
func (e *BatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "runnel: %s", e.Func)
	if e.Cause != nil {
		fmt.Fprintf(&b, " was cancelled: %v", e.Cause)
	}
	switch {
	case len(e.Failed) == 1:
		fmt.Fprintf(&b, ": %v", e.Failed[0])
	case len(e.Failed) > 1:
		fmt.Fprintf(&b, ": %d of %d items failed", len(e.Failed), e.Items)
		for i, f := range e.Failed {
			if i == mostNames {
				fmt.Fprintf(&b, "\n  and %d more", len(e.Failed)-i)
				break
			}
			fmt.Fprintf(&b, "\n  %v", f)
		}
	}
	return b.String()
}

// Unwrap is the failed items and the cause, for errors.Is and errors.As.
func (e *BatchError) Unwrap() []error {
	var errs []error
	for _, f := range e.Failed {
		errs = append(errs, f)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause, e.kind)
	}
	return errs
}
