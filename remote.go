package runnel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// remote is the part of a run that has its tasks done by workers. A unit that is
// with a worker is a flight, and no goroutine: its result resumes it. Three
// goroutines serve the whole run: one submits what is pending, one takes results,
// one follows which workers there are.
type remote struct {
	x      *execution
	broker broker.Broker
	offers []*broker.Task   // of each node: what a worker must have
	nodes  map[string]int32 // by the task's name
	// What follows the broker goes on after the run was cancelled, what submits to it
	// does not.
	ctx, submitCtx        context.Context
	cancel, stopSubmit    context.CancelFunc
	following, submitting sync.WaitGroup
	begun                 chan struct{} // closed once those results are in that were there before
	untold                error         // why the broker does not know of the run's end
	unread                error         // why the result has not all that was made
	replay                *replay       // of a run that is not driven here, else nil

	mu      sync.Mutex
	flights map[unit]*flight
	early   map[attemptKey]*broker.Result // that came before their jobs; nil in a run that cannot be taken up
	slots   admission
	pending []*broker.Job // that go alone
	lanes   []*lane       // of each node; nil for what does not go to workers
	turns   []*lane       // those to be looked at
	wake    chan struct{} // there is something pending
	returns chan unit     // those that workers still had when the run was cancelled

	watch watch

	carried     []bool          // of each output: it may go on as a worker has made it
	columns     []*sealed       // of mapped tasks, that the result has; guarded by mu
	reading     context.Context // of what is read of it here
	stopReading func()
}

// flight is a unit on its way to a worker and back.
type flight struct {
	attempt  int32
	round    int32
	admitted bool        // it has one of the run's slots
	out      bool        // it was handed to the broker, or is about to be
	alone    bool        // it is not to be in a batch with others
	job      *broker.Job // that is pending
	load     *load       // that it is in
	cause    error
	began    int64
	named    int32 // the attempt that was named since it ignores its timeout
	result   *broker.Result
	failed   error         // in the place of a result
	held     bool          // a worker has it, though the run was cancelled
	done     chan struct{} // closed when one of them is there; nil: the unit is resumed
}

// attemptKey tells results apart.
type attemptKey struct {
	unit
	attempt  int32
	fallback bool
}

func newRemote(x *execution) *remote {
	r := &remote{x: x, broker: x.config.broker, flights: map[unit]*flight{}, wake: make(chan struct{}, 1)}
	r.nodes = make(map[string]int32, len(x.plan.nodes))
	r.offers = make([]*broker.Task, len(x.plan.nodes))
	r.lanes = makeLanes(x.plan.nodes)
	offers := x.plan.of.offers()
	for n := range x.plan.nodes {
		name := x.plan.nodes[n].task.Name()
		r.nodes[name] = int32(n)
		r.offers[n] = offers[x.plan.of.names[name]]
	}
	if x.config.id != "" {
		r.early = map[attemptKey]*broker.Result{}
	}
	r.slots.init(x)
	r.watch.init(r)
	r.sealSlabs()
	return r
}

// departures is how many goroutines send units on their way, at most. They wait for
// nothing, so more would be of no use.
const departures = 64

// engineLimit is how many goroutines may make attempts. Those of a run with workers
// make none, unless interceptors are around them.
func (x *execution) engineLimit() int {
	limit := x.config.limit
	if x.config.broker == nil || len(x.interceptors) > 0 || limit > 0 && limit < departures {
		return limit
	}
	for n := range x.plan.nodes {
		if x.plan.nodes[n].intercepted {
			return limit
		}
	}
	return departures
}

// start begins to serve the run. A run that may have been there before first takes
// the results that it has.
func (r *remote) start() {
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(r.x.ctx))
	r.submitCtx, r.stopSubmit = context.WithCancel(r.x.ctx)
	r.begun = make(chan struct{})
	r.letRead()
	r.following.Go(r.follow)
	if r.replay == nil {
		r.submitting.Go(r.submit)
		r.following.Go(r.watch.run)
	}
	if r.early != nil {
		select {
		case <-r.begun:
		case <-r.x.ctx.Done():
		}
	}
}

// endPatience is how long the end of a run may take to be told.
const endPatience = 10 * time.Second

// ends reports whether it is for this process to end the run at the broker.
func (r *remote) ends() bool { return r.replay == nil && r.x.durable.holds() }

