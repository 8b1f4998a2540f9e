package runnel

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnelflow/runnel/dag"
)

// Report tells what became of a run and of each of its tasks. It is a snapshot,
// safe for concurrent reading. Without [Timings] all times are zero.
type Report struct {
	Pipeline string
	RunID    string
	// State is Running while the run goes on, then Succeeded when it returned no
	// error, Cancelled when its caller cancelled it, else Failed.
	State State
	// Err is what Run or Wait returns.
	Err      error
	Started  time.Time
	Duration time.Duration // until the end, or until now
	// Tasks are in order of their start; those not started come last, by name.
	Tasks  []TaskReport
	Totals Totals
	// SuccessRate is the share of tasks that succeeded, from 0 to 1; 1 for a run
	// of no tasks.
	SuccessRate float64
	// CriticalPath names the tasks that determined how long the run took: from
	// the task that ended last, back to the producer that it waited for longest,
	// and so on to the first.
	CriticalPath []string
	// CriticalTime is the sum of the durations of the tasks on CriticalPath; of
	// mapped tasks that overlap, the time before the next one started. What
	// the run took beyond it was spent waiting for slots.
	CriticalTime time.Duration
	// Parallelism is how many tasks ran at once on average: the sum of their
	// durations over the duration of the run. PeakParallel is how many at most.
	// Waiting for the next attempt counts as running.
	Parallelism  float64
	PeakParallel int
	// Cache adds up what the result cache did for the tasks that are [Cached]; nil
	// when there are none.
	Cache *CacheReport
	// Resources tells what was admitted; nil without [ResourceAware].
	Resources *ResourceReport

	index func() map[string]int
}

