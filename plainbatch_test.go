package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
)

// equals are plain tasks that take 20 µs unless do says otherwise, and how often each was
// called.
type equals struct {
	mu    sync.Mutex
	calls map[int]int
	ended map[int]time.Time
}

func (e *equals) tasks(n int, do func(ctx context.Context, k int) error, opts ...runnel.TaskOption) []runnel.AnyTask {
	e.calls, e.ended = map[int]int{}, map[int]time.Time{}
	tasks := make([]runnel.AnyTask, n)
	for k := range n {
		tasks[k] = runnel.NewTask(equal(k), func(ctx context.Context, _ struct{}) (int, error) {
			e.mu.Lock()
			e.calls[k]++
			e.mu.Unlock()
			if do != nil {
				if err := do(ctx, k); err != nil {
					return 0, err
				}
			}
			time.Sleep(20 * time.Microsecond)
			e.mu.Lock()
			e.ended[k] = time.Now()
			e.mu.Unlock()
			return 2 * k, nil
		}, opts...)
	}
	return tasks
}

func equal(k int) string { return fmt.Sprintf("equal%d", k) }

// once checks that each task was done once, and that its output is right.
func (e *equals) once(t *testing.T, n int, res *runnel.Result) {
	t.Helper()
	for k := range n {
		if e.calls[k] != 1 {
			t.Errorf("task %d was done %d times", k, e.calls[k])
		}
		if got := res.Outputs()[equal(k)]; got != 2*k {
			t.Errorf("task %d made %v", k, got)
		}
	}
}

// weighed is a broker that notes the tasks of each batch, and when something was handed
// back.
type weighed struct {
	*broker.Memory
	mu      sync.Mutex
	batches [][]string
	at      []time.Time
	back    map[string]broker.Kind
	backAt  []time.Time
}

func (b *weighed) Submit(ctx context.Context, batches []broker.Batch) error {
	b.mu.Lock()
	for _, batch := range batches {
		var tasks []string
		for _, j := range batch {
			tasks = append(tasks, j.Task)
		}
		b.batches, b.at = append(b.batches, tasks), append(b.at, time.Now())
	}
	b.mu.Unlock()
	return b.Memory.Submit(ctx, batches)
}

func (b *weighed) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	b.mu.Lock()
	for _, r := range results {
		if r.IsHandBack() {
			if b.back == nil {
				b.back = map[string]broker.Kind{}
			}
			b.back[r.Task] = r.Failure.Kind
			b.backAt = append(b.backAt, time.Now())
		}
	}
	b.mu.Unlock()
	return b.Memory.Finish(ctx, d, results...)
}

// most is how many tasks the largest batch has.
func (b *weighed) most() (most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, tasks := range b.batches {
		most = max(most, len(tasks))
	}
	return most
}

// isLast reports whether a task is the last of the batch that it went in.
func (b *weighed) isLast(task string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.batches, func(tasks []string) bool { return tasks[len(tasks)-1] == task })
}

// TestASlowTaskHoldsUpNoOther though short ones share messages: those behind it are handed
// back within 10ms.
func TestASlowTaskHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, slow = 400, 10 * time.Second
		var e equals
		p := pipelineOf(t, e.tasks(n, func(_ context.Context, k int) error {
			if k == 150 || k == 151 {
				time.Sleep(slow)
			}
			return nil
		})...)
		b := &weighed{Memory: &broker.Memory{}}
		for range 3 {
			defer employ(t, b, p, runnel.Concurrency(1))()
		}
		synctest.Wait()
		began := time.Now()
		res, err := p.Run(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > slow+500*time.Millisecond {
			t.Errorf("it took %v, want little more than %v", took, slow)
		}
		e.once(t, n, res)
		for k, at := range e.ended {
			if k != 150 && k != 151 && at.Sub(began) > 50*time.Millisecond {
				t.Errorf("task %d had ended after %v", k, at.Sub(began))
			}
		}
		if len(b.backAt) == 0 || b.backAt[0].Sub(began) > 50*time.Millisecond {
			t.Errorf("it was handed back at %v", b.backAt)
		}
		if most := b.most(); most < 8 || len(b.batches) > n/2 {
			t.Errorf("%d tasks went in %d batches of at most %d", n, len(b.batches), most)
		}
	})
}

