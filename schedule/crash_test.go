package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/schedule"
)

func TestTwoSchedulersFireOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &schedule.Memory{}, &job{}
		for range 5 {
			begin(t, store, func(s *schedule.Scheduler) {
				made(t)(s.Cron("*/10 * * * * *", j.pipeline(), utc, schedule.Label("a")))
			})
		}
		pass(24*time.Hour + time.Second)
		if n := j.count(); n != 6*60*24 {
			t.Errorf("%d runs, want %d", n, 6*60*24)
		}
		for i := range j.started[1:] {
			if d := j.started[i+1].Sub(j.started[i]); d != 10*time.Second {
				t.Fatalf("run %d comes %v after the one before", i+1, d)
			}
		}
	})
}

// The scheduler that has a run dies, and another one does the run again, under the same
// id, when the lease has run out.
func TestAnotherSchedulerTakesOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &severed{Store: &schedule.Memory{}}, &job{takes: 10 * time.Minute}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		}
		one := begin(t, store, add)
		pass(65 * time.Minute)
		two := begin(t, store.Store, add)
		store.sever(true)
		end(one)
		pass(20 * time.Minute)
		// The last sign of life was at the start of the second, five minutes into the run.
		want(t, "runs", j.times(), "01T01:00:00 01T01:06:00")
		want(t, "ids", strings.Join(j.ids, " "), "a@2000-01-01T01:00:00Z a@2000-01-01T01:00:00Z")
		fires, err := two.History("a")
		must(t, err)
		if len(fires) != 1 || fires[0].Status != schedule.Succeeded || fires[0].Takeovers != 1 {
			t.Errorf("history: %+v", fires)
		}
	})
}

// A scheduler that is cut off from its store cancels its runs before another one takes
// them, and does no harm when it is back.
func TestASchedulerThatIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &severed{Store: &schedule.Memory{}}, &job{takes: 10 * time.Minute}
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		}
		begin(t, store, add)
		pass(61 * time.Minute)
		two := begin(t, store.Store, add)
		store.sever(true)
		pass(59 * time.Second)
		if len(j.ends()) != 0 {
			t.Errorf("cancelled before its lease has run out: %v", j.ends())
		}
		pass(21 * time.Second)
		if len(j.ends()) != 1 || !errors.Is(j.ends()[0], schedule.ErrLeaseLost) {
			t.Errorf("the causes are %v", j.ends())
		}
		pass(3 * time.Minute)
		store.sever(false)
		pass(80 * time.Minute)
		want(t, "runs", j.times(), "01T01:00:00 01T01:02:00 01T02:00:00")
		want(t, "history", history(t, two, "a"), "01T01:00:00 succeeded, 01T02:00:00 succeeded")
	})
}

// A run that ends while the store cannot be reached is recorded when it can.
func TestAnEndThatIsRecordedLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &severed{Store: &schedule.Memory{}}, &job{takes: 10 * time.Minute}
		s := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		})
		pass(70*time.Minute - time.Second)
		store.sever(true)
		pass(30 * time.Second)
		store.sever(false)
		pass(time.Minute)
		want(t, "runs", j.times(), "01T01:00:00")
		want(t, "history", history(t, s, "a"), "01T01:00:00 succeeded")
	})
}

// Stop does not wait for ever for a store that cannot be reached.
func TestStopWithoutAStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, j := &severed{Store: &schedule.Memory{}}, &job{takes: 10 * time.Minute}
		s := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("a")))
		})
		pass(61 * time.Minute)
		store.sever(true)
		stopped := time.Now()
		if err := s.Stop(over()); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
		if d := time.Since(stopped); d > 6*time.Second {
			t.Errorf("Stop took %v", d)
		}
	})
}

// A run that brings down each scheduler comes to an end.
func TestARunThatKills(t *testing.T) {
	bubble(t, func(t *testing.T) {
		inner, j := &schedule.Memory{}, &job{takes: 10 * time.Hour}
		add := func(s *schedule.Scheduler) {
			made(t)(s.At(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), j.pipeline(), schedule.Label("a")))
		}
		for range 8 {
			store := &severed{Store: inner}
			s := begin(t, store, add)
			pass(62 * time.Minute)
			store.sever(true)
			end(s)
		}
		s := begin(t, inner, add)
		want(t, "runs", fmt.Sprint(j.count()), "5")
		fires, err := s.History("a")
		must(t, err)
		if len(fires) != 1 || fires[0].Status != schedule.Failed || !strings.Contains(fires[0].Error, "5 schedulers began it") {
			t.Errorf("history: %+v", fires)
		}
	})
}

// fixed is a store whose Watch fails.
type fixed struct {
	schedule.Store
	fail chan error
}

func (f fixed) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case err := <-f.fail:
			cancel(err)
		case <-done:
		}
	}()
	return f.Store.Watch(ctx, deliver)
}

func TestAStoreThatCannotBeFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := fixed{&schedule.Memory{}, make(chan error, 1)}
		j := &job{takes: 10 * time.Minute}
		s := begin(t, store, func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, j.pipeline()))
		})
		pass(61 * time.Minute)
		broken := errors.New("the bucket was deleted")
		store.fail <- broken
		pass(time.Minute)
		if err := s.Stop(t.Context()); !errors.Is(err, broken) {
			t.Errorf("Stop: %v", err)
		}
		store.fail <- broken
		again := schedule.New(quiet, schedule.WithStore(store))
		if err := again.Start(t.Context()); err != nil && !errors.Is(err, broken) {
			t.Errorf("Start: %v", err)
		}
		end(again)
	})
}

func TestFunctionsThatAreWrong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{}
		s := schedule.New(quiet)
		for _, next := range []func(time.Time) time.Time{
			func(after time.Time) time.Time { return after },
			func(time.Time) time.Time { panic("no calendar") },
		} {
			if _, err := s.Func(next, j.pipeline()); err == nil || !strings.Contains(err.Error(), "fire time") {
				t.Errorf("got %v", err)
			}
		}
		// One that goes wrong later.
		begun := time.Now()
		made(t)(s.Func(func(after time.Time) time.Time {
			if after.Sub(begun) > 2*time.Hour {
				panic("no calendar")
			}
			return after.Truncate(time.Hour).Add(time.Hour)
		}, j.pipeline(), schedule.Label("a")))
		made(t)(s.Every(time.Hour, j.pipeline(), schedule.Label("b"),
			schedule.InputsFunc(func(at time.Time) runnel.Values {
				switch time.Since(begun) {
				case time.Hour:
					panic("no inputs")
				case 2 * time.Hour:
					runtime.Goexit()
				}
				return nil
			}),
			schedule.OnEnd(func(schedule.Fire, *runnel.Result, error) { panic("no log") })))
		must(t, s.Start(t.Context()))
		pass(5*time.Hour + time.Minute)
		a, err := s.Get("a")
		if err != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "no calendar") {
			t.Errorf("the schedule of the function says %v, %v", a.Err, err)
		}
		want(t, "history", history(t, s, "b"), "01T01:00:00 failed, 01T02:00:00 failed, 01T03:00:00 succeeded, 01T04:00:00 succeeded, 01T05:00:00 succeeded")
		fires, err := s.History("b")
		must(t, err)
		if !strings.Contains(fires[0].Error, "no inputs") || !strings.Contains(fires[1].Error, "Goexit") {
			t.Errorf("the errors are %.60q and %.60q", fires[0].Error, fires[1].Error)
		}
		end(s)
	})
}

// What is wrong is said when the schedule is made.
func TestWrongSchedules(t *testing.T) {
	needs, err := runnel.FromTasks(runnel.NewTask("x", runnel.Pure(func(in struct{ Path string }) int { return 1 })))
	must(t, err)
	broken := runnel.NewPipeline()
	j := (&job{}).pipeline()
	s := schedule.New()
	every := func(p *runnel.Pipeline, opts ...schedule.ScheduleOption) error {
		_, err := s.Every(time.Hour, p, opts...)
		return err
	}
	_, cron := s.Cron("0 25 * * *", j)
	_, zero := s.Every(0, j)
	_, never := s.At(time.Time{}, j)
	_, none := s.Func(nil, j)
	_, options := schedule.New(nil, schedule.WithStore(nil), schedule.WithClock(nil), schedule.Lease(0), schedule.Logger(nil)).Every(time.Hour, j)
	now := time.Now()
	for _, c := range []struct {
		err  error
		want []string
	}{
		{cron, []string{`Cron("0 25 * * *")`, `hour field "25"`}},
		{zero, []string{"Every(0s)", "1ms or more"}},
		{never, []string{"the time is zero"}},
		{none, []string{"the function is nil"}},
		{options, []string{"option 1 of 5 is nil", "WithStore", "WithClock", "Lease", "Logger"}},
		{every(nil), []string{"the pipeline is nil"}},
		{every(broken), []string{"pipeline", "tasks"}},
		{every(needs), []string{`"path"`}},
		{every(needs, schedule.Inputs(runnel.Values{"path": 3})), []string{`"path"`, "int"}},
		{every(needs, schedule.Inputs(runnel.Values{"path": "x", "pat": "y"})), []string{`"pat"`}},
		{every(needs, schedule.InputsFunc(func(time.Time) runnel.Values { panic("no inputs") })), []string{"no inputs"}},
		{every(j, schedule.Run(runnel.MaxParallel(-1))), []string{"MaxParallel"}},
		{every(j, nil, schedule.Label(" "), schedule.In(nil), schedule.InputsFunc(nil), schedule.Jitter(-1), schedule.MaxRuns(-1),
			schedule.OnMissed(7), schedule.Grace(-1), schedule.OnOverlap(-1), schedule.PauseAfter(-1), schedule.History(0), schedule.OnEnd(nil)),
			[]string{"option 1 of 12", "Label", "In:", "InputsFunc", "Jitter", "MaxRuns", "MissedPolicy(7)", "Grace", "OverlapPolicy(-1)", "PauseAfter", "History", "OnEnd"}},
		{every(j, schedule.From(now), schedule.Until(now.Add(-1))), []string{"Until", "before From"}},
	} {
		if c.err == nil {
			t.Errorf("expected an error that says %q", c.want)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(c.err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", c.err, want)
			}
		}
	}
	if list := s.List(); len(list) != 0 {
		t.Errorf("wrong schedules were made: %v", list)
	}
}

