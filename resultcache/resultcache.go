// Package resultcache keeps the results of tasks from one run to the next, by what
// they were made of. Tasks declared with runnel.Cached look in a [Store] before they
// run; [Memory] is one inside the process, and others are to be had as drivers.
//
// It is not the data cache of runnel.WithCache, which goes by the names of data.
package resultcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// A Key is what a result was made of: the SHA-256 of the task's name, its version, the
// types that it takes and makes, and the values of its inputs.
type Key [sha256.Size]byte

// String is the key in hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// An Entry is a result.
type Entry struct {
	Key     Key
	Task    string // that made it
	Version string // of the task
	Stored  time.Time
	Expires time.Time // zero: never
	// Data is the encoded result. Neither the store nor its user changes it.
	Data []byte
}

var (
	// ErrNotFound is the error of Get for what is not in a store.
	ErrNotFound = errors.New("not in the result cache")
	// ErrCorrupt is the error of Get for an entry that is damaged. It counts as
	// not there, and is told as a warning.
	ErrCorrupt = errors.New("the entry is damaged")
	// ErrTooLarge is the error of Put for an entry that is larger than the store.
	ErrTooLarge = errors.New("the entry is larger than the result cache")
)

// A Store keeps entries. It may forget any of them at any time. Its methods are safe
// for concurrent use; those of a store that several processes share, in all of them.
// Package storetest has the rules, each with a test.
type Store interface {
	// Get is the entry of a key. The error matches [ErrNotFound] when there is none,
	// or it has expired, and [ErrCorrupt] when it is there and cannot be used.
	Get(ctx context.Context, key Key) (*Entry, error)
	// Put keeps an entry, in the place of another of the same key. The error matches
	// [ErrTooLarge] for one that could never be kept.
	Put(ctx context.Context, e *Entry) error
	// Invalidate removes the entries of a task and a version of it, and tells how
	// many. An empty version is every version, an empty task every task.
	Invalidate(ctx context.Context, task, version string) (int, error)
	// Prune removes what has expired or is damaged and then, if maxBytes is more than
	// 0, what was used least recently until the rest takes no more than that. It
	// tells how many it removed.
	Prune(ctx context.Context, maxBytes int64) (int, error)
	// Stats tells how much there is, and how it was used.
	Stats(ctx context.Context) (Stats, error)
}

// Stats tell how much a store has, and how it was used. What was done counts since the
// store was opened, and in this process.
type Stats struct {
	Entries int
	Bytes   int64 // that the entries take, with what the store adds
	Limit   int64 // of Bytes, 0 for none
	Hits    int64 // Gets that found an entry
	Misses  int64 // that did not
	Puts    int64 // entries that were kept
	Evicted int64 // entries that were removed to make room
}

// expired reports whether an entry is over.
func (e *Entry) expired() bool { return !e.Expires.IsZero() && !time.Now().Before(e.Expires) }
