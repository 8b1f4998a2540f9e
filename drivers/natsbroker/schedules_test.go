package natsbroker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker/brokertest"
	"github.com/runnelflow/runnel/schedule"
	"github.com/runnelflow/runnel/schedule/storetest"
)

// TestSchedulesKeepTheContract over a socket of a real server.
func TestSchedulesKeepTheContract(t *testing.T) {
	url := startURL(t)
	storetest.Run(t, func(t *testing.T) schedule.Store {
		b, err := Connect(t.Context(), url, options(brokertest.Settings{})...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b.Schedules()
	})
}

// watchSchedules follows a store, and hands over what changes. The first call is made.
func watchSchedules(t *testing.T, store schedule.Store) <-chan schedule.Change {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	changes, begun, ended := make(chan schedule.Change, 1000), make(chan struct{}), make(chan error, 1)
	go func() {
		told := false
		ended <- store.Watch(ctx, func(some []schedule.Change) {
			for _, c := range some {
				changes <- c
			}
			if !told {
				told = true
				close(begun)
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, errClosed) {
			t.Errorf("Watch ended with %v", err)
		}
	})
	select {
	case <-begun:
	case <-time.After(20 * time.Second):
		t.Fatal("Watch has not told what there is")
	}
	return changes
}

// nextSchedule is the next change for which ok.
func nextSchedule(t *testing.T, changes <-chan schedule.Change, ok func(schedule.Change) bool) schedule.Change {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case c := <-changes:
			if ok(c) {
				return c
			}
		case <-late:
			t.Fatal("the change has not come")
		}
	}
}

