package runnel

import (
	"time"

	"github.com/runnelflow/runnel/broker"
)

// lane is jobs on their way to workers that may share messages: the elements of a task,
// which take about as long as each other, or the plain tasks of a queue and priority, of
// which that is not known. What its methods say of locks is that of the remote.
type lane struct {
	plain   bool // the jobs are plain tasks
	pending []*broker.Job
	queued  bool // it is in turns
	pace    pace
	flying  int // jobs with the broker
	batches int // that they are in
	out     int // jobs with the broker, those that count no more in flying too
	slots   int // batches that the workers that have the tasks do at once
	// uneven says that not all tasks are with the same workers: one would have to leave
	// to others what it has not of a batch.
	uneven bool
	// epoch counts how often what was out took too long to be waited for.
	epoch  int
	landed int  // how many jobs came back
	timed  bool // a timer looks whether some do
}

// mostOut is how many jobs of a lane are with the broker at once, unless the workers do
// that many at once: what there is more of waits in the run, and not on the broker's disk.
const mostOut = 100_000

// room is how many more jobs may be with the broker: two batches for each that the
// workers do at once always may. r.mu is held.
func (l *lane) room() int {
	return max(mostOut, 2*l.slots*l.pace.size()) - l.out
}

// load is a batch with the broker: when nothing of it is left, there is room for the
// next.
type load struct {
	lane  *lane
	epoch int // of the lane, when it went out
	left  int
	slow  bool // it was handed back
}

// makeLanes gives each node its lane, and none to those that do not go to workers.
func makeLanes(nodes []node) []*lane {
	type to struct {
		queue    string
		priority broker.Priority
	}
	lanes := make([]*lane, len(nodes))
	plain := map[to]*lane{}
	for n := range nodes {
		switch d := nodes[n].task; {
		case d.stays:
		case d.axes != nil:
			lanes[n] = &lane{}
		default:
			key := to{d.config.queue, d.config.priority}
			if plain[key] == nil {
				plain[key] = &lane{plain: true}
			}
			lanes[n] = plain[key]
		}
	}
	return lanes
}

// next is how many of the pending jobs make the next batch, 0 if they wait. r.mu is held.
func (l *lane) next(known bool) int {
	switch pending := len(l.pending); {
	case !l.plain && !known:
		return 0 // the workers will be in a moment
	case !l.plain:
		return l.pace.next(pending, l.flying, l.batches, l.slots)
	case !known:
		return min(pending, 1, max(0, batchUnmeasured-l.batches))
	case l.uneven || l.slots == 0:
		return min(pending, 1)
	default:
		return l.pace.plain(pending, l.batches, l.slots)
	}
}

// serve notes how many batches of a task the workers do at once. One that no worker has
// waits in any company. r.mu is held.
func (l *lane) serve(slots int) {
	if slots == 0 {
		return
	}
	l.uneven = l.uneven || l.slots > 0 && slots != l.slots
	l.slots = max(l.slots, slots)
}

// lands takes a job of a load out of the lane. r.mu is held.
func (l *lane) lands(out *load) {
	l.landed++
	l.out--
	out.left--
	if out.epoch != l.epoch {
		return // it counts no more
	}
	l.flying--
	if out.left == 0 {
		l.batches--
	}
}

// lookAfter sees to it that what is pending in a lane does not wait for jobs that take
// long: when for a time nothing has come back, what is out counts no more. r.mu is held.
func (r *remote) lookAfter(l *lane) {
	if l.timed {
		return
	}
	l.timed = true
	landed := l.landed
	time.AfterFunc(batchPatience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		l.timed = false
		if len(l.pending) == 0 || r.submitCtx.Err() != nil {
			return
		}
		if l.landed == landed {
			l.epoch++
			l.flying, l.batches = 0, 0
		}
		r.line(l)
		r.nudge()
	})
}
