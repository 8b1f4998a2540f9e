package runnel

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// Run drives runs until ctx ends: then it lets go of them at once, and others go on
// with them. It returns nil when it was told to end, and an error when the coordinator
// is wrong, a [*BuildError], or the broker is of no use any more. No goroutine of it
// goes on. A broker that does not answer is waited for, for seconds and not for ever.
//
// It takes the runs that wait in the order in which they were opened, and those of
// processes that died when their claim has run out. How a run that it drives ends is
// for its observers, and for those who follow the run. A run of one of its pipelines
// that has another graph it leaves alone, which observers are told by [RunWaiting].
func (c *Coordinator) Run(ctx context.Context) error {
	if c.err != nil {
		return c.err
	}
	if ctx == nil {
		return errors.New("runnel: Coordinator.Run: the context is nil: use context.Background() when there is none")
	}
	s := &session{Coordinator: c, values: context.WithoutCancel(ctx), free: map[string]*broker.Run{}, driven: map[string]*drive{}, named: map[string]bool{}}
	s.taking, s.takeNoMore = context.WithCancel(s.values)
	err := c.keeper.Runs(ctx, "", s.hear)
	s.leave()
	s.runs.Wait()
	if ctx.Err() == nil {
		s.errs = append(s.errs, fmt.Errorf("runnel: coordinator %s: the broker does not tell which runs there are: %w", c.id, err))
	}
	return errors.Join(s.errs...)
}

// session is a coordinator at work.
type session struct {
	*Coordinator
	values context.Context
	runs   sync.WaitGroup
	// taking is for what a run asks of the broker before it goes on.
	taking     context.Context
	takeNoMore context.CancelFunc

	mu      sync.Mutex
	free    map[string]*broker.Run // that nobody drives, by ID
	waiting []string               // IDs of these, the first to come in front, and some that are free no more
	driven  map[string]*drive      // by ID
	named   map[string]bool        // runs of other graphs that observers know of
	begun   int                    // how many were driven
	leaving bool
	errs    []error // panics of observers
}

// drive is a run that the coordinator drives, or tries to.
type drive struct {
	x    *execution  // nil until it goes on
	news *broker.Run // what was told of it meanwhile
}

// hear takes what is told of runs.
func (s *session) hear(runs []*broker.Run) {
	for _, r := range runs {
		if text := s.refuse(r); text != "" {
			s.tell(RunWaiting{time.Now(), r.Pipeline, r.ID, text})
			continue
		}
		s.mu.Lock()
		s.note(r)
		s.mu.Unlock()
	}
}

// note takes what is told of a run. s.mu is held.
func (s *session) note(r *broker.Run) {
	if d := s.driven[r.ID]; d != nil {
		d.news = r
		return
	}
	if !isFree(r) || s.graphs[runKind{r.Pipeline, r.Graph}] == nil {
		delete(s.free, r.ID)
		return
	}
	if s.free[r.ID] == nil {
		s.waiting = append(s.waiting, r.ID)
	}
	s.free[r.ID] = r
	s.begin()
}

func isFree(r *broker.Run) bool { return r.Owner == "" && r.Outcome == nil && !r.Dropped }

// refuse says, once, why a run of one of the pipelines is left alone.
func (s *session) refuse(r *broker.Run) string {
	others := s.others[r.Pipeline]
	if !isFree(r) || len(others) == 0 || s.graphs[runKind{r.Pipeline, r.Graph}] != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named[r.ID] {
		return ""
	}
	s.named[r.ID] = true
	g := others[len(others)-1]
	c := &change{touched: map[string]bool{}}
	c.compareNodes(g, r.Nodes, g.nodes())
	sortProblems(c.problems)
	return list("it has another graph than the coordinator's: run a coordinator with the pipeline as it was", c.problems)
}

// begin drives runs that wait, as many as may be. s.mu is held.
func (s *session) begin() {
	for len(s.waiting) > 0 && !s.leaving && (s.config.limit == 0 || len(s.driven) < s.config.limit) {
		r := s.free[s.waiting[0]]
		if s.waiting = s.waiting[1:]; r == nil {
			continue
		}
		delete(s.free, r.ID)
		d := &drive{}
		s.driven[r.ID] = d
		s.begun++
		owner := fmt.Sprintf("%s-%d", s.id, s.begun)
		s.runs.Go(func() {
			s.drive(r, d, owner)
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.driven, r.ID)
			if d.news != nil {
				s.note(d.news)
			}
			s.begin()
		})
	}
}

// drive claims a run and drives it to its end, if nobody else does.
func (s *session) drive(r *broker.Run, d *drive, owner string) {
	ctx, cancel := context.WithCancel(s.values)
	defer cancel()
	q, kept, err := s.take(r, owner)
	switch {
	case s.taking.Err() != nil: // the claim may be ours, whatever the broker could tell
		s.lastWord(func(ctx context.Context) { s.keeper.Unclaim(ctx, r.ID, owner) })
		return
	case kept == nil:
		return
	case err != nil: // as it would be for all others
		o := &broker.Outcome{State: Failed.String(), Failure: failureOf(err), Started: time.Now(), Ended: time.Now()}
		s.lastWord(func(ctx context.Context) { s.keeper.Conclude(ctx, r.ID, owner, o) })
		return
	}
	x := q.execution(ctx)
	x.durable = newDurable(x, kept)
	x.durable.asked.Owner, x.durable.once = owner, true
	x.durable.kept = clone(x.durable.asked)
	x.watch(false)
	s.mu.Lock()
	d.x = x
	leaving := s.leaving
	s.mu.Unlock()
	if leaving {
		x.durable.leave(errLetGo)
	}
	x.run()
}

// take claims a run. It returns the run as it is kept, or nil when there is none to drive:
// somebody else has it, or the broker does not tell, and whoever has it next when the claim
// has run out may be luckier. An error with a run is one of the run.
func (s *session) take(r *broker.Run, owner string) (*request, *broker.Run, error) {
	if _, err := s.keeper.Claim(s.taking, r.ID, owner); err != nil {
		return nil, nil, err
	}
	kept, err := keptRun(s.taking, s.keeper, r.ID)
	if err != nil {
		return nil, nil, err
	}
	q := &request{built: s.graphs[runKind{r.Pipeline, r.Graph}]}
	q.config.unasked = true
	q.config.broker, q.config.observers, q.config.interceptors = s.keeper, s.config.observers, s.config.interceptors
	return q, kept, q.resume(s.taking, kept)
}

// lastWord tells the broker what becomes of a run, for as long as the end of one may take.
func (s *session) lastWord(tell func(context.Context)) {
	ctx, stop := context.WithTimeout(s.values, endPatience)
	defer stop()
	tell(ctx)
}

// leave lets go of all runs.
func (s *session) leave() {
	s.takeNoMore()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving = true
	for _, d := range s.driven {
		if d.x != nil {
			d.x.durable.leave(errLetGo)
		}
	}
}

// tell hands an event of no run that goes on to the observers.
func (s *session) tell(e Event) {
	for k, o := range s.config.observers {
		if err := call(o, e); err != nil {
			s.mu.Lock()
			s.errs = append(s.errs, fmt.Errorf("runnel: observer %d of %d at %T: %w", k+1, len(s.config.observers), e, err))
			s.mu.Unlock()
		}
	}
}

// call calls an observer. Its panic is an error.
func call(o Observer, e Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	o(e)
	return nil
}
