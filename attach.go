package runnel

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

// Attach follows a run that is kept by a broker, wherever it is driven: [Run.Wait]
// waits for its end and has its result, [Run.Events] and [Run.Report] tell what becomes
// of its tasks, [Run.Cancel] cancels it there. A run that has ended already is told
// from its first task on. One that nobody drives is waited for.
//
// The pipeline must have the graph that the run was begun with; otherwise the error is a
// [*ChangedError]. It matches [broker.ErrUnknownRun] when no run of the id is kept.
// The end of ctx ends the following, and not the run.
//
// It needs [WithBroker], and takes [Observe] and [Timings]. Other options are those that
// the run was begun with. Times are those at which the news came here.
func (p *Pipeline) Attach(ctx context.Context, runID string, opts ...RunOption) (*Run, error) {
	q, err := p.request(ctx, nil, opts)
	if err != nil {
		return nil, err
	}
	c := &q.config
	k, keeps := c.broker.(broker.Keeper)
	if !keeps {
		c.problem("Attach: %s", noKeeper(c.broker))
	}
	c.refuse("Attach", "the run has its own", len(c.interceptors) > 0, c.cache != nil, false, false)
	if c.id != "" || c.limited || c.mode != FailFast || c.targets != nil || c.patience != 0 || c.changes || c.direct || c.aware || c.profiles != nil {
		c.problem("Attach takes WithBroker, Observe and Timings only: the run has all else from where it was begun")
	}
	if err := q.refused(); err != nil {
		return nil, err
	}
	kept, err := keptRun(ctx, k, runID)
	if err != nil {
		return nil, err
	}
	nodes := q.built.nodes()
	change := &change{touched: map[string]bool{}}
	change.compareGraphs(q.built, kept, &broker.Run{Pipeline: p.Name(), Graph: graphOf(nodes), Nodes: nodes})
	if len(change.problems) > 0 {
		sortProblems(change.problems)
		return nil, &ChangedError{Pipeline: p.Name(), RunID: runID, Problems: change.problems, attached: true}
	}
	if err := q.resume(ctx, kept); err != nil {
		return nil, err
	}
	c.limit, c.limited = 0, false // nothing is done here
	x := q.execution(ctx)
	x.interceptors = nil
	x.remote.replay = newReplay(nil)
	x.durable = newDurable(x, kept)
	x.durable.attached = true
	return x.started(), nil
}

// keptRun is a run as it is kept. The error matches ErrUnknownRun when it is not.
func keptRun(ctx context.Context, k broker.Keeper, id string) (*broker.Run, error) {
	now, err := runsNow(ctx, k, id)
	if err != nil {
		return nil, fmt.Errorf("runnel: run %s: %w", id, err)
	}
	if len(now) > 0 {
		return now[len(now)-1], nil
	}
	all, err := runsNow(ctx, k, "")
	if err != nil {
		return nil, fmt.Errorf("runnel: run %s: %w", id, err)
	}
	return nil, fmt.Errorf("runnel: run %q: %w%s", id, broker.ErrUnknownRun, didYouMean(id, func(yield func(string) bool) {
		for _, r := range all {
			if !yield(r.ID) {
				return
			}
		}
	}))
}

// runsNow are the runs that are kept now, or the one of an ID.
func runsNow(ctx context.Context, k broker.Keeper, id string) (now []*broker.Run, err error) {
	asking, enough := context.WithCancel(ctx)
	defer enough()
	told := false
	err = k.Runs(asking, id, func(runs []*broker.Run) {
		if !told {
			told, now = true, runs
		}
		enough()
	})
	if told {
		err = nil
	}
	return now, err
}

// resume makes a request that of a run that is kept.
func (q *request) resume(ctx context.Context, kept *broker.Run) error {
	c := &q.config
	c.id = kept.ID
	c.adopt(&kept.Options)
	in, given, err := q.built.inputsOf(ctx, kept)
	if err != nil {
		c.problem("%v", err)
		return q.refused()
	}
	q.inputs, c.cache = in, given
	return q.check()
}
