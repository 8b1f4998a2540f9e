package runnel_test

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
	"github.com/runnelflow/runnel/broker"
)

// coordinate starts a coordinator, and returns a function that ends it and waits.
func coordinate(t testing.TB, b broker.Broker, options ...runnel.CoordinatorOption) (dismiss func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewCoordinator(b, options...).Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the coordinator ended with %v", err)
		}
	}
}

// mortal is what a process has of a broker. Once it has died no call gets through, and
// none returns, until the test ends.
type mortal struct {
	*broker.Memory
	died chan struct{}
	once sync.Once
}

func newMortal(b *broker.Memory) *mortal { return &mortal{Memory: b, died: make(chan struct{})} }

func (m *mortal) die() { m.once.Do(func() { close(m.died) }) }

func (m *mortal) dead(ctx context.Context) error {
	select {
	case <-m.died:
		<-ctx.Done() // a process that is dead does not get an error
		return context.Cause(ctx)
	default:
		return nil
	}
}

func (m *mortal) Submit(ctx context.Context, batches []broker.Batch) error {
	if err := m.dead(ctx); err != nil {
		return err
	}
	return m.Memory.Submit(ctx, batches)
}

func (m *mortal) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	return m.Memory.Results(ctx, run, func(r []*broker.Result) {
		select {
		case <-m.died:
		default:
			deliver(r)
		}
	})
}

func (m *mortal) Runs(ctx context.Context, id string, deliver func([]*broker.Run)) error {
	return m.Memory.Runs(ctx, id, func(r []*broker.Run) {
		select {
		case <-m.died:
		default:
			deliver(r)
		}
	})
}

func (m *mortal) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	if err := m.dead(ctx); err != nil {
		return nil, err
	}
	return m.Memory.End(ctx, run, e)
}

func (m *mortal) Claim(ctx context.Context, id, owner string) (time.Duration, error) {
	if err := m.dead(ctx); err != nil {
		return 0, err
	}
	return m.Memory.Claim(ctx, id, owner)
}

func (m *mortal) Unclaim(ctx context.Context, id, owner string) error {
	if err := m.dead(ctx); err != nil {
		return err
	}
	return m.Memory.Unclaim(ctx, id, owner)
}

func (m *mortal) Conclude(ctx context.Context, id, owner string, o *broker.Outcome) error {
	if err := m.dead(ctx); err != nil {
		return err
	}
	return m.Memory.Conclude(ctx, id, owner, o)
}

func TestASubmittedRunIsDrivenAndAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		in := runnel.Values{"words": []string{"a", "stream", "of"}}
		id, err := p.Submit(t.Context(), in, runnel.WithBroker(b))
		if err != nil || id == "" {
			t.Fatalf("got %q, %v", id, err)
		}
		if kept := state(t, b, id); kept.Owner != "" || kept.Outcome != nil {
			t.Fatalf("it is kept as %+v", kept)
		}
		defer employ(t, b, p)()
		defer coordinate(t, b, p)()
		r, err := p.Attach(t.Context(), id, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Wait(t.Context())
		if err != nil || res.Outputs()["total"] != 9 || fmt.Sprint(res.Outputs()["lengths"]) != "[1 6 2]" {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		if got := c.take(); got != "[lengths[0]:1 lengths[1]:1 lengths[2]:1 total:1]" {
			t.Errorf("it called %s", got)
		}
		if kept := state(t, b, id); kept.Outcome == nil || kept.Outcome.State != "succeeded" {
			t.Errorf("it is kept as %+v", kept)
		}
	})
}

