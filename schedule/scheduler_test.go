package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/schedule"
)

func TestAYearOfNights(t *testing.T) {
	bubble(t, func(t *testing.T) {
		berlin, err := time.LoadLocation("Europe/Berlin")
		must(t, err)
		j := &job{}
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Cron("30 2 * * *", j.pipeline(), schedule.In(berlin)))
		})
		pass(3 * 366 * 24 * time.Hour)
		if n := j.count(); n < 3*365 || n > 3*366 {
			t.Errorf("%d runs in three years", n)
		}
		for i, at := range j.started[1:] {
			at, before := at.In(berlin), j.started[i].In(berlin)
			if at.YearDay() == before.YearDay() {
				t.Errorf("two runs in one night: %v and %v", before, at)
			}
			// At the end of the gap in March, and at the given time otherwise.
			if hour := at.Format("15:04"); hour != "02:30" && !(hour == "03:00" && at.Month() == time.March) {
				t.Errorf("a run at %v", at)
			}
		}
		end(s)
	})
}

// memory is a store of its own.
func memory() schedule.Store { return &schedule.Memory{} }

func TestNothingFiresBeforeStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{}
		s := schedule.New(quiet)
		made(t)(s.Every(time.Minute, j.pipeline(), schedule.Label("a")))
		pass(time.Hour)
		want(t, "runs", j.times(), "")
		_, err := s.Trigger(t.Context(), "a")
		if !errors.Is(err, schedule.ErrNotStarted) {
			t.Errorf("Trigger before Start: %v", err)
		}
		must(t, s.Start(t.Context()))
		pass(150 * time.Second)
		want(t, "runs", j.times(), "01T01:01:00 01T01:02:00")
		must(t, s.Stop(t.Context()))
		pass(time.Hour)
		want(t, "runs after Stop", j.times(), "01T01:01:00 01T01:02:00")
		if err := s.Start(t.Context()); !errors.Is(err, schedule.ErrStopped) {
			t.Errorf("Start after Stop: %v", err)
		}
		must(t, s.Stop(t.Context()))
		_, err = s.Every(time.Minute, j.pipeline())
		if !errors.Is(err, schedule.ErrStopped) {
			t.Errorf("Every after Stop: %v", err)
		}
	})
}

func TestStopBeforeStart(t *testing.T) {
	s := schedule.New()
	must(t, s.Stop(t.Context()))
	if err := s.Start(t.Context()); !errors.Is(err, schedule.ErrStopped) {
		t.Errorf("got %v", err)
	}
}

func TestStopWaitsForRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{takes: 10 * time.Minute}
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		})
		pass(61 * time.Minute)
		stopped := time.Now()
		must(t, s.Stop(t.Context()))
		want(t, "Stop took", time.Since(stopped).String(), "9m0s")
		want(t, "history", history(t, s, "a"), "01T01:00:00 succeeded")
	})
}

// At its deadline Stop cancels the runs and gives them back; the next scheduler over
// the store does them again, under the same id.
func TestStopCancelsRunsAtItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &schedule.Memory{}
		j := &job{takes: 10 * time.Minute}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		}
		s := begin(t, store, add)
		pass(61 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		if len(j.ends()) != 1 || !errors.Is(j.ends()[0], schedule.ErrStopped) {
			t.Errorf("the causes of cancelled runs are %v", j.ends())
		}
		want(t, "history", history(t, s, "a"), "")
		s = begin(t, store, add)
		pass(11 * time.Minute)
		want(t, "runs", j.times(), "01T01:00:00 01T01:02:00")
		want(t, "ids", strings.Join(j.ids, " "), "a@2000-01-01T01:00:00Z a@2000-01-01T01:00:00Z")
		want(t, "history", history(t, s, "a"), "01T01:00:00 succeeded")
	})
}

// The end of the context of Start is a Stop that does not wait.
func TestTheContextOfStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		seen := any(nil)
		p, err := runnel.FromTasks(runnel.NewTask("done", func(ctx context.Context, _ struct{}) (int, error) {
			seen = ctx.Value(key{})
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}))
		must(t, err)
		s := schedule.New(quiet)
		made(t)(s.Every(time.Hour, p))
		must(t, s.Start(ctx))
		pass(61 * time.Minute)
		cancel()
		synctest.Wait()
		if seen != "value" {
			t.Errorf("the tasks see %v", seen)
		}
		must(t, s.Stop(t.Context()))
	})
}

