package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

func TestWorkersDoTheTasksOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type seen struct {
			runnel.TaskInfo
			inputs runnel.Values
		}
		infos := make(chan seen, 10)
		note := func(ctx context.Context) {
			i := runnel.Info(ctx)
			infos <- seen{i, i.Inputs()}
		}
		double := runnel.NewMapTask("doubles[i]", func(ctx context.Context, in struct {
			N  int `runnel:"ns[i]"`
			By int
		}) (int, error) {
			note(ctx)
			return in.N * in.By, nil
		})
		sum := runnel.NewTask("sum", func(ctx context.Context, in struct {
			Doubles []int
			Extra   runnel.Opt[int]
		}) (string, error) {
			note(ctx)
			return fmt.Sprint(in.Doubles, in.Extra), nil
		})
		p := runnel.NewPipeline(runnel.PipelineName("p")).Add(double, sum)
		b := &broker.Memory{}
		defer employ(t, b, p)()
		res, err := p.Run(t.Context(), runnel.Values{"ns": []int{1, 2, 3}, "by": 2}, runnel.WithBroker(b), runnel.RunID("r"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sum.Get(res); err != nil || got != "[2 4 6] {0 false}" {
			t.Errorf("got %q, %v", got, err)
		}
		close(infos)
		keys := map[string]seen{}
		for i := range infos {
			keys[i.IdempotencyKey] = i
		}
		for _, key := range []string{"r/doubles[0]", "r/doubles[1]", "r/doubles[2]", "r/sum"} {
			if i, ok := keys[key]; !ok || i.RunID != "r" || i.Pipeline != "p" || i.Attempt != 1 {
				t.Errorf("the task with key %s was told %+v", key, i.TaskInfo)
			}
		}
		if i := keys["r/doubles[2]"]; !slices.Equal(i.Index, []int{2}) || !reflect.DeepEqual(i.inputs, runnel.Values{"ns[i]": 3, "by": 2}) {
			t.Errorf("element 2 has index %v and inputs %v", i.Index, i.inputs)
		}
		if i := keys["r/sum"]; !reflect.DeepEqual(i.inputs, runnel.Values{"doubles": []int{2, 4, 6}}) {
			t.Errorf("the sum has inputs %v", i.inputs)
		}
	})
}

// A literal's value is that of the process that runs the pipeline.
func TestLiteralsStayWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		use := runnel.NewTask("use", func(_ context.Context, in struct{ Level int }) (int, error) { return in.Level, nil })
		b := &broker.Memory{}
		defer employ(t, b, pipelineOf(t, runnel.Literal("level", 1), use))()
		p := pipelineOf(t, runnel.Literal("level", 2), use)
		res, err := p.Run(t.Context(), nil, runnel.WithBroker(b))
		if got, _ := use.Get(res); err != nil || got != 2 {
			t.Errorf("got %d, %v, want the run's 2", got, err)
		}
	})
}

