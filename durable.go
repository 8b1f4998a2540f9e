package runnel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// durable is the part of a run that the broker keeps: it may be driven by this
// process or another one, and outlives both. Who drives it claims it, and claims it
// anew all the time.
type durable struct {
	x      *execution
	keeper broker.Keeper
	asked  *broker.Run // the run as it was asked for here, with its owner here
	kept   *broker.Run // as it was kept when it was opened
	// attached says that it is only followed; ended is closed when it has ended.
	attached bool
	ended    chan struct{}
	asks     chan string // why it is to be cancelled

	// once says that it is let go of when another process has it.
	once bool

	// What follows the broker goes on until the run's books are closed.
	ctx       context.Context
	cancel    context.CancelFunc
	following sync.WaitGroup
	news      chan struct{} // the run was told of
	doubt     chan struct{} // another process may have taken the run over

	mu      sync.Mutex
	now     *broker.Run // as it was told last
	told    int         // how often it was
	lease   time.Duration
	claimed time.Time // when last; the zero time: it is not driven here
	gone    error     // why it is not driven here any more
	untold  error     // what the run's error is to tell besides
}

// isKept reports whether the broker is to keep the run.
func (c *runConfig) isKept() bool {
	_, keeps := c.broker.(broker.Keeper)
	return keeps && c.id != ""
}

func newDurable(x *execution, asked *broker.Run) *durable {
	d := &durable{x: x, keeper: x.config.broker.(broker.Keeper), asked: clone(asked),
		ended: make(chan struct{}), asks: make(chan string, 1), news: make(chan struct{}, 1), doubt: make(chan struct{}, 1)}
	d.asked.Owner = newOwner()
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(x.ctx))
	return d
}

// open opens the run, unless it is kept already: then it may be another one, which is
// an error.
func (d *durable) open() error {
	if d.x.ctx.Err() != nil {
		return nil // the run tells
	}
	kept, err := d.keeper.Open(d.x.ctx, clone(d.asked))
	switch {
	case err != nil && d.x.ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("runnel: run %s of %s cannot be kept by the broker: %w", d.asked.ID, pipelineLabel(d.asked.Pipeline), err)
	}
	d.kept = kept
	_, err = d.change(kept)
	return err
}

// change compares the run with what is kept.
func (d *durable) change(kept *broker.Run) (*change, error) {
	return compareRuns(d.x.plan.of, kept, d.asked, d.x.config.changes)
}

// clone is a copy that the broker may have.
func clone(r *broker.Run) *broker.Run {
	c := *r
	return &c
}

// begin waits until the run may be driven here, or replayed. When it must not, it
// cancels it.
func (d *durable) begin() {
	if d == nil {
		return
	}
	d.following.Go(d.follow)
	if d.attached {
		d.following.Go(d.relay)
		return
	}
	if err := d.takeUp(); err != nil {
		d.x.cancel(err)
	}
}

// awaitEnd waits for the end of a run that is only followed: every task may have its
// result before.
func (d *durable) awaitEnd() {
	if d == nil || !d.attached {
		return
	}
	select {
	case <-d.ended:
	case <-d.x.ctx.Done():
	}
}

// takeUp claims the run, or finds that it has ended. It waits while another process
// drives it.
func (d *durable) takeUp() error {
	kept, err := d.kept, error(nil)
	for {
		told := d.times()
		if kept == nil {
			if kept, err = d.keeper.Open(d.x.ctx, clone(d.asked)); err != nil {
				return err
			}
		}
		change, err := d.change(kept)
		switch {
		case err != nil:
			return err
		case kept.Owner != "" && kept.Owner != d.asked.Owner:
			err = d.await(kept, told)
		case kept.Outcome != nil && change == nil && d.answers(kept):
			d.x.remote.replay = newReplay(kept.Outcome)
			return nil
		default:
			var begun bool
			if begun, err = d.claim(kept, change); begun {
				return nil
			}
		}
		if err != nil {
			return err
		}
		if d.once {
			return errLetGo
		}
		kept = nil // it may be another by now
	}
}

// answers reports whether a run that has ended is all that was asked for. One that was
// given up might end this process too.
func (d *durable) answers(kept *broker.Run) bool {
	if kept.Outcome.IsGivenUp() {
		return true
	}
	a, b := kept.Options, d.asked.Options
	return kept.Outcome.State == Succeeded.String() && a.ErrorMode == b.ErrorMode && sameNames(a.Targets, b.Targets)
}

func sameOptions(a, b broker.RunOptions) bool {
	targets := sameNames(a.Targets, b.Targets)
	a.Targets, b.Targets = nil, nil
	return targets && reflect.DeepEqual(a, b)
}

// claim makes this process the one who drives a run that nobody does. It returns
// false when another one was faster.
func (d *durable) claim(kept *broker.Run, change *change) (bool, error) {
	var err error
	if kept.Outcome != nil || change != nil || !sameOptions(kept.Options, d.asked.Options) {
		err = reopen(d.x.ctx, d.keeper, d.asked, kept, change)
	}
	var lease time.Duration
	if err == nil {
		lease, err = d.keeper.Claim(d.x.ctx, d.asked.ID, d.asked.Owner)
	}
	if err != nil {
		if isTaken(err) {
			err = nil
		}
		return false, err
	}
	d.mu.Lock()
	d.lease, d.claimed = lease, time.Now()
	d.mu.Unlock()
	d.following.Go(d.renew)
	return true, nil
}

// isTaken reports whether an error says that a run is not ours to drive.
func isTaken(err error) bool {
	return errors.Is(err, broker.ErrClaimed) || errors.Is(err, broker.ErrClosed) || errors.Is(err, broker.ErrUnknownRun)
}

// await waits until another process does not drive the run any more.
func (d *durable) await(kept *broker.Run, told int) error {
	story := fmt.Sprintf("it is driven by %s, and was begun at %s", kept.Owner, kept.Opened.Format(time.RFC3339))
	d.x.tellWaiting(story)
	for {
		d.mu.Lock()
		over := d.told > told && (d.now.Owner == "" || d.now.Outcome != nil || d.now.Dropped)
		d.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-d.news:
		case <-d.x.ctx.Done():
			d.untold = fmt.Errorf("runnel: run %s was waited for: %s, and goes on there", d.asked.ID, story)
			return nil
		}
	}
}

// tellWaiting tells by an event why the run does not go on here.
func (x *execution) tellWaiting(reason string) {
	if x.log != nil {
		x.log.add(entry{kind: runWaiting, unit: noUnit}, &detail{reason: reason}, nil)
	}
}

func (d *durable) times() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}

// joined is the run's error with what else there is to tell.
func (d *durable) joined(err error) error {
	if d == nil || err == nil || d.untold == nil {
		return err
	}
	return errors.Join(err, d.untold)
}
