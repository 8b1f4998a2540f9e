package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/schedule"
)

// got are the schedules that an operator finds, short.
func got(t testing.TB, o *schedule.Operator) string {
	t.Helper()
	list, err := o.List(t.Context())
	must(t, err)
	var texts []string
	for _, s := range list {
		text := fmt.Sprintf("%s (%s, %s): next %s, %d runs", s.Label, s.Pipeline, s.Timing, s.Next.Format("02T15:04:05"), s.Runs)
		if s.Paused {
			text += ", paused"
		}
		for _, f := range s.Open {
			text += fmt.Sprintf(", %s %s", f.Time.Format("02T15:04:05"), f.Status)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// What an operator sees is what the scheduler has, and what he asks for is done.
func TestAnOperator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{takes: 10 * time.Minute}
		o := schedule.NewOperator(store)
		want(t, "a new store", got(t, o), "")
		s := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Cron("@hourly", j.pipeline(), utc, schedule.Label("b")))
			made(t)(s.Every(3*time.Hour, j.pipeline(), schedule.Label("a"), schedule.MaxRuns(1)))
		})
		want(t, "at first", got(t, o), "a (job, every 3h0m0s): next 01T03:00:00, 0 runs; b (job, cron @hourly in UTC): next 01T01:00:00, 0 runs")
		pass(65 * time.Minute)
		want(t, "in a run", got(t, o), "a (job, every 3h0m0s): next 01T03:00:00, 0 runs; b (job, cron @hourly in UTC): next 01T02:00:00, 1 runs, 01T01:00:00 running")
		must(t, o.Pause(t.Context(), "b"))
		must(t, o.Pause(t.Context(), "b"))
		pass(4 * time.Hour)
		want(t, "paused", got(t, o), "a (job, every 3h0m0s): next 01T00:00:00, 1 runs; b (job, cron @hourly in UTC): next 01T02:00:00, 1 runs, paused")
		want(t, "runs", j.times(), "01T01:00:00 01T03:00:00")
		must(t, o.Resume(t.Context(), "b"))
		synctest.Wait()
		want(t, "resumed", got(t, o), "a (job, every 3h0m0s): next 01T00:00:00, 1 runs; b (job, cron @hourly in UTC): next 01T06:00:00, 1 runs")
		f, err := o.Trigger(t.Context(), "a")
		must(t, err)
		if f.Status != schedule.Queued || !f.Triggered {
			t.Errorf("the fire is %+v", f)
		}
		synctest.Wait()
		one, err := o.Get(t.Context(), "a")
		must(t, err)
		if len(one.Open) != 1 || one.Open[0].RunID != f.RunID || one.Open[0].Status != schedule.Running {
			t.Errorf("what was asked for is %+v", one.Open)
		}
		pass(11 * time.Minute)
		fires, err := o.History(t.Context(), "a")
		must(t, err)
		mine, err := s.History("a")
		must(t, err)
		if len(fires) != 2 || fires[1].RunID != f.RunID || !slices.Equal(fires, mine) {
			t.Errorf("the history is %+v, and that of the scheduler %+v", fires, mine)
		}
		must(t, o.Remove(t.Context(), "b"))
		synctest.Wait()
		if _, err := s.Get("b"); !errors.Is(err, schedule.ErrUnknownLabel) {
			t.Errorf("the scheduler still has what was removed: %v", err)
		}
		pass(3 * time.Hour)
		want(t, "runs", j.times(), "01T01:00:00 01T03:00:00 01T05:05:00")
		want(t, "at last", got(t, o), "a (job, every 3h0m0s): next 01T00:00:00, 1 runs")
	})
}