func TestARunWaitsForAWorkerAndThenSaysWhatIsMissing(t *testing.T) {
	task := func(out any) *runnel.Pipeline {
		switch out.(type) {
		case int:
			return pipelineOf(t, runnel.NewTask("t", func(context.Context, struct{ In struct{ A, B int } }) (int, error) { return 1, nil }))
		}
		return pipelineOf(t, runnel.NewTask("t", func(context.Context, struct {
			In struct {
				A int
				B string
			}
		}) (int, error) {
			return 1, nil
		}))
	}
	in := runnel.Values{"in": struct{ A, B int }{1, 2}}
	for name, c := range map[string]struct {
		worker []runnel.WorkerOption
		want   string
	}{
		"no worker":   {nil, "there are 0 workers, and none has it"},
		"other types": {[]runnel.WorkerOption{task("")}, "input In.B is int in the run and string at the worker"},
		"other queue": {[]runnel.WorkerOption{task(1), runnel.Queues("gpu")}, `serves "gpu" and not "default"`},
		"other name":  {[]runnel.WorkerOption{pipelineOf(t, step("x", nil, works))}, "there are 1 workers, and none has it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &broker.Memory{}
				if c.worker != nil {
					defer employ(t, b, c.worker...)()
				}
				began := time.Now()
				_, err := task(1).Run(t.Context(), in, runnel.WithBroker(b), runnel.AwaitWorkers(10*time.Second))
				if !errors.Is(err, runnel.ErrNoWorker) || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(fmt.Sprint(err), `task "t"`) {
					t.Errorf("got %v, want ErrNoWorker with %q", err, c.want)
				}
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("it took %v, want 10s", took)
				}
			})
		})
	}
	t.Run("one comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &broker.Memory{}
			r, err := task(1).Start(t.Context(), in, runnel.WithBroker(b), runnel.AwaitWorkers(10*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(9 * time.Second)
			defer employ(t, b, task(1))()
			if _, err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestFailuresOnWorkersAreThoseOfARun(t *testing.T) {
	for name, broken := range map[string]func(b *broker.Memory) broker.Broker{
		"by reference": func(b *broker.Memory) broker.Broker { return b },
		"encoded":      func(b *broker.Memory) broker.Broker { return &wire{b} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls, asked, rescues atomic.Int32
				type none = struct{}
				fail := func(name string, err error, opts ...runnel.TaskOption) runnel.AnyTask {
					return runnel.NewTask(name, func(context.Context, none) (int, error) { calls.Add(1); return 0, err }, opts...)
				}
				p := pipelineOf(t,
					fail("plain", errDrawn, runnel.Retries(2), runnel.RetryDelay(time.Second)),
					fail("permanent", runnel.Permanent(errDrawn), runnel.Retries(2)),
					fail("unwanted", errDrawn, runnel.Retries(2), runnel.RetryIf(func(err error) bool {
						asked.Add(1)
						return !errors.Is(err, errDrawn)
					})),
					runnel.NewTask("panics", func(context.Context, none) (int, error) { panic("ouch") }),
					runnel.NewTask("exits", func(context.Context, none) (int, error) { runtime.Goexit(); return 0, nil }),
					runnel.NewTask("late", func(ctx context.Context, _ none) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, runnel.Timeout(time.Second)),
					runnel.NewTask("unmet", func(context.Context, struct{ In int }) (int, error) { return 1, nil }).When(func(in struct{ In int }) bool { return in.In > 1 }),
					runnel.NewTask("rescued", func(context.Context, none) (int, error) { return 0, errDrawn }).
						Fallback(func(_ context.Context, _ none, err error) (int, error) {
							rescues.Add(1)
							return len(err.Error()), nil
						}),
				)
				b := broken(&broker.Memory{})
				defer employ(t, b, p)()
				res, err := p.Run(t.Context(), runnel.Values{"in": 1}, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
				report := res.Report()
				of := func(task string) error { return taskReport(t, report, task).Err }
				wantState(t, report, "plain", runnel.Failed)
				if got := taskReport(t, report, "plain"); got.Attempts != 3 || !strings.Contains(got.Err.Error(), errDrawn.Error()) {
					t.Errorf("plain had %d attempts and %v", got.Attempts, got.Err)
				}
				if got := taskReport(t, report, "permanent").Attempts; got != 1 {
					t.Errorf("permanent had %d attempts", got)
				}
				if got := taskReport(t, report, "unwanted").Attempts; got != 1 || asked.Load() != 1 {
					t.Errorf("unwanted had %d attempts, and RetryIf was asked %d times", got, asked.Load())
				}
				if panicked, ok := errors.AsType[*runnel.PanicError](of("panics")); !ok || fmt.Sprint(panicked.Value) != "ouch" || len(panicked.Stack) == 0 {
					t.Errorf("panics: %v", of("panics"))
				}
				if !errors.Is(of("exits"), runnel.ErrGoexit) {
					t.Errorf("exits: %v", of("exits"))
				}
				if !errors.Is(of("late"), context.DeadlineExceeded) || !strings.Contains(of("late").Error(), "timeout of 1s") {
					t.Errorf("late: %v", of("late"))
				}
				wantState(t, report, "unmet", runnel.Skipped)
				if got, err := runnel.Get[int](res, "rescued"); err != nil || got != len(errDrawn.Error()) || rescues.Load() != 1 {
					t.Errorf("rescued is %d, %v, after %d calls of its fallback", got, err, rescues.Load())
				}
				if err == nil || calls.Load() != 5 {
					t.Errorf("error %v after %d calls, want 5", err, calls.Load())
				}
			})
		})
	}
}

// wire is a broker whose values and errors lose what does not survive encoding.
type wire struct{ *broker.Memory }

type text struct{ of any }

func (v text) Decode(ctx context.Context, into any) error {
	return broker.Go{V: v.of}.Decode(ctx, into)
}

func (b *wire) Submit(ctx context.Context, batches []broker.Batch) error {
	for _, j := range slices.Concat(batches...) {
		for i := range j.Inputs {
			if g, ok := j.Inputs[i].Value.(broker.Go); ok {
				j.Inputs[i].Value = text{g.V}
			}
		}
		j.Cause = bare(j.Cause)
	}
	return b.Memory.Submit(ctx, batches)
}

func (b *wire) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	for _, r := range results {
		for i := range r.Outputs {
			r.Outputs[i] = text{r.Outputs[i].(broker.Go).V}
		}
		r.Failure = bare(r.Failure)
	}
	return b.Memory.Finish(ctx, d, results...)
}

