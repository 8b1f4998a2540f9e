package runnel

import (
	"container/heap"

	"github.com/runnelflow/runnel/internal/engine"
)

// admission gives out the slots of a run's limit to the units that go to workers.
// Those that are tried again go first, then those further down the graph, so that
// what was made is taken before more is made; among equals who came first.
type admission struct {
	limit  int // 0: there is none
	under  int // units that have a slot
	queue  admissionQueue
	levels []int32 // of each node: the most tasks that are before it in a row
	asked  int64
}

func (a *admission) init(x *execution) {
	if a.limit = x.config.limit; a.limit > 0 {
		_, a.levels, _ = x.plan.graph.Sort()
	}
}

// ask lists a unit that wants a slot.
func (a *admission) ask(u unit, again bool) {
	a.asked++
	heap.Push(&a.queue, applicant{u, again, a.levels[u.node], a.asked})
}

// admit gives a free slot to the unit whose turn it is.
func (a *admission) admit() (unit, bool) {
	if a.under >= a.limit || len(a.queue) == 0 {
		return unit{}, false
	}
	a.under++
	return heap.Pop(&a.queue).(applicant).unit, true
}

// applicant is a unit that waits for a slot.
type applicant struct {
	unit
	again bool
	level int32
	asked int64 // its number among all
}

// admissionQueue is a heap: the next one is in front.
type admissionQueue []applicant

func (q admissionQueue) Len() int      { return len(q) }
func (q admissionQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *admissionQueue) Push(v any)   { *q = append(*q, v.(applicant)) }

func (q admissionQueue) Less(i, j int) bool {
	a, b := &q[i], &q[j]
	switch {
	case a.again != b.again:
		return a.again
	case a.level != b.level:
		return a.level > b.level
	}
	return a.asked < b.asked
}

func (q *admissionQueue) Pop() any {
	last := len(*q) - 1
	v := (*q)[last]
	*q = (*q)[:last]
	return v
}

// admit reports whether a flight may go on its way; otherwise it waits for a slot.
// r.mu is held.
func (r *remote) admit(u unit, f *flight) bool {
	if r.slots.limit == 0 || f.admitted {
		return true
	}
	r.slots.ask(u, f.attempt > 1 || f.cause != nil)
	r.serve(u)
	return f.admitted
}

// serve gives the slots that are free to those whose turn it is, and hands them back
// to the engine, but for the one that is being done. r.mu is held.
func (r *remote) serve(here unit) {
	for {
		u, ok := r.slots.admit()
		if !ok {
			return
		}
		if r.flights[u].admitted = true; u != here {
			r.x.engine.Resume(u.item())
		}
	}
}

// leave frees the slot of a flight that is back, and returns what to do next. What
// takes its value asks for the slot before it is free, or those that make more would
// have it.
func (r *remote) leave(w *engine.Worker, f *flight, next engine.Item) engine.Item {
	if !f.admitted {
		return next
	}
	if f.result != nil && r.asks(next) { // one that failed here has given no value
		next = r.x.exec(w, next)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots.under--
	r.serve(noUnit)
	return next
}

// asks reports whether an item is a unit that would ask for a slot: no code but ours
// is called when it is done.
func (r *remote) asks(it engine.Item) bool {
	if it == engine.None {
		return false
	}
	u, x := unitOf(it), r.x
	if int(u.node) >= len(x.plan.nodes) || x.plan.nodes[u.node].task.stays || r.intercepts(u) {
		return false
	}
	return u.elem != whole || x.plan.nodes[u.node].mapped < 0
}
