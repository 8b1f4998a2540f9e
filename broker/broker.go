// Package broker is the contract between a run and the workers that do its
// tasks, and a broker that keeps it within one process.
//
// A run submits jobs, each one attempt at a task or at an element of a mapped
// one. Workers receive them under a lease, and finish each with a result, which
// goes back to the run. Retries, order, error modes and windows are the run's
// business: a broker knows jobs and results only.
//
// Delivery is at least once. A worker that dies loses its lease, and the job goes
// to another; one that lives keeps it, however long its task takes. What happens
// exactly once is the recording of a result. A job that was delivered too often
// without being finished is a failed attempt, and is kept as a dead letter.
//
// Package brokertest holds a broker against all of this.
package broker

import (
	"context"
	"errors"
	"reflect"
	"time"
)

// A Broker carries jobs to workers and results back. Its methods are safe for
// concurrent use. Each returns when its context ends, with an error that matches
// the cause; otherwise it rides out a lost connection by itself, and an error
// means that trying again is of no use.
type Broker interface {
	// Submit queues jobs, and returns once all of them are kept as safely as the
	// broker keeps anything. It waits while the broker is full. A job whose ID is
	// known, be it queued, with a worker or finished, is not queued again: after an
	// error all may be submitted once more.
	//
	// Values in jobs are of type [Go], or come from a result of the same run and
	// broker. The jobs belong to the broker from then on.
	Submit(ctx context.Context, jobs []*Job) error

	// Receive waits for jobs of the worker's queues and returns at least one and at
	// most n, those of a higher priority first. Each is the worker's until its lease
	// ends. A broker may hold back jobs of tasks that the worker has not; the worker
	// releases others. Nothing is fetched ahead: what is not returned can go to
	// other workers.
	Receive(ctx context.Context, w *Worker, n int) ([]*Delivery, error)

	// Extend says that a worker is alive: it makes the worker known to [Broker.Workers],
	// and begins the leases of the deliveries anew. It returns how long a lease is.
	// It is called before the first Receive, and from then on every third of that
	// time, also with nothing held. A worker without tasks keeps its leases and is
	// not known any more: it is about to end.
	Extend(ctx context.Context, w *Worker, held []*Delivery) (lease time.Duration, err error)

	// Finish records the result of a job and ends its lease. The first result of an
	// ID counts: first is false if there was one already, or if nothing is kept of
	// the run any more, and this one is dropped. That is no error. A worker that has
	// lost its lease may still be the first. A failure of kind [Stopped] is handed to
	// those who follow the run and not recorded: the job is not known any more.
	Finish(ctx context.Context, d *Delivery, r *Result) (first bool, err error)

	// Release gives jobs back unfinished. They are delivered again after the given
	// time, at once when it is 0, and the delivery does not count towards the most
	// there may be. It does nothing about a lease that is lost.
	Release(ctx context.Context, held []*Delivery, after time.Duration) error

	// Results hands over the results of a run in the order in which they were
	// recorded: first, in one call, all there are, perhaps none; then each one that
	// comes, until the context ends. The calls come one after another. A result may
	// be handed over again after a lost connection. The run need not be known yet.
	Results(ctx context.Context, run string, deliver func([]*Result)) error

	// End is the end of a run, at its own end or before. Queued jobs are dropped, and
	// not known any more; the contexts of those with workers end. With keep, what was
	// recorded stays, for as long as the broker keeps things, and so that the run can
	// be taken up again by a new Submit; what those workers still finish is recorded
	// and handed over, and End returns the IDs of their jobs, as far as it knows. For
	// each of these a result comes; when the worker dies, releases the job or loses
	// its lease it is a failure of kind [Stopped]. Without keep nothing stays. Ending
	// what is not known, or has ended, does nothing. Before End returns, the results
	// that were recorded before are handed to those who follow the run through this
	// broker, so that who ends a run knows what of it is done.
	End(ctx context.Context, run string, e End) (held []string, err error)

	// Workers hands over the workers that are alive, at once, perhaps none, and
	// again whenever that changes, until the context ends. One that was not heard of
	// for the time of a lease is dead.
	Workers(ctx context.Context, deliver func([]*Worker)) error
}

// A TypeChecker is a broker that encodes values. It is asked about the type of
// each input and output when a worker is made and when a run begins.
type TypeChecker interface {
	// CheckType says why values of a type cannot be sent, naming the field.
	CheckType(reflect.Type) error
}

// A DeadLetterer is a broker that can tell which jobs were given up.
type DeadLetterer interface {
	// Dead are the jobs that were delivered too often, the oldest first.
	Dead(ctx context.Context) ([]*DeadLetter, error)
}

// End says how a run ends.
type End struct {
	// Keep says that what was recorded stays.
	Keep bool
	// Cause is why the run ends, and the cause of the contexts of jobs that workers
	// have; nil is [ErrEnded]. A broker that encodes sends its text.
	Cause error
}

// DefaultLease is how long a worker keeps a job without saying that it is alive.
const DefaultLease = 30 * time.Second

// DefaultMaxDeliveries is how often a job is delivered before it is given up.
const DefaultMaxDeliveries = 5

var (
	// ErrEnded is the cause of a delivery's context when its run has ended without
	// another cause.
	ErrEnded = errors.New("the run has ended")
	// ErrLeaseLost is the cause of a delivery's context when the job is no longer
	// the worker's: its lease ran out, or another one has finished it.
	ErrLeaseLost = errors.New("the lease was lost")
)

// A Delivery is a job in the hands of a worker.
type Delivery struct {
	Job *Job
	// Number counts the deliveries of the job from 1, released ones left out.
	Number int
	// Context ends with the worker's right to the job. Its cause is [ErrLeaseLost], or
	// that of the run's end. It does not end when the job is finished or released.
	Context context.Context
	// Token is the broker's own.
	Token any
}

// A Worker is a process, or a part of one, that does jobs.
type Worker struct {
	ID     string // differs from those of all other workers, also of former ones
	Host   string // where it runs, for people
	Queues []string
	Tasks  []*Task
}

// A Task is what a worker says of a task that it can do.
type Task struct {
	Pipeline    string // that it is part of; empty for a task of any
	Name        string
	Fingerprint string  // of Types
	Types       []Field // of its inputs and outputs
}

// A Field is a part of the types that a task takes and makes.
type Field struct {
	Path string // as in "input features.Tempo" or "output summary[].Mean"
	Type string // as in "float64"
}
