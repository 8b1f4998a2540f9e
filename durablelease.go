package runnel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// follow hears what becomes of the run.
func (d *durable) follow() {
	err := d.keeper.Runs(d.ctx, d.asked.ID, func(runs []*broker.Run) {
		for _, r := range runs {
			d.hear(r)
		}
	})
	if d.ctx.Err() == nil {
		d.x.cancel(fmt.Errorf("runnel: run %s: the broker stopped telling what becomes of it: %w", d.asked.ID, err))
	}
}

func (d *durable) hear(r *broker.Run) {
	d.mu.Lock()
	before := d.now
	d.now = r
	d.told++
	driving := !d.claimed.IsZero() && d.gone == nil
	d.mu.Unlock()
	knock(d.news)
	switch {
	case d.attached:
		d.attend(r, before)
	case !driving:
	case r.Owner != d.asked.Owner:
		knock(d.doubt) // or this is from before it was claimed here
	case r.Cancelled != "":
		d.x.cancel(&cancelledError{r.Cancelled})
	}
}

// attend does what news of a run that is only followed ask for.
func (d *durable) attend(r, before *broker.Run) {
	switch {
	case before != nil && (before.Outcome != nil || before.Dropped):
	case r.Dropped:
		d.x.cancel(fmt.Errorf("runnel: run %s: %w any more", r.ID, broker.ErrUnknownRun))
	case r.Outcome != nil:
		d.x.remote.conclude(d.ctx, r.Outcome)
		close(d.ended)
	case r.Graph != d.asked.Graph:
		d.x.cancel(fmt.Errorf("runnel: run %s goes on as one of another graph: attach again by the pipeline that has it", r.ID))
	case before != nil && before.Owner == r.Owner:
	case r.Owner == "":
		d.x.tellWaiting("nobody drives it: start a coordinator that has its pipeline, or run it with its RunID")
	default:
		d.x.tellWaiting("it is driven by " + r.Owner)
	}
}

// cancelElsewhere asks who drives the run to cancel it.
func (d *durable) cancelElsewhere(cause error) {
	why := ""
	if cause != nil {
		why = cause.Error()
	}
	select {
	case d.asks <- why:
	default: // it was asked for
	}
}

// relay hands over what is asked of who drives the run.
func (d *durable) relay() {
	select {
	case why := <-d.asks:
		err := d.keeper.Cancel(d.ctx, d.asked.ID, why)
		if err != nil && d.ctx.Err() == nil && !errors.Is(err, broker.ErrClosed) {
			d.x.cancel(fmt.Errorf("runnel: run %s cannot be cancelled: %w", d.asked.ID, err))
		}
	case <-d.ctx.Done():
	}
}

