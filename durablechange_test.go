package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// combining makes one datum of others, as text, and counts its calls.
func combining(c *counts, name string, inputs ...string) *runnel.ValuesTask {
	return runnel.NewValuesTask(name, inputs, []string{name}, func(ctx context.Context, in runnel.Values) (runnel.Values, error) {
		c.add(ctx)
		text := name
		for _, i := range inputs {
			text += fmt.Sprintf("(%v)", in[i])
		}
		return runnel.Values{name: text}, nil
	})
}

// TestAChangedRunIsRefused with all that has changed, and nothing has run.
func TestAChangedRunIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		typed := func(out any) runnel.AnyTask {
			if _, text := out.(string); text {
				return runnel.NewTask("typed", func(context.Context, struct{ X int }) (string, error) { return "", nil })
			}
			return runnel.NewTask("typed", func(context.Context, struct{ X int }) (int, error) { return 0, nil })
		}
		bound := runnel.NewTask("bound", func(context.Context, struct{ A any }) (int, error) { return 0, nil })
		before := pipelineOf(t, bound, combining(&c, "a", "x"), combining(&c, "b", "a"), combining(&c, "c", "a"), combining(&c, "gone"), typed(0))
		after := pipelineOf(t, bound.Bind("a", "x"), combining(&c, "a", "x"), combining(&c, "b", "x"), runnel.NewValuesTask("c", []string{"a"}, []string{"c"}, nil2, runnel.After("b")), combining(&c, "new"), typed(""))
		b := &broker.Memory{}
		if _, err := before.Submit(t.Context(), runnel.Values{"x": 1}, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
			t.Fatal(err)
		}
		_, err := after.Run(t.Context(), runnel.Values{"x": 2}, runnel.WithBroker(b), runnel.RunID("r"))
		e, ok := errors.AsType[*runnel.ChangedError](err)
		if !ok {
			t.Fatalf("got %v, want a ChangedError", err)
		}
		for _, want := range []string{
			`input "x" has another value`,
			`there is no input x before, which is interface now`,
			`it takes "x" now, and took "a" before`,
			`it runs after "b" now, and ran after none before`,
			`it is new`,
			`task "gone" is gone`,
			`output typed is string now and int before`,
			"AllowChanges",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nlacks %q", err, want)
			}
		}
		if len(e.Problems) != 7 || e.RunID != "r" {
			t.Errorf("it has %d problems: %v", len(e.Problems), e)
		}
		if got := c.take(); got != "[]" {
			t.Errorf("it called %s", got)
		}
	})
}

func nil2(context.Context, runnel.Values) (runnel.Values, error) { return runnel.Values{"c": 1}, nil }

