package runnel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/engine"
)

// execution is one run of a plan. What every task touches comes in arrays with
// an element a task, made once a run.
type execution struct {
	plan         *plan
	config       runConfig
	interceptors []Interceptor
	ctx          context.Context
	cancel       context.CancelCauseFunc
	start        time.Time
	timed        bool
	quiet        bool // nobody watches, nothing is cached, nothing let go
	id           func() string

	engine   *engine.Run
	slabs    []binding.Slab
	records  []record  // an element a task
	supplied []bool    // which external inputs are there
	given    []bool    // tasks whose outputs were there before, nil for none
	maps     []*mapRun // of the mapped tasks, nil for none
	readings map[slot]*reading
	uses     []atomic.Int32 // of each output, counted down; nil unless the plan frees

	log       *eventLog // nil when nobody watches
	delivered <-chan []error

	// uneven is set once a task did not succeed: from then on each task looks
	// whether its producers did.
	uneven atomic.Bool
	broken atomic.Bool // a mapped task could not be opened
	begun  atomic.Bool // the first of them was taken up

	mu      sync.Mutex
	workers []*scratch           // of all workers
	failed  []*TaskError         // in the order in which they failed
	causes  map[unit]error       // of the last attempt that failed
	reasons map[unit]string      // why it was skipped or cancelled
	timers  map[unit]*time.Timer // of those that wait for their next attempt
	waits   map[unit]retryWait   // of those that were tried again

	resuming sync.WaitGroup // one for each timer: none outlives the run

	finished atomic.Int64 // nanoseconds since start, 0 while the run goes on
	err      error        // valid once finished
}