func knock(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// cancelledError is the cause of a run that somebody cancelled through its broker.
type cancelledError struct{ why string }

func (e *cancelledError) Error() string { return e.why }

// renew claims the run anew, every third of a lease.
func (d *durable) renew() {
	tick := time.NewTicker(max(d.lease/3, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-d.doubt:
		case <-d.ctx.Done():
			return
		}
		if !d.again(d.ctx) {
			return
		}
	}
}

// again claims the run anew, and stops it here when that is not to be had.
func (d *durable) again(ctx context.Context) bool {
	began := time.Now()
	_, err := d.keeper.Claim(ctx, d.asked.ID, d.asked.Owner)
	if err == nil {
		d.mu.Lock()
		d.claimed = began
		d.mu.Unlock()
		return true
	}
	if ctx.Err() == nil {
		d.leave(d.lost(err))
	}
	return false
}

// lost says how a claim was lost.
func (d *durable) lost(err error) error {
	d.mu.Lock()
	now := d.now
	d.mu.Unlock()
	what := "the broker does not let it be claimed anew"
	switch {
	case errors.Is(err, broker.ErrClaimed):
		by := "another process"
		if now != nil && now.Owner != "" && now.Owner != d.asked.Owner {
			by = now.Owner
		}
		what = fmt.Sprintf("%s has taken it over, since this process did not claim it anew for %v: Attach waits for it", by, d.lease)
	case errors.Is(err, broker.ErrClosed):
		what = "another process has taken it over and ended it: RunID gets its result"
	case errors.Is(err, broker.ErrUnknownRun):
		what = "it is not kept any more"
	}
	return fmt.Errorf("runnel: run %s is not driven here any more: %s: %w", d.asked.ID, what, err)
}

// leave stops the run here, and does not end it: it goes on elsewhere.
func (d *durable) leave(why error) {
	d.mu.Lock()
	if d.gone == nil {
		d.gone = why
	}
	d.mu.Unlock()
	d.x.cancel(why)
}

// holds reports whether the run is driven here, and nowhere else: who ends a run
// that another process drives would take its jobs from that.
func (d *durable) holds() bool {
	if d == nil {
		return true
	}
	d.mu.Lock()
	driving, claimed := !d.claimed.IsZero() && d.gone == nil, d.claimed
	d.mu.Unlock()
	if !driving || time.Since(claimed) < d.lease/2 {
		return driving
	}
	ctx, stop := context.WithTimeout(d.ctx, endPatience)
	defer stop()
	return d.again(ctx)
}

// conclude ends the run at the broker, or lets go of it, and stops following it.
func (d *durable) conclude(took time.Duration) {
	if d == nil {
		return
	}
	ctx, stop := context.WithTimeout(d.ctx, endPatience)
	defer stop()
	d.mu.Lock()
	driving, gone := !d.claimed.IsZero(), d.gone
	d.mu.Unlock()
	var err error
	switch {
	case !driving && (d.kept == nil || d.kept.Owner != d.asked.Owner || d.x.remote.replay != nil):
	case gone == errLetGo:
		err = d.keeper.Unclaim(ctx, d.asked.ID, d.asked.Owner)
	case gone == nil:
		err = d.keeper.Conclude(ctx, d.asked.ID, d.asked.Owner, d.x.brokerOutcome(took))
	}
	if err != nil && !isTaken(err) { // else another process has its end, or will
		d.untold = fmt.Errorf("runnel: run %s: its end could not be told to the broker, so another process may go on with it: %w", d.asked.ID, err)
	}
	d.cancel()
	d.following.Wait()
	if d.attached && d.x.remote.replay.outcome() == nil {
		d.untold = fmt.Errorf("runnel: run %s is not followed any more, and goes on where it is driven", d.asked.ID)
	}
}

// errLetGo stops a run here so that another process goes on with it.
var errLetGo = errors.New("the coordinator ends, and another one goes on with the run")

// brokerOutcome is how the run ended, for those elsewhere.
func (x *execution) brokerOutcome(took time.Duration) *broker.Outcome {
	o := &broker.Outcome{State: x.outcome().String(), Started: x.start, Ended: x.start.Add(took)}
	if x.err != nil {
		o.Failure = failureOf(x.err)
		o.Failure.Err = nil
		if e, ok := errors.AsType[*RunError](x.err); ok && e.Cause != nil {
			o.Failure.Text = e.Cause.Error()
			if o.Failure.Kind = broker.Cancelled; errors.Is(e.kind, context.DeadlineExceeded) {
				o.Failure.Kind = broker.TimedOut
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for n := range x.records {
		u := unit{int32(n), whole}
		t := broker.TaskOutcome{Task: x.plan.nodes[n].task.Name(), State: x.records[n].state().String(), Attempts: attemptsOf(x.status(u)), Text: x.reasons[u]}
		if m := x.mapped(u.node); m != nil {
			t.Elements, t.Failed = m.total(), int(m.failed.Load())
		}
		if err := x.causes[u]; err != nil && t.State != Succeeded.String() {
			t.Text = err.Error()
		}
		o.Tasks = append(o.Tasks, t)
	}
	return o
}