func bare(f *broker.Failure) *broker.Failure {
	if f == nil {
		return nil
	}
	g := *f
	g.Err = nil
	return &g
}

func TestCancellationReachesWorkersAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped atomic.Int32
		slow := runnel.NewMapTask("slow[i]", func(ctx context.Context, in struct {
			N int `runnel:"ns[i]"`
		}) (int, error) {
			<-ctx.Done()
			<-time.After(time.Second) // it takes a while to stop
			stopped.Add(1)
			return 0, ctx.Err()
		})
		p := pipelineOf(t, slow)
		b := &broker.Memory{}
		defer employ(t, b, p, runnel.Concurrency(3))()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := p.Start(ctx, runnel.Values{"ns": make([]int, 100)}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		cancel()
		_, err = r.Wait(context.Background())
		if !errors.Is(err, context.Canceled) || time.Since(began) != time.Second || stopped.Load() != 3 {
			t.Errorf("%v after %v, %d tasks had stopped; want 1s and the 3 that workers had", err, time.Since(began), stopped.Load())
		}
	})
}

// A worker that only takes jobs, as one that dies of each of them.
func TestAJobThatKillsItsWorkersFailsWithTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipelineOf(t, step("poison", nil, works, runnel.Retries(3)),
			step("fine", nil, works, runnel.Priority(broker.Low))) // or they would share a batch
		b := &broker.Memory{Lease: time.Second, MaxDeliveries: 4}
		r, err := p.Start(t.Context(), nil, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		victim := &broker.Worker{ID: "victim", Queues: []string{"default"}}
		for _, name := range []string{"poison", "fine"} {
			victim.Tasks = append(victim.Tasks, &broker.Task{Name: name, Fingerprint: fingerprintOf(t, name)})
		}
		deaths := 0
		for deaths < 4 {
			held, err := b.Receive(t.Context(), victim, 1)
			if err != nil {
				t.Fatal(err)
			}
			if held[0].Jobs[0].Task == "poison" {
				deaths++
				continue
			}
			res := broker.ResultOf(held[0].Jobs[0])
			res.Outputs = []broker.Value{broker.Go{V: "fine"}}
			b.Finish(t.Context(), held[0], res)
		}
		res, err := r.Wait(t.Context())
		if err == nil || !strings.Contains(err.Error(), "delivered 4 times and never finished") || !strings.Contains(err.Error(), "victim") {
			t.Errorf("the error is %v", err)
		}
		if got := taskReport(t, res.Report(), "poison"); got.Attempts != 1 {
			t.Errorf("it counts as %d attempts, want 1", got.Attempts)
		}
		wantState(t, res.Report(), "fine", runnel.Succeeded)
		if dead, _ := b.Dead(t.Context()); len(dead) != 1 || dead[0].Job.Task != "poison" {
			t.Errorf("the dead letters are %v", dead)
		}
	})
}

// fingerprintOf is that of a step without inputs, as a worker announces it.
func fingerprintOf(t *testing.T, name string) string {
	b := &broker.Memory{}
	defer employ(t, b, pipelineOf(t, step(name, nil, works)))()
	found := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.Workers(ctx, func(now []*broker.Worker) {
		if len(now) > 0 {
			found <- now[0].Tasks[0].Fingerprint
			cancel()
		}
	})
	return <-found
}

