// Package engine runs a compiled graph of integers: it calls a function for
// each node once all its predecessors have finished, on as many goroutines as
// the graph and the limit allow. It knows nothing of tasks and values.
//
// Each worker is a goroutine with a deque of its own. The first node that a
// finished node makes ready runs next on the same worker; the others go to its
// deque, from where other workers steal, or to a worker that watches for one.
// Workers are started when there is work for them, never before, and block when
// there is none, one of them after it has watched for a moment: nothing polls. One
// invariant makes that safe: while work can be stolen and a worker could be woken
// or started, at least one worker is searching or on its way to. What was given to
// the one that watches is its own.
package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/graph"
)

// Config describes a run.
type Config struct {
	// Limit is how many Exec may run at once; 0 is no limit. In a Run it is the number.
	Limit int
	// Exec does the work of an item and returns the item to do next on this
	// worker, usually from [Worker.Finish]; None leaves the choice to the engine.
	// An item that is neither finished nor returned must come back by
	// [Run.Resume], or the run does not end.
	Exec func(*Worker, Item) Item
	// Announces says that Exec calls [Worker.Found] before anything that takes long. Until
	// then no other worker is begun or woken: one that has to wait for a lock first would
	// leave its processor to the next one, which waits for the same lock, and so on.
	Announces bool
	// Soon is told once of each node with several predecessors, when all but one of them
	// have finished: its turn comes soon, and memory that Exec will need for it can be
	// asked for. The worker is the one that finished the last of these, and another may
	// have begun with the node already. nil is not told.
	Soon func(w *Worker, node int32)
	// Unwound takes the place of the rest of Exec when the work ended its
	// goroutine with runtime.Goexit, or panicked under [Worker.Guard]: then it gets the
	// panic. It is called again, without one, if it ends its goroutine itself.
	Unwound func(*Worker, Item, *Panic) Item
}

// stopped in Run.attention: no item is started any more.
const stopped = 1 << 30

// mostWorkers is the limit where there is none.
const mostWorkers = 1 << 30

// Run is one execution of a graph. Its methods are safe for concurrent use.
type Run struct {
	Config
	graph *graph.Graph
	procs int // the processors that the run may keep busy
	roots []int32
	// left counts the predecessors of each node that have not finished.
	left []int32

	// What every worker reads stays off the lines that are written at each step, and those
	// off each other.
	_         [64]byte
	spare     atomic.Int32 // workers that could still be woken or started
	attention atomic.Int32 // urgent items, plus stopped: workers look before each item
	active    atomic.Pointer[[]*Worker]
	_         [64]byte
	searching atomic.Int32 // workers that look for work or were just told to, but for a glance
	_         [64]byte
	handoff   atomic.Uint64 // an item for who watches, see handoff.go
	_         [64]byte
	rest      atomic.Int64 // nodes not finished, except those a worker still counts
	_         [64]byte

	nextRoot atomic.Int64
	spins    atomic.Int32 // rounds for which a searcher watches for work

	mu      sync.Mutex
	idle    []*Worker // parked, the last to park on top
	urgent  []Item
	alive   int // worker goroutines
	pruneAt int // length of active at which workers with nothing to steal leave it
	done    chan struct{}
}

// New prepares a run of g; [Run.Start] starts it.
func New(g *graph.Graph, c Config) *Run {
	if c.Limit = min(c.Limit, mostWorkers); c.Limit == 0 {
		c.Limit = mostWorkers
	}
	r := &Run{Config: c, graph: g, roots: g.Roots(), left: g.InDegrees(), pruneAt: minPrune, done: make(chan struct{})}
	if r.procs = min(c.Limit, runtime.GOMAXPROCS(0)); r.procs > 1 {
		r.spins.Store(mostSpins)
	}
	r.spare.Store(int32(c.Limit))
	r.rest.Store(int64(g.N()))
	r.active.Store(new([]*Worker))
	r.handoff.Store(uint64(None))
	return r
}

// Start begins the run and returns.
func (r *Run) Start() {
	if r.rest.Load() == 0 {
		r.Stop()
		return
	}
	r.signal()
}

// Done is closed when every node has finished or the run was stopped, and no
// worker is left.
func (r *Run) Done() <-chan struct{} { return r.done }

// Stop lets running items end and starts no other. It may be called more than
// once, and from Exec.
func (r *Run) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attention.Load() >= stopped {
		return
	}
	r.attention.Add(stopped)
	for _, w := range r.idle {
		r.searching.Add(1)
		w.rouse()
	}
	r.idle = nil
	if r.alive == 0 {
		close(r.done)
	}
}

// Resume hands back an item that Exec put off. It is served before other work.
// After Stop it does nothing.
func (r *Run) Resume(it Item) {
	r.mu.Lock()
	r.urgent = append(r.urgent, it)
	r.attention.Add(1)
	r.mu.Unlock()
	r.offer()
}

// takeUrgent takes the oldest resumed item, or None.
func (r *Run) takeUrgent() Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.urgent) == 0 {
		return None
	}
	it := r.urgent[0]
	if r.urgent = r.urgent[1:]; len(r.urgent) == 0 {
		r.urgent = nil // let the array go with its last item
	}
	r.attention.Add(-1)
	return it
}

// offer tells a worker of new work, unless one is searching already.
func (r *Run) offer() {
	if r.searching.Load() == 0 && r.spare.Load() > 0 {
		r.signal()
	}
}

// signal wakes or starts one worker as the searcher.
func (r *Run) signal() {
	if !r.searching.CompareAndSwap(0, 1) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attention.Load() >= stopped || r.spare.Load() == 0 {
		r.searching.Add(-1)
		return
	}
	r.spare.Add(-1)
	if n := len(r.idle); n > 0 {
		w := r.idle[n-1]
		r.idle = r.idle[:n-1]
		w.rouse()
	} else {
		r.alive++
		w := &Worker{run: r, seed: uint32(r.alive) * 0x9e3779b9}
		go w.work(true)
	}
	if 1 < r.alive && r.alive <= r.procs {
		go displace()
	}
}

// displace takes the place of a worker that was begun or woken just before. The runtime
// keeps whatever is the last of these for the processor that did it, and others take it
// from there only after a sleep of tens of microseconds (runqgrab in runtime/proc.go). What
// was displaced waits where they take it at once.
func displace() {}

// leave is called by the goroutine of a worker that has nothing more to do.
func (r *Run) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.alive--; r.alive == 0 {
		close(r.done)
	}
}

// hasWork reports whether an item waits for a worker.
func (r *Run) hasWork() bool {
	if r.nextRoot.Load() < int64(len(r.roots)) || r.attention.Load() != 0 {
		return true
	}
	for _, w := range *r.active.Load() {
		if !w.deque.empty() {
			return true
		}
	}
	return false
}