// Totals count tasks, or the elements of one, by state, and the attempts of all.
type Totals struct {
	Tasks     int `json:"tasks"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Cancelled int `json:"cancelled"`
	Attempts  int `json:"attempts"`
}

// TaskReport tells what became of one task.
type TaskReport struct {
	Name     string
	State    State
	Attempts int
	Err      error         // of the last attempt, nil when it succeeded
	Reason   string        // why it was skipped, cancelled, or not called
	Ready    time.Time     // when it had all that it waits for; zero until then, and when it was not called
	Started  time.Time     // of the first attempt, zero when there was none
	Ended    time.Time     // zero while it has not ended
	Waited   time.Duration // for a slot, having all inputs; over all attempts
	// Elements counts those of a mapped task; nil for a plain one. Its Attempts
	// are those at elements, the task's own is 1 once it was launched.
	Elements *Totals
	// Cache tells what the result cache did for the task; nil unless it is [Cached].
	Cache *CacheReport
	// Resources tells what the task needed and waited for; nil without [ResourceAware].
	Resources *TaskResources
}

// Duration is the time from the start of the first attempt to the end of the
// last, or 0.
func (t TaskReport) Duration() time.Duration {
	if t.Started.IsZero() || t.Ended.IsZero() {
		return 0
	}
	return t.Ended.Sub(t.Started)
}

// Cost is how long a task took, in seconds: a cost function for
// [dag.Graph.CriticalPath] and [dag.Graph.Analyze], which then tell of the run
// what they tell of a graph. It counts the waits between attempts, as
// [TaskReport.Duration] does, and not those for slots. A task that is going on
// has cost what it took until the report; one that was not called, or is not in
// the report, nothing. Elements of one mapped task that follow those of another
// overlap with them, so the costs of a path through both can add up to more than
// the run took.
func (r *Report) Cost(n *dag.Node) float64 {
	t, _ := r.Task(n.Name)
	if !t.Started.IsZero() && t.Ended.IsZero() {
		return max(0, r.Started.Add(r.Duration).Sub(t.Started)).Seconds()
	}
	return t.Duration().Seconds()
}

// Task is the report of the named task.
func (r *Report) Task(name string) (TaskReport, bool) {
	if r == nil || r.index == nil {
		return TaskReport{}, false // not a report of a run
	}
	i, ok := r.index()[name]
	if !ok {
		return TaskReport{}, false
	}
	return r.Tasks[i], true
}

// report takes a snapshot.
func (x *execution) report() *Report {
	r := &Report{Pipeline: x.name(), RunID: x.runID(), State: Running, Started: x.start}
	if took := x.finished.Load(); took > 0 {
		r.Duration, r.Err, r.State = time.Duration(took), x.err, x.outcome()
	} else {
		r.Duration = time.Since(x.start)
	}
	names := x.plan.names()
	d := draftOf(len(x.records))
	defer drafts.Put(d)
	periods := d.periods
	for n := range periods {
		periods[n] = x.period(int32(n))
	}
	if x.timed {
		r.follow(x, periods, names)
	} else {
		r.Started, r.Duration = time.Time{}, 0
	}
	order := d.byStart(names) // and not the reports: those are large
	r.Tasks = make([]TaskReport, len(order))
	x.mu.Lock()
	for i, s := range order {
		r.Tasks[i].Name = names[s.node]
		x.taskReport(&r.Tasks[i], s.node, &periods[s.node])
		r.Totals.count(r.Tasks[i].State, r.Tasks[i].Attempts)
		if c := r.Tasks[i].Cache; c != nil {
			if r.Cache == nil {
				r.Cache = &CacheReport{}
			}
			r.Cache.add(c)
		}
	}
	x.mu.Unlock()
	r.Resources = x.aware.report()
	r.SuccessRate = 1
	if r.Totals.Tasks > 0 {
		r.SuccessRate = float64(r.Totals.Succeeded) / float64(r.Totals.Tasks)
	}
	r.measure(d, order)
	r.index = sync.OnceValue(func() map[string]int {
		at := make(map[string]int, len(r.Tasks))
		for i := range r.Tasks {
			at[r.Tasks[i].Name] = i
		}
		return at
	})
	return r
}

// outcome is the state of a run that has ended.
func (x *execution) outcome() State {
	if x.err == nil {
		return Succeeded
	}
	// The panic of an observer may be joined to it.
	if e, ok := errors.AsType[*RunError](x.err); ok && e.Cause != nil {
		return Cancelled
	}
	return Failed
}

// never is the time of what has not happened.
const never = -1

// period is when a task ran, in nanoseconds since the run's start.
type period struct {
	status         uint32
	ready          int64
	started, ended int64 // or never
}

// period looks at a task once: it may be going on.
func (x *execution) period(n int32) period {
	rec := &x.records[n]
	s := period{status: atomic.LoadUint32(&rec.status), started: never, ended: never}
	if !x.timed {
		return s
	}
	if attemptsOf(&s.status) > 0 {
		// Workers read the clock on their own: what was stamped just before the last
		// of those before it was, did not happen before.
		s.ready = x.readyAt(n)
		s.started = max(rec.started, s.ready)
	}
	if stateOf(&s.status).Ended() {
		s.ended = max(rec.ended, s.started)
	}
	return s
}

// taskReport fills the part of a snapshot about one task. x.mu is held.
func (x *execution) taskReport(t *TaskReport, n int32, s *period) {
	t.State, t.Attempts = stateOf(&s.status), attemptsOf(&s.status)
	if t.State == Pending && x.isReady(n) {
		t.State = Ready
	}
	waited := int64(0)
	if s.started != never {
		waited = s.started - s.ready
		t.Ready, t.Started = x.start.Add(time.Duration(s.ready)), x.start.Add(time.Duration(s.started))
	} else if x.timed && t.State == Ready {
		t.Ready = x.start.Add(time.Duration(x.readyAt(n)))
	}
	if t.State.Ended() {
		if x.timed {
			t.Ended = x.start.Add(time.Duration(s.ended))
			t.Waited = time.Duration(waited + x.waits[unit{n, whole}].waited)
		}
		t.Reason = x.reasons[unit{n, whole}]
		if m := x.mapped(n); m != nil {
			t.Elements = m.totals()
		}
	}
	t.Cache, t.Resources = x.cacheReport(n), x.aware.task(n)
	if t.State != Succeeded {
		t.Err = x.causes[unit{n, whole}]
	}
}

// readyAt is when the last of the tasks before a task that has started ended. A
// mapped task is opened before: it has a wait only for what it takes as a whole.
func (x *execution) readyAt(n int32) int64 {
	ready := int64(0)
	for _, p := range x.plan.graph.Pred(n) {
		if m := x.mapped(n); m == nil || !m.feedsFrom(p) {
			ready = max(ready, x.records[p].ended)
		}
	}
	return ready
}

// isReady reports whether everything that a task waits for has ended.
func (x *execution) isReady(n int32) bool {
	for _, p := range x.plan.graph.Pred(n) {
		if !x.records[p].state().Ended() {
			return false
		}
	}
	return true
}

func (t *Totals) count(s State, attempts int) {
	t.Tasks++
	t.Attempts += attempts
	switch s {
	case Succeeded:
		t.Succeeded++
	case Failed:
		t.Failed++
	case Skipped:
		t.Skipped++
	case Cancelled:
		t.Cancelled++
	}
}

// follow finds the critical path. The periods are in the order of the plan's nodes.
func (r *Report) follow(x *execution, periods []period, names []string) {
	last := int32(-1)
	for n := range periods {
		if s := &periods[n]; s.started != never && s.ended != never && (last < 0 || s.ended > periods[last].ended) {
			last = int32(n)
		}
	}
	for next := last; next >= 0; { // a task that took no time ends together with its producer
		last, next = next, -1
		for _, s := range x.plan.graph.Succ(last) {
			if periods[s].started != never && periods[s].ended == periods[last].ended {
				next = s
			}
		}
	}
	from := int64(never) // when the one after it started: mapped tasks overlap
	for last >= 0 {
		s := &periods[last]
		r.CriticalPath = append(r.CriticalPath, names[last])
		until := s.ended
		if from != never {
			until = min(until, from)
		}
		r.CriticalTime += max(0, time.Duration(until-s.started))
		from = s.started
		before := int32(-1)
		for _, p := range x.plan.graph.Pred(last) {
			if periods[p].started != never && (before < 0 || periods[p].ended > periods[before].ended) {
				before = p
			}
		}
		last = before
	}
	slices.Reverse(r.CriticalPath)
}

// measure works out how parallel the run was.
func (r *Report) measure(d *draft, order []stamp) {
	var busy time.Duration
	ends := d.ends[:0]
	for i := range d.periods {
		if s := &d.periods[i]; s.started != never && s.ended != never {
			ends = append(ends, stamp{s.ended, int32(i)})
			busy += time.Duration(s.ended - s.started)
		}
	}
	if r.Duration > 0 {
		r.Parallelism = busy.Seconds() / r.Duration.Seconds()
	}
	ends, _ = sorted(ends, d.spare)
	running, e := 0, 0
	for i := range order {
		s := &d.periods[order[i].node]
		if s.started == never || s.ended == never {
			continue
		}
		for ends[e].at < s.started || ends[e].at == s.started && running > 0 {
			running--
			e++
		}
		running++
		r.PeakParallel = max(r.PeakParallel, running)
	}
}