// end tells the broker of the run's end. A run that is that short may not follow its
// results yet, and would not be handed those that are there.
func (r *remote) end(e broker.End) (held []string) {
	ctx, cancel := context.WithTimeout(r.ctx, endPatience)
	defer cancel()
	select {
	case <-r.begun:
	case <-ctx.Done():
	}
	held, err := r.broker.End(ctx, r.x.runID(), e)
	if err != nil && r.untold == nil {
		r.untold = fmt.Errorf("runnel: run %s: its end could not be told to the broker, so workers may go on with its jobs: %w", r.x.runID(), err)
	}
	return held
}

// cancelled tells the broker that the run was cancelled. What workers have comes back
// through returns. All else that is out is not done.
func (r *remote) cancelled() {
	if r == nil || r.cancel == nil {
		return
	}
	r.watch.stop() // what workers still have is waited for, also when they leave
	r.stopSubmit()
	r.submitting.Wait()
	held := map[string]bool{}
	if r.ends() {
		for _, id := range r.end(broker.End{Keep: true, Cause: context.Cause(r.x.ctx)}) {
			held[id] = true
		}
	}
	r.mu.Lock()
	r.returns = make(chan unit, len(held))
	var dropped []unit
	for u, f := range r.flights {
		switch {
		case !f.out || f.arrived():
		case held[r.id(u, f)]:
			f.held = f.done == nil // else its attempt waits by itself
		default:
			dropped = append(dropped, u)
		}
	}
	r.mu.Unlock()
	for _, u := range dropped {
		r.arrive(u, nil, errDropped)
	}
}

// errDropped is the outcome of a job that no worker had when the run was cancelled.
var errDropped = errors.New("the run was cancelled before a worker had it")

func (r *remote) id(u unit, f *flight) string {
	j := broker.Job{Run: r.x.runID(), Task: r.x.plan.nodes[u.node].task.Name(), Element: int(u.elem), Attempt: int(f.attempt), Round: int(f.round)}
	if f.cause != nil {
		j.Cause = &broker.Failure{}
	}
	return j.ID()
}

// stop ends what serves the run, and the run at the broker.
func (r *remote) stop() {
	if r == nil || r.cancel == nil {
		return
	}
	r.stopSubmit()
	r.submitting.Wait()
	r.openKept()
	keep := r.x.config.id != ""
	if told := keep && r.x.ctx.Err() != nil; !told && r.ends() {
		r.end(broker.End{Keep: keep})
	}
	r.stopReading()
	r.cancel()
	r.following.Wait()
	r.watch.stop()
}

// settleRest does what follows from the return of units after the run was cancelled:
// of those that are back, then of those that workers still have, as they come. When
// impatient fires those are named. No worker of the engine is left.
func (r *remote) settleRest(impatient <-chan time.Time) {
	if r == nil || r.cancel == nil {
		return
	}
	w := r.x.engine.Late()
	r.mu.Lock()
	units := slices.SortedFunc(maps.Keys(r.flights), unit.compare)
	var back, held []unit
	for _, u := range units {
		switch f := r.flights[u]; {
		case f.held:
			held = append(held, u)
		case f.arrived():
			back = append(back, u)
		}
	}
	r.mu.Unlock()
	for _, u := range back {
		if f := r.flights[u]; f.failed == errDropped {
			r.x.abandon(u)
		} else {
			r.settle(w, u, f)
		}
	}
	for range held {
		select {
		case u := <-r.returns:
			r.settle(w, u, r.flights[u])
			continue
		case <-impatient:
			r.x.nameRunning()
		}
		u := <-r.returns
		r.settle(w, u, r.flights[u])
	}
}

// joined is the run's error, and with it that something is not in its result, and that
// workers may go on with its jobs.
func (r *remote) joined(err error) error {
	if r == nil {
		return err
	}
	if r.unread != nil {
		err = errors.Join(err, r.unread)
	}
	if err == nil || r.untold == nil {
		return err
	}
	return errors.Join(err, r.untold)
}

// submit hands what is pending to the broker.
func (r *remote) submit() {
	for {
		select {
		case <-r.wake:
		case <-r.submitCtx.Done():
			return
		}
		for batches := r.gather(); len(batches) > 0; batches = r.gather() {
			err := r.broker.Submit(r.submitCtx, batches)
			if err == nil {
				continue
			}
			if r.submitCtx.Err() != nil {
				return
			}
			for _, j := range slices.Concat(batches...) {
				r.arrive(r.unitOf(j), nil, Permanent(fmt.Errorf("the broker did not take the job: %w", err)))
			}
		}
	}
}