// TestLongTasksGoAlone: as many at once as there are slots, from the first on.
func TestLongTasksGoAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e equals
		p := pipelineOf(t, e.tasks(30, func(context.Context, int) error { time.Sleep(time.Second - 20*time.Microsecond); return nil })...)
		b := &weighed{Memory: &broker.Memory{}}
		for range 2 {
			defer employ(t, b, p, runnel.Concurrency(5))()
		}
		synctest.Wait()
		began := time.Now()
		if _, err := p.Run(t.Context(), nil, runnel.WithBroker(b)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("30 tasks of 1s took %v on 10 slots, want 3s", took)
		}
		if most := b.most(); most != 1 {
			t.Errorf("a batch has %d tasks", most)
		}
	})
}

// TestTasksGoAtOnce, each alone, before it is known which workers there are.
func TestTasksGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e equals
		tasks := e.tasks(8, nil)
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		began := time.Now()
		r, err := p.Start(t.Context(), nil, runnel.WithBroker(&secretive{b}))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.mu.Lock()
		if len(b.batches) != len(tasks) || slices.ContainsFunc(b.at, func(at time.Time) bool { return at != began }) {
			t.Errorf("the batches are %v, at %v", b.batches, b.at)
		}
		b.mu.Unlock()
		defer employ(t, b, p)()
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// secretive is a broker that never tells which workers there are.
type secretive struct{ broker.Broker }

func (*secretive) Workers(ctx context.Context, _ func([]*broker.Worker)) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestTasksThatShareMessages are those of a queue and priority, whatever their functions:
// copies, those of nested pipelines, and all others.
func TestTasksThatShareMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		short := func(more int) func(context.Context, struct{ N int }) (int, error) {
			return func(_ context.Context, in struct{ N int }) (int, error) {
				time.Sleep(20 * time.Microsecond)
				return in.N + more, nil
			}
		}
		one := runnel.NewTask("one", short(1))
		inner := pipelineOf(t, runnel.NewTask("deep", short(2)))
		nested := runnel.Nest[struct{ N int }, int]("nest", inner, "deep")
		var tasks []runnel.AnyTask
		with := func(kind string, opts ...runnel.TaskOption) {
			for k := range n {
				tasks = append(tasks, runnel.NewTask(fmt.Sprint(kind, k), short(3), opts...))
			}
		}
		with("queue", runnel.Queue("other"))
		with("high", runnel.Priority(broker.High))
		for k := range n {
			tasks = append(tasks, one.As(fmt.Sprint("copy", k)), nested.As(fmt.Sprint("nest", k)))
		}
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		defer employ(t, b, p, runnel.Concurrency(1))()
		synctest.Wait()
		res, err := p.Run(t.Context(), runnel.Values{"n": 3}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[string]int{"queue": 6, "high": 6, "copy": 4, "nest": 5} {
			for k := range n {
				if name := fmt.Sprint(kind, k); res.Outputs()[name] != want {
					t.Errorf("%s made %v, want %d", name, res.Outputs()[name], want)
				}
			}
		}
		kinds := map[string]bool{}
		for _, batch := range b.batches {
			var in []string
			for _, name := range batch {
				in = append(in, strings.TrimRight(strings.TrimSuffix(name, "/deep"), "0123456789"))
			}
			slices.Sort(in)
			kinds[fmt.Sprint(slices.Compact(in))] = true
		}
		for _, alone := range []string{"queue", "high"} {
			for kind := range kinds {
				if strings.Contains(kind, alone) && kind != "["+alone+"]" {
					t.Errorf("a batch is of %s", kind)
				}
			}
		}
		if !kinds["[copy nest]"] || len(b.batches) > 60 {
			t.Errorf("%d tasks went in %d batches of %v", 4*n, len(b.batches), kinds)
		}
	})
}

// TestAWorkerThatEndsHandsBackTasks that it has not begun.
func TestAWorkerThatEndsHandsBackTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 400
		var e equals
		var left time.Time
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b := &weighed{Memory: &broker.Memory{}}
		p := pipelineOf(t, e.tasks(n, func(_ context.Context, k int) error {
			if k >= 150 && left.IsZero() && !b.isLast(equal(k)) {
				left = time.Now()
				cancel()
				time.Sleep(5 * time.Second)
			}
			return nil
		})...)
		ended := make(chan error, 1)
		go func() { ended <- runnel.NewWorker(b, p, runnel.Concurrency(1)).Run(ctx) }()
		synctest.Wait()
		r, err := p.Start(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		synctest.Wait()
		if len(b.backAt) == 0 || !b.backAt[0].Equal(left) {
			t.Errorf("the worker was told to end at %v and handed back at %v", left, b.backAt)
		}
		defer employ(t, b, p, runnel.Concurrency(1))()
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil || time.Since(left) > 6*time.Second {
			t.Errorf("the worker ended with %v, the run after %v", err, time.Since(left))
		}
		e.once(t, n, res)
	})
}

