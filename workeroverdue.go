package runnel

import (
	"maps"
	"slices"
	"sync"

	"github.com/runnelflow/runnel/broker"
)

// mostOverdue is how many attempts a worker tells of: what it says of itself has to fit
// into a message.
const mostOverdue = 100

// overdue is the attempts of a worker that go on long after their Timeout, and what the
// worker says of itself because of them.
type overdue struct {
	more chan struct{} // one has come

	mu       sync.Mutex
	plain    *broker.Worker // without any
	said     *broker.Worker // with those that there are; nil when it is to be made anew
	attempts map[*jobAttempt]broker.Overdue
}

func (o *overdue) init(w *broker.Worker) {
	o.more = make(chan struct{}, 1)
	o.plain, o.said = w, w
	o.attempts = map[*jobAttempt]broker.Overdue{}
}

func (o *overdue) add(a *jobAttempt) {
	a.overdue = true
	o.mu.Lock()
	j := a.job
	o.attempts[a] = broker.Overdue{Run: j.Run, Task: j.Task, Element: j.Element, Attempt: j.Attempt}
	o.said = nil
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// remove is for an attempt that has ended. There is no hurry to tell of that.
func (o *overdue) remove(a *jobAttempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.attempts, a)
	o.said = nil
}

// worker is the worker with the attempts that are overdue.
func (o *overdue) worker() *broker.Worker {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said == nil {
		w := *o.plain
		w.Overdue = slices.Collect(maps.Values(o.attempts))
		w.Overdue = w.Overdue[:min(len(w.Overdue), mostOverdue)]
		o.said = &w
	}
	return o.said
}