// TestSchedulesOutliveTheServer, which is killed: a Save waits for it, and Watch goes on.
func TestSchedulesOutliveTheServer(t *testing.T) {
	at, dir := freeAddress(t), envDir+"="+t.TempDir()
	server := start(t, "server", at, dir)
	defer func() { server.kill() }()
	b, err := Connect(t.Context(), "nats://"+at, agreed...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	store := b.Schedules()
	changes := watchSchedules(t, store)
	state := func(runs int) *schedule.State { return &schedule.State{Timing: "every 1h0m0s", Runs: runs} }
	revision, err := store.Save(t.Context(), "a", state(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	nextSchedule(t, changes, func(c schedule.Change) bool { return c.Revision == revision })
	for n := 2; n < 4; n++ {
		server.kill()
		type saved struct {
			revision uint64
			err      error
		}
		done := make(chan saved, 1)
		go func() {
			next, err := store.Save(t.Context(), "a", state(n), revision)
			done <- saved{next, err}
		}()
		server = start(t, "server", at, dir)
		s := <-done
		if s.err != nil {
			t.Fatal(s.err)
		}
		c := nextSchedule(t, changes, func(c schedule.Change) bool { return c.Revision == s.revision })
		if c.State == nil || c.State.Runs != n {
			t.Errorf("after %d deaths the state is %+v", n-1, c.State)
		}
		revision = s.revision
	}
}

// TestASaveWhoseAnswerIsLost: the one who writes again is not told of a conflict with
// himself, whether the server still knows that it has the message or not.
func TestASaveWhoseAnswerIsLost(t *testing.T) {
	url := startURL(t)
	for name, lifetime := range map[string]time.Duration{"known": time.Hour, "forgotten": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, strings.TrimPrefix(url, "nats://"))
			t.Cleanup(p.close)
			opts := append(options(brokertest.Settings{Lifetime: lifetime}), Connection(nats.IgnoreDiscoveredServers()))
			near, err := Connect(t.Context(), url, opts...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(near.Close)
			far, err := Connect(t.Context(), "nats://"+p.at(), opts...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(far.Close)
			changes := watchSchedules(t, near.Schedules())
			p.slow(300 * time.Millisecond)
			type saved struct {
				revision uint64
				err      error
			}
			done := make(chan saved, 1)
			go func() {
				revision, err := far.Schedules().Save(t.Context(), "a", &schedule.State{Runs: 1}, 0)
				done <- saved{revision, err}
			}()
			written := nextSchedule(t, changes, func(c schedule.Change) bool { return c.State != nil })
			p.cut(func() bool { return true }) // the answer is on its way
			p.slow(0)
			if s := <-done; s.err != nil || s.revision != written.Revision {
				t.Errorf("Save returned revision %d, %v, and wrote %d", s.revision, s.err, written.Revision)
			}
		})
	}
}

var noLog = schedule.Logger(slog.New(slog.DiscardHandler))

func nothing(t *testing.T) *runnel.Pipeline {
	t.Helper()
	p, err := runnel.FromTasks(runnel.NewTask("nothing", runnel.Pure(func(struct{}) bool { return true })))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAStateThatCannotBeRead concerns its label alone: the schedule says so, and fires
// again when it was removed and the program is started anew.
func TestAStateThatCannotBeRead(t *testing.T) {
	b := embedded(t, t.TempDir())
	newer := must(cborOut.Marshal(map[int]any{0: wireVersion + 1, 2: "of another form"}))
	for label, data := range map[string][]byte{"newer ä": newer, "rubbish": []byte("rubbish"), "empty": nil} {
		if _, err := b.js.Publish(t.Context(), b.names.schedule(label), data); err != nil {
			t.Fatal(err)
		}
	}
	store := b.Schedules()
	ended := make(chan schedule.Fire, 1000)
	begin := func() *schedule.Scheduler {
		s := schedule.New(noLog, schedule.WithStore(store))
		for _, label := range []string{"newer ä", "rubbish", "empty", "sound"} {
			_, err := s.Every(20*time.Millisecond, nothing(t), schedule.Label(label), schedule.OnEnd(func(f schedule.Fire, _ *runnel.Result, _ error) { ended <- f }))
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := begin()
	for label, want := range map[string]string{"newer ä": "bring it up to date", "rubbish": "is no state of a schedule", "empty": "is no state of a schedule"} {
		got, err := s.Get(label)
		if err != nil || got.Err == nil || !strings.Contains(got.Err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", label, got.Err, err, want)
		}
		if _, err := s.Trigger(t.Context(), label); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Trigger(%q): %v", label, err)
		}
	}
	for range 3 {
		if f := <-ended; f.Label != "sound" {
			t.Errorf("%q was fired", f.Label)
		}
	}
	o := schedule.NewOperator(store)
	all, err := o.List(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatalf("there are %d schedules, %v", len(all), err)
	}
	for _, one := range all {
		if (one.Err != nil) != (one.Label != "sound") {
			t.Errorf("%q: %v", one.Label, one.Err)
		}
		if one.Err == nil {
			continue
		}
		if err := o.Pause(t.Context(), one.Label); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("Pause(%q): %v", one.Label, err)
		}
		if err := o.Remove(t.Context(), one.Label); err != nil {
			t.Error(err)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = begin()
	for fired := map[string]bool{}; len(fired) < 4; {
		fired[(<-ended).Label] = true
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestAStateTooLargeForAMessage is an error that says what to do.
func TestAStateTooLargeForAMessage(t *testing.T) {
	b := embedded(t, t.TempDir())
	large := &schedule.State{Ended: make([]schedule.Fire, 3000)}
	for k := range large.Ended {
		large.Ended[k].Error = strings.Repeat("x", 400)
	}
	_, err := b.Schedules().Save(t.Context(), "a", large, 0)
	if err == nil || !strings.Contains(err.Error(), "3000 ended fires") || !strings.Contains(err.Error(), "History") {
		t.Errorf("got %v", err)
	}
}

// FuzzLabels: a label comes back from its subject, which is one that the server takes.
func FuzzLabels(f *testing.F) {
	for _, label := range []string{"nightly", "a.b", "a b*", ">", "%", "ä@日/x", "\x00\n"} {
		f.Add(label)
	}
	n := names{"ns"}
	f.Fuzz(func(t *testing.T, label string) {
		subject := n.schedule(label)
		if back, ok := labelOf(subject); !ok || back != label {
			t.Errorf("%q is %q, and that is %q", label, subject, back)
		}
		if strings.ContainsAny(strings.TrimPrefix(subject, "ns.schedule."), ".*> \t\r\n\x00") {
			t.Errorf("%q is no token", subject)
		}
	})
}

// FuzzScheduleIn: what is no state is an error.
func FuzzScheduleIn(f *testing.F) {
	f.Add(must(cborOut.Marshal(&wireSchedule{Version: wirePlain, State: &schedule.State{Open: []schedule.Fire{{}}}})))
	f.Add(must(cborOut.Marshal(&wireSchedule{Version: wirePlain, Removed: true})))
	f.Add([]byte("rubbish"))
	f.Fuzz(func(t *testing.T, data []byte) {
		state, err := scheduleIn(data)
		if err != nil && state != nil || err == nil && (state == nil) != isRemoval(data) {
			t.Errorf("got %+v, %v", state, err)
		}
	})
}
