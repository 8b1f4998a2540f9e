package runnel

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/runnelflow/runnel/broker"
)

// deadline ends the context of a job whose run has a deadline as the run's own ends,
// with context.DeadlineExceeded.
type deadline struct {
	context.Context // without an end
	at              time.Time
	done            chan struct{}
	expire          func() // closes done
}

func newDeadline(ctx context.Context, after time.Duration) *deadline {
	done := make(chan struct{})
	return &deadline{context.WithoutCancel(ctx), time.Now().Add(after), done, sync.OnceFunc(func() { close(done) })}
}

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }
func (d *deadline) Done() <-chan struct{}       { return d.done }

func (d *deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// deadlineGrace is how long after its deadline a run may take to say that it has ended.
// After that the context of a job ends without it: the run may have died.
const deadlineGrace = time.Second

// contextOf is the context that a job is done with.
func contextOf(d *broker.Delivery) (context.Context, context.CancelCauseFunc) {
	left := d.Jobs[0].Left
	if left <= 0 {
		return context.WithCancelCause(d.Context)
	}
	// Clocks differ, so the time that was left is sent and counted from here: it is
	// over when the run's is, or as much later as the job was on its way.
	end := newDeadline(d.Context, left)
	timer := time.AfterFunc(left+deadlineGrace, end.expire)
	ctx, cancel := context.WithCancelCause(end)
	stop := context.AfterFunc(d.Context, func() {
		if cause := context.Cause(d.Context); errors.Is(cause, context.DeadlineExceeded) {
			end.expire()
		} else {
			cancel(cause)
		}
	})
	return ctx, func(cause error) {
		timer.Stop()
		stop()
		cancel(cause)
	}
}
