package hand

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/runnelflow/runnel/benchmarks/shape"
)

// Layers of three on a few workers keep these parking, waking and stealing from
// each other; a message that wakes the wrong one would stop a run for good.
func TestStealingNeverLosesAWorker(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	g := shape.Random(300, 3)
	for _, procs := range []int{2, 4} {
		runtime.GOMAXPROCS(procs)
		run := workStealing(newPlan(g, func(i int) {
			if i%7 == 0 {
				runtime.Gosched()
			}
		}, true))
		finished := make(chan error, 1)
		go func() {
			for range 1000 {
				if _, err := run(context.Background()); err != nil {
					finished <- err
					return
				}
			}
			finished <- nil
		}()
		select {
		case err := <-finished:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("with %d workers a run does not end", procs)
		}
	}
}