// TestACoordinatorTakesOver exactly when the lease of one that died is over, and does
// nothing twice.
func TestACoordinatorTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{Lease: 10 * time.Second}
		defer employ(t, b, p, runnel.Concurrency(1))()
		words := []string{"a", "bb", "ccc", "dddd", "eeeee"}
		if _, err := p.Submit(t.Context(), runnel.Values{"words": words}, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
			t.Fatal(err)
		}
		first := newMortal(b)
		one := runnel.NewCoordinator(first, p)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); one.Run(ctx) }()
		<-time.After(1500 * time.Millisecond) // one element is done, one goes on
		if got := state(t, b, "r").Owner; !strings.HasPrefix(got, one.ID()) {
			t.Fatalf("it is driven by %q, want %s", got, one.ID())
		}
		first.die()
		died := time.Now()
		two := runnel.NewCoordinator(b, p)
		ctx2, stop2 := context.WithCancel(t.Context())
		ended2 := make(chan struct{})
		go func() { defer close(ended2); two.Run(ctx2) }()
		b.Runs(ctx2, "r", func(runs []*broker.Run) {
			for _, r := range runs {
				if strings.HasPrefix(r.Owner, two.ID()) {
					// The claim was made when the run was taken up, at the start.
					if took := time.Since(died); took != 8500*time.Millisecond {
						t.Errorf("it was taken over after %v, want 8.5s", took)
					}
				}
				if r.Outcome != nil {
					stop2()
				}
			}
		})
		<-ended2
		stop()
		<-ended
		res, err := p.Run(t.Context(), runnel.Values{"words": words}, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil || res.Outputs()["total"] != 15 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		if got := c.take(); got != "[lengths[0]:1 lengths[1]:1 lengths[2]:1 lengths[3]:1 lengths[4]:1 total:1]" {
			t.Errorf("they called %s", got)
		}
	})
}

// TestARunThatEndsItsCoordinatorsIsGivenUp: it is not taken over for ever, and says who
// drove it when; one of whose time there is a result does not count. It is not driven by
// Run either, until somebody opens it again; then it goes on from what is done.
func TestARunThatEndsItsCoordinatorsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{Lease: 10 * time.Second, MaxDeliveries: 3}
		in := runnel.Values{"words": []string{"a", "bb", "ccc"}}
		if _, err := p.Submit(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
			t.Fatal(err)
		}
		r, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for n := range 4 {
			m := newMortal(b)
			one := runnel.NewCoordinator(m, p)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); one.Run(ctx) }()
			defer func() { stop(); <-ended }()
			<-time.After(11 * time.Second)
			if got := state(t, b, "r").Owner; !strings.HasPrefix(got, one.ID()) {
				t.Fatalf("it is driven by %q, want %s", got, one.ID())
			}
			if n == 0 {
				dismiss := employ(t, b, p, runnel.Concurrency(1))
				<-time.After(500 * time.Millisecond)
				dismiss() // when the first element is done
			}
			m.die()
			ids = append(ids, one.ID())
		}
		defer coordinate(t, b, p)()
		res, err := r.Wait(t.Context())
		text := fmt.Sprint(err)
		for n, id := range ids {
			if strings.Contains(text, id) != (n > 0) {
				t.Errorf("got %v, want the story of all coordinators but the first of %s", err, ids)
			}
		}
		if !strings.Contains(text, `run "r" was given up: it was driven 3 times`) {
			t.Errorf("got %v", err)
		}
		if totals := res.Report().Totals; totals.Cancelled != 2 {
			t.Errorf("it has ended as %+v, want that both tasks were stopped", totals)
		}
		defer employ(t, b, p)()
		if _, again := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r")); fmt.Sprint(again) != text {
			t.Errorf("run again it ended with %v, want as before", again)
		}
		done := c.take() // elements that wait together may come in any order
		if !slices.Contains([]string{"[lengths[0]:1]", "[lengths[1]:1]", "[lengths[2]:1]"}, done) {
			t.Errorf("they called %s, want one element", done)
		}
		kept := *state(t, b, "r")
		if err := b.Reopen(t.Context(), &kept, func(*broker.Result) bool { return false }); err != nil {
			t.Fatal(err)
		}
		res, err = p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil || res.Outputs()["total"] != 6 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		want := strings.Replace("[lengths[0]:1 lengths[1]:1 lengths[2]:1 total:1]", done[1:len(done)-1]+" ", "", 1)
		if got := c.take(); got != want {
			t.Errorf("they called %s, want %s", got, want)
		}
	})
}