func TestEveryAtAndFunc(t *testing.T) {
	bubble(t, func(t *testing.T) {
		every, from, at, past, fibonacci := &job{}, &job{}, &job{}, &job{}, &job{}
		start := time.Now()
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(25*time.Minute, every.pipeline()))
			made(t)(s.Every(25*time.Minute, from.pipeline(), schedule.From(start.Add(10*time.Minute))))
			made(t)(s.At(start.Add(42*time.Minute), at.pipeline()))
			made(t)(s.At(start.Add(-time.Hour), past.pipeline(), schedule.Label("past")))
			made(t)(s.Func(func(after time.Time) time.Time {
				a, b := start, start.Add(time.Minute)
				for !b.After(after) {
					a, b = b, b.Add(b.Sub(a)).Add(time.Minute)
				}
				return b
			}, fibonacci.pipeline(), utc))
		})
		pass(time.Hour)
		want(t, "every", every.times(), "01T00:25:00 01T00:50:00")
		want(t, "every, from", from.times(), "01T00:10:00 01T00:35:00 01T01:00:00")
		want(t, "at", at.times(), "01T00:42:00")
		want(t, "at in the past", past.times(), "")
		want(t, "function", fibonacci.times(), "01T00:01:00 01T00:03:00 01T00:06:00 01T00:10:00 01T00:15:00 01T00:21:00 01T00:28:00 01T00:36:00 01T00:45:00 01T00:55:00")
		want(t, "history of the past", history(t, s, "past"), "31T23:00:00 missed")
		next, err := s.Next("job-3", 5)
		if err != nil || len(next) != 0 {
			t.Errorf("after its only time: %v, %v", next, err)
		}
	})
}

func TestFromUntilAndMaxRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bounded, limited := &job{}, &job{}
		start := time.Now()
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Cron("*/10 * * * *", bounded.pipeline(), utc, schedule.From(start.Add(20*time.Minute)), schedule.Until(start.Add(40*time.Minute)), schedule.Label("bounded")))
			made(t)(s.Cron("*/10 * * * *", limited.pipeline(), utc, schedule.MaxRuns(2), schedule.Label("limited")))
		})
		next, err := s.Next("limited", 9)
		if err != nil || len(next) != 2 {
			t.Errorf("the next 9 of 2: %v, %v", next, err)
		}
		_, err = s.Trigger(t.Context(), "limited")
		must(t, err)
		pass(2 * time.Hour)
		want(t, "bounded", bounded.times(), "01T00:20:00 01T00:30:00 01T00:40:00")
		want(t, "limited", limited.times(), "01T00:00:00 01T00:10:00 01T00:20:00")
		for _, l := range s.List() {
			if !l.Next.IsZero() {
				t.Errorf("%s has ended, and its next time is %v", l.Label, l.Next)
			}
		}
	})
}

