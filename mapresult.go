package runnel

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"time"
)

// MapResult is what a batch of items produced, whether all of them succeeded or
// not.
type MapResult[R any] struct {
	// Results has an element for each item, in their order; the zero value where
	// there is an error.
	Results []R
	// Errors says why an item has no result, by index: an [*ItemError] for one that
	// failed; for one that was not called, or was stopped, what it was stopped by,
	// which matches context.Canceled or context.DeadlineExceeded. It is nil when
	// every item succeeded.
	Errors   map[int]error
	Items    int // how many there were
	Duration time.Duration
}

// SuccessRate is the share of items that succeeded, from 0 to 1; 1 for no items.
func (m *MapResult[R]) SuccessRate() float64 {
	if m.Items == 0 {
		return 1
	}
	return float64(m.Items-len(m.Errors)) / float64(m.Items)
}

// Succeeded goes through the items that succeeded, in order: index and result.
func (m *MapResult[R]) Succeeded() iter.Seq2[int, R] {
	return func(yield func(int, R) bool) {
		for i, r := range m.Results {
			if _, failed := m.Errors[i]; !failed && !yield(i, r) {
				return
			}
		}
	}
}

// errs are the errors by index.
func (o *batchOutcome) errs() map[int]error {
	errs := make(map[int]error, len(o.failed))
	for _, e := range o.failed {
		errs[e.Index] = e
	}
	if o.stopped != nil {
		for i := range o.status {
			if s := stateOf(&o.status[i]); !s.Ended() || s == Cancelled {
				errs[i] = o.stopped
			}
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// err is the error of a batch: nil when every item succeeded or, with SkipFailed,
// when any did.
func (o *batchOutcome) err(caller string, c *batchConfig) error {
	forgiven := len(o.failed) == 0 || c.mode == SkipFailed && len(o.failed) < o.items
	if o.cause == nil && forgiven {
		return o.progress
	}
	slices.SortFunc(o.failed, func(a, b *ItemError) int { return cmp.Compare(a.Index, b.Index) })
	err := &BatchError{Func: caller, Items: o.items, Failed: o.failed, Cause: o.cause, kind: o.kind}
	if o.progress != nil {
		return errors.Join(err, o.progress)
	}
	return err
}
