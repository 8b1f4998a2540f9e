package runnel

import (
	"sync"
	"time"

	"github.com/runnelflow/runnel/internal/cpuhint"
)

// entry is an event as a run writes it down: what is needed to make the Event
// when somebody reads it. Most events need no more, so that it has no pointers,
// and half a cache line holds it.
type entry struct {
	kind    entryKind
	state   State
	unit    unit
	attempt int32
	detail  int32 // 1 + its place among the details of the chunk, 0 for none
	at      int64 // nanoseconds since the run's start
}

// detail is what only some events have.
type detail struct {
	retry  bool
	took   time.Duration
	err    error
	reason string
	bytes  int
}

type entryKind uint8

const (
	runStarted entryKind = iota
	taskStarted
	attemptFailed
	taskRetried
	taskFinished
	taskUnresponsive
	cacheHit
	cacheMiss
	cacheStored
	taskOversized
	runWaiting
	runFinished
)

// eventLog is the queue between a run and those who watch it. Writing never
// waits for a reader.
type eventLog struct {
	start time.Time
	keep  bool // for readers who come later

	// Guarded by mu as well.
	grown  sync.Cond
	first  *chunk // while a reader may begin there
	spare  *chunk // read, to be used again
	closed bool

	// Workers that write by turns get these from each other: one cache line.
	_      [23]byte
	mu     sync.Mutex
	last   *chunk
	n      int   // entries of it
	latest int64 // stamp of the last one
	asleep int   // readers that wait
	_      [24]byte
}

// chunk is a part of a log, of 4 KiB. Chunks are neither moved nor made longer:
// what was read may still be looked at while the log grows. All but the last are full.
type chunk struct {
	next    *chunk
	details []detail
	_       [24]byte // no entry lies in two cache lines
	entries [126]entry
}

func newEventLog(start time.Time, keep bool) *eventLog {
	l := &eventLog{start: start, keep: keep, first: new(chunk)}
	l.last = l.first
	l.grown.L = &l.mu
	return l
}

// add stamps an entry and returns the stamp. It is the time that the entry has, or
// now when it has none; but stamps never go back: who comes later is not earlier.
// then, if any, is called with the stamp before anybody can read the entry.
func (l *eventLog) add(e entry, d *detail, then func(at int64)) int64 {
	if e.at == 0 {
		// Read before the lock is taken: others wait for it.
		e.at = int64(time.Since(l.start))
	}
	l.lock()
	e.at = max(e.at, l.latest)
	l.latest = e.at
	if then != nil {
		then(e.at)
	}
	c := l.last
	if l.n == len(c.entries) {
		c = l.more()
	}
	if d != nil {
		c.details = append(c.details, *d)
		e.detail = int32(len(c.details))
	}
	c.entries[l.n] = e
	l.n++
	asleep := l.asleep
	l.asleep = 0
	l.mu.Unlock()
	if asleep > 0 {
		l.grown.Broadcast()
	}
	return e.at
}

// lockTries is how often a writer tries to get the lock before it waits for it. It is mostly
// held for no longer than a try and a pause take.
const lockTries = 30

// lock gets the lock for a writer. By itself who finds a mutex taken spins for about a
// microsecond at a time, and then sleeps; to write an entry takes a small part of that.
func (l *eventLog) lock() {
	for range lockTries {
		if l.mu.TryLock() {
			return
		}
		cpuhint.Pause()
	}
	l.mu.Lock()
}

// more adds a chunk. l.mu is held.
func (l *eventLog) more() *chunk {
	c := l.spare
	if c == nil {
		c = new(chunk)
	} else {
		l.spare, c.next, c.details = c.next, nil, c.details[:0]
	}
	l.last.next = c
	l.last, l.n = c, 0
	return c
}

func (l *eventLog) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.grown.Broadcast()
}

// reader is a place in a log.
type reader struct {
	log *eventLog
	at  *chunk
	n   int // entries of it that were read
}

// reader begins at the first entry. A log that keeps nothing can have one.
func (l *eventLog) reader() *reader {
	r := &reader{log: l, at: l.first}
	if !l.keep {
		l.first = nil
	}
	return r
}

// read waits for further entries, whose details are with them; none means that the
// log is closed. They are valid until the next read.
func (r *reader) read() ([]entry, []detail) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	for r.n == l.written(r.at) {
		switch next := r.at.next; {
		case next != nil:
			if !l.keep {
				l.reuse(r.at)
			}
			r.at, r.n = next, 0
		case l.closed:
			return nil, nil
		default:
			l.asleep++
			l.grown.Wait()
		}
	}
	from := r.n
	r.n = l.written(r.at)
	return r.at.entries[from:r.n], r.at.details
}

// written is how many entries a chunk has. l.mu is held.
func (l *eventLog) written(c *chunk) int {
	if c == l.last {
		return l.n
	}
	return len(c.entries)
}

// reuse takes back a chunk that nobody will look at again. l.mu is held.
func (l *eventLog) reuse(c *chunk) {
	clear(c.details)
	c.next, l.spare = l.spare, c
}
