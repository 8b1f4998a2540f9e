package runnel

import (
	"time"

	"github.com/runnelflow/runnel/broker"
)

// lane is jobs on their way to workers that take about as long as each other: the
// elements of a task, or plain tasks of one function. What its methods say of locks is
// that of the remote.
type lane struct {
	pending []*broker.Job
	queued  bool // it is in turns
	pace    pace
	flying  int // jobs with the broker
	batches int // that they are in
	out     int // jobs with the broker, those that count no more in flying too
	slots   int // batches that the workers that have the tasks do at once
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

// laneKey tells plain tasks apart that do not share a lane. Those that share one were
// declared at the same place, with the same function, be it with other variables in
// its closure; copies made by As and Bind, and those of a pipeline that is nested
// several times, are such tasks.
type laneKey struct {
	pc, code uintptr
	queue    string
	priority broker.Priority
}

// makeLanes gives each node its lane: nil for a plain task whose function no other has.
func makeLanes(nodes []node) []*lane {
	lanes := make([]*lane, len(nodes))
	alone := map[laneKey]int{} // the first with a key
	for n := range nodes {
		switch d := nodes[n].task; {
		case d.stays:
		case d.axes != nil:
			lanes[n] = &lane{}
		default:
			key := laneKey{d.pc, d.body.code(), d.config.queue, d.config.priority}
			first, shared := alone[key]
			if !shared {
				alone[key] = n
				continue
			}
			if lanes[first] == nil {
				lanes[first] = &lane{}
			}
			lanes[n] = lanes[first]
		}
	}
	return lanes
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
