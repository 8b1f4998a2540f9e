package broker

import (
	"context"
	"errors"
	"time"
)

// A Keeper is a broker that keeps runs: what was asked for, who drives it and how
// it ended, beside its results. By it a run outlives its process: another one
// drives it on. Its methods are to be called as those of [Broker].
//
// A run is open from [Keeper.Open] until [Keeper.Conclude]. Who drives it claims it, and
// claims it anew every third of the lease. A run that nobody has claimed for the
// time of a lease is anybody's. Runs that are closed are dropped after a lifetime.
type Keeper interface {
	Broker

	// Open keeps a run, unless one of its ID is kept already: then it changes nothing.
	// One that has an Owner is claimed by it from the first moment on. It returns what
	// is kept. Values in it are as those in jobs; a value that cannot be sent is an
	// error that names the input.
	Open(ctx context.Context, r *Run) (kept *Run, err error)

	// Claim makes owner the one who drives a run, or goes on being it, for the time of
	// a lease, which it returns. It fails with [ErrClaimed] while the lease of another
	// owner lasts, with [ErrClosed] when the run is closed, and with [ErrUnknownRun]
	// when nothing is kept of it. Of several who claim a run at once one succeeds.
	//
	// A run that ends whoever drives it is not taken over for ever: when as many claims
	// as a job may have deliveries have run out, one after another, and no result was
	// recorded in between, the next Claim fails with [ErrClosed]. It has ended the run
	// then, as End with keep, and closed it as [GivenUp] says. A claim that was ended
	// before its time does not count, nor one that its owner makes anew, and Reopen
	// begins to count from 0.
	Claim(ctx context.Context, id, owner string) (lease time.Duration, err error)

	// Unclaim ends an owner's claim before its time. It does nothing when the claim is
	// not the owner's.
	Unclaim(ctx context.Context, id, owner string) error

	// Cancel asks who drives a run to end it, now or whenever somebody does. It fails
	// with [ErrClosed] and [ErrUnknownRun] as Claim does.
	Cancel(ctx context.Context, id, why string) error

	// Conclude closes a run: it records how it ended, if the owner's claim lasts, and
	// ends the claim.
	// Without it the error matches [ErrClaimed], [ErrClosed] or [ErrUnknownRun].
	Conclude(ctx context.Context, id, owner string, o *Outcome) error

	// Reopen makes a run that is closed, or that nobody drives, one to be driven again:
	// as r says, which replaces what was kept, and claimed if r has an Owner. Results
	// that forget says are to be forgotten are as if they had never been: their jobs can
	// be submitted again. It fails with [ErrClaimed] while somebody drives the run, and
	// with [ErrUnknownRun].
	Reopen(ctx context.Context, r *Run, forget func(*Result) bool) error

	// Runs hands over the runs that are kept, or the one with the ID if it is not
	// empty: at once all of them, perhaps none, in the order in which they were opened,
	// and then those that have changed, until the context ends. A claim that has run out
	// is a change, and so is a run that is dropped, which has no Pipeline, Graph and
	// Inputs any more and is Dropped. Claiming anew is none. Inputs are left out unless
	// an ID is given.
	Runs(ctx context.Context, id string, deliver func([]*Run)) error
}

var (
	// ErrClaimed says that another process drives a run.
	ErrClaimed = errors.New("the run is driven by another process")
	// ErrClosed says that a run has ended.
	ErrClosed = errors.New("the run has ended already")
	// ErrUnknownRun says that a broker keeps no run of an ID.
	ErrUnknownRun = errors.New("no such run is kept")
)

// DefaultLifetime is how long a run is kept after it ended.
const DefaultLifetime = 7 * 24 * time.Hour

// A Run is what a broker keeps of a run beside its results.
type Run struct {
	ID       string
	Pipeline string
	Graph    string            // fingerprint of Nodes
	Nodes    []*Node           // what the graph consists of, so that one can say how another differs
	Inputs   []Input           // what the run was given, in the order of their names
	Digests  map[string]string // of those inputs that can be told apart by one, by name
	Options  RunOptions
	Opened   time.Time
	Owner    string // who drives it; empty when nobody does

	// What follows is the broker's to set.

	Cancelled string   // why it is to end; empty unless that was asked for
	Outcome   *Outcome // nil while it is open
	Dropped   bool     // it is kept no more
}

// A Node is a task of a run's graph.
type Node struct {
	Task        string
	Fingerprint string   // of Types
	Types       []Field  // that it takes and makes
	Inputs      []string // the data that it takes, by name
	Outputs     []string // the data that it makes, by name
	After       []string // tasks that it comes after
}

// RunOptions are the options of a run that hold wherever it is driven.
type RunOptions struct {
	Targets      []string
	ErrorMode    string // by name
	MaxParallel  int
	Limited      bool // by MaxParallel, which may be 0 for no limit
	AwaitWorkers time.Duration
}

// An Outcome is how a run ended.
type Outcome struct {
	State   string    // "succeeded", "failed" or "cancelled"
	Failure *Failure  // nil if it succeeded
	Started time.Time // by who ended it
	Ended   time.Time
	Tasks   []TaskOutcome
}

// A TaskOutcome is how a task of a run ended.
type TaskOutcome struct {
	Task     string
	State    string // by name
	Attempts int
	Elements int    // of a mapped task
	Failed   int    // elements that failed
	Text     string // of its error, or why it was skipped
}