// TestTasksOfABatchFailAlone, and keep their attempts, timeouts and fallbacks.
func TestTasksOfABatchFailAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		var e equals
		tasks := e.tasks(n, func(ctx context.Context, k int) error {
			switch {
			case k%50 == 7 && runnel.Info(ctx).Attempt == 1:
				return errors.New("for now")
			case k == 101 || k == 102:
				return errors.New("for good")
			case k == 201:
				panic("ouch")
			case k == 301:
				runtime.Goexit()
			case k == 401:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, runnel.Retries(1), runnel.Timeout(20*time.Millisecond))
		tasks[102] = tasks[102].(*runnel.Task[struct{}, int]).Fallback(func(_ context.Context, _ struct{}, err error) (int, error) {
			return 204, nil
		})
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		defer employ(t, b, p, runnel.Concurrency(2))()
		synctest.Wait()
		res, err := p.Run(t.Context(), nil, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
		var failed *runnel.RunError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		of := map[string]error{}
		for _, f := range failed.Tasks {
			of[f.Task] = f.Err
		}
		if len(of) != 4 || !strings.Contains(fmt.Sprint(of[equal(101)]), "for good") || !strings.Contains(fmt.Sprint(of[equal(201)]), "ouch") || !errors.Is(of[equal(301)], runnel.ErrGoexit) || !errors.Is(of[equal(401)], context.DeadlineExceeded) {
			t.Errorf("the failures are %v", of)
		}
		for k := range n {
			report := taskReport(t, res.Report(), equal(k))
			want, state := 1, runnel.Succeeded
			if _, lost := of[equal(k)]; lost {
				want, state = 2, runnel.Failed
			}
			if k%50 == 7 || k == 102 {
				want = 2
			}
			if e.calls[k] != want || report.Attempts != want || report.State != state {
				t.Errorf("task %d: %d calls, and %d attempts and %v in the report, want %d and %v", k, e.calls[k], report.Attempts, report.State, want, state)
			}
			if out, made := res.Outputs()[equal(k)]; made != (state == runnel.Succeeded) || made && out != 2*k {
				t.Errorf("task %d made %v, %v", k, out, made)
			}
		}
		if most := b.most(); most < 8 {
			t.Errorf("the largest batch has %d tasks", most)
		}
	})
}

// TestTheTaskThatKillsItsWorkersFailsAlone: those that it shared batches with are done.
func TestTheTaskThatKillsItsWorkersFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		var e equals
		p := pipelineOf(t, e.tasks(n, nil)...)
		b := &broker.Memory{Lease: time.Second, MaxDeliveries: 3}
		r, poison := poisoned(t, b, p, nil)
		defer employ(t, b, p)()
		res, err := r.Wait(t.Context())
		var failed *runnel.RunError
		if !errors.As(err, &failed) || len(failed.Tasks) != 1 || failed.Tasks[0].Task != poison.Task || !strings.Contains(err.Error(), "delivered 3 times and never finished") {
			t.Errorf("the error is %v", err)
		}
		if done := res.Report().Totals.Succeeded; done != n-1 {
			t.Errorf("%d tasks succeeded, want all but one of %d", done, n)
		}
		if dead, _ := b.Dead(t.Context()); len(dead) != 1 || dead[0].Job.Task != poison.Task {
			t.Errorf("the dead letters are %v", dead)
		}
	})
}

// TestWorkersWithSomeOfTheTasks: no worker has all tasks of a batch, and each task is
// done once by one that has it.
func TestWorkersWithSomeOfTheTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		var e equals
		tasks := e.tasks(n, nil)
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		defer employ(t, b, runnel.Tasks(tasks[:150]...), runnel.Concurrency(1))()
		defer employ(t, b, runnel.Tasks(tasks[150:n-1]...), runnel.Concurrency(1))()
		synctest.Wait()
		began := time.Now()
		res, err := p.Run(t.Context(), nil, runnel.WithBroker(b), runnel.AwaitWorkers(time.Minute), runnel.OnError(runnel.SkipFailed))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v: want as long as a worker was waited for that has the last task", took)
		}
		if report := taskReport(t, res.Report(), equal(n-1)); report.State != runnel.Failed || !errors.Is(report.Err, runnel.ErrNoWorker) {
			t.Errorf("the task that no worker has is %+v", report)
		}
		e.once(t, n-1, res)
		for k, at := range e.ended {
			if at.Sub(began) > 5*time.Second {
				t.Errorf("task %d had ended after %v", k, at.Sub(began))
			}
		}
		for _, kind := range b.back {
			if kind != broker.Orphaned {
				t.Errorf("handed back: %v", b.back)
				break
			}
		}
		if most := b.most(); most < 8 || len(b.back) == 0 {
			t.Errorf("the largest batch has %d tasks, %d were handed back", most, len(b.back))
		}
	})
}

