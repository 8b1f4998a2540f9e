package runnel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// Run asks the broker for jobs and does them, until ctx ends: then it drains. It
// asks for no more, lets what is running go on for as long as [DrainTimeout] says,
// cancels what is left and gives it back. It returns nil when it was told to end, and
// an error when the worker is wrong, a [*BuildError], or the broker is of no use any
// more. No goroutine of it goes on; it waits for tasks that ignore their context.
//
// A program that is to end at SIGTERM hands over the context of
// [signal.NotifyContext]. Values of ctx are there in the contexts of tasks. Run may
// be called once at a time.
func (w *Worker) Run(ctx context.Context) error {
	if w.err != nil {
		return w.err
	}
	if ctx == nil {
		return errors.New("runnel: Worker.Run: the context is nil: use context.Background() when there is none")
	}
	s := &shift{
		Worker: w, values: ctx, slots: newSlots(w.config.concurrency), held: map[*broker.Delivery]*workerBatch{},
		next: make(chan *workerBatch), over: make(chan struct{}),
	}
	// What is said to the broker goes on while the worker drains.
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.cancel(nil)
	lease, err := w.broker.Extend(s.ctx, w.self, nil)
	if err != nil {
		return fmt.Errorf("runnel: worker %s: %w", w.ID(), err)
	}
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var beating sync.WaitGroup
	s.overdue.init(w.self)
	beating.Go(func() { s.beat(lease, stop) })
	var askers sync.WaitGroup
	for range mostAsking {
		askers.Go(func() {
			if err := s.ask(asking); err != nil {
				stop(err)
			}
		})
	}
	askers.Wait()
	s.drain()
	s.cancel(nil)
	beating.Wait()
	if cause := context.Cause(asking); ctx.Err() == nil && cause != nil {
		return fmt.Errorf("runnel: worker %s: %w", w.ID(), cause)
	}
	return nil
}

// shift is a worker at work.
type shift struct {
	*Worker
	values context.Context // of Run, for its values
	ctx    context.Context // of calls to the broker
	cancel context.CancelCauseFunc
	slots  *slots // one for each delivery that goes on
	jobs   sync.WaitGroup
	next   chan *workerBatch // for a goroutine that has ended another
	over   chan struct{}     // closed when none comes any more

	overdue overdue

	mu      sync.Mutex
	held    map[*broker.Delivery]*workerBatch
	leaving bool
}

// errDrained is the cause of the end of a task's context when its worker ends.
var errDrained = errors.New("the worker ends")

// beat tells the broker that the worker is alive, and which attempts are overdue as soon
// as they are. It stops the worker when the broker is of no use any more.
func (s *shift) beat(lease time.Duration, stop context.CancelCauseFunc) {
	tick := time.NewTicker(max(lease/3, time.Millisecond))
	defer tick.Stop()
	for {
		var err error
		select {
		case <-tick.C:
			err = s.extend(s.ctx)
		case <-s.overdue.more:
			_, err = s.broker.Extend(s.ctx, s.overdue.worker(), nil)
		case <-s.ctx.Done():
			return
		}
		if err != nil && s.ctx.Err() == nil {
			stop(fmt.Errorf("the broker does not take that it is alive: %w", err))
			return
		}
	}
}

// extend says that the worker is alive, or about to leave, and what it has.
func (s *shift) extend(ctx context.Context) error {
	self := s.overdue.worker()
	s.mu.Lock()
	if s.leaving {
		away := *self
		away.Tasks = nil
		self = &away
	}
	held := make([]*broker.Delivery, 0, len(s.held))
	for d := range s.held {
		held = append(held, d)
	}
	s.mu.Unlock()
	_, err := s.broker.Extend(ctx, self, held)
	return err
}

// mostAsking is how many calls for jobs go on at once: slots that become free while one
// is on its way to the broker and back need not wait for it.
const mostAsking = 3

// ask receives jobs and starts them until its context ends.
func (s *shift) ask(ctx context.Context) error {
	for {
		free, ok := s.slots.take(ctx)
		if !ok {
			return nil
		}
		got, err := s.broker.Receive(ctx, s.self, free)
		s.slots.give(free - len(got))
		for _, d := range got {
			s.begin(d)
		}
		runtime.Gosched() // jobs go before the next question
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the broker hands out no jobs: %w", err)
		}
	}
}

// refusal is how long a job that the worker cannot do is left to others.
const refusal = time.Second

// givingBack is how long a worker that ends waits for a broker that does not answer.
const givingBack = 5 * time.Second

// drain gives back what is not begun, waits for the jobs that go on, and gives back
// those that take too long.
func (s *shift) drain() {
	close(s.over)
	s.mu.Lock()
	s.leaving = true
	held := slices.Collect(maps.Values(s.held))
	s.mu.Unlock()
	patience, enough := context.WithTimeout(s.ctx, s.config.drain)
	defer enough()
	ended := make(chan struct{})
	go func() { // a broker that does not answer holds up what is handed back, too
		defer close(ended)
		for _, b := range held {
			b.handBack()
		}
		s.jobs.Wait()
	}()
	// An error means that the worker counts as alive until its lease ends.
	s.extend(patience)
	select {
	case <-ended:
		return
	case <-patience.Done():
	}
	s.mu.Lock()
	var rest []*broker.Delivery
	for d, b := range s.held {
		rest = append(rest, d)
		b.cancel(errDrained)
	}
	s.mu.Unlock()
	giving, enough := context.WithTimeout(s.ctx, givingBack)
	defer enough()
	// An error means that they are done again when the leases end.
	s.broker.Release(giving, rest, 0)
	s.cancel(errDrained) // nothing is told any more
	<-ended
}

// jobContext is the context of a job, with the values of that of the worker.
type jobContext struct {
	context.Context
	values context.Context
}

func (c jobContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}
