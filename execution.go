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
	quiet        bool // nobody watches or intercepts, nothing is cached, nothing let go
	direct       bool // it is quiet, and has nothing but tasks to be called here
	id           func() string

	engine   *engine.Run
	slabs    []binding.Slab
	records  []record  // an element a task
	supplied []bool    // which external inputs are there
	given    []bool    // tasks whose outputs were there before, nil for none
	maps     []*mapRun // of the mapped tasks, nil for none
	readings map[slot]*reading
	unread   map[slot]int32 // of a run that lets go: how many have to take data apart yet
	uses     []atomic.Int32 // of each output, counted down; nil unless the plan frees

	remote  *remote                // nil without a broker
	durable *durable               // nil unless the broker keeps the run
	memo    *memo                  // nil unless some task is cached
	aware   *awareness             // nil unless the run is resource-aware
	holes   map[slot]map[int]error // of external inputs that have some: a worker's
	overdue func()                 // tells the run of an attempt that ignores its timeout: a worker's

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

// request is a run that was asked for: its inputs and options are right.
type request struct {
	built  *built
	config runConfig
	plan   *plan
	given  []bool // of the plan's nodes, which have their outputs already
	inputs Values
	ctx    context.Context
}

// request applies the options of a run. The error is a *BuildError.
func (p *Pipeline) request(ctx context.Context, in Values, opts []RunOption) (*request, error) {
	g, err := p.build()
	if err != nil {
		return nil, err
	}
	q := &request{built: g, inputs: in, ctx: ctx}
	c := &q.config
	for i, o := range opts {
		if o == nil {
			c.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.applyRun(c)
	}
	if ctx == nil {
		c.problem("the context is nil: use context.Background() when there is none")
	}
	if testBroker != nil && c.broker == nil && !c.aware {
		c.broker = testBroker(p)
	}
	return q, nil
}

// check makes the plan, and holds the inputs against it. The error is an *InputError.
func (q *request) check() error {
	g, c := q.built, &q.config
	q.plan, q.given = g.partial(c)
	c.problems = append(c.problems, g.checkInputs(q.inputs, q.plan)...)
	c.checkBroker(q.plan)
	c.checkKept(q.inputs)
	c.checkDirect()
	q.checkResources()
	return q.refused()
}

// refused is the error of a request that has problems.
func (q *request) refused() error {
	if len(q.config.problems) == 0 {
		return nil
	}
	giveHints(q.config.problems)
	return &InputError{Pipeline: q.built.config.name, Problems: q.config.problems}
}

// prepare checks the inputs and options of a run, and opens it where it is kept.
func (p *Pipeline) prepare(ctx context.Context, in Values, opts []RunOption) (*execution, error) {
	q, err := p.request(ctx, in, opts)
	if err == nil {
		err = q.check()
	}
	if err != nil {
		return nil, err
	}
	x := q.execution(ctx)
	if q.config.isKept() {
		x.durable = newDurable(x, q.describeRun())
		if err := x.durable.open(); err != nil {
			x.cancel(nil)
			x.durable.cancel()
			return nil, err
		}
	}
	return x, nil
}

// execution makes a run of a request that was not refused.
func (q *request) execution(ctx context.Context) *execution {
	c, own := q.config, q.built.config.interceptors
	x := &execution{plan: q.plan, config: c, given: q.given, timed: !c.untimed}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.interceptors = append(own[:len(own):len(own)], c.interceptors...)
	x.id = sync.OnceValue(func() string {
		if c.id != "" {
			return c.id
		}
		return newRunID()
	})
	x.allocate()
	x.supply(q.inputs)
	x.memo = newMemo(x)
	x.aware = newAwareness(x)
	if c.broker != nil {
		x.remote = newRemote(x)
	}
	return x
}

func newRunID() string { return fmt.Sprintf("%016x", rand.Uint64()) }

func (x *execution) name() string  { return x.plan.of.config.name }
func (x *execution) runID() string { return x.id() }

// allocate makes the arrays of the run.
func (x *execution) allocate() {
	n := len(x.plan.nodes)
	x.records = x.newRecords(n)
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
		x.unread = x.plan.unread()
	}
	c := engine.Config{Limit: x.engineLimit(), Exec: x.exec, Announces: x.config.aware, Unwound: x.unwound}
	if n > mostCached {
		c.Soon = x.soon
	}
	x.engine = engine.New(x.plan.steps, c)
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
	x.quiet = x.log == nil && len(x.interceptors) == 0 && x.config.cache == nil && x.uses == nil
	x.direct = x.quiet && x.maps == nil && x.given == nil && x.remote == nil && x.aware == nil
	if x.log != nil {
		x.log.add(entry{kind: runStarted, unit: noUnit}, nil, nil)
	}
	x.aware.warn()
	x.durable.begin()
	if x.ctx.Err() != nil {
		x.engine.Stop()
	} else if x.remote != nil {
		x.remote.start()
	}
	x.engine.Start()
	select {
	case <-x.engine.Done():
	case <-x.ctx.Done():
	}
	if x.ctx.Err() == nil {
		x.durable.awaitEnd()
	}
	if x.ctx.Err() != nil {
		x.engine.Stop()
		x.remote.cancelled()
		x.awaitRunning()
	}
	x.remote.stop()
	x.finish()
}

