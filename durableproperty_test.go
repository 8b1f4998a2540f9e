package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// TestRandomGraphsAreTakenOver: whenever a coordinator dies or ends, the run becomes
// what an undisturbed one would, and no task is called twice.
func TestRandomGraphsAreTakenOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, true)
		p, want := buildRandom(rt, g), g.reference()
		type life struct {
			lasts time.Duration
			kills bool
		}
		var lives []life
		for range rapid.IntRange(1, 5).Draw(rt, "coordinators") {
			lives = append(lives, life{time.Duration(rapid.IntRange(0, 300).Draw(rt, "life")) * time.Millisecond, rapid.Bool().Draw(rt, "kills")})
		}
		pauses := rapid.SliceOfN(rapid.IntRange(0, 100), 7, 7).Draw(rt, "pauses")
		limit := rapid.SampledFrom(randomLimits).Draw(rt, "limit")
		ctx, w := newWitness(context.Background())
		var res *runnel.Result
		var problem error
		synctest.Test(t, func(t *testing.T) {
			b := &broker.Memory{Lease: time.Second}
			slow := func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
				time.Sleep(time.Duration(pauses[len(task.Task)%7]) * time.Millisecond)
				return next(ctx)
			}
			working, dismiss := context.WithCancel(ctx)
			worked := make(chan error, 1)
			go func() { worked <- runnel.NewWorker(b, p, runnel.Concurrency(3), runnel.Intercept(slow)).Run(working) }()
			_, err := p.Submit(t.Context(), g.supplied, runnel.WithBroker(b), runnel.RunID("r"), runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
			problem = errors.Join(problem, err)
			var over []func()
			for _, l := range lives {
				m := newMortal(b)
				end := coordinate(t, m, p)
				time.Sleep(l.lasts)
				if l.kills {
					m.die()
					over = append(over, end)
				} else {
					end()
				}
			}
			over = append(over, coordinate(t, b, p))
			r, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
			if err != nil {
				problem = errors.Join(problem, err)
			} else {
				res, err = r.Wait(t.Context())
				if got := state(t, b, "r"); got.Outcome == nil || (got.Outcome.State == "succeeded") != (err == nil) {
					problem = errors.Join(problem, fmt.Errorf("it ended with %w, and is kept with %+v", err, got.Outcome))
				}
			}
			for _, end := range over {
				end()
			}
			dismiss()
			problem = errors.Join(problem, <-worked)
		})
		if problem != nil {
			rt.Fatal(problem)
		}
		clear(w.ends) // the witness's clock is that of the calls, and not of what follows
		checkRun(rt, g, w, res, want)
	})
}