func TestJitter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &schedule.Memory{}
		a, b := &job{}, &job{}
		for range 2 { // two schedulers find the same
			begin(t, store, func(s *schedule.Scheduler) {
				made(t)(s.Every(time.Hour, a.pipeline(), schedule.Label("a"), schedule.Jitter(10*time.Minute)))
				made(t)(s.Every(time.Hour, b.pipeline(), schedule.Label("b"), schedule.Jitter(10*time.Minute)))
			})
		}
		pass(101 * time.Hour)
		if a.count() != 100 || b.count() != 100 {
			t.Fatalf("%d and %d runs in 100 hours", a.count(), b.count())
		}
		quarters, equal := map[int]int{}, 0
		for i, at := range a.started {
			late := at.Sub(at.Truncate(time.Hour))
			if late < 0 || late >= 10*time.Minute {
				t.Errorf("a run at %v", at)
			}
			quarters[int(late/(150*time.Second))]++
			if at.Equal(b.started[i]) {
				equal++
			}
		}
		if len(quarters) != 4 || equal > 5 {
			t.Errorf("delays by quarter are %v, and %d equal those of the other schedule", quarters, equal)
		}
		for i, id := range a.ids {
			if want := fmt.Sprintf("a@%s", time.Date(2000, 1, 1, i+1, 0, 0, 0, time.UTC).Format(time.RFC3339)); id != want {
				t.Errorf("the id of run %d is %s, want %s: without the jitter", i, id, want)
			}
		}
	})
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		policy        schedule.OverlapPolicy
		runs, history string
	}{
		// Each run takes 24 minutes, and fires come every 10.
		{schedule.SkipOverlap, "01T00:10:00 01T00:40:00",
			"01T00:20:00 skipped, 01T00:30:00 skipped, 01T00:10:00 succeeded, 01T00:50:00 skipped, 01T01:00:00 skipped, 01T00:40:00 succeeded"},
		{schedule.QueueOne, "01T00:10:00 01T00:34:00 01T00:58:00",
			"01T00:30:00 skipped, 01T00:10:00 succeeded, 01T00:50:00 skipped, 01T00:20:00 succeeded"},
		{schedule.AllowOverlap, "01T00:10:00 01T00:20:00 01T00:30:00 01T00:40:00 01T00:50:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00 succeeded, 01T00:30:00 succeeded, 01T00:40:00 succeeded"},
		{schedule.CancelRunning, "01T00:10:00 01T00:20:00 01T00:30:00 01T00:40:00 01T00:50:00 01T01:00:00",
			"01T00:10:00 cancelled, 01T00:20:00 cancelled, 01T00:30:00 cancelled, 01T00:40:00 cancelled, 01T00:50:00 cancelled"},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				j := &job{takes: 24 * time.Minute}
				var schedulers []*schedule.Scheduler
				store := &schedule.Memory{}
				for range 2 { // it does not matter which scheduler has the run
					schedulers = append(schedulers, begin(t, store, func(s *schedule.Scheduler) {
						made(t)(s.Every(10*time.Minute, j.pipeline(), schedule.Label("a"), schedule.OnOverlap(c.policy)))
					}))
				}
				pass(66 * time.Minute)
				want(t, "runs", j.times(), c.runs)
				want(t, "history", history(t, schedulers[0], "a"), c.history)
				for _, cause := range j.ends() {
					if !errors.Is(cause, schedule.ErrReplaced) {
						t.Errorf("the cause of a cancelled run is %v", cause)
					}
				}
				for _, s := range schedulers {
					end(s)
				}
			})
		})
	}
}

func TestMissed(t *testing.T) {
	for _, c := range []struct {
		name          string
		opts          []schedule.ScheduleOption
		down          time.Duration // from 00:15, fires come every 10 minutes
		runs, history string
	}{
		{"skip", nil, 40 * time.Minute, "01T00:10:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00–01T00:50:00 missed, 01T01:00:00 succeeded"},
		{"skip, just in time", nil, 35*time.Minute + 30*time.Second, "01T00:10:00 01T00:50:30 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00–01T00:40:00 missed, 01T00:50:00 succeeded, 01T01:00:00 succeeded"},
		{"run once", []schedule.ScheduleOption{schedule.OnMissed(schedule.RunOnce)}, 40 * time.Minute, "01T00:10:00 01T00:55:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00–01T00:40:00 missed, 01T00:50:00 succeeded, 01T01:00:00 succeeded"},
		{"run once, too late", []schedule.ScheduleOption{schedule.OnMissed(schedule.RunOnce), schedule.Grace(4 * time.Minute)}, 40 * time.Minute, "01T00:10:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00–01T00:50:00 missed, 01T01:00:00 succeeded"},
		{"run all", []schedule.ScheduleOption{schedule.OnMissed(schedule.RunAll)}, 40 * time.Minute,
			"01T00:10:00 01T00:55:00 01T00:56:00 01T00:57:00 01T00:58:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00 succeeded, 01T00:30:00 succeeded, 01T00:40:00 succeeded, 01T00:50:00 succeeded, 01T01:00:00 succeeded"},
		{"run all in the grace period", []schedule.ScheduleOption{schedule.OnMissed(schedule.RunAll), schedule.Grace(20 * time.Minute)}, 40 * time.Minute,
			"01T00:10:00 01T00:55:00 01T00:56:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00–01T00:30:00 missed, 01T00:40:00 succeeded, 01T00:50:00 succeeded, 01T01:00:00 succeeded"},
		{"nothing missed", []schedule.ScheduleOption{schedule.OnMissed(schedule.RunAll)}, time.Minute,
			"01T00:10:00 01T00:20:00 01T00:30:00 01T00:40:00 01T00:50:00 01T01:00:00",
			"01T00:10:00 succeeded, 01T00:20:00 succeeded, 01T00:30:00 succeeded, 01T00:40:00 succeeded, 01T00:50:00 succeeded, 01T01:00:00 succeeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store, j := &schedule.Memory{}, &job{takes: time.Minute}
				begun := time.Now()
				add := func(s *schedule.Scheduler) {
					made(t)(s.Every(10*time.Minute, j.pipeline(), append(c.opts, schedule.Label("a"))...))
				}
				s := begin(t, store, add)
				pass(15 * time.Minute)
				end(s)
				pass(c.down)
				s = begin(t, store, add)
				pass(65*time.Minute - time.Since(begun))
				want(t, "runs", j.times(), c.runs)
				want(t, "history", history(t, s, "a"), c.history)
			})
		})
	}
}

