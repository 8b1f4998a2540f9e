package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

func TestAttachFollowsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		defer employ(t, b, p)()
		in := runnel.Values{"words": []string{"a", "stream"}}
		if _, err := p.Submit(t.Context(), in, runnel.WithBroker(b), runnel.RunID("r")); err != nil {
			t.Fatal(err)
		}
		r, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var story []string
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			for e := range r.Events() {
				at := e.When().Sub(began)
				switch e := e.(type) {
				case runnel.RunWaiting:
					who := e.Reason
					if strings.HasPrefix(who, "it is driven by") {
						who = "driven"
					}
					story = append(story, fmt.Sprint(at, " ", who[:6]))
				case runnel.TaskFinished:
					if e.Index == nil {
						story = append(story, fmt.Sprint(at, " ", e.Task, " ", e.State))
					}
				}
			}
		}()
		<-time.After(3 * time.Second)
		defer coordinate(t, b, p)()
		res, err := r.Wait(t.Context())
		<-followed
		if err != nil || res.Outputs()["total"] != 7 {
			t.Errorf("got %v, %v", res.Outputs(), err)
		}
		if got, want := strings.Join(story, ", "), "0s nobody, 3s driven, 4s lengths succeeded, 5s total succeeded"; got != want {
			t.Errorf("the story is %q, want %q", got, want)
		}
	})
}

// TestAttachTellsTheSameEnd: what becomes of tasks is the same for who drives a run and
// for who follows it, while it goes on or after its end.
func TestAttachTellsTheSameEnd(t *testing.T) {
	type none = struct{}
	boom := func(name string, after time.Duration, opts ...runnel.TaskOption) runnel.AnyTask {
		return runnel.NewTask(name, func(ctx context.Context, _ none) (int, error) {
			if err := pause(ctx, after); err != nil {
				return 0, err
			}
			return 0, errors.New("ouch")
		}, opts...)
	}
	slow := func(name string, d time.Duration, from ...string) runnel.AnyTask {
		return runnel.NewValuesTask(name, from, []string{name}, func(ctx context.Context, _ runnel.Values) (runnel.Values, error) {
			return runnel.Values{name: 1}, pause(ctx, d)
		})
	}
	elements := runnel.NewMapTask("es[i]", func(ctx context.Context, in struct {
		N int `runnel:"ns[i]"`
	}) (int, error) {
		if err := pause(ctx, time.Duration(in.N)*time.Second); err != nil {
			return 0, err
		}
		if in.N == 3 {
			return 0, errors.New("three")
		}
		return in.N, nil
	})
	pages := runnel.NewMapTask("fs[i]", func(_ context.Context, in struct {
		E int `runnel:"es[i]"`
	}) (int, error) {
		return in.E, nil
	})
	whole := runnel.NewTask("whole", func(_ context.Context, in struct{ Fs []int }) (int, error) { return len(in.Fs), nil })
	part := runnel.NewTask("part", func(_ context.Context, in struct{ Fs runnel.Partial[int] }) (int, error) { return len(in.Fs.Errs), nil })
	maybe := runnel.NewTask("maybe", func(_ context.Context, in struct {
		Bad runnel.Opt[int]
	}) (bool, error) {
		return in.Bad.Ok, nil
	})
	in := runnel.Values{"ns": []int{1, 2, 3, 4}}
	for name, s := range map[string]struct {
		tasks  []runnel.AnyTask
		in     runnel.Values
		cancel time.Duration
	}{
		"succeeds":   {[]runnel.AnyTask{slow("a", time.Second), slow("b", time.Second, "a")}, nil, 0},
		"fails":      {[]runnel.AnyTask{boom("bad", time.Second), slow("a", 3*time.Second), slow("b", time.Second, "bad"), slow("c", time.Second, "a"), maybe}, nil, 0},
		"retries":    {[]runnel.AnyTask{boom("bad", time.Second, runnel.Retries(3)), slow("a", time.Second, "bad")}, nil, 0},
		"gives up":   {[]runnel.AnyTask{boom("bad", time.Second, runnel.Retries(9), runnel.RetryDelay(time.Minute), runnel.MaxRetryTime(90*time.Second)), slow("a", time.Second, "bad"), maybe}, nil, 0},
		"elements":   {[]runnel.AnyTask{elements, pages, whole, part}, in, 0},
		"no worker":  {[]runnel.AnyTask{slow("a", time.Second), runnel.NewTask("absent", func(context.Context, none) (int, error) { return 0, nil }, runnel.Queue("none")), slow("b", time.Second, "absent")}, nil, 0},
		"cancelled":  {[]runnel.AnyTask{slow("a", time.Second), slow("b", time.Hour, "a"), slow("c", time.Second, "b"), elements, pages}, in, 2500 * time.Millisecond},
		"retry wait": {[]runnel.AnyTask{boom("bad", time.Second, runnel.Retries(3), runnel.RetryDelay(time.Hour), runnel.MaxRetryTime(0))}, nil, time.Minute},
	} {
		for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed} {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := pipelineOf(t, s.tasks...)
					b := &broker.Memory{}
					defer employ(t, b, p, runnel.Concurrency(100), runnel.Queues(broker.DefaultQueue))()
					driven, err := p.Start(t.Context(), s.in, runnel.WithBroker(b), runnel.RunID("r"), runnel.OnError(mode))
					if err != nil {
						t.Fatal(err)
					}
					live, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
					if err != nil {
						t.Fatal(err)
					}
					if s.cancel > 0 {
						<-time.After(s.cancel)
						live.Cancel(errors.New("no longer needed"))
					}
					res, err := driven.Wait(t.Context())
					want := tale(res, err)
					if s.cancel > 0 && !strings.Contains(want, "no longer needed") {
						t.Errorf("it was not cancelled as asked: %s", want)
					}
					res, err = live.Wait(t.Context())
					if got := tale(res, err); got != want {
						t.Errorf("followed it is\n%s\nwant\n%s", got, want)
					}
					late, err := p.Attach(t.Context(), "r", runnel.WithBroker(b))
					if err != nil {
						t.Fatal(err)
					}
					res, err = late.Wait(t.Context())
					if got := tale(res, err); got != want {
						t.Errorf("followed afterwards it is\n%s\nwant\n%s", got, want)
					}
				})
			})
		}
	}
}

