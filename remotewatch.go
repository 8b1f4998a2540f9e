package runnel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// watch follows which workers there are, and gives up the units of tasks that none
// has had for too long. What its methods say of locks is that of the remote.
type watch struct {
	r        *remote
	patience time.Duration
	known    bool // the workers were told once
	workers  []*broker.Worker
	// missing has the nodes that no worker has, and since when units of theirs wait;
	// the zero time while none does.
	missing map[int32]time.Time
	gone    map[int32]error // those of missing that were waited for long enough
	timer   *time.Timer
	stopped bool
}

func (v *watch) init(r *remote) {
	v.r, v.patience = r, cmp.Or(r.x.config.patience, defaultPatience)
	v.missing, v.gone = map[int32]time.Time{}, map[int32]error{}
}

// run follows the workers until the run ends.
func (v *watch) run() {
	err := v.r.broker.Workers(v.r.ctx, v.changed)
	if v.r.ctx.Err() == nil {
		v.r.x.cancel(fmt.Errorf("runnel: run %s: the broker stopped telling which workers there are: %w", v.r.x.runID(), err))
	}
}

func (v *watch) stop() {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	v.stopped = true
	if v.timer != nil {
		v.timer.Stop()
	}
}

// changed takes the workers that are alive.
func (v *watch) changed(workers []*broker.Worker) {
	type offer struct{ pipeline, name, fingerprint, queue string }
	has := map[offer]int{} // slots
	for _, w := range workers {
		for _, t := range w.Tasks {
			for _, q := range w.Queues {
				has[offer{t.Pipeline, t.Name, t.Fingerprint, q}] += max(w.Slots, 1)
			}
		}
	}
	r := v.r
	r.mu.Lock()
	defer r.mu.Unlock()
	v.workers, v.known = workers, true
	now := time.Now()
	came := map[int32]bool{}
	for _, l := range r.lanes {
		if l != nil {
			l.slots, l.uneven = 0, false
		}
	}
	for n, o := range r.offers {
		node, d := int32(n), r.x.plan.nodes[n].task
		q := d.config.queue
		_, was := v.missing[node]
		slots := has[offer{o.Pipeline, o.Name, o.Fingerprint, q}]
		if o.Pipeline != "" {
			slots += has[offer{"", o.Name, o.Fingerprint, q}]
		}
		if l := r.lanes[n]; l != nil {
			if l.serve(slots); len(l.pending) > 0 {
				r.line(l)
				r.nudge()
			}
		}
		switch {
		case d.stays || slots > 0:
			delete(v.missing, node)
			delete(v.gone, node)
		case !was:
			v.missing[node] = time.Time{}
			came[node] = true
		}
	}
	if len(came) > 0 {
		for u, f := range r.flights {
			if came[u.node] && f.out && !f.arrived() {
				v.missing[u.node] = now
				if f.load != nil && f.load.lane.plain {
					r.land(f) // others do not wait for it
				}
			}
		}
	}
	v.name()
	v.arm()
}

// name names the attempts of the run that ignore their timeouts, each once. r.mu is held,
// so that the name comes before the attempt's end.
func (v *watch) name() {
	r := v.r
	if r.x.log == nil {
		return
	}
	for _, w := range v.workers {
		for _, o := range w.Overdue {
			node, known := r.nodes[o.Task]
			if !known || o.Run != r.x.runID() {
				continue
			}
			u := unit{node, int32(o.Element)}
			if f := r.flights[u]; f != nil && f.out && !f.arrived() && int(f.attempt) == o.Attempt && f.named != f.attempt {
				f.named = f.attempt
				r.x.nameUnresponsive(u)
			}
		}
	}
}

// isMissing reports whether no worker has a node. r.mu is held.
func (v *watch) isMissing(node int32) bool {
	_, missing := v.missing[node]
	return missing
}

// absent notes that a unit of a node waits. It returns an error when there is no use
// in that. r.mu is held.
func (v *watch) absent(node int32) error {
	if since, missing := v.missing[node]; missing && since.IsZero() {
		v.missing[node] = time.Now()
		v.arm()
	}
	return v.gone[node]
}

// arm sets the timer for the node that was waited for longest. r.mu is held.
func (v *watch) arm() {
	var first time.Time
	for node, since := range v.missing {
		if v.gone[node] == nil && !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	if v.timer != nil {
		v.timer.Stop()
		v.timer = nil
	}
	if !first.IsZero() && !v.stopped {
		v.timer = time.AfterFunc(time.Until(first.Add(v.patience)), v.expire)
	}
}

// expire gives up the units of nodes that were waited for long enough.
func (v *watch) expire() {
	r := v.r
	failed := map[unit]error{}
	r.mu.Lock()
	if v.stopped {
		r.mu.Unlock()
		return
	}
	now := time.Now()
	for node, since := range v.missing {
		if v.gone[node] == nil && !since.IsZero() && now.Sub(since) >= v.patience {
			v.gone[node] = v.story(node)
		}
	}
	for u, f := range r.flights {
		if err := v.gone[u.node]; err != nil && f.out && !f.arrived() {
			failed[u] = err
		}
	}
	v.arm()
	r.mu.Unlock()
	for u, err := range failed {
		r.arrive(u, nil, err)
	}
}

// story says why no worker can do a task. r.mu is held.
func (v *watch) story(node int32) error {
	d, want := v.r.x.plan.nodes[node].task, v.r.offers[node]
	var near []string
	for _, w := range v.workers {
		for _, t := range w.Tasks {
			switch {
			case t.Name != want.Name || t.Pipeline != "" && t.Pipeline != want.Pipeline:
			case t.Fingerprint != want.Fingerprint:
				near = append(near, fmt.Sprintf("worker %s has another version of it: %s", w.ID, difference(want.Types, t.Types, "in the run", "at the worker")))
			case !slices.Contains(w.Queues, d.config.queue):
				near = append(near, fmt.Sprintf("worker %s has it, but serves %s and not %q, which the task names", w.ID, quoted(w.Queues), d.config.queue))
			}
		}
	}
	if len(near) == 0 {
		near = append(near, fmt.Sprintf("there are %d workers, and none has it: give it, or its pipeline, to NewWorker", len(v.workers)))
	}
	slices.Sort(near)
	return Permanent(fmt.Errorf("%w: waited %v for one: %s", ErrNoWorker, v.patience, strings.Join(slices.Compact(near), "; ")))
}
