package engine

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A Worker runs items one after another. Its methods are for the Exec that got
// it, during that call.
type Worker struct {
	// Local belongs to Exec: whatever it wants to keep for this worker.
	Local any
	// Clock belongs to Exec too. It is 0 whenever the worker has waited since it was set,
	// for longer than a glance, which is a microsecond or two unless the system takes the
	// processor away; otherwise nothing but Exec took time in between.
	Clock int64
	// Guard belongs to Exec as well. While it is set, a panic of the work does not end the
	// program: it is recovered, and goes to Unwound, which finds Guard set and clears it. So
	// Exec needs no deferred function of its own for each item. A panic of Unwound ends the
	// program.
	Guard bool

	run      *Run
	current  Item
	finished int64 // nodes not yet taken off Run.rest
	found    bool  // an item, and is counted as searching until it has begun
	seed     uint32
	wake     chan struct{}
	woken    time.Time   // when rouse was last called
	listed   atomic.Bool // in Run.active
	deque    deque
}

// Push makes an item available to this and other workers.
func (w *Worker) Push(it Item) {
	if w.run.give(it) {
		return
	}
	w.put(it)
	w.run.offer()
}

func (w *Worker) put(it Item) {
	w.deque.push(it)
	w.list()
}

// list makes the worker known to thieves. It is called after a push.
func (w *Worker) list() {
	if !w.listed.Load() {
		w.run.list(w)
	}
}

// mostStaged bounds how many items are made visible at once, so that thieves do
// not wait for the end of a long list.
const mostStaged = 64

// publish makes staged items available to this and other workers.
func (w *Worker) publish() {
	w.deque.publish()
	w.list()
	w.run.offer()
}

// ready counts a predecessor of a node as finished, and reports whether it was the last.
func (w *Worker) ready(node int32) bool {
	// Who finds one predecessor left is that one: nobody else counts any more.
	return atomic.LoadInt32(&w.run.left[node]) == 1 || w.subtract(node)
}

// subtract is ready for a node that had several predecessors left a moment ago. It is apart
// so that ready can be inlined.
func (w *Worker) subtract(node int32) bool {
	r := w.run
	n := atomic.AddInt32(&r.left[node], -1)
	if n == 1 && r.Soon != nil {
		r.Soon(w, node)
	}
	return n == 0
}

// Finish counts a node as finished. Of the nodes that this makes ready it returns
// the first, or None, and pushes the others.
func (w *Worker) Finish(node int32) Item {
	r := w.run
	w.finished++
	next := None
	succ := r.graph.Succ(node)
	if len(succ) > firstRing {
		w.deque.reserve(len(succ))
	}
	for _, s := range succ {
		if !w.ready(s) {
			continue
		}
		switch {
		case next == None:
			next = Item(s)
		case r.give(Item(s)):
		default:
			if w.deque.stage(Item(s)); w.deque.staged == mostStaged {
				w.publish()
			}
		}
	}
	if w.deque.staged > 0 {
		w.publish()
	}
	return next
}

// FinishAll is Finish for a caller that decides what becomes of the nodes that
// became ready: it appends them to ready, and pushes none.
func (w *Worker) FinishAll(node int32, ready []Item) []Item {
	w.finished++
	for _, s := range w.run.graph.Succ(node) {
		if w.ready(s) {
			ready = append(ready, Item(s))
		}
	}
	return ready
}

// work is the life of a worker's goroutine. searching says that it was counted
// as a searcher by whoever started it.
func (w *Worker) work(searching bool) {
	unwound := true
	defer func() {
		switch {
		case !unwound:
			w.run.leave()
		case w.Guard:
			go w.again(panicOf(recover()))
		default:
			// Either the work ended its goroutine, or it panics on and ends the program.
			go w.again(nil)
		}
	}()
	if searching {
		w.chain(w.search())
	}
	for {
		it := w.next()
		if it == None {
			break
		}
		w.chain(it)
	}
	unwound = false
}

// A Panic is what Exec panicked with, and the stack of its goroutine then.
type Panic struct {
	Value any
	Stack []byte
}

// panicOf is called while the stack is there: by the deferred function that recovered v,
// which is nil when the goroutine was ended instead.
func panicOf(v any) *Panic {
	if v == nil {
		return nil
	}
	return &Panic{v, debug.Stack()}
}

// again is work for a goroutine that replaces one which was ended under Exec, by a panic or
// otherwise, or under Unwound.
func (w *Worker) again(p *Panic) {
	unwound := true
	defer func() {
		if unwound {
			go w.again(nil)
		}
	}()
	w.Found() // which Exec may not have come to
	w.Clock = 0
	if it := w.run.Unwound(w, w.current, p); it != None {
		w.put(it)
	}
	unwound = false
	w.work(false)
}

// chain runs an item, then whatever each item names as the next.
func (w *Worker) chain(it Item) {
	r := w.run
	for it != None {
		if a := r.attention.Load(); a != 0 {
			if a >= stopped {
				return
			}
			if u := r.takeUrgent(); u != None {
				w.Push(it)
				it, w.Clock = u, 0 // it may have been due only now
			}
		}
		w.current = it
		it = r.Exec(w, it)
		w.Found()
	}
}

// next takes an item from the worker's own deque or, that being empty, from
// elsewhere; None means that the run is over.
func (w *Worker) next() Item {
	r := w.run
	if r.attention.Load() < stopped {
		if it := w.deque.pop(); it != None {
			return it
		}
		if it := w.glance(); it != None {
			return it
		}
	}
	if n := w.finished; n > 0 {
		w.finished = 0
		if r.rest.Add(-n) == 0 {
			r.Stop()
			return None
		}
	}
	r.searching.Add(1)
	return w.search()
}
