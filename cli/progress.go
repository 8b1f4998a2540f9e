package cli

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// row is what is known of a task while a run goes on.
type row struct {
	name    string
	state   runnel.State
	started time.Time
	ended   time.Time
	attempt int
	again   time.Time // when the next attempt begins, while it is retrying
	err     error
	reason  string

	// Of a mapped task.
	mapped         bool
	elements       int // how many there are, 0 while that is not known
	done           int // elements that have ended, and of these
	failed, missed int // those that failed, and that were skipped or cancelled
	retries        int
	told           time.Time // of the last plain line about it
}

// progress follows the events of a run. It is safe for concurrent use.
type progress struct {
	told func(p *progress, e runnel.Event, r *row) // with the lock held; may be nil

	mu      sync.Mutex
	rows    []*row // by level, then name
	byName  map[string]*row
	active  map[*row]bool // running or retrying
	recent  []*row        // the last ones that ended, oldest first
	counts  map[runnel.State]int
	started time.Time
	took    time.Duration // of the whole, once it has ended
	over    bool

	stopping bool // cancelled, and not over
}

// mostRecent bounds how many ended tasks a display can show.
const mostRecent = 100

// newProgress follows the tasks of a graph.
func newProgress(g *dag.Graph, now time.Time) *progress {
	p := &progress{byName: map[string]*row{}, active: map[*row]bool{}, counts: map[runnel.State]int{}, started: now}
	for _, n := range g.Nodes() {
		r := &row{name: n.Name}
		p.rows = append(p.rows, r)
		p.byName[n.Name] = r
		for _, port := range n.OutputPorts() {
			r.mapped = r.mapped || port.Axes != nil
		}
	}
	p.counts[runnel.Pending] = len(p.rows)
	return p
}

// observe is a runnel.Observer.
func (p *progress) observe(e runnel.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var r *row
	switch e := e.(type) {
	case runnel.RunStarted:
		p.started = e.At
	case runnel.TaskStarted:
		if r = p.byName[e.Task]; r != nil && e.Index == nil {
			r.started, r.attempt, r.elements = e.At, 1, e.Elements
			p.set(r, runnel.Running)
		}
	case runnel.AttemptFailed:
		if r = p.byName[e.Task]; r == nil || !e.Retry {
			break
		}
		if r.retries++; e.Index == nil {
			r.err, r.again = e.Err, e.At.Add(e.Delay)
			p.set(r, runnel.Retrying)
		}
	case runnel.TaskRetried:
		if r = p.byName[e.Task]; r != nil && e.Index == nil {
			r.attempt = e.Attempt
			p.set(r, runnel.Running)
		}
	case runnel.TaskFinished:
		r = p.byName[e.Task]
		switch {
		case r == nil:
		case e.Index == nil:
			r.ended, r.err, r.reason = e.At, e.Err, e.Reason
			p.set(r, e.State)
		default:
			r.done++
			switch e.State {
			case runnel.Failed:
				r.failed++
			case runnel.Skipped, runnel.Cancelled:
				r.missed++
			}
		}
	case runnel.TaskUnresponsive:
		r = p.byName[e.Task]
	case runnel.RunFinished:
		p.took, p.over = e.Duration, true
	}
	if p.told != nil {
		p.told(p, e, r)
	}
}

// stop notes that the run was cancelled.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
}

// set moves a task to another state.
func (p *progress) set(r *row, s runnel.State) {
	p.counts[r.state]--
	p.counts[s]++
	r.state = s
	if !s.Ended() {
		p.active[r] = true
		return
	}
	delete(p.active, r)
	if len(p.recent) == mostRecent {
		p.recent = p.recent[1:]
	}
	p.recent = append(p.recent, r)
}

// ended is how many tasks have.
func (p *progress) ended() int {
	return p.counts[runnel.Succeeded] + p.counts[runnel.Failed] + p.counts[runnel.Skipped] + p.counts[runnel.Cancelled]
}

// shown are the tasks that a display of so many lines shows: all where they fit,
// else those at work, by their start, and the last that have ended.
func (p *progress) shown(lines int) []*row {
	if len(p.rows) <= lines {
		return p.rows
	}
	var rows []*row
	for r := range p.active {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(a.started.Compare(b.started), cmp.Compare(a.name, b.name))
	})
	if len(rows) > lines {
		return rows[:max(lines, 0)]
	}
	old := p.recent[max(0, len(p.recent)-(lines-len(rows))):]
	return append(slices.Clone(old), rows...)
}

// elapsed is the time of a task by now.
func (r *row) elapsed(now time.Time) time.Duration {
	switch {
	case r.started.IsZero():
		return 0
	case r.state.Ended():
		now = r.ended
	}
	return max(0, now.Sub(r.started))
}

// left estimates how long a mapped task still takes, from the elements that have
// ended by now: ok is false while none has, or their number is not known.
func (r *row) left(now time.Time) (d time.Duration, ok bool) {
	if r.elements == 0 || r.done == 0 || r.done > r.elements {
		return 0, false
	}
	return time.Duration(float64(r.elapsed(now)) * float64(r.elements-r.done) / float64(r.done)), true
}