// A schedule that fired every second is not gone through second by second after years.
func TestYearsOfMissedSeconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Cron("* * * * * *", j.pipeline(), utc, schedule.Label("a"), schedule.OnMissed(schedule.RunOnce)))
		}
		s := begin(t, store, add)
		pass(1500 * time.Millisecond)
		end(s)
		pass(20 * 365 * 24 * time.Hour)
		s = begin(t, store, add)
		want(t, "history", history(t, s, "a"), "01T00:00:01 succeeded, 01T00:00:02–27T00:00:00 missed, 27T00:00:01 succeeded")
		end(s)
	})
}

func TestPauseAfterFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{err: errors.New("no such table")}
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Minute, j.pipeline(), schedule.Label("a"), schedule.PauseAfter(3)))
			made(t)(s.Every(time.Minute, j.pipeline(), schedule.Label("b")))
		})
		pass(150 * time.Second)
		j.set(0, nil)
		pass(time.Minute) // a success in between
		j.set(0, errors.New("no such table"))
		pass(time.Hour)
		want(t, "history", history(t, s, "a"), "01T00:01:00 failed, 01T00:02:00 failed, 01T00:03:00 succeeded, 01T00:04:00 failed, 01T00:05:00 failed, 01T00:06:00 failed")
		a, err := s.Get("a")
		must(t, err)
		if !a.Paused || !strings.Contains(a.Reason, "3 runs failed in a row") || !strings.Contains(a.Reason, "no such table") {
			t.Errorf("paused %v: %s", a.Paused, a.Reason)
		}
		b, err := s.Get("b")
		must(t, err)
		if b.Paused || b.Failures != 60 {
			t.Errorf("the schedule that goes on: paused %v, %d failures", b.Paused, b.Failures)
		}
		j.set(0, nil)
		must(t, s.Resume(t.Context(), "a"))
		pass(time.Minute)
		if a, err = s.Get("a"); err != nil || a.Paused || a.Failures != 0 || a.Reason != "" {
			t.Errorf("resumed: %+v, %v", a, err)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(10*time.Minute, j.pipeline(), schedule.Label("a"), schedule.OnMissed(schedule.RunAll)))
		}
		one := schedule.New(quiet, schedule.WithStore(store))
		add(one)
		must(t, one.Pause(t.Context(), "a")) // before Start
		must(t, one.Start(t.Context()))
		pass(35 * time.Minute)
		want(t, "runs while paused", j.times(), "")
		end(one)
		two, three := begin(t, store, add), begin(t, store, add) // it stays paused over a restart
		pass(30 * time.Minute)
		want(t, "runs while paused", j.times(), "")
		must(t, two.Resume(t.Context(), "a"))
		pass(10 * time.Minute)
		must(t, three.Pause(t.Context(), "a")) // holds for all schedulers
		pass(10 * time.Minute)
		want(t, "runs", j.times(), "01T01:10:00")
		next, err := two.Next("a", 2)
		must(t, err)
		if len(next) != 2 {
			t.Errorf("a paused schedule has the next times %v", next)
		}
		if err := two.Pause(t.Context(), "b"); !errors.Is(err, schedule.ErrUnknownLabel) {
			t.Errorf("an unknown label: %v", err)
		}
	})
}

func TestTrigger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{takes: time.Minute}
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("q"), schedule.OnOverlap(schedule.QueueOne)))
		})
		pass(time.Minute)
		must(t, s.Pause(t.Context(), "a"))
		var got []string
		for _, label := range []string{"a", "a", "q", "q", "q"} {
			f, err := s.Trigger(t.Context(), label)
			must(t, err)
			got = append(got, fmt.Sprintf("%s %s", f.RunID, f.Status))
		}
		want(t, "triggered", strings.Join(got, "\n"), strings.Join([]string{
			"a@2000-01-01T00:01:00Z+triggered running",
			"a@2000-01-01T00:01:00.000000001Z+triggered skipped",
			"q@2000-01-01T00:01:00Z+triggered running",
			"q@2000-01-01T00:01:00.000000001Z+triggered queued",
			"q@2000-01-01T00:01:00.000000002Z+triggered skipped",
		}, "\n"))
		pass(10 * time.Minute)
		want(t, "runs", j.times(), "01T00:01:00 01T00:01:00 01T00:02:00")
	})
}