func TestAWorkerThatEndsFinishesWhatItCanAndGivesBackTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		by := map[string][]string{}
		work := func(name string, d time.Duration) runnel.AnyTask {
			return step(name, nil, func(ctx context.Context) error {
				mu.Lock()
				by[name] = append(by[name], ctx.Value(whoKey{}).(string))
				mu.Unlock()
				return sleeps(d)(ctx)
			})
		}
		p := pipelineOf(t, work("short", 5*time.Second), work("long", 15*time.Second))
		b := &broker.Memory{}
		start := func(name string) (context.CancelFunc, <-chan error) {
			ctx, cancel := context.WithCancel(context.WithValue(context.Background(), whoKey{}, name))
			ended := make(chan error, 1)
			go func() {
				ended <- runnel.NewWorker(b, p, runnel.Concurrency(2), runnel.DrainTimeout(10*time.Second)).Run(ctx)
			}()
			synctest.Wait() // a run that knows no worker would have both tasks share a message
			return cancel, ended
		}
		endFirst, first := start("first")
		r, err := p.Start(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		endSecond, second := start("second")
		began := time.Now()
		endFirst()
		if err := <-first; err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("the first worker ended with %v after %v, want nil after its 10s", err, time.Since(began))
		}
		if _, err := r.Wait(t.Context()); err != nil || time.Since(began) != 25*time.Second {
			t.Errorf("the run ended with %v after %v, want 25s", err, time.Since(began))
		}
		endSecond()
		if err := <-second; err != nil {
			t.Error(err)
		}
		if !slices.Equal(by["short"], []string{"first"}) || !slices.Equal(by["long"], []string{"first", "second"}) {
			t.Errorf("the tasks were done by %v", by)
		}
	})
}

type whoKey struct{}

func TestALongTaskKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		p := pipelineOf(t, step("long", nil, func(ctx context.Context) error { calls.Add(1); return sleeps(time.Hour)(ctx) }))
		b := &broker.Memory{Lease: time.Second}
		defer employ(t, b, p)()
		defer employ(t, b, p)()
		if _, err := p.Run(t.Context(), nil, runnel.WithBroker(b)); err != nil || calls.Load() != 1 {
			t.Errorf("error %v after %d calls, want one", err, calls.Load())
		}
	})
}

func TestTheLimitOfARunHoldsForWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		p := pipelineOf(t, runnel.NewMapTask("out[i]", func(ctx context.Context, in struct {
			N int `runnel:"ns[i]"`
		}) (int, error) {
			for n := now.Add(1); ; {
				if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			defer now.Add(-1)
			return in.N, sleeps(time.Second)(ctx)
		}), step("other", nil, sleeps(3*time.Second)))
		b := &broker.Memory{}
		defer employ(t, b, p, runnel.Concurrency(50))()
		began := time.Now()
		_, err := p.Run(t.Context(), runnel.Values{"ns": make([]int, 10)}, runnel.WithBroker(b), runnel.MaxParallel(4))
		if err != nil || most.Load() > 4 || time.Since(began) != 4*time.Second {
			t.Errorf("error %v, %d at once after %v, want at most 4 and 4s", err, most.Load(), time.Since(began))
		}
	})
}

func TestARunIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := map[string]int{}
		var open atomic.Bool
		p := pipelineOf(t, runnel.NewMapTask("out[i]", func(ctx context.Context, in struct {
			N int `runnel:"ns[i]"`
		}) (int, error) {
			if in.N >= 5 && !open.Load() {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			mu.Lock()
			calls[runnel.Info(ctx).IdempotencyKey]++
			mu.Unlock()
			return in.N * in.N, nil
		}))
		b := &broker.Memory{}
		defer employ(t, b, p, runnel.Concurrency(100))()
		in := runnel.Values{"ns": []int{0, 1, 2, 3, 4, 5, 6, 7}}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := p.Start(ctx, in, runnel.WithBroker(b), runnel.RunID("nightly"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		if _, err := r.Wait(context.Background()); !errors.Is(err, context.Canceled) {
			t.Fatalf("the first one ended with %v", err)
		}
		open.Store(true)
		res, err := p.Run(t.Context(), in, runnel.WithBroker(b), runnel.RunID("nightly"))
		if got, _ := runnel.Get[[]int](res, "out"); err != nil || !slices.Equal(got, []int{0, 1, 4, 9, 16, 25, 36, 49}) {
			t.Errorf("got %v, %v", got, err)
		}
		for key, n := range calls {
			if n != 1 {
				t.Errorf("%s was done %d times", key, n)
			}
		}
		if len(calls) != 8 {
			t.Errorf("%d elements were done, want 8", len(calls))
		}
	})
}

func TestInterceptorsOfRunsAndWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		mark := func(who string) runnel.Interceptor {
			return func(ctx context.Context, task runnel.TaskInfo, next func(context.Context) error) error {
				calls = append(calls, who+" "+task.Label())
				defer func() { calls = append(calls, who+" ends") }()
				return next(ctx)
			}
		}
		p := runnel.NewPipeline(runnel.Intercept(mark("run"))).Add(step("a", nil, works))
		b := &broker.Memory{}
		dismiss := employ(t, b, p, runnel.Intercept(mark("worker")))
		_, err := p.Run(t.Context(), nil, runnel.WithBroker(b))
		dismiss()
		if want := []string{"run a", "worker a", "worker ends", "run ends"}; err != nil || !slices.Equal(calls, want) {
			t.Errorf("error %v, calls %v, want %v", err, calls, want)
		}
	})
}