// tale tells of each task how it ended, and what the run returned.
func tale(res *runnel.Result, err error) string {
	var b strings.Builder
	report := res.Report()
	for _, name := range slicesSorted(report) {
		task, _ := report.Task(name)
		fmt.Fprintf(&b, "%s %v", name, task.State)
		if task.Elements != nil {
			fmt.Fprintf(&b, " %d/%d/%d/%d", task.Elements.Succeeded, task.Elements.Failed, task.Elements.Skipped, task.Elements.Cancelled)
		}
		if task.State == runnel.Failed {
			fmt.Fprintf(&b, " (%v)", task.Err)
		}
		b.WriteString("; ")
	}
	fmt.Fprintf(&b, "%v; %v; cancelled %v; %v", report.State, res.Outputs(), errors.Is(err, context.Canceled), err)
	return b.String()
}

func slicesSorted(r *runnel.Report) []string {
	var names []string
	for _, t := range r.Tasks {
		names = append(names, t.Name)
	}
	sort.Strings(names)
	return names
}

func TestWhatCannotBeAttachedOrSubmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker.Memory{}
		var c counts
		p := chain(t, &c)
		in := runnel.Values{"words": []string{"a"}}
		if _, err := p.Submit(t.Context(), in, runnel.WithBroker(b), runnel.RunID("nightly")); err != nil {
			t.Fatal(err)
		}
		attach := func(p *runnel.Pipeline, id string, opts ...runnel.RunOption) error {
			_, err := p.Attach(t.Context(), id, opts...)
			return err
		}
		submit := func(in runnel.Values, opts ...runnel.RunOption) error {
			_, err := p.Submit(t.Context(), in, opts...)
			return err
		}
		other := pipelineOf(t, step("a", nil, works))
		seq := func(yield func(string) bool) {}
		for name, c := range map[string]struct {
			err  error
			want string
		}{
			"unknown":      {attach(p, "nihgtly", runnel.WithBroker(b)), `no such run is kept (did you mean "nightly"?)`},
			"other graph":  {attach(other, "nightly", runnel.WithBroker(b)), "attach by the pipeline as it was then"},
			"no keeper":    {attach(p, "nightly", runnel.WithBroker(struct{ broker.Broker }{b})), "does not keep runs"},
			"its own":      {attach(p, "nightly", runnel.WithBroker(b), runnel.MaxParallel(3)), "Attach takes WithBroker, Observe and Timings only"},
			"observe":      {submit(in, runnel.WithBroker(b), runnel.Observe(func(runnel.Event) {})), "Submit: Observe is of no use"},
			"intercept":    {submit(in, runnel.WithBroker(b), runnel.Intercept(func(ctx context.Context, _ runnel.TaskInfo, next func(context.Context) error) error { return next(ctx) })), "Submit: Intercept is of no use"},
			"cache":        {submit(in, runnel.WithBroker(b), runnel.WithCache(runnel.NewDataCache())), "Submit: WithCache is of no use"},
			"sequence":     {submit(runnel.Values{"words": iter.Seq[string](seq)}, runnel.WithBroker(b)), `input "words" is a sequence`},
			"missing":      {submit(nil, runnel.WithBroker(b)), `input "words" of type []string is missing`},
			"other inputs": {submit(runnel.Values{"words": []string{"b"}}, runnel.WithBroker(b), runnel.RunID("nightly")), `input "words" has another value`},
		} {
			if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", name, c.err, c.want)
			}
		}
		if !runnel.HasWorkers() { // else each run has a broker
			for want, err := range map[string]error{"Attach: it needs a broker": attach(p, "nightly"), "Submit: it needs a broker": submit(in)} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("without a broker: got %v, want %q", err, want)
				}
			}
		}
		if err := attach(p, "nihgtly", runnel.WithBroker(b)); !errors.Is(err, broker.ErrUnknownRun) {
			t.Errorf("an unknown run is %v", err)
		}
		if err := submit(in, runnel.WithBroker(b), runnel.RunID("nightly")); err != nil {
			t.Errorf("submitted again it is %v", err)
		}
	})
}

// TestAttachEndsWithItsContext, and the run does not.
func TestAttachEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		p := chain(t, &c)
		b := &broker.Memory{}
		defer employ(t, b, p)()
		driven, err := p.Start(t.Context(), runnel.Values{"words": []string{"a"}}, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		r, err := p.Attach(ctx, "r", runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Wait(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "goes on where it is driven") {
			t.Errorf("it ended with %v", err)
		}
		if res, err := driven.Wait(t.Context()); err != nil || res.Outputs()["total"] != 1 {
			t.Errorf("the run ended with %v, %v", res.Outputs(), err)
		}
	})
}
