package runnel

import (
	"github.com/runnelflow/runnel/broker"
)

// pend makes a job pending. r.mu is held.
func (r *remote) pend(u unit, f *flight, j *broker.Job) {
	l := r.lanes[u.node]
	if f.alone {
		r.pending = append(r.pending, j)
		return
	}
	l.pending = append(l.pending, j)
	r.line(l)
}

// line gives a lane its turn. r.mu is held.
func (r *remote) line(l *lane) {
	if !l.queued {
		l.queued = true
		r.turns = append(r.turns, l)
	}
}

// mostSubmitted is how many batches are submitted at once.
const mostSubmitted = 1024

// gather takes the batches that are to go out now.
func (r *remote) gather() []broker.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	var batches []broker.Batch
	for len(r.turns) > 0 && len(batches) < mostSubmitted {
		l := r.turns[0]
		batch, more := r.batch(l)
		if !more {
			r.turns, l.queued = r.turns[1:], false
		}
		if len(batch) > 0 {
			batches = append(batches, batch)
		}
	}
	if len(r.turns) == 0 {
		r.turns = nil
	}
	// After the lanes, which have made those pending that no worker has.
	for len(r.pending) > 0 && len(batches) < mostSubmitted {
		if j := r.pending[0]; r.goes(j, nil) {
			batches = append(batches, broker.Batch{j})
		}
		r.pending = r.pending[1:]
	}
	if len(r.pending) == 0 {
		r.pending = nil
	}
	return batches
}

// batch takes the next batch of a lane; more is false when what is pending waits. Plain
// tasks that no worker has go alone: it is not known when they come back. r.mu is held.
func (r *remote) batch(l *lane) (batch broker.Batch, more bool) {
	room := l.room()
	if room <= 0 {
		return nil, false // each that lands looks again
	}
	n := min(room, l.next(r.watch.known))
	if n == 0 {
		if len(l.pending) > 0 && l.slots > 0 {
			r.lookAfter(l)
		}
		return nil, false
	}
	out := &load{lane: l, epoch: l.epoch}
	for _, j := range l.pending[:n] {
		if l.plain && r.watch.isMissing(r.nodes[j.Task]) {
			r.pending = append(r.pending, j)
		} else if r.goes(j, out) {
			batch = append(batch, j)
		}
	}
	if l.pending = l.pending[n:]; len(l.pending) == 0 {
		l.pending = nil
	}
	if out.left = len(batch); out.left > 0 {
		l.flying += out.left
		l.out += out.left
		l.batches++
	}
	return batch, true
}

// goes notes that a job goes to the broker, unless nobody waits for it any more. r.mu is
// held.
func (r *remote) goes(j *broker.Job, in *load) bool {
	f := r.flights[r.unitOf(j)]
	if f == nil || f.job != j {
		return false
	}
	f.job, f.load = nil, in
	return true
}

func (r *remote) unitOf(j *broker.Job) unit { return unit{r.nodes[j.Task], int32(j.Element)} }

// land takes a flight out of its batch: it is back, or nobody waits for it any more.
// r.mu is held.
func (r *remote) land(f *flight) {
	out := f.load
	f.job, f.load = nil, nil
	if out == nil {
		return
	}
	l := out.lane
	l.lands(out)
	if len(l.pending) > 0 {
		r.line(l)
		r.nudge()
	}
}

// nudge tells who submits that there is something to see to.
func (r *remote) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// measure learns from a result how long the jobs of a lane take. r.mu is held.
func (r *remote) measure(u unit, f *flight, res *broker.Result) {
	l := r.lanes[u.node]
	if res.Worker == "" || res.Failure != nil && res.Failure.Kind == broker.Orphaned {
		return
	}
	if res.IsHandBack() { // some job of the batch takes at least that long
		if f.load == nil || f.load.slow {
			return
		}
		f.load.slow = true
	}
	l.pace.add(res.Took)
}

// handedBack sends a unit on its way again, in the next round.
func (r *remote) handedBack(u unit, f *flight, kind broker.Kind) {
	r.mu.Lock()
	if f.arrived() {
		r.mu.Unlock()
		return
	}
	r.land(f)
	f.round++
	f.alone = f.alone || kind == broker.Orphaned
	if r.x.ctx.Err() != nil {
		r.mu.Unlock()
		r.arrive(u, nil, errDropped)
		return
	}
	f.out = false
	done := f.done
	r.mu.Unlock()
	if done != nil {
		close(done)
		return
	}
	r.x.engine.Resume(u.item())
}