func TestAWorkerSaysWhatIsWrongWithIt(t *testing.T) {
	type bad struct{ Done chan int }
	channel := runnel.NewTask("t", func(context.Context, struct{ Bad bad }) (int, error) { return 0, nil })
	first, second := step("same", nil, works), step("same", nil, works)
	for want, w := range map[string]*runnel.Worker{
		"the broker is nil":                            runnel.NewWorker(nil, step("x", nil, works)),
		"it has no tasks":                              runnel.NewWorker(&broker.Memory{}),
		"option 1 of 1 is nil":                         runnel.NewWorker(&broker.Memory{}, nil),
		"Concurrency must be 1 or more":                runnel.NewWorker(&broker.Memory{}, first, runnel.Concurrency(0)),
		"Queues must name at least one queue":          runnel.NewWorker(&broker.Memory{}, first, runnel.Queues()),
		"DrainTimeout must be 0 or more":               runnel.NewWorker(&broker.Memory{}, first, runnel.DrainTimeout(-1)),
		"another task (run_test.go:":                   runnel.NewWorker(&broker.Memory{}, pipelineOf(t, first), pipelineOf(t, second)),
		`input "bad" (Bad) cannot be sent`:             runnel.NewWorker(&picky{}, runnel.Tasks(channel)),
		"its pipeline cannot be built":                 runnel.NewWorker(&broker.Memory{}, runnel.Nest[struct{}, int]("n", runnel.NewPipeline(), "x")),
		"the pipeline cannot be built: it has no task": runnel.NewWorker(&broker.Memory{}, runnel.NewPipeline()),
	} {
		var wrong *runnel.BuildError
		if err := w.Build(); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("Build: %v, want %q", err, want)
		}
		if err := w.Run(context.Background()); !errors.As(err, &wrong) {
			t.Errorf("Run: %v, want that of Build", err)
		}
	}
	_, err := pipelineOf(t, channel).Run(t.Context(), runnel.Values{"bad": bad{}}, runnel.WithBroker(&picky{}))
	var refused *runnel.InputError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), `input "bad" (Bad) cannot be sent`) {
		t.Errorf("Run: %v", err)
	}
	for want, o := range map[string]runnel.RunOption{"WithBroker: the broker is nil": runnel.WithBroker(nil), "AwaitWorkers must be more than 0": runnel.AwaitWorkers(0)} {
		if _, err := pipelineOf(t, first).Run(t.Context(), nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run: %v, want %q", err, want)
		}
	}
	for want, o := range map[string]runnel.TaskOption{"Queue must not be empty": runnel.Queue(" "), "there is no Priority(7)": runnel.Priority(7)} {
		if _, err := runnel.FromTasks(step("x", nil, works, o)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("FromTasks: %v, want %q", err, want)
		}
	}
}

// picky is a broker that cannot carry channels.
type picky struct{ broker.Memory }

func (*picky) CheckType(t reflect.Type) error {
	if t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Type.Kind() == reflect.Chan {
		return errors.New("field Done is a channel")
	}
	return nil
}

func TestQueuesAndPriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		work := func(name string, opts ...runnel.TaskOption) runnel.AnyTask {
			return step(name, nil, func(ctx context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name+" by "+ctx.Value(whoKey{}).(string))
				return nil
			}, opts...)
		}
		p := pipelineOf(t, work("last", runnel.Priority(broker.Low)), work("middle"), work("first", runnel.Priority(broker.High)), work("gpu", runnel.Queue("gpu"), runnel.After("last")))
		b := &broker.Memory{}
		r, err := p.Start(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var dismiss []func()
		for _, queue := range []string{"default", "gpu"} {
			ctx, cancel := context.WithCancel(context.WithValue(context.Background(), whoKey{}, queue))
			ended := make(chan error, 1)
			go func() { ended <- runnel.NewWorker(b, p, runnel.Concurrency(1), runnel.Queues(queue)).Run(ctx) }()
			dismiss = append(dismiss, func() { cancel(); <-ended })
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		for _, d := range dismiss {
			d()
		}
		if want := []string{"first by default", "middle by default", "last by default", "gpu by gpu"}; !slices.Equal(order, want) {
			t.Errorf("the order is %v, want %v", order, want)
		}
	})
}