// follow takes results.
func (r *remote) follow() {
	once := sync.OnceFunc(func() { close(r.begun) })
	defer once()
	err := r.broker.Results(r.ctx, r.x.runID(), func(results []*broker.Result) {
		for _, res := range results {
			r.deliver(res)
		}
		once()
	})
	if r.ctx.Err() == nil {
		r.x.cancel(fmt.Errorf("runnel: run %s: the broker stopped handing over results: %w", r.x.runID(), err))
	}
}

// deliver takes a result.
func (r *remote) deliver(res *broker.Result) {
	n, ok := r.nodes[res.Task]
	if !ok {
		return
	}
	u := unit{n, int32(res.Element)}
	r.mu.Lock()
	f := r.flights[u]
	expected := f != nil && f.out && f.result == nil && int(f.attempt) == res.Attempt && (f.cause != nil) == res.Fallback
	if !expected {
		r.tooEarly(attemptKey{u, int32(res.Attempt), res.Fallback}, res)
		r.mu.Unlock()
		return
	}
	switch {
	case r.replay != nil && (isStopped(res) || res.IsHandBack()): // who drives the run sees to it
		r.mu.Unlock()
		return
	case res.IsHandBack() && res.Round != int(f.round): // it came twice
		r.mu.Unlock()
		return
	}
	r.measure(u, f, res)
	r.mu.Unlock()
	if res.IsHandBack() {
		r.handedBack(u, f, res.Failure.Kind)
		return
	}
	r.arrive(u, res, nil)
}

// tooEarly keeps a result that came before the run got there, if it did not come twice.
// A job that was stopped is not done, and to be submitted. r.mu is held.
func (r *remote) tooEarly(key attemptKey, res *broker.Result) {
	if r.early == nil || isStopped(res) {
		return
	}
	if old, known := r.early[key]; !known || old != nil && old.IsHandBack() {
		r.early[key] = res
	}
}

// isStopped reports whether a job ended since its run did.
func isStopped(res *broker.Result) bool {
	return res.Failure != nil && res.Failure.Kind == broker.Stopped
}

// arrive resumes a unit that is out with what it waited for.
func (r *remote) arrive(u unit, res *broker.Result, err error) {
	r.mu.Lock()
	f := r.flights[u]
	if f == nil || f.arrived() || !f.out {
		r.mu.Unlock()
		return
	}
	r.takeIn(u, f, res, err)
}

// takeIn is arrive for a flight that is out. r.mu is held, and let go.
func (r *remote) takeIn(u unit, f *flight, res *broker.Result, err error) {
	f.result, f.failed = res, err
	r.land(f)
	if r.early != nil {
		r.early[attemptKey{u, f.attempt, f.cause != nil}] = nil
	}
	done, held := f.done, f.held
	r.mu.Unlock()
	switch {
	case held:
		r.returns <- u
	case done != nil:
		close(done)
	default:
		r.x.engine.Resume(u.item())
	}
}

func (f *flight) arrived() bool { return f.result != nil || f.failed != nil }

// depart makes a unit that was admitted pending, or lets its result arrive that is
// there already.
func (r *remote) depart(u unit, f *flight, j *broker.Job) {
	r.mu.Lock()
	f.out = true
	if res := r.early[attemptKey{u, f.attempt, f.cause != nil}]; res != nil && !res.IsHandBack() {
		r.takeIn(u, f, res, nil) // at once: the end of a run that is followed drops what is out
		return
	} else if res != nil && res.Round >= int(f.round) {
		f.round, f.alone = int32(res.Round)+1, res.Failure.Kind == broker.Orphaned
	}
	if p := r.replay; p != nil {
		over := p.outcome() != nil
		r.mu.Unlock()
		if over {
			r.arrive(u, nil, errDropped)
		}
		return
	}
	j.Round, f.job = int(f.round), j
	r.pend(u, f, j)
	absent := r.watch.absent(u.node)
	r.mu.Unlock()
	if absent != nil {
		r.arrive(u, nil, absent)
	}
	r.nudge()
}
