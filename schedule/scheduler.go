package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// A Scheduler runs pipelines at the times of their schedules. Its methods are safe for
// concurrent use.
type Scheduler struct {
	store    Store
	clock    Clock
	lease    time.Duration
	log      *slog.Logger
	id       string // differs from those of all other schedulers, also of former ones
	problems []string

	mu      sync.Mutex
	phase   phase
	entries map[string]*entry // by label
	known   map[string]Change // what the store has, by label
	wakes   wakeQueue
	timer   func() bool // stops it
	timerAt time.Time   // when it is to ring, zero for never
	err     error       // of the store's Watch

	running  int           // runs that are not recorded yet
	stepping int           // entries that are being looked after
	calling  int           // functions of the user, runs among them, that have not returned
	moved    *sync.Cond    // one of these has changed
	ready    chan struct{} // closed when the store has told what there is
	stopped  chan struct{} // closed when all is over

	runCtx     context.Context // of the runs
	cancelRuns context.CancelCauseFunc
	ctx        context.Context // of what else goes on
	cancel     context.CancelFunc
	others     sync.WaitGroup
}

type phase int

const (
	idle phase = iota
	started
	stopping
)

var (
	// ErrNotStarted is the error of what needs a scheduler that has been started.
	ErrNotStarted = errors.New("the scheduler has not been started")
	// ErrUnknownLabel is the error for a label that no schedule of the scheduler has.
	ErrUnknownLabel = errors.New("there is no such schedule")
)

// defaultLease is that of Lease.
const defaultLease = time.Minute

// New makes a scheduler without schedules. What is wrong with the options is the error
// of the first schedule and of [Scheduler.Start].
func New(opts ...SchedulerOption) *Scheduler {
	s := &Scheduler{
		clock:   systemClock{},
		lease:   defaultLease,
		log:     slog.Default(),
		id:      fmt.Sprintf("%016x", rand.Uint64()),
		entries: map[string]*entry{},
		known:   map[string]Change{},
		ready:   make(chan struct{}),
		stopped: make(chan struct{}),
	}
	s.moved = sync.NewCond(&s.mu)
	for i, o := range opts {
		if o == nil {
			s.problem("option %d of %d is nil: drop it", i+1, len(opts))
			continue
		}
		o.applyScheduler(s)
	}
	if s.store == nil {
		s.store = &Memory{}
	}
	return s
}

func (s *Scheduler) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// check says what is wrong with the scheduler.
func (s *Scheduler) check() error {
	if len(s.problems) == 0 {
		return nil
	}
	return fmt.Errorf("schedule: the scheduler is wrong: %s", strings.Join(s.problems, "; "))
}

// Start begins to fire. It returns when the store has told what became of the schedules
// before, or with the cause when ctx ends first. The context is that of the runs: tasks
// see its values. When it ends, the scheduler is stopped, and its runs are cancelled.
//
// A scheduler is started once.
func (s *Scheduler) Start(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	if ctx == nil {
		return errors.New("schedule: Start: the context is nil: use context.Background() when there is none")
	}
	s.mu.Lock()
	if s.phase != idle {
		defer s.mu.Unlock()
		if s.phase == started {
			return errors.New("schedule: Start: the scheduler has been started already")
		}
		return fmt.Errorf("schedule: Start: %w: make a new one", ErrStopped)
	}
	s.phase = started
	for _, e := range s.entries {
		e.since = s.clock.Now().Round(0)
	}
	s.runCtx, s.cancelRuns = context.WithCancelCause(context.WithoutCancel(ctx))
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.mu.Unlock()
	s.others.Go(s.watch)
	unhook := context.AfterFunc(ctx, func() { _ = s.Stop(ctx) })
	context.AfterFunc(s.ctx, func() { unhook() })
	select {
	case <-s.ready:
	case <-s.stopped:
		return s.stopError(nil)
	case <-ctx.Done():
		<-s.stopped
		return context.Cause(ctx)
	}
	return nil
}

// watch follows the store.
func (s *Scheduler) watch() {
	told := false
	err := s.store.Watch(s.ctx, func(changes []Change) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range changes {
			if c.Revision <= s.known[c.Label].Revision {
				continue // from before what this scheduler wrote
			}
			s.known[c.Label] = c
			if e := s.entries[c.Label]; e != nil && told {
				s.kick(e)
			}
		}
		if !told {
			told = true
			close(s.ready)
			for _, e := range s.entries {
				s.kick(e)
			}
		}
	})
	if s.ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("it ended")
	}
	s.log.Error("the scheduler ends: it cannot follow its store", "error", err)
	s.mu.Lock()
	s.err = fmt.Errorf("schedule: the store cannot be followed: %w", err)
	s.mu.Unlock()
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(s.err)
	// Stop waits for this goroutine, so it needs one of its own.
	go func() { _ = s.Stop(ended) }()
}

// lastWrites is how long the ends of runs may take to be recorded once the context of
// Stop has ended.
const lastWrites = 5 * time.Second

// Stop stops firing and waits for the runs that go on. When ctx ends it cancels them,
// with [ErrStopped] as the cause, waits until they have returned and gives them back,
// and returns the cause of ctx. It may be called several times, and before Start.
func (s *Scheduler) Stop(ctx context.Context) error {
	if ctx == nil {
		return errors.New("schedule: Stop: the context is nil: use context.Background() to wait for the runs however long they take")
	}
	s.mu.Lock()
	first := s.phase == started
	if s.phase == idle {
		close(s.stopped)
	}
	s.phase = stopping
	if first {
		for _, e := range s.entries {
			s.kick(e)
		}
		go s.finish()
	}
	s.mu.Unlock()
	select {
	case <-s.stopped:
		return s.stopError(nil)
	case <-ctx.Done():
	}
	s.mu.Lock()
	over := s.running == 0
	s.mu.Unlock()
	if s.cancelRuns != nil {
		s.cancelRuns(ErrStopped)
	}
	<-s.stopped
	if over {
		return s.stopError(nil)
	}
	return s.stopError(context.Cause(ctx))
}

func (s *Scheduler) stopError(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return err
}

// finish ends what Stop has begun to end.
func (s *Scheduler) finish() {
	s.mu.Lock()
	defer close(s.stopped)
	defer s.others.Wait()
	defer s.mu.Unlock()
	broadcast := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.moved.Broadcast()
	}
	unhook := context.AfterFunc(s.runCtx, broadcast)
	defer unhook()
	for s.busy() && s.runCtx.Err() == nil {
		s.moved.Wait()
	}
	if s.busy() {
		for s.calling > 0 {
			s.moved.Wait()
		}
		end := s.clock.Now().Add(lastWrites)
		stop := s.clock.AfterFunc(lastWrites, broadcast)
		for s.busy() && s.clock.Now().Before(end) {
			s.moved.Wait()
		}
		stop()
		if s.running > 0 {
			s.log.Error("the scheduler ends without having recorded the ends of its runs", "runs", s.running)
		}
	}
	s.cancel()
	for s.calling > 0 {
		s.moved.Wait()
	}
	s.cancelRuns(ErrStopped)
	if s.timer != nil {
		s.timer()
	}
}

// busy tells whether something is still to be recorded. s.mu is held.
func (s *Scheduler) busy() bool { return s.running > 0 || s.stepping > 0 }
