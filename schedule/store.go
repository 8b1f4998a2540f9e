package schedule

import (
	"context"
	"errors"
)

// A Store keeps the states of schedules, by label. Schedulers that share one fire
// each time once: whatever one of them is about to do it first writes into the
// schedule's state, and of two who write after the same revision the store lets one.
// Labels are UTF-8 text of 1 to 255 bytes.
//
// The methods are safe for concurrent use. Each returns when its context ends, with
// an error that matches the cause; otherwise it rides out a lost connection by
// itself, and an error means that it could not.
type Store interface {
	// Save writes the state of a label if its revision still is the given one, 0 when
	// there is none, and returns the new one. Otherwise it writes nothing, and the
	// error is [ErrConflict]. The revisions of a label only grow, also over a Remove.
	// The state is not changed afterwards.
	Save(ctx context.Context, label string, s *State, revision uint64) (uint64, error)

	// Remove takes away the state of a label, whatever its revision. There need be none.
	Remove(ctx context.Context, label string) error

	// Watch hands over the states of all labels: first, in one call, those that are
	// there, perhaps none; then what changes, until the context ends. Of several changes
	// of one label it may leave out all but the last. The calls come one after another.
	// The states are not changed afterwards.
	Watch(ctx context.Context, deliver func([]Change)) error
}

// A Change is what a label has become.
type Change struct {
	Label    string
	State    *State // nil: it was removed, or cannot be read
	Revision uint64 // of the state, or of its removal
	// Err is why the state cannot be read, or nil. Such a state is there all the same:
	// Watch goes on, and nothing is saved over it but by Remove.
	Err error
}

// ErrConflict is the error of [Store.Save] when the state has another revision.
var ErrConflict = errors.New("the state has changed meanwhile")