// Fires that are asked for follow the overlap policy, which the store does not know.
func TestAnOperatorTriggersByThePolicy(t *testing.T) {
	for policy, wanted := range map[schedule.OverlapPolicy]string{
		schedule.SkipOverlap:   "01T01:05:00 skipped, 01T01:06:00 skipped, 01T01:00:00 succeeded",
		schedule.QueueOne:      "01T01:06:00 skipped, 01T01:00:00 succeeded, 01T01:05:00 succeeded",
		schedule.AllowOverlap:  "01T01:00:00 succeeded, 01T01:05:00 succeeded, 01T01:06:00 succeeded",
		schedule.CancelRunning: "01T01:00:00 cancelled, 01T01:05:00 cancelled, 01T01:06:00 succeeded",
	} {
		t.Run(policy.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store, j := &schedule.Memory{}, &job{takes: 10 * time.Minute}
				s := begin(t, store, func(s *schedule.Scheduler) {
					made(t)(s.Cron("0 1 * * *", j.pipeline(), utc, schedule.Label("a"), schedule.OnOverlap(policy)))
				})
				pass(65 * time.Minute)
				o := schedule.NewOperator(store)
				for range 2 {
					_, err := o.Trigger(t.Context(), "a")
					must(t, err)
					pass(time.Minute)
				}
				pass(time.Hour)
				want(t, "history", history(t, s, "a"), wanted)
			})
		})
	}
}

// What is asked for while nobody is there is done when somebody comes.
func TestAnOperatorTriggersBeforehand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Cron("0 1 * * *", j.pipeline(), utc, schedule.Label("a"), schedule.OnOverlap(schedule.AllowOverlap)))
		}
		end(begin(t, store, add))
		o := schedule.NewOperator(store)
		asked := map[string]bool{}
		for range 3 { // at one moment
			f, err := o.Trigger(t.Context(), "a")
			must(t, err)
			asked[f.RunID] = true
		}
		want(t, "asked for", got(t, o), "a (job, cron 0 1 * * * in UTC): next 01T01:00:00, 0 runs, 01T00:00:00 queued, 01T00:00:00 queued, 01T00:00:00 queued")
		pass(10 * time.Minute)
		begin(t, store, add)
		pass(time.Minute)
		if ran := slices.Sorted(slices.Values(j.ids)); len(asked) != 3 || !slices.Equal(ran, slices.Sorted(maps.Keys(asked))) {
			t.Errorf("%v were asked for, and %v have run", asked, ran)
		}
	})
}

// Whoever asks for something at the same time as others is heard, once.
func TestManyOperators(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{takes: time.Second}
		for range 3 {
			begin(t, store, func(s *schedule.Scheduler) {
				made(t)(s.Every(time.Second, j.pipeline(), schedule.Label("a"), schedule.OnOverlap(schedule.AllowOverlap)))
			})
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		asked := map[string]bool{}
		for n := range 50 {
			wg.Go(func() {
				<-time.After(time.Duration(n%7) * time.Second)
				f, err := schedule.NewOperator(store).Trigger(t.Context(), "a")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				asked[f.RunID] = true
			})
		}
		wg.Wait()
		pass(2500 * time.Millisecond)
		times := map[string]int{}
		for _, id := range j.ids {
			times[id]++
		}
		for id := range asked {
			if times[id] != 1 {
				t.Errorf("%s was run %d times", id, times[id])
			}
		}
		if len(asked) != 50 || len(times) != 50+8 {
			t.Errorf("%d fires were asked for, and %d run", len(asked), len(times))
		}
	})
}

func TestAnOperatorIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := schedule.NewOperator(&schedule.Memory{})
		_, get := o.Get(t.Context(), "a")
		_, history := o.History(t.Context(), "a")
		_, trigger := o.Trigger(t.Context(), "a")
		for _, err := range []error{get, history, trigger, o.Pause(t.Context(), "a"), o.Resume(t.Context(), "a"), o.Remove(t.Context(), "a")} {
			if !errors.Is(err, schedule.ErrUnknownLabel) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := o.List(over()); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of its context: %v", err)
		}
		var none context.Context
		if _, err := o.List(none); err == nil || !strings.Contains(err.Error(), "the context is nil") {
			t.Errorf("without a context: %v", err)
		}
	})
}

// garbled is a store with a label whose state cannot be read for a while. That it was
// removed can be.
type garbled struct {
	schedule.Memory
	mu    sync.Mutex
	label string // "" for none
}

var errGarbled = errors.New("it is of version 2")

func (g *garbled) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	var mu sync.Mutex // calls come one after another
	return g.Memory.Watch(ctx, func(changes []schedule.Change) {
		mu.Lock()
		defer mu.Unlock()
		g.mu.Lock()
		defer g.mu.Unlock()
		for i := range changes {
			if changes[i].Label == g.label && changes[i].State != nil {
				changes[i].State, changes[i].Err = nil, errGarbled
			}
		}
		deliver(changes)
	})
}

