package runnel

import (
	"sync"
	"time"
)

// entry is an event as a run writes it down: what is needed to make the Event
// when somebody reads it.
type entry struct {
	kind    entryKind
	state   State
	retry   bool
	unit    unit
	attempt int32
	at      int64 // nanoseconds since the run's start
	took    time.Duration
	err     error
	reason  string
}

type entryKind uint8

const (
	runStarted entryKind = iota
	taskStarted
	attemptFailed
	taskRetried
	taskFinished
	taskUnresponsive
	runFinished
)

// eventLog is the queue between a run and those who watch it. Writing never
// waits for a reader.
type eventLog struct {
	start time.Time
	keep  bool // for readers who come later

	mu      sync.Mutex
	grown   sync.Cond
	entries []entry
	dropped int // entries that were read, and are not kept
	spare   []entry
	closed  bool
}

func newEventLog(start time.Time, keep bool) *eventLog {
	l := &eventLog{start: start, keep: keep}
	l.grown.L = &l.mu
	return l
}

// add stamps an entry and returns the stamp. Stamps never go back, since they
// are taken under the lock. then, if any, is called with the stamp before anybody
// can read the entry.
func (l *eventLog) add(e entry, then func(at int64)) int64 {
	l.mu.Lock()
	e.at = int64(time.Since(l.start))
	if then != nil {
		then(e.at)
	}
	l.entries = append(l.entries, e)
	first := len(l.entries) == 1 || l.keep
	l.mu.Unlock()
	if first { // else a reader has been told of the ones before
		l.grown.Broadcast()
	}
	return e.at
}

func (l *eventLog) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.grown.Broadcast()
}

// read waits for entries after the first n; none means that the log is closed.
// They are valid until the next read.
func (l *eventLog) read(n int) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.dropped+len(l.entries) <= n && !l.closed {
		l.grown.Wait()
	}
	if l.keep {
		return l.entries[n:len(l.entries):len(l.entries)]
	}
	// The only reader: give it the entries, and write over those it had.
	got := l.entries
	l.dropped += len(got)
	l.entries, l.spare = l.spare[:0], got
	return got
}

// event makes the Event of an entry.
func (x *execution) event(e *entry) Event {
	at, id, task := x.start.Add(time.Duration(e.at)), x.runID(), ""
	if e.unit.node >= 0 {
		task = x.plan.nodes[e.unit.node].task.Name()
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
		return AttemptFailed{at, id, task, index, int(e.attempt), e.err, e.retry, e.took}
	case taskRetried:
		return TaskRetried{at, id, task, index, int(e.attempt)}
	case taskFinished:
		return TaskFinished{at, id, task, index, e.state, int(e.attempt), e.err, e.reason}
	case taskUnresponsive:
		return TaskUnresponsive{at, id, task, index, e.took}
	}
	return RunFinished{at, x.name(), id, e.took, e.err}
}