// TestACoordinatorThatEndsLetsGo of its runs at once: another goes on without waiting
// for a lease.
func TestACoordinatorThatEndsLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{Lease: time.Hour}
		defer employ(t, b, p, runnel.Concurrency(1))()
		in := runnel.Values{"words": []string{"a", "bb", "ccc"}}
		if _, err := p.Submit(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		dismiss := coordinate(t, b, p)
		<-time.After(1500 * time.Millisecond)
		dismiss()
		if kept := state(t, b, "r"); kept.Owner != "" || kept.Outcome != nil {
			t.Errorf("it is kept as %+v, want open and free", kept)
		}
		defer coordinate(t, b, p)()
		r, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Wait(t.Context())
		if err != nil || res.Outputs()["total"] != 6 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("it took %v, want 4s", took)
		}
		if got := c.take(); got != "[lengths[0]:1 lengths[1]:1 lengths[2]:1 total:1]" {
			t.Errorf("they called %s", got)
		}
	})
}

// mute is a broker that does not answer one kind of call.
type mute struct {
	*broker.Memory
	to string
}

func (m *mute) answers(ctx context.Context, call string) error {
	if call == m.to {
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

func (m *mute) Runs(ctx context.Context, id string, deliver func([]*broker.Run)) error {
	if id != "" && m.answers(ctx, "Runs") != nil {
		return context.Cause(ctx)
	}
	return m.Memory.Runs(ctx, id, deliver)
}

// Claim claims, and then the answer may be missing.
func (m *mute) Claim(ctx context.Context, id, owner string) (time.Duration, error) {
	lease, err := m.Memory.Claim(ctx, id, owner)
	return lease, errors.Join(err, m.answers(ctx, "Claim"))
}

func (m *mute) Conclude(ctx context.Context, id, owner string, o *broker.Outcome) error {
	if err := m.answers(ctx, "Conclude"); err != nil {
		return err
	}
	return m.Memory.Conclude(ctx, id, owner, o)
}

// TestACoordinatorEndsThoughTheBrokerDoesNotAnswer what it asks of it before the run goes
// on, and another has the run at once.
func TestACoordinatorEndsThoughTheBrokerDoesNotAnswer(t *testing.T) {
	for _, call := range []string{"Claim", "Runs"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c counts
				p := chain(t, &c)
				b := &broker.Memory{Lease: time.Hour}
				defer employ(t, b, p)()
				if _, err := p.Submit(t.Context(), runnel.Values{"words": []string{"a"}}, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
					t.Fatal(err)
				}
				dismiss := coordinate(t, &mute{b, call}, p)
				synctest.Wait()
				if kept := state(t, b, "r"); kept.Owner == "" {
					t.Error("nobody has claimed it")
				}
				began := time.Now()
				dismiss()
				if took := time.Since(began); took != 0 {
					t.Errorf("the coordinator took %v to end", took)
				}
				defer coordinate(t, b, p)()
				r, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Wait(t.Context()); err != nil || time.Since(began) != 2*time.Second {
					t.Errorf("it ended with %v after %v, want 2s", err, time.Since(began))
				}
			})
		})
	}
}

// A run that cannot go on is to end as failed. When the broker does not take that, the
// coordinator does not wait for ever.
func TestACoordinatorEndsThoughTheBrokerTakesNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		id, err := p.Submit(t.Context(), runnel.Values{"words": []string{"a"}}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		broken := *state(t, b, id)
		broken.ID, broken.Inputs = "broken", nil
		if _, err := b.Open(t.Context(), &broken); err != nil {
			t.Fatal(err)
		}
		dismiss := coordinate(t, &mute{b, "Conclude"}, p)
		synctest.Wait()
		began := time.Now()
		dismiss()
		if took := time.Since(began); took != 10*time.Second { // what it waits for the broker
			t.Errorf("it ended after %v, want 10s", took)
		}
		if kept := state(t, b, "broken"); kept.Outcome != nil {
			t.Errorf("it is kept as %+v, though the broker did not answer", kept)
		}
	})
}

func TestCoordinatorsShareRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		defer employ(t, b, p, runnel.Concurrency(100))()
		for n := range 10 {
			if _, err := p.Submit(t.Context(), runnel.Values{"words": []string{"a"}}, runnel.WithBroker(b), runnel.RunID(fmt.Sprint("r", n))); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		var mu sync.Mutex
		most, now := map[int]int{}, map[int]int{}
		for k := range 2 {
			defer coordinate(t, b, p, runnel.Concurrency(2), runnel.Observe(func(e runnel.Event) {
				mu.Lock()
				defer mu.Unlock()
				switch e.(type) {
				case runnel.RunStarted:
					now[k]++
					most[k] = max(most[k], now[k])
				case runnel.RunFinished:
					now[k]--
				}
			}))()
		}
		for n := range 10 {
			r, err := p.Attach(t.Context(), fmt.Sprint("r", n), runnel.WithBroker(b))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 6*time.Second { // 4 at once, each 2 s
			t.Errorf("10 runs took %v, want 6s", took)
		}
		if fmt.Sprint(most) != "map[0:2 1:2]" {
			t.Errorf("at most %v runs went on at once, want 2 and 2", most)
		}
		if got := c.take(); got != "[lengths[0]:10 total:10]" {
			t.Errorf("they called %s", got)
		}
	})
}

// TestACoordinatorLeavesOtherGraphsAlone and says so, once.
func TestACoordinatorLeavesOtherGraphsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker.Memory{}
		old := runnel.NewPipeline(runnel.PipelineName("p")).Add(step("a", nil, works))
		now := runnel.NewPipeline(runnel.PipelineName("p")).Add(step("a", nil, works), step("b", from("a"), works))
		other := runnel.NewPipeline(runnel.PipelineName("q")).Add(step("a", nil, works))
		for id, p := range map[string]*runnel.Pipeline{"old": old, "other": other} {
			if _, err := p.Submit(t.Context(), nil, runnel.WithBroker(b), runnel.RunID(id)); err != nil {
				t.Fatal(err)
			}
		}
		told := make(chan runnel.Event, 10)
		dismiss := coordinate(t, b, now, runnel.Observe(func(e runnel.Event) { told <- e }))
		synctest.Wait()
		b.Cancel(t.Context(), "old", "a change that tells of it again")
		synctest.Wait()
		dismiss()
		close(told)
		n := 0
		for e := range told {
			w, ok := e.(runnel.RunWaiting)
			if n++; !ok || w.RunID != "old" || !strings.Contains(w.Reason, `task "b"`) || !strings.Contains(w.Reason, "it is new") {
				t.Errorf("it told %+v", e)
			}
		}
		if n != 1 {
			t.Errorf("it told %d times, want once", n)
		}
		for _, id := range []string{"old", "other"} {
			if r := state(t, b, id); r.Owner != "" || r.Outcome != nil {
				t.Errorf("it did something about run %s: %+v", id, r)
			}
		}
	})
}

func TestWhatIsWrongWithACoordinator(t *testing.T) {
	b := &broker.Memory{}
	p := pipelineOf(t, step("a", nil, works))
	for name, c := range map[string]struct {
		c    *runnel.Coordinator
		want string
	}{
		"no broker":    {runnel.NewCoordinator(nil, p), "the broker is nil"},
		"no keeper":    {runnel.NewCoordinator(struct{ broker.Broker }{b}, p), "does not keep runs"},
		"no pipelines": {runnel.NewCoordinator(b), "it has no pipelines"},
		"bad pipeline": {runnel.NewCoordinator(b, runnel.NewPipeline()), "has no tasks"},
		"nil":          {runnel.NewCoordinator(b, p, nil), "option 2 of 2 is nil"},
		"limit":        {runnel.NewCoordinator(b, p, runnel.Concurrency(0)), "Concurrency must be 1 or more, got 0"},
		"namesake":     {runnel.NewCoordinator(b, p, pipelineOf(t, step("a", nil, works))), "two pipelines are called"},
		"observer":     {runnel.NewCoordinator(b, p, runnel.Observe(nil)), "observer is nil"},
	} {
		err := c.c.Build()
		if e, ok := errors.AsType[*runnel.BuildError](err); !ok || !strings.Contains(fmt.Sprint(err), c.want) || len(e.Problems) == 0 {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if again := c.c.Run(t.Context()); again != err {
			t.Errorf("%s: Run returned %v", name, again)
		}
	}
}