func (g *garbled) garble(label string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.label = label
}

// A state that cannot be read stops its schedule alone, which goes on when it can.
func TestAStateThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j, k := &garbled{}, &job{takes: 40 * time.Minute}, &job{}
		s := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a"), schedule.OnMissed(schedule.RunOnce)))
			made(t)(s.Every(time.Hour, k.pipeline(), schedule.Label("b")))
		})
		pass(65 * time.Minute)
		store.garble("a")
		o := schedule.NewOperator(&store.Memory) // of a newer version
		must(t, o.Pause(t.Context(), "a"))
		synctest.Wait()
		if ends := j.ends(); len(ends) != 1 || !errors.Is(ends[0], schedule.ErrLeaseLost) {
			t.Errorf("the runs have ended with %v", ends)
		}
		a, err := s.Get("a")
		must(t, err)
		_, history := schedule.NewOperator(store).History(t.Context(), "a")
		for _, err := range []error{a.Err, s.Pause(t.Context(), "a"), history} {
			if !errors.Is(err, errGarbled) || !strings.Contains(err.Error(), "one version") {
				t.Errorf("got %v", err)
			}
		}
		pass(4 * time.Hour)
		want(t, "runs", j.times(), "01T01:00:00")
		want(t, "the other's runs", k.times(), "01T01:00:00 01T02:00:00 01T03:00:00 01T04:00:00 01T05:00:00")
		store.garble("")
		must(t, o.Resume(t.Context(), "a"))
		synctest.Wait()
		if a, err = s.Get("a"); err != nil || a.Err != nil {
			t.Errorf("it still says %v, %v", a.Err, err)
		}
		pass(2 * time.Hour)
		// The run that was cancelled is still this one's, and made again.
		want(t, "runs", j.times(), "01T01:00:00 01T05:05:00 01T06:00:00 01T07:00:00")

		store.garble("a")
		must(t, o.Pause(t.Context(), "a"))
		synctest.Wait()
		late := schedule.New(quiet, schedule.WithStore(store))
		if one := made(t)(late.Every(time.Hour, j.pipeline(), schedule.Label("a"))); one.Err != nil {
			t.Errorf("before Start: %v", one.Err)
		}
		must(t, late.Start(t.Context()))
		if one, err := late.Get("a"); err != nil || !errors.Is(one.Err, errGarbled) {
			t.Errorf("after Start: %v, %v", one.Err, err)
		}
		must(t, late.Remove(t.Context(), "a"))
		store.garble("")
		synctest.Wait()
		made(t)(late.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		synctest.Wait()
		if one, err := late.Get("a"); err != nil || one.Err != nil || one.Runs != 0 {
			t.Errorf("made anew: %+v, %v", one, err)
		}
		end(late)
	})
}

// What a task says of its failure may be of any length, and not even text.
func TestALongErrorIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{err: errors.New("\xff" + strings.Repeat("ä", 10_000))}
		s := begin(t, &schedule.Memory{}, func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a"), schedule.PauseAfter(1)))
		})
		pass(65 * time.Minute)
		fires, err := s.History("a")
		must(t, err)
		if text := fires[0].Error; len(text) > 5000 || !strings.Contains(text, "�ä") || !strings.HasSuffix(text, "bytes more)") {
			t.Errorf("%d bytes are kept: %.80q…", len(text), text)
		}
		if one, err := s.Get("a"); err != nil || len(one.Reason) > 5000 {
			t.Errorf("the reason has %d bytes, %v", len(one.Reason), err)
		}
	})
}

func TestLabelsThatStoresNeedNotTake(t *testing.T) {
	s := schedule.New(quiet)
	for label, wanted := range map[string]string{strings.Repeat("x", 256): "256 bytes", "\xff": "UTF-8"} {
		if _, err := s.Every(time.Hour, (&job{}).pipeline(), schedule.Label(label)); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%.10q: %v", label, err)
		}
	}
	made(t)(s.Every(time.Hour, (&job{}).pipeline(), schedule.Label(strings.Repeat("ä", 127))))
}