// awaitRunning waits for the tasks that are running after a cancellation, here and
// at workers.
func (x *execution) awaitRunning() {
	patience := time.NewTimer(unresponsiveAfter)
	defer patience.Stop()
	select {
	case <-x.engine.Done():
	case <-patience.C:
		x.nameRunning()
		<-x.engine.Done()
		patience.Stop()
	}
	x.remote.settleRest(patience.C)
}

// nameRunning names the tasks that run by events.
func (x *execution) nameRunning() {
	if x.log == nil {
		return
	}
	for u := range x.units() {
		m := x.mapped(u.node)
		if stateOf(x.status(u)) == Running || u.elem == whole && m != nil && m.opening.Load() {
			x.nameUnresponsive(u)
		}
	}
}

// finish settles what a run that ended early has left, and closes the books. No
// worker is left.
func (x *execution) finish() {
	x.disarm()
	var cause error
	var retrying []*TaskError
	if x.ctx.Err() != nil && x.cancelRest(&retrying) {
		if cause = context.Cause(x.ctx); x.isStop(cause) {
			cause, retrying = nil, nil
		}
	}
	if cause == nil {
		if cause = x.remote.cause(); cause != nil {
			retrying = x.remote.replay.retrying
		}
	}
	if len(x.failed) > 0 && x.config.mode != SkipFailed || cause != nil {
		x.err = &RunError{Pipeline: x.name(), RunID: x.runID(), Tasks: x.failed, Cause: cause, Retrying: retrying, kind: x.ctx.Err()}
	}
	if x.err == nil {
		x.err = x.remote.missed()
	}
	took := time.Since(x.start)
	x.durable.conclude(took)
	x.err = x.durable.joined(x.remote.joined(x.err))
	if x.log != nil {
		x.log.add(entry{kind: runFinished, unit: noUnit}, &detail{took: took, err: x.err}, nil)
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
	x.memo.close()
	x.resuming.Wait()
	x.aware.close()
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
	if len(x.maps) == 0 {
		return nil // without a look at the node, which may be in no cache
	}
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
// any. It notes those that waited for their next attempt.
func (x *execution) cancelRest(retrying *[]*TaskError) bool {
	rest := false
	for u := range x.units() {
		if s := stateOf(x.status(u)); s.Ended() {
			rest = rest || s == Cancelled
			continue
		}
		rest = true
		if err := x.causes[u]; err != nil && stateOf(x.status(u)) == Retrying {
			*retrying = append(*retrying, x.failure(u, attemptsOf(x.status(u)), err))
		}
		x.abandon(u)
	}
	return rest
}

// abandon ends a unit that the end of the run's context has stopped.
func (x *execution) abandon(u unit) {
	state, reason := Cancelled, fmt.Sprintf("the run was stopped: %v", context.Cause(x.ctx))
	if m := x.mapped(u.node); m != nil && u.elem == whole && m.failed.Load() > 0 {
		state, reason = m.outcome()
	}
	x.ended(u, state, attemptsOf(x.status(u)), x.causes[u], reason)
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