// TestOnlyWhatAChangeTouchesRunsAgain.
func TestOnlyWhatAChangeTouchesRunsAgain(t *testing.T) {
	for name, s := range map[string]struct {
		after func(c *counts) []runnel.AnyTask
		in    runnel.Values
		calls string
		want  string
	}{
		"nothing": {nil, runnel.Values{"x": 1, "y": []int{1, 2}}, "[]", "c(b(a(1)))"},
		"input x": {nil, runnel.Values{"x": 5, "y": []int{1, 2}}, "[a:1 b:1 c:1 d:1]", "c(b(a(5)))"},
		"input y": {nil, runnel.Values{"x": 1, "y": []int{1, 3}}, "[m[0]:1 m[1]:1]", "c(b(a(1)))"},
		"edge": {func(c *counts) []runnel.AnyTask {
			return []runnel.AnyTask{combining(c, "a", "x"), combining(c, "b", "x"), combining(c, "c", "b"), combining(c, "d", "a")}
		}, runnel.Values{"x": 1, "y": []int{1, 2}}, "[b:1 c:1]", "c(b(1))"},
		"new one before": {func(c *counts) []runnel.AnyTask {
			return []runnel.AnyTask{combining(c, "n", "x"), combining(c, "a", "x"), combining(c, "b", "n"), combining(c, "c", "b"), combining(c, "d", "a")}
		}, runnel.Values{"x": 1, "y": []int{1, 2}}, "[b:1 c:1 n:1]", "c(b(n(1)))"},
		"order only": {func(c *counts) []runnel.AnyTask {
			return []runnel.AnyTask{combining(c, "a", "x"), combining(c, "b", "a"), combining(c, "c", "b"),
				runnel.NewValuesTask("d", []string{"a"}, []string{"d"}, func(ctx context.Context, in runnel.Values) (runnel.Values, error) {
					c.add(ctx)
					return runnel.Values{"d": 1}, nil
				}, runnel.After("c"))}
		}, runnel.Values{"x": 1, "y": []int{1, 2}}, "[]", "c(b(a(1)))"},
	} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " open ", open), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var c counts
					mapped := runnel.NewMapTask("m[i]", func(ctx context.Context, in struct {
						Y int `runnel:"y[i]"`
					}) (int, error) {
						c.add(ctx)
						return in.Y, nil
					})
					before := pipelineOf(t, mapped, combining(&c, "a", "x"), combining(&c, "b", "a"), combining(&c, "c", "b"), combining(&c, "d", "a"))
					after := before
					if s.after != nil {
						after = pipelineOf(t, append(s.after(&c), mapped)...)
					}
					b := &broker.Memory{Lease: 10 * time.Second}
					dismiss := employ(t, b, before)
					first := newMortal(b)
					ctx, kill := context.WithCancel(t.Context())
					defer kill()
					var opts []runnel.RunOption
					if open { // its process dies when all is done, but for the end
						left := 5
						opts = append(opts, runnel.Observe(func(e runnel.Event) {
							if f, ok := e.(runnel.TaskFinished); ok && f.Index == nil {
								if left--; left == 0 {
									first.die()
								}
							}
						}))
						before = pipelineOf(t, append(before.Tasks(), runnel.NewTask("never", func(context.Context, struct{ D any }) (int, error) { return 0, nil }, runnel.Queue("none")))...)
						if s.after == nil {
							after = before
						} else {
							after = pipelineOf(t, append(after.Tasks(), before.Tasks()[len(before.Tasks())-1])...)
						}
					}
					in := runnel.Values{"x": 1, "y": []int{1, 2}}
					r, err := before.Start(ctx, in, append(opts, runnel.WithBroker(first), runnel.RunID("r"), runnel.AwaitWorkers(time.Hour))...)
					if err != nil {
						t.Fatal(err)
					}
					if open {
						<-time.After(time.Second)
					} else if _, err := r.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
					c.take()
					dismiss()
					defer employ(t, b, after, runnel.Queues(broker.DefaultQueue, "none"))()
					res, err := after.Run(t.Context(), s.in, runnel.WithBroker(b), runnel.RunID("r"), runnel.AllowChanges())
					if err != nil || res.Outputs()["c"] != s.want {
						t.Errorf("got %v, %v", res.Outputs(), err)
					}
					if got := c.take(); got != s.calls {
						t.Errorf("it called %s, want %s", got, s.calls)
					}
					kill()
					<-r.Done()
				})
			})
		}
	}
}

// TestARunThatEndedOtherwiseIsStartedAgain: one that was cancelled goes on, one that
// failed fails in the same way, without trying again.
func TestARunThatEndedOtherwiseIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		bad := runnel.NewTask("bad", func(ctx context.Context, _ struct{ A any }) (int, error) { c.add(ctx); return 0, errors.New("ouch") })
		b := &broker.Memory{}
		p := pipelineOf(t, combining(&c, "a", "x"), bad)
		defer employ(t, b, p)()
		for range 2 {
			res, err := p.Run(t.Context(), runnel.Values{"x": 1}, runnel.WithBroker(b), runnel.RunID("r"))
			if err == nil || !strings.Contains(err.Error(), "ouch") || res.Outputs()["a"] != "a(1)" {
				t.Errorf("got %v, %v", res.Outputs(), err)
			}
			if o := state(t, b, "r").Outcome; o == nil || o.State != "failed" || !strings.Contains(o.Failure.Text, "ouch") {
				t.Errorf("it is kept with %+v", o)
			}
		}
		if got := c.take(); got != "[a:1 bad:1]" {
			t.Errorf("it called %s", got)
		}
		var d counts
		q := chain(t, &d)
		defer employ(t, b, q, runnel.Concurrency(1))()
		in := runnel.Values{"words": []string{"a", "bb", "ccc"}}
		r, err := q.Start(t.Context(), in, runnel.WithBroker(b), runnel.RunID("q"))
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2500 * time.Millisecond)
		if err := b.Cancel(t.Context(), "q", "enough"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(t.Context()); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "enough") {
			t.Errorf("it ended with %v", err)
		}
		if o := state(t, b, "q").Outcome; o == nil || o.State != "cancelled" || o.Failure.Text != "enough" {
			t.Errorf("it is kept with %+v", o)
		}
		res, err := q.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("q"))
		if err != nil || res.Outputs()["total"] != 6 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		calls := 0
		for _, n := range d.of {
			calls += n
		}
		if calls != 5 || len(d.of) != 4 || d.of["total"] != 1 {
			t.Errorf("it called %v, want all four, and the one again that was stopped in the middle", d.of)
		}
	})
}

