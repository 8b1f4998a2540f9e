package runnel

import "time"

// eventMaker makes events of what a run has written down. While all processors are busy they
// are a backlog, which one goroutine has to work off after the last task, so what they have
// in common is asked for once.
type eventMaker struct {
	x     *execution
	id    string   // of the run
	names []string // of the tasks
}

func newEventMaker(x *execution) eventMaker { return eventMaker{x, x.runID(), x.plan.names()} }

// noDetail is what most events have. It is only read.
var noDetail detail

// event makes the Event of an entry.
func (m *eventMaker) event(e *entry, details []detail) Event {
	x, id, at, task := m.x, m.id, m.x.start.Add(time.Duration(e.at)), ""
	d := &noDetail
	if e.detail > 0 {
		d = &details[e.detail-1]
	}
	if e.unit.node >= 0 {
		task = m.names[e.unit.node]
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
