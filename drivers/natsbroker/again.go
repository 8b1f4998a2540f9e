package natsbroker

import (
	"context"
	"errors"
	"fmt"

	"github.com/runnelflow/runnel/broker"
)

// RetryRun forgets the failures of a kept run and opens it again, so that whoever
// drives it next tries anew what has failed, and what did not run because of it; what
// succeeded is not run again. It returns how many tasks and elements that are. The
// errors are those of [broker.Keeper.Reopen]; it is one to retry a run of which nothing
// has failed and that was not cancelled.
func (b *Broker) RetryRun(ctx context.Context, id string) (failed int, err error) {
	run, err := b.keptRun(ctx, id)
	if err != nil {
		return 0, err
	}
	lost, err := b.failures(ctx, id)
	if err != nil {
		return 0, err
	}
	if len(lost) == 0 && (run.Outcome == nil || run.Outcome.State == "succeeded") && run.Cancelled == "" {
		return 0, of(id, errors.New("nothing has failed, so there is nothing to retry"))
	}
	return len(lost), b.reopen(ctx, run, func(r *broker.Result) bool { return lost[unitOf(r)] })
}

// RetryDead forgets that a job was given up, if its run is kept, and opens the run
// again, so that whoever drives it next submits the job anew; the dead letter is
// removed. The job is named by its ID, as [broker.Job.ID] gives it.
func (b *Broker) RetryDead(ctx context.Context, job string) error {
	letters, err := b.Dead(ctx)
	if err != nil {
		return err
	}
	for _, l := range letters {
		if l.Job.ID() != job {
			continue
		}
		run, err := b.keptRun(ctx, l.Job.Run)
		if errors.Is(err, broker.ErrUnknownRun) {
			return fmt.Errorf("%w: a job by itself has nobody who waits for its result; start the run again, with a RunID so that it is kept", err)
		}
		if err != nil {
			return err
		}
		given := part{l.Job.Task, l.Job.Element}
		if err := b.reopen(ctx, run, func(r *broker.Result) bool { return unitOf(r) == given && r.Failure != nil }); err != nil {
			return err
		}
		return b.purge(ctx, "dead", b.names.dead(l.Job.Run, job))
	}
	return fmt.Errorf("natsbroker: there is no dead letter of a job %q", job)
}

// part is a task of a run, or an element of one.
type part struct {
	task    string
	element int
}

func unitOf(r *broker.Result) part { return part{r.Task, r.Element} }

// failures are the tasks and elements of a run whose last result is a failure.
func (b *Broker) failures(ctx context.Context, run string) (map[part]bool, error) {
	failed, done := map[part]bool{}, map[part]bool{}
	err := b.eachResult(ctx, run, func(r *broker.Result) {
		if r.Failure == nil {
			done[unitOf(r)] = true
		} else {
			failed[unitOf(r)] = true
		}
	})
	for u := range done {
		delete(failed, u)
	}
	return failed, err
}

// keptRun is a run that has to be kept.
func (b *Broker) keptRun(ctx context.Context, id string) (*broker.Run, error) {
	k, err := b.state(ctx, id)
	if err != nil {
		return nil, err
	}
	if k.Change == "" {
		return nil, of(id, broker.ErrUnknownRun)
	}
	return b.runOf(ctx, k, "")
}

func (b *Broker) reopen(ctx context.Context, run *broker.Run, forget func(*broker.Result) bool) error {
	run.Owner, run.Outcome, run.Cancelled = "", nil, ""
	return b.Reopen(ctx, run, forget)
}
