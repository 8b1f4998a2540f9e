package runnel_test

import (
	"os"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestIntermediateValuesDoNotPileUp: consumers go before producers, from the first
// element on, so that few values are there which nobody has taken yet.
func TestIntermediateValuesDoNotPileUp(t *testing.T) {
	n := 100_000
	if os.Getenv("RUNNEL_TEST_BROKER") == "nats" {
		n = 1000 // with so few at once, each element is a message
	}
	var there, most atomic.Int64
	made := func(v int) int {
		if now := there.Add(1); now > most.Load() {
			most.Store(now) // about
		}
		return v
	}
	type onFirst struct {
		N int `runnel:"first[i]"`
	}
	type onSecond struct {
		N int `runnel:"second[i]"`
	}
	dense := pipelineOf(t,
		runnel.NewMapTask("first[i]", runnel.Pure(func(in onNumbers) int { return made(in.N) })),
		runnel.NewMapTask("second[i]", runnel.Pure(func(in onFirst) int { there.Add(-1); return made(in.N) })),
		runnel.NewMapTask("third[i]", runnel.Pure(func(in onSecond) int { there.Add(-1); return in.N })))
	ragged := pipelineOf(t,
		runnel.NewExpandTask("rows[i,k]", runnel.Pure(func(in onNumbers) []int { return upTo(in.N % 3) })),
		runnel.NewMapTask("made[i,k]", runnel.Pure(func(in struct {
			N int `runnel:"rows[i,k]"`
		}) int {
			return made(in.N)
		})),
		runnel.NewMapTask("taken[i,k]", runnel.Pure(func(in struct {
			N int `runnel:"made[i,k]"`
		}) int {
			there.Add(-1)
			return in.N
		})))
	for what, p := range map[string]*runnel.Pipeline{"dense": dense, "ragged": ragged} {
		for _, limit := range []int{1, 2} {
			there.Store(0)
			most.Store(0)
			mustRun(t, p, runnel.Values{"numbers": upTo(n)}, runnel.MaxParallel(limit))
			if there.Load() != 0 || most.Load() > int64(16*limit) {
				t.Errorf("%s, %d at once: up to %d values that nobody had taken, %d at the end", what, limit, most.Load(), there.Load())
			}
		}
	}
}

func TestARunWithoutALimitLiftsTheWindowToo(t *testing.T) {
	const n = 3000 // more than the window
	var running atomic.Int32
	all := make(chan struct{})
	together := doubledEach().When(func(onNumbers) bool {
		if running.Add(1) == n {
			close(all)
		}
		<-all
		return true
	})
	res := mustRun(t, pipelineOf(t, together), runnel.Values{"numbers": make([]int, n)}, runnel.MaxParallel(0))
	wantState(t, res.Report(), "doubled", runnel.Succeeded)
}