// prepare checks the inputs and options of a run. The error is a *BuildError or
// an *InputError.
func (p *Pipeline) prepare(ctx context.Context, in Values, opts []RunOption) (*execution, error) {
	g, err := p.build()
	if err != nil {
		return nil, err
	}
	var c runConfig
	for i, o := range opts {
		if o == nil {
			c.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.applyRun(&c)
	}
	if ctx == nil {
		c.problem("the context is nil: use context.Background() when there is none")
	}
	plan, given := g.partial(&c)
	c.problems = append(c.problems, g.checkInputs(in, plan)...)
	if len(c.problems) > 0 {
		giveHints(c.problems)
		return nil, &InputError{Pipeline: g.config.name, Problems: c.problems}
	}
	x := &execution{plan: plan, config: c, given: given, timed: !c.untimed}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.interceptors = append(g.config.interceptors[:len(g.config.interceptors):len(g.config.interceptors)], c.interceptors...)
	x.id = sync.OnceValue(func() string {
		if c.id != "" {
			return c.id
		}
		return fmt.Sprintf("%016x", rand.Uint64())
	})
	x.allocate()
	x.supply(in)
	return x, nil
}

func (x *execution) name() string  { return x.plan.of.config.name }
func (x *execution) runID() string { return x.id() }

// allocate makes the arrays of the run.
func (x *execution) allocate() {
	n := len(x.plan.nodes)
	x.records = make([]record, n)
	x.slabs = make([]binding.Slab, len(x.plan.slabs))
	for i, s := range x.plan.slabs {
		x.slabs[i] = s.make(s.n)
	}
	for _, p := range x.plan.maps {
		x.maps = append(x.maps, newMapRun(x, p))
	}
	if x.plan.uses != nil {
		x.uses = make([]atomic.Int32, len(x.plan.uses))
		for i, uses := range x.plan.uses {
			x.uses[i].Store(uses)
		}
	}
	x.engine = engine.New(x.plan.steps, engine.Config{Limit: x.config.limit, Exec: x.exec, Unwound: x.unwound})
}

// supply puts the external inputs, and what a data cache has, in their places.
func (x *execution) supply(in Values) {
	g := x.plan.of
	boxed := x.slabs[len(x.slabs)-1]
	x.supplied = make([]bool, len(g.supplied))
	for name, v := range in {
		if e := g.externals[name]; e != nil {
			boxed.Store(int(e.number), v)
			x.supplied[e.number] = true
		}
	}
	for n, given := range x.given {
		if !given {
			continue
		}
		node := &x.plan.nodes[n]
		for k, at := range x.plan.into(node) {
			x.slabs[at.slab].Store(int(at.index), x.config.taken[node.task.outputs[k].name])
		}
	}
}

// watch starts the clock, and the delivery of events to those who asked for
// them.
func (x *execution) watch(keep bool) {
	x.start = time.Now()
	if !keep && len(x.config.observers) == 0 {
		return
	}
	x.log = newEventLog(x.start, keep)
	if len(x.config.observers) > 0 {
		x.delivered = x.deliver()
	}
}

// unresponsiveAfter is how long after a cancellation the tasks that still run
// are named by events.
const unresponsiveAfter = 5 * time.Second

// run runs the plan to its end. It is called once.
func (x *execution) run() {
	x.quiet = x.log == nil && x.config.cache == nil && x.uses == nil
	if x.log != nil {
		x.log.add(entry{kind: runStarted, unit: noUnit}, nil)
	}
	if x.ctx.Err() != nil {
		x.engine.Stop()
	}
	x.engine.Start()
	select {
	case <-x.engine.Done():
	case <-x.ctx.Done():
		x.engine.Stop()
		x.awaitRunning()
	}
	x.finish()
}

// awaitRunning waits for the tasks that are running after a cancellation.
func (x *execution) awaitRunning() {
	patience := time.NewTimer(unresponsiveAfter)
	defer patience.Stop()
	select {
	case <-x.engine.Done():
		return
	case <-patience.C:
	}
	if x.log != nil {
		for u := range x.units() {
			m := x.mapped(u.node)
			if stateOf(x.status(u)) == Running || u.elem == whole && m != nil && m.opening.Load() {
				x.log.add(entry{kind: taskUnresponsive, unit: u, took: unresponsiveAfter}, nil)
			}
		}
	}
	<-x.engine.Done()
}

// finish settles what a run that ended early has left, and closes the books. No
// worker is left.
func (x *execution) finish() {
	x.disarm()
	var cause error
	if x.ctx.Err() != nil && x.cancelRest() {
		if cause = context.Cause(x.ctx); x.isStop(cause) {
			cause = nil
		}
	}
	if len(x.failed) > 0 && x.config.mode != SkipFailed || cause != nil {
		x.err = &RunError{Pipeline: x.name(), RunID: x.runID(), Tasks: x.failed, Cause: cause, kind: x.ctx.Err()}
	}
	took := time.Since(x.start)
	if x.log != nil {
		x.log.add(entry{kind: runFinished, unit: noUnit, took: took, err: x.err}, nil)
		x.log.close()
	}
	if x.delivered != nil {
		if errs := <-x.delivered; len(errs) > 0 {
			x.err = errors.Join(append([]error{x.err}, errs...)...)
		}
	}
	for _, s := range x.workers {
		s.giveBack()
	}
	x.workers = nil
	x.cancel(nil)
	x.finished.Store(max(1, int64(took)))
}

// disarm stops the timers of what waits for its next attempt.
func (x *execution) disarm() {
	x.mu.Lock()
	for _, t := range x.timers {
		if t.Stop() {
			x.resuming.Done()
		}
	}
	x.timers = nil
	x.mu.Unlock()
	x.resuming.Wait()
}

// noUnit is the unit of what concerns the whole run.
var noUnit = unit{-1, whole}

// units are all elements, then all tasks.
func (x *execution) units() iter.Seq[unit] {
	return func(yield func(unit) bool) {
		for _, m := range x.maps {
			for e := range m.total() {
				if !yield(unit{m.plan.node, int32(e)}) {
					return
				}
			}
		}
		for n := range x.records {
			if !yield(unit{int32(n), whole}) {
				return
			}
		}
	}
}

// mapped is the state of a mapped task, nil for a plain one.
func (x *execution) mapped(node int32) *mapRun {
	if k := x.plan.nodes[node].mapped; k >= 0 {
		return x.maps[k]
	}
	return nil
}

// index is the index of an element, nil for a whole task.
func (x *execution) index(u unit) []int {
	if u.elem == whole {
		return nil
	}
	return x.mapped(u.node).coordinates(u.elem)
}

// cancelRest ends the tasks that have not ended, and reports whether there were
// any.
func (x *execution) cancelRest() bool {
	rest := false
	cause := context.Cause(x.ctx)
	for u := range x.units() {
		status := x.status(u)
		if s := stateOf(status); s.Ended() {
			rest = rest || s == Cancelled
			continue
		}
		rest = true
		state, reason := Cancelled, fmt.Sprintf("the run was stopped: %v", cause)
		if m := x.mapped(u.node); m != nil && u.elem == whole && m.failed.Load() > 0 {
			state, reason = m.outcome()
		}
		x.ended(u, state, attemptsOf(status), x.causes[u], reason)
	}
	return rest
}

// stopError is the cause of the context's end when a task fails in FailFast.
type stopError struct {
	run  *execution
	task string
}

func (e *stopError) Error() string { return fmt.Sprintf("task %q failed", e.task) }

// isStop reports whether this run stopped itself. A run inside a task is stopped
// by the outer one as by any caller.
func (x *execution) isStop(cause error) bool {
	e, ok := cause.(*stopError)
	return ok && e.run == x
}