// Runs may be done by workers; the run that another scheduler takes over has the same id,
// and so goes on from the results that the broker has.
func TestRunsOverABroker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		firsts, lasts := 0, 0
		first := runnel.NewTask("first", func(context.Context, struct{}) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			firsts++
			return 20, nil
		})
		last := runnel.NewTask("last", func(ctx context.Context, in struct{ First int }) (int, error) {
			mu.Lock()
			lasts++
			mu.Unlock()
			select {
			case <-time.After(10 * time.Minute):
				return in.First + 1, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		})
		p, err := runnel.FromTasks(first, last)
		must(t, err)
		b := &broker.Memory{}
		ctx, cancel := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- runnel.NewWorker(b, p).Run(ctx) }()
		store, result := &schedule.Memory{}, 0
		add := func(s *schedule.Scheduler) {
			made(t)(s.Every(time.Hour, p, schedule.Label("a"), schedule.Run(runnel.WithBroker(b)),
				schedule.OnEnd(func(_ schedule.Fire, res *runnel.Result, _ error) { result, _ = last.Get(res) })))
		}
		one := begin(t, store, add)
		pass(65 * time.Minute)
		end(one)
		begin(t, store, add)
		pass(15 * time.Minute)
		mu.Lock()
		if firsts != 1 || lasts != 2 || result != 21 {
			t.Errorf("the first task was done %d times, the last %d times, the result is %d", firsts, lasts, result)
		}
		mu.Unlock()
		cancel()
		must(t, <-worked)
		synctest.Wait()
	})
}

// The clock is what it is told to be: here one that stands still until it is moved.
func TestAnotherClock(t *testing.T) {
	c := &standing{waited: make(chan struct{}), now: time.Date(2026, 11, 25, 1, 59, 0, 0, time.UTC)}
	ran := make(chan schedule.Fire, 1)
	s := schedule.New(quiet, schedule.WithClock(c))
	made(t)(s.Cron("0 2 * * *", (&job{}).pipeline(), utc, schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ran <- f })))
	must(t, s.Start(t.Context()))
	<-c.waited
	c.move(time.Minute)
	f := <-ran
	want(t, "run", f.RunID+" "+f.Started.Format(time.RFC3339), "job@2026-11-25T02:00:00Z 2026-11-25T02:00:00Z")
	must(t, s.Stop(t.Context()))
}

// standing is a clock that is moved by hand, and has room for one timer of a schedule.
type standing struct {
	mu     sync.Mutex
	now    time.Time
	at     time.Time
	f      func()
	waited chan struct{}
}

func (c *standing) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *standing) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d == time.Minute { // until the fire time
		c.at, c.f = c.now.Add(d), f
		close(c.waited)
	}
	return func() bool { return true }
}

func (c *standing) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	if !c.now.Before(c.at) && c.f != nil {
		go c.f()
		c.f = nil
	}
}

// lateStore tells what it has only after a while.
type lateStore struct {
	schedule.Memory
	after time.Duration
}

func (l *lateStore) Watch(ctx context.Context, deliver func([]schedule.Change)) error {
	<-time.After(l.after)
	return l.Memory.Watch(ctx, deliver)
}

// TestWhatIsDueBeforeTheStoreAnswersFires: a schedule begins at Start, however long the
// store takes.
func TestWhatIsDueBeforeTheStoreAnswersFires(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &job{}
		s := schedule.New(quiet, schedule.WithStore(&lateStore{after: 5 * time.Minute}))
		made(t)(s.Cron("3 * * * *", j.pipeline(), utc, schedule.Grace(10*time.Minute)))
		must(t, s.Start(t.Context()))
		pass(time.Minute)
		want(t, "runs", j.times(), "01T00:05:00")
		must(t, s.Stop(t.Context()))
	})
}

// hasty is a clock that jumps to the fire time while the timer for it is set.
type hasty struct {
	mu   sync.Mutex
	now  time.Time
	once bool
}

func (c *hasty) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *hasty) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d == time.Minute && !c.once {
		c.once, c.now = true, c.now.Add(d)
	} else if d <= 0 {
		go f()
	}
	return func() bool { return true }
}

// TestAClockThatJumpsWhileTheTimerIsSet loses no fire time.
func TestAClockThatJumpsWhileTheTimerIsSet(t *testing.T) {
	ran := make(chan schedule.Fire, 1)
	s := schedule.New(quiet, schedule.WithClock(&hasty{now: time.Date(2026, 11, 25, 1, 59, 0, 0, time.UTC)}))
	made(t)(s.Cron("0 2 * * *", (&job{}).pipeline(), utc, schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ran <- f })))
	must(t, s.Start(t.Context()))
	want(t, "run", (<-ran).RunID, "job@2026-11-25T02:00:00Z")
	must(t, s.Stop(t.Context()))
}