func TestRemove(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{takes: 10 * time.Minute}
		var ends []schedule.Status
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a"), schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) {
				ends = append(ends, f.Status)
			})))
		}
		one, two := begin(t, store, add), begin(t, store, add)
		pass(65 * time.Minute)
		must(t, one.Remove(t.Context(), "a"))
		pass(3 * time.Hour)
		want(t, "runs", j.times(), "01T01:00:00")
		want(t, "the run that went on", fmt.Sprint(ends), "[succeeded]")
		for _, s := range []*schedule.Scheduler{one, two} {
			if list := s.List(); len(list) != 0 {
				t.Errorf("removed, and the list is %v", list)
			}
			if err := s.Remove(t.Context(), "a"); !errors.Is(err, schedule.ErrUnknownLabel) {
				t.Errorf("removed twice: %v", err)
			}
		}
		add(one)
		pass(time.Hour)
		want(t, "runs", j.times(), "01T01:00:00 01T05:05:00")
	})
}

func TestReplace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		old, same, other := &job{}, &job{}, &job{}
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			if a := made(t)(s.Every(time.Hour, old.pipeline(), schedule.Label("a"))); a.Replaced {
				t.Error("the first one says that it has replaced another")
			}
		})
		pass(90 * time.Minute)
		// The same timing goes on.
		if a := made(t)(s.Every(time.Hour, same.pipeline(), schedule.Label("a"))); !a.Replaced || a.Runs != 1 {
			t.Errorf("replaced %v, runs %d", a.Replaced, a.Runs)
		}
		pass(time.Hour)
		if a := made(t)(s.Every(7*time.Minute, other.pipeline(), schedule.Label("a"))); !a.Replaced || a.Runs != 0 {
			t.Errorf("replaced %v, runs %d", a.Replaced, a.Runs)
		}
		pass(15 * time.Minute)
		want(t, "old", old.times(), "01T01:00:00")
		want(t, "same timing", same.times(), "01T02:00:00")
		want(t, "other timing", other.times(), "01T02:37:00 01T02:44:00")
		want(t, "history", history(t, s, "a"), "01T01:00:00 succeeded, 01T02:00:00 succeeded, 01T02:37:00 succeeded, 01T02:44:00 succeeded")
	})
}

// Of two versions of a program that run at once, the one that was started last counts.
func TestAnotherTimingInTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, old, new := &schedule.Memory{}, &job{}, &job{}
		one := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Cron("0 * * * *", old.pipeline(), utc, schedule.Label("a")))
		})
		pass(90 * time.Minute)
		begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Cron("15 * * * *", new.pipeline(), utc, schedule.Label("a")))
		})
		pass(2 * time.Hour)
		want(t, "old", old.times(), "01T01:00:00")
		want(t, "new", new.times(), "01T02:15:00 01T03:15:00")
		a, err := one.Get("a")
		if err != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "cron 15 * * * *") {
			t.Errorf("the old scheduler says %v, %v", a.Err, err)
		}
		if err := one.Pause(t.Context(), "a"); err == nil {
			t.Error("the old scheduler paused a schedule that is not its any more")
		}
	})
}

func TestLabels(t *testing.T) {
	j := &job{}
	unnamed, err := runnel.FromTasks(runnel.NewTask("x", runnel.Pure(func(struct{}) int { return 1 })))
	must(t, err)
	s := schedule.New()
	var labels []string
	for _, p := range []*runnel.Pipeline{j.pipeline(), j.pipeline(), unnamed, unnamed} {
		labels = append(labels, made(t)(s.Every(time.Hour, p)).Label)
	}
	want(t, "labels", strings.Join(labels, " "), "job job-2 schedule schedule-2")
	var listed []string
	for _, l := range s.List() {
		listed = append(listed, fmt.Sprintf("%s: %s, %s", l.Label, l.Timing, l.Pipeline))
	}
	want(t, "list", strings.Join(listed, "; "), "job: every 1h0m0s, job; job-2: every 1h0m0s, job; schedule: every 1h0m0s, ; schedule-2: every 1h0m0s, ")
}

func TestNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		york, err := time.LoadLocation("America/New_York")
		must(t, err)
		s := schedule.New()
		a := made(t)(s.Cron("0 9 * * MON-FRI", (&job{}).pipeline(), schedule.In(york), schedule.Label("a")))
		next, err := s.Next("a", 3)
		must(t, err)
		want(t, "next", fmt.Sprint(next), "[2000-01-03 09:00:00 -0500 EST 2000-01-04 09:00:00 -0500 EST 2000-01-05 09:00:00 -0500 EST]")
		if !a.Next.Equal(next[0]) {
			t.Errorf("the next time is %v and %v", a.Next, next[0])
		}
		if next, err := s.Next("a", -1); err != nil || len(next) != 0 {
			t.Errorf("the next -1: %v, %v", next, err)
		}
		if _, err := s.Next("b", 1); !errors.Is(err, schedule.ErrUnknownLabel) {
			t.Errorf("an unknown label: %v", err)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Minute, (&job{}).pipeline(), schedule.Label("a"), schedule.History(3)))
			made(t)(s.Every(time.Minute, (&job{}).pipeline(), schedule.Label("b")))
		})
		pass(time.Hour)
		want(t, "history", history(t, s, "a"), "01T00:58:00 succeeded, 01T00:59:00 succeeded, 01T01:00:00 succeeded")
		if fires, err := s.History("b"); err != nil || len(fires) != 20 {
			t.Errorf("by default %d are kept, %v", len(fires), err)
		}
	})
}

func TestInputsOptionsAndResults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		note := runnel.NewTask("noted", runnel.Pure(func(in struct{ Note string }) string { return strings.ToUpper(in.Note) }))
		p, err := runnel.FromTasks(note)
		must(t, err)
		tokyo, err := time.LoadLocation("Asia/Tokyo")
		must(t, err)
		var got []string
		var observed int
		onEnd := schedule.OnEnd(func(f schedule.Fire, res *runnel.Result, err error) {
			v, _ := note.Get(res)
			got = append(got, fmt.Sprintf("%s %s %s %v", f.Label, f.Status, v, err))
		})
		in := runnel.Values{"note": "plain"}
		begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, p, schedule.Label("a"), schedule.Inputs(in), onEnd,
				schedule.Run(runnel.Observe(func(runnel.Event) { observed++ }))))
			made(t)(s.At(time.Now().Add(90*time.Minute), p, schedule.Label("b"), schedule.In(tokyo), onEnd,
				schedule.InputsFunc(func(at time.Time) runnel.Values { return runnel.Values{"note": "of " + at.Format(time.DateTime)} })))
			in["note"] = "changed"
		})
		pass(100 * time.Minute)
		want(t, "ends", strings.Join(got, "; "), "a succeeded PLAIN <nil>; b succeeded OF 2000-01-01 10:30:00 <nil>")
		if observed == 0 {
			t.Error("the options of the runs are not theirs")
		}
	})
}

// Sequences and nested pipelines are pipelines.
func TestKindsOfPipelines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		inner, err := runnel.FromTasks(runnel.NewTask("double", runnel.Pure(func(in struct{ N int }) int { return 2 * in.N })))
		must(t, err)
		outer, err := runnel.FromTasks(
			runnel.Nest[struct{ N int }, int]("nested", inner, "double"),
			runnel.NewTask("plus", runnel.Pure(func(in struct{ Nested int }) int { return in.Nested + 1 })))
		must(t, err)
		sequence, err := runnel.NewSequence().
			CallNext(func(n int) int { return n * 3 }).
			CallNext(func(n int) int { return n + 4 }).Build()
		must(t, err)
		g, err := sequence.Graph()
		must(t, err)
		var mu sync.Mutex
		got := map[string]runnel.Values{}
		note := schedule.OnEnd(func(f schedule.Fire, res *runnel.Result, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			got[f.Label] = res.Outputs()
		})
		begin(t, memory(), func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, outer, schedule.Label("nested"), schedule.Inputs(runnel.Values{"n": 5}), note))
			made(t)(s.Every(time.Hour, sequence, schedule.Label("sequence"), schedule.Inputs(runnel.Values{g.ExternalInputs()[0]: 5}), note))
		})
		pass(61 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if got["nested"]["plus"] != 11 {
			t.Errorf("nested: %v", got["nested"])
		}
		values := []any{}
		for _, v := range got["sequence"] {
			values = append(values, v)
		}
		if !slices.Contains(values, any(19)) {
			t.Errorf("sequence: %v", got["sequence"])
		}
	})
}