// TestALostClaimStopsARunHere, and nowhere else.
func TestALostClaimStopsARunHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{Lease: 3 * time.Second}
		defer employ(t, b, p, runnel.Concurrency(1))()
		in := runnel.Values{"words": []string{"a", "bb", "ccc", "dddd", "eeeee", "ffffff"}}
		asleep := &sleeper{Memory: b}
		r, err := p.Start(t.Context(), in, runnel.WithBroker(asleep), runnel.RunID("r"))
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(100 * time.Millisecond)
		asleep.until.Store(time.Now().Add(3500 * time.Millisecond).UnixNano()) // as by SIGSTOP
		other := runnel.NewCoordinator(b, p)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- other.Run(ctx) }()
		_, err = r.Wait(t.Context())
		if !errors.Is(err, broker.ErrClaimed) || !strings.Contains(err.Error(), other.ID()) || !strings.Contains(err.Error(), "Attach waits for it") {
			t.Errorf("it ended with %v", err)
		}
		if o := state(t, b, "r"); o.Outcome != nil || !strings.HasPrefix(o.Owner, other.ID()) {
			t.Errorf("it is kept as %+v", o)
		}
		res, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil || res.Outputs()["total"] != 21 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for task, n := range c.of {
			if n != 1 {
				t.Errorf("%s was called %d times", task, n)
			}
		}
	})
}

// sleeper is a broker whose claims do not get through for a while.
type sleeper struct {
	*broker.Memory
	until atomic.Int64 // in nanoseconds since 1970
}

func (s *sleeper) Claim(ctx context.Context, id, owner string) (time.Duration, error) {
	if wait := time.Until(time.Unix(0, s.until.Load())); wait > 0 {
		if err := pause(ctx, wait); err != nil {
			return 0, err
		}
	}
	return s.Memory.Claim(ctx, id, owner)
}

func TestAFinishedRunExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{Lifetime: time.Hour}
		defer employ(t, b, p)()
		in := runnel.Values{"words": []string{"a"}}
		run := func() {
			t.Helper()
			if res, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r")); err != nil || res.Outputs()["total"] != 1 {
				t.Errorf("got %v, %v", res.Outputs(), err)
			}
		}
		run()
		<-time.After(59 * time.Minute)
		run()
		if got := c.take(); got != "[lengths[0]:1 total:1]" {
			t.Errorf("it called %s", got)
		}
		<-time.After(2 * time.Minute)
		run()
		if got := c.take(); got != "[lengths[0]:1 total:1]" {
			t.Errorf("after its lifetime it called %s", got)
		}
	})
}

// TestALiteralIsAnInputOfTheRun: who takes it over has the value of who began it.
func TestALiteralIsAnInputOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		use := runnel.NewTask("use", func(_ context.Context, in struct{ Level int }) (int, error) { return 10 * in.Level, nil })
		mine, theirs := pipelineOf(t, runnel.Literal("level", 1), use), pipelineOf(t, runnel.Literal("level", 2), use)
		b := &broker.Memory{}
		defer employ(t, b, use)()
		id, err := mine.Submit(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		defer coordinate(t, b, theirs)()
		r, err := theirs.Attach(t.Context(), id, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Wait(t.Context())
		if got, _ := use.Get(res); err != nil || got != 10 {
			t.Errorf("got %d, %v, want 10", got, err)
		}
		if _, err := theirs.Run(t.Context(), nil, runnel.WithBroker(b), runnel.RunID(id)); err == nil || !strings.Contains(err.Error(), `input "level" has another value`) {
			t.Errorf("with another literal it is %v", err)
		}
	})
}
