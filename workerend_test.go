package runnel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// deaf is a broker whose runs take a while to follow their results.
type deaf struct{ *broker.Memory }

func (b deaf) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	time.Sleep(time.Second)
	return b.Memory.Results(ctx, run, deliver)
}

// TestAResultCountsThoughTheRunWasCancelledBeforeItFollowed: what the broker recorded
// before the end of a run was done, also in a run that is over at once.
func TestAResultCountsThoughTheRunWasCancelledBeforeItFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := pipelineOf(t,
			step("a", nil, func(context.Context) error { cancel(); return nil }),
			step("b", from("a"), func(context.Context) error { return nil }))
		b := deaf{&broker.Memory{}}
		defer employ(t, b, p)()
		res, err := p.Run(ctx, nil, runnel.WithBroker(b))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		wantState(t, res.Report(), "a", runnel.Succeeded)
		wantState(t, res.Report(), "b", runnel.Cancelled)
	})
}