// TestTasksThatNoWorkerHasHoldUpNoOther, whether they went out before it was known which
// workers there are or after.
func TestTasksThatNoWorkerHasHoldUpNoOther(t *testing.T) {
	for name, before := range map[string]bool{"before the workers are known": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n, missing = 200, 20
				var e equals
				tasks := e.tasks(n, nil)
				p := pipelineOf(t, tasks...)
				b := &weighed{Memory: &broker.Memory{}}
				defer employ(t, b, runnel.Tasks(tasks[missing:]...), runnel.Concurrency(1))()
				discreet := &discreet{Broker: b, tell: make(chan struct{})}
				if !before {
					close(discreet.tell)
				}
				began := time.Now()
				r, err := p.Start(t.Context(), nil, runnel.WithBroker(discreet), runnel.AwaitWorkers(time.Minute), runnel.OnError(runnel.SkipFailed))
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if before {
					close(discreet.tell)
				}
				res, err := r.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for k := range n {
					report := taskReport(t, res.Report(), equal(k))
					switch {
					case k < missing && !errors.Is(report.Err, runnel.ErrNoWorker):
						t.Errorf("a task that no worker has is %+v", report)
					case k >= missing && (report.State != runnel.Succeeded || report.Ended.Sub(began) > 20*time.Millisecond):
						t.Errorf("a task that the worker has is %v, and ended after %v", report.State, report.Ended.Sub(began))
					}
				}
			})
		})
	}
}

// discreet is a broker that tells which workers there are only after a while.
type discreet struct {
	broker.Broker
	tell chan struct{}
}

func (d *discreet) Workers(ctx context.Context, changed func([]*broker.Worker)) error {
	select {
	case <-d.tell:
		return d.Broker.Workers(ctx, changed)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestWorkersOfDifferentSizes: where fewer workers have some tasks than have others, none
// of them share a message, and nobody has to leave one to others.
func TestWorkersOfDifferentSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		var e equals
		tasks := e.tasks(n, nil)
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		defer employ(t, b, runnel.Tasks(tasks[:200]...), runnel.Concurrency(2))()
		defer employ(t, b, runnel.Tasks(tasks[100:]...), runnel.Concurrency(1))()
		synctest.Wait()
		res, err := p.Run(t.Context(), nil, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		e.once(t, n, res)
		if most := b.most(); most != 1 || len(b.back) > 0 {
			t.Errorf("the largest batch has %d tasks, and %v were handed back", most, b.back)
		}
	})
}

// TestSlowOnesAtWorkHoldUpNoOther that becomes ready later: short ones
// were waiting for batches to come back, since that is soon for such as them.
func TestSlowOnesAtWorkHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, slow, late = 300, 3, 5
		gate := func(name string, after time.Duration) runnel.AnyTask {
			return runnel.NewTask(name, func(context.Context, struct{}) (int, error) { time.Sleep(after); return 1, nil }, runnel.Queue("gates"))
		}
		ended := map[string]time.Time{}
		var mu sync.Mutex
		tasks := []runnel.AnyTask{gate("first", time.Second), gate("second", 3*time.Second)}
		for k := range slow + n + late {
			name, after, takes := fmt.Sprintf("short%d", k), "first", time.Microsecond // so that they are known to be short
			switch {
			case k < slow:
				name, after, takes = fmt.Sprintf("slow%d", k), "n", time.Hour
			case k >= slow+n:
				name, after = fmt.Sprintf("late%d", k-slow-n), "second"
			}
			tasks = append(tasks, runnel.NewValuesTask(name, []string{after}, []string{name}, func(context.Context, runnel.Values) (runnel.Values, error) {
				time.Sleep(takes)
				mu.Lock()
				defer mu.Unlock()
				ended[name] = time.Now()
				return runnel.Values{name: 1}, nil
			}))
		}
		p := pipelineOf(t, tasks...)
		b := &weighed{Memory: &broker.Memory{}}
		defer employ(t, b, p, runnel.Concurrency(8))()
		synctest.Wait()
		began := time.Now()
		if _, err := p.Run(t.Context(), runnel.Values{"n": 1}, runnel.WithBroker(b)); err != nil {
			t.Fatal(err)
		}
		for k := range late {
			if took := ended[fmt.Sprintf("late%d", k)].Sub(began); took > 3200*time.Millisecond {
				t.Errorf("late%d had ended after %v: it was ready after 3s", k, took)
			}
		}
		if took := time.Since(began); took > time.Hour+2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
