package schedule_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

// deaf is a pipeline that goes on for so long, whatever it is told, and counts its runs.
func deaf(t *testing.T, takes time.Duration, runs *int) *runnel.Pipeline {
	t.Helper()
	p, err := runnel.FromTasks(runnel.NewTask("deaf", func(context.Context, struct{}) (int, error) {
		*runs++
		time.Sleep(takes)
		return 0, nil
	}))
	must(t, err)
	return p
}

// TestMaxRunsCountsWhatRan: a fire that another one has replaced while it waited is none.
func TestMaxRunsCountsWhatRan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		runs := 0
		s := begin(t, &schedule.Memory{}, func(s *schedule.Scheduler) {
			made(t)(s.Every(10*time.Minute, deaf(t, 25*time.Minute, &runs), schedule.Label("a"), schedule.MaxRuns(3), schedule.OnOverlap(schedule.CancelRunning)))
		})
		pass(5 * time.Hour)
		a, err := s.Get("a")
		must(t, err)
		if runs != 3 || a.Runs != 3 || !a.Next.IsZero() {
			t.Errorf("it ran %d times and counts %d, the next is at %v; want 3 and no next", runs, a.Runs, a.Next)
		}
		end(s)
	})
}

// TestAllThatRunAreCancelled: with another policy there may be several by then.
func TestAllThatRunAreCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{takes: 2 * time.Hour}
		s := begin(t, &schedule.Memory{}, func(s *schedule.Scheduler) {
			made(t)(s.Every(10*time.Minute, j.pipeline(), schedule.Label("a"), schedule.OnOverlap(schedule.AllowOverlap)))
		})
		pass(35 * time.Minute)
		made(t)(s.Every(10*time.Minute, j.pipeline(), schedule.Label("a"), schedule.OnOverlap(schedule.CancelRunning)))
		pass(6 * time.Minute)
		synctest.Wait()
		ended := strings.Split(history(t, s, "a"), ", ") // they end together
		slices.Sort(ended)
		want(t, "history", strings.Join(ended, ", "), "01T00:10:00 cancelled, 01T00:20:00 cancelled, 01T00:30:00 cancelled")
		want(t, "runs", j.times(), "01T00:10:00 01T00:20:00 01T00:30:00 01T00:40:00")
		end(s)
	})
}
