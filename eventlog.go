package runnel

import (
	"sync"
	"time"
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

	mu     sync.Mutex
	grown  sync.Cond
	first  *chunk // while a reader may begin there
	last   *chunk
	spare  *chunk // read, to be used again
	latest int64  // stamp of the last entry
	asleep int    // readers that wait
	closed bool
}

// chunk is a part of a log, of 4 KiB. Chunks are neither moved nor made longer:
// what was read may still be looked at while the log grows.
type chunk struct {
	next    *chunk
	details []detail
	n       int
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
	l.mu.Lock()
	e.at = max(e.at, l.latest)
	l.latest = e.at
	if then != nil {
		then(e.at)
	}
	c := l.last
	if c.n == len(c.entries) {
		c = l.more()
	}
	if d != nil {
		c.details = append(c.details, *d)
		e.detail = int32(len(c.details))
	}
	c.entries[c.n] = e
	c.n++
	asleep := l.asleep
	l.asleep = 0
	l.mu.Unlock()
	if asleep > 0 {
		l.grown.Broadcast()
	}
	return e.at
}

// more adds a chunk. l.mu is held.
func (l *eventLog) more() *chunk {
	c := l.spare
	if c == nil {
		c = new(chunk)
	} else {
		l.spare = c.next
		*c = chunk{details: c.details[:0]}
	}
	l.last.next = c
	l.last = c
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
	for r.n == r.at.n {
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
	r.n = r.at.n
	return r.at.entries[from:r.n], r.at.details
}

// reuse takes back a chunk that nobody will look at again. l.mu is held.
func (l *eventLog) reuse(c *chunk) {
	clear(c.details)
	c.next, l.spare = l.spare, c
}

// event makes the Event of an entry.
func (x *execution) event(e *entry, details []detail) Event {
	at, id, task := x.start.Add(time.Duration(e.at)), x.runID(), ""
	var d detail
	if e.detail > 0 {
		d = details[e.detail-1]
	}
	if e.unit.node >= 0 {
		task = x.plan.names()[e.unit.node]
	}
	index := x.index(e.unit)
	switch e.kind {
	case runStarted:
		return RunStarted{at, x.name(), id, len(x.plan.nodes)}
	case taskStarted:
		elements := 0
		if m := x.mapped(e.unit.node); m != nil && index == nil {
			elements = m.count()
		}
		return TaskStarted{at, id, task, index, elements}
	case attemptFailed:
		return AttemptFailed{at, id, task, index, int(e.attempt), d.err, d.retry, d.took}
	case taskRetried:
		return TaskRetried{at, id, task, index, int(e.attempt)}
	case taskFinished:
		return TaskFinished{at, id, task, index, e.state, int(e.attempt), d.err, d.reason}
	case taskUnresponsive:
		return TaskUnresponsive{at, id, task, index, d.took}
	case cacheHit:
		return CacheHit{at, id, task, index, d.bytes}
	case cacheMiss:
		return CacheMiss{at, id, task, index, d.err}
	case cacheStored:
		return CacheStored{at, id, task, index, d.bytes, d.err}
	case taskOversized:
		return TaskOversized{at, id, task, x.config.needsOf(x.plan.nodes[e.unit.node].task), resourcesOf(x.config.capacity)}
	case runWaiting:
		return RunWaiting{at, x.name(), id, d.reason}
	}
	return RunFinished{at, x.name(), id, d.took, d.err}
}
