package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runnelflow/runnel"
)

var (
	// ErrReplaced is the cause of a run that was cancelled because the next fire time of
	// its schedule had come, under [CancelRunning].
	ErrReplaced = errors.New("the next fire time has come")
	// ErrLeaseLost is the cause of a run that was cancelled because another scheduler has
	// taken it over, or may have.
	ErrLeaseLost = errors.New("the scheduler is not in charge of the run any more")
	// ErrStopped is the cause of a run that was cancelled because the scheduler was
	// stopped. The run is given back: another scheduler with the same store, or the next
	// one, does it again under the same id.
	ErrStopped = errors.New("the scheduler was stopped")
)

// A run is a run of this scheduler. The fields are guarded by the scheduler's lock.
type run struct {
	fire   Fire
	ctx    context.Context
	cancel context.CancelCauseFunc
	beat   time.Time // when the store last learned that it goes on

	ended    bool
	released bool // it did not end, but has to be given back
	res      *runnel.Result
	err      error
}

// status is what has become of a run that has ended.
func (r *run) status() Status {
	switch {
	case r.err == nil:
		return Succeeded
	case errors.Is(context.Cause(r.ctx), ErrReplaced):
		return Cancelled
	}
	return Failed
}

func (r *run) text() string {
	if r.err == nil {
		return ""
	}
	text := strings.ToValidUTF8(r.err.Error(), "\uFFFD")
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes more)", text[:end], len(text)-end)
}

// maxText is how many bytes of the text of an error are kept: a state has several, and a
// store need not take one of any size.
const maxText = 4 << 10

// start starts a run of a fire. s.mu is held.
func (s *Scheduler) start(e *entry, f Fire) {
	r := &run{fire: f, beat: s.clock.Now()}
	r.ctx, r.cancel = context.WithCancelCause(s.runCtx)
	e.runs[f.RunID] = r
	s.running++
	if s.phase != started {
		// The store has just said that this run is ours, and we are about to go.
		r.ended, r.released = true, true
		r.cancel(ErrStopped)
		s.kick(e)
		return
	}
	c, p, loc := e.config, e.pipeline, e.config.loc
	s.calling++
	go func() {
		var res *runnel.Result
		err := error(runnel.ErrGoexit) // unless the function of the inputs returns
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			r.ended, r.res, r.err = true, res, err
			cause := context.Cause(r.ctx)
			r.released = err != nil && (errors.Is(cause, ErrStopped) || errors.Is(cause, ErrLeaseLost))
			r.cancel(nil)
			s.kick(e)
			s.calling--
			s.moved.Broadcast()
		}()
		defer caught(&err)
		in := c.inputs(f.Time.In(loc))
		res, err = p.Run(r.ctx, in, append(c.run[:len(c.run):len(c.run)], runnel.RunID(f.RunID))...)
	}()
}

// caught makes an error of a panic of the user's code. It is to be deferred.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = &runnel.PanicError{Value: v, Stack: debug.Stack()}
	}
}

// tell tells the user of the end of a run. s.mu is held.
func (s *Scheduler) tell(e *entry, r *run, f Fire) {
	c := e.config
	if len(c.onEnd) == 0 {
		return
	}
	s.calling++
	go func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calling--
			s.moved.Broadcast()
		}()
		for _, told := range c.onEnd {
			var err error
			func() {
				defer caught(&err)
				told(f, r.res, r.err)
			}()
			if err != nil {
				s.log.Error("the function of OnEnd panicked", "label", f.Label, "error", err)
			}
		}
	}()
}
