package runnel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
)

// TestAnEndlessSequenceEndsWithItsRun: it is read no further once the run is
// cancelled.
func TestAnEndlessSequenceEndsWithItsRun(t *testing.T) {
	double := runnel.NewMapTask("doubled[i]", runnel.Pure(func(in struct {
		N int `runnel:"numbers[i]"`
	}) int {
		return 2 * in.N
	}))
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func(int) bool) {
		for n := 0; yield(n); n++ {
			if n == 100 {
				cancel()
			}
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := pipelineOf(t, double).Run(ctx, runnel.Values{"numbers": endless})
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the sequence is read for ever")
	}
}
