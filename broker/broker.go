// Package broker is the contract between a run and the workers that do its
// tasks, and a broker that keeps it within one process.
//
// A run submits jobs, each one attempt at a task or at an element of a mapped
// one, in batches. Workers receive a batch under a lease, and finish each of its jobs
// with a result, which goes back to the run. Retries, order, error modes, windows and
// what goes into a batch are the run's business: a broker knows batches, jobs and
// results only.
//
// Delivery is at least once. A worker that dies loses its lease, and the job goes
// to another; one that lives keeps it, however long its task takes. What happens
// exactly once is the recording of a result. A job that was delivered too often
// without being finished is a failed attempt, and is kept as a dead letter. Which
// job of a batch has killed its worker nobody knows: what is left of the batch is
// handed back to the run, to be submitted again one by one.
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
	// Submit queues batches, and returns once all of them are kept as safely as the
	// broker keeps anything. It waits while the broker is full. A job whose ID is
	// known, be it queued, with a worker or finished, is not queued again: after an
	// error the same batches may be submitted once more. A job that comes in another
	// batch than before may be queued again, unless the run was taken up meanwhile; its
	// first result counts.
	//
	// Values in jobs are of type [Go], come from a result of the same run and broker, or
	// are a [List] of such. The jobs belong to the broker from then on.
	Submit(ctx context.Context, batches []Batch) error

	// Receive waits for batches of the worker's queues and returns at least one and at
	// most n, those of a higher priority first. Each is the worker's until its lease
	// ends. A broker may hold back batches of which the worker has no task; the worker
	// releases others. Of a batch of which it has some tasks and not others it does what
	// it can, and hands back the rest as [Orphaned]: no worker need have all. Nothing is
	// fetched ahead: what is not returned can go to other workers.
	Receive(ctx context.Context, w *Worker, n int) ([]*Delivery, error)

	// Extend says that a worker is alive: it makes the worker known to [Broker.Workers],
	// and begins the leases of the deliveries anew. It returns how long a lease is.
	// It is called before the first Receive, and from then on every third of that
	// time, also with nothing held. A worker without tasks keeps its leases and is
	// not known any more: it is about to end.
	Extend(ctx context.Context, w *Worker, held []*Delivery) (lease time.Duration, err error)

	// Finish records results of jobs of a delivery, of some or of all. The lease ends
	// when every job has one. The first result of an ID counts: it returns how many of
	// these were the first. The others are dropped, as all are when nothing is kept of
	// the run any more; that is no error. A worker that has lost its lease may still be
	// the first. A failure of kind [Stopped] is handed to those who follow the run and
	// not recorded: the job is not known any more. One of kind [HandedBack] is recorded
	// as others are, so that a job that was handed back is not done here too.
	//
	// Results of jobs that are [Job.Direct] are not recorded: Finish returns when who
	// follows the run has them, or the run has ended, or the delivery was released. When
	// nobody answers for the run for a time that the broker states, its process has died,
	// and the run ends, as by End without keep.
	Finish(ctx context.Context, d *Delivery, results ...*Result) (first int, err error)

	// Release gives jobs back: those of the deliveries that have no result. They are
	// delivered again after the given time, at once when it is 0, and the delivery does
	// not count towards the most there may be. It does nothing about a lease that is
	// lost.
	Release(ctx context.Context, held []*Delivery, after time.Duration) error

	// Results hands over the results of a run in the order in which they were
	// recorded: first, in one call, all there are, perhaps none; then each one that
	// comes, until the context ends. The calls come one after another. A result may
	// be handed over again after a lost connection. The run need not be known yet.
	// Those of jobs that are wanted [Job.Once] may be left out after they were handed
	// to somebody. It returns an error when the run has ended since nobody answered for
	// it.
	Results(ctx context.Context, run string, deliver func([]*Result)) error

	// End is the end of a run, at its own end or before. Queued jobs are dropped, and
	// not known any more; the contexts of those with workers end. With keep, what was
	// recorded stays, for as long as the broker keeps things, and so that the run can
	// be taken up again by a new Submit; what those workers still finish is recorded
	// and handed over, and End returns the IDs of their jobs, as far as it knows. For
	// each of these a result comes; when the worker dies, releases the job or loses
	// its lease it is a failure of kind [Stopped]. Who has jobs that are [Job.Direct] a
	// broker need not know. Without keep nothing stays. Ending what is not known, or has
	// ended, does nothing. Before End returns, the results that were recorded before are
	// handed to those who follow the run through this broker, so that who ends a run
	// knows what of it is done.
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

// DefaultMaxDeliveries is how often a job is delivered before it is given up; a
// delivery in a batch with others not counted. It is also how often a run is driven
// without a result before that is given up, see [Keeper.Claim].
const DefaultMaxDeliveries = 5

var (
	// ErrEnded is the cause of a delivery's context when its run has ended without
	// another cause.
	ErrEnded = errors.New("the run has ended")
	// ErrLeaseLost is the cause of a delivery's context when the jobs are no longer
	// the worker's: its lease ran out, or another one has finished them.
	ErrLeaseLost = errors.New("the lease was lost")
)

// A Delivery is a batch in the hands of a worker: those of its jobs that have no
// result yet. The broker may have made several batches of one.
type Delivery struct {
	Jobs Batch
	// Number counts the deliveries of the jobs from 1, released ones left out. It is 1
	// for several jobs, which are not delivered again after a lease was lost.
	Number int
	// Context ends with the worker's right to the jobs. Its cause is [ErrLeaseLost], or
	// that of the run's end. It does not end when they are finished or released.
	Context context.Context
	// Token is the broker's own.
	Token any
}

// A Worker is a process, or a part of one, that does jobs.
type Worker struct {
	ID     string // differs from those of all other workers, also of former ones
	Host   string // where it runs, for people
	Queues []string
	Slots  int // how many batches it does at once; 0 if it does not say
	Tasks  []*Task
	// Overdue are attempts of it that go on though their Timeout was over five seconds ago,
	// 100 at most; nil for none. The runs that wait for them name them to their observers.
	Overdue []Overdue
}

// Overdue is an attempt that ignores the end of its time. Its fields are those of the
// [Job]: Element is [Whole] for a plain task.
type Overdue struct {
	Run, Task        string
	Element, Attempt int
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
