package runnel_test

import (
	"context"
	"errors"
	"fmt"
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

// elements counts what is done for each element of a mapped task, and how many at once.
type elements struct {
	mu      sync.Mutex
	calls   map[int]int
	running atomic.Int32
	most    atomic.Int32
}

// mapped is a task of elements that take a millisecond, unless do says otherwise.
func (e *elements) mapped(do func(ctx context.Context, n int) error, opts ...runnel.TaskOption) *runnel.MapTask[struct {
	N int `runnel:"ns[i]"`
}, int] {
	e.calls = map[int]int{}
	return runnel.NewMapTask("out[i]", func(ctx context.Context, in struct {
		N int `runnel:"ns[i]"`
	}) (int, error) {
		e.mu.Lock()
		e.calls[in.N]++
		e.mu.Unlock()
		now := e.running.Add(1)
		defer e.running.Add(-1)
		for most := e.most.Load(); now > most && !e.most.CompareAndSwap(most, now); most = e.most.Load() {
		}
		if do != nil {
			if err := do(ctx, in.N); err != nil {
				return 0, err
			}
		}
		time.Sleep(time.Millisecond)
		return in.N * 2, nil
	}, opts...)
}

// once checks that each element was done once.
func (e *elements) once(t *testing.T, n int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for k := range n {
		if e.calls[k] != 1 {
			t.Errorf("element %d was done %d times", k, e.calls[k])
		}
	}
}

// watched is a broker that notes the sizes of batches, the elements that are the last
// of theirs, and what was handed back when.
type watched struct {
	*broker.Memory
	mu     sync.Mutex
	sizes  []int
	last   map[int]bool
	backAt []time.Time
}

// isLast reports whether the element is the last of the batch that it went in.
func (b *watched) isLast(element int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last[element]
}

func (b *watched) Submit(ctx context.Context, batches []broker.Batch) error {
	b.mu.Lock()
	if b.last == nil {
		b.last = map[int]bool{}
	}
	for _, batch := range batches {
		b.sizes = append(b.sizes, len(batch))
		for i, j := range batch {
			b.last[j.Element] = i == len(batch)-1
		}
	}
	b.mu.Unlock()
	return b.Memory.Submit(ctx, batches)
}

func (b *watched) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	b.mu.Lock()
	for _, r := range results {
		if r.IsHandBack() {
			b.backAt = append(b.backAt, time.Now())
		}
	}
	b.mu.Unlock()
	return b.Memory.Finish(ctx, d, results...)
}

// TestASlowElementHoldsUpNoOther though short ones share messages: those behind it are
// handed back, all are done once, and the run takes as long as the slow ones. There are
// two next to each other, so that one of them is not the last of its batch.
func TestASlowElementHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, slow = 400, 10 * time.Second
		var e elements
		p := pipelineOf(t, e.mapped(func(_ context.Context, n int) error {
			if n == 150 || n == 151 {
				time.Sleep(slow)
			}
			return nil
		}))
		b := &watched{Memory: &broker.Memory{}}
		for range 3 {
			defer employ(t, b, p, runnel.Concurrency(1))()
		}
		synctest.Wait()
		began := time.Now()
		res, err := p.Run(t.Context(), runnel.Values{"ns": upTo(n)}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > slow+500*time.Millisecond {
			t.Errorf("it took %v, want little more than %v", took, slow)
		}
		e.once(t, n)
		if got := res.Outputs()["out"].([]int); len(got) != n || got[150] != 300 || got[399] != 798 {
			t.Errorf("the outputs are %v", got)
		}
		if len(b.backAt) == 0 || b.backAt[0].Sub(began) > time.Second {
			t.Errorf("it was handed back at %v", b.backAt)
		}
		if most := slices.Max(b.sizes); most < 8 || len(b.sizes) > n/2 {
			t.Errorf("%d elements went in %d batches of at most %d", n, len(b.sizes), most)
		}
	})
}

// TestLongElementsGoAlone: as many at once as there are slots, from the first on.
func TestLongElementsGoAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e elements
		p := pipelineOf(t, e.mapped(func(context.Context, int) error { time.Sleep(time.Second - time.Millisecond); return nil }))
		b := &watched{Memory: &broker.Memory{}}
		for range 2 {
			defer employ(t, b, p, runnel.Concurrency(5))()
		}
		synctest.Wait()
		began := time.Now()
		if _, err := p.Run(t.Context(), runnel.Values{"ns": upTo(30)}, runnel.WithBroker(b)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("30 elements of 1s took %v on 10 slots, want 3s", took)
		}
		if slices.Max(b.sizes) != 1 {
			t.Errorf("the batches have %v elements", b.sizes)
		}
	})
}

// TestAWorkerThatEndsHandsBackWhatItHasNotBegun at once, and ends with the element that
// it is at.
func TestAWorkerThatEndsHandsBackWhatItHasNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 400
		var e elements
		var left time.Time
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b := &watched{Memory: &broker.Memory{}}
		p := pipelineOf(t, e.mapped(func(_ context.Context, n int) error {
			if n >= 150 && left.IsZero() && !b.isLast(n) {
				left = time.Now()
				cancel()
				time.Sleep(5 * time.Second)
			}
			return nil
		}))
		ended := make(chan error, 1)
		go func() { ended <- runnel.NewWorker(b, p, runnel.Concurrency(1)).Run(ctx) }()
		synctest.Wait()
		r, err := p.Start(t.Context(), runnel.Values{"ns": upTo(n)}, runnel.WithBroker(b))
		if err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		synctest.Wait()
		if len(b.backAt) == 0 || !b.backAt[0].Equal(left) {
			t.Errorf("the worker was told to end at %v and handed back at %v", left, b.backAt)
		}
		defer employ(t, b, p, runnel.Concurrency(1))()
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil || time.Since(left) > 6*time.Second {
			t.Errorf("the worker ended with %v, the run after %v", err, time.Since(left))
		}
		e.once(t, n)
	})
}

// TestElementsOfABatchFailAlone: by an error that goes away, by one that stays, by a
// panic, by the end of their goroutine, by a timeout.
func TestElementsOfABatchFailAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		var e elements
		p := pipelineOf(t, e.mapped(func(ctx context.Context, n int) error {
			switch {
			case n%50 == 7 && runnel.Info(ctx).Attempt == 1:
				return errors.New("for now")
			case n == 101:
				return errors.New("for good")
			case n == 201:
				panic("ouch")
			case n == 301:
				runtime.Goexit()
			case n == 401:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, runnel.Retries(1), runnel.Timeout(20*time.Millisecond)))
		b := &watched{Memory: &broker.Memory{}}
		defer employ(t, b, p, runnel.Concurrency(2))()
		synctest.Wait()
		res, err := p.Run(t.Context(), runnel.Values{"ns": upTo(n)}, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
		var failed *runnel.RunError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		of := map[int]error{}
		for _, f := range failed.Tasks {
			of[f.Index[0]] = f.Err
		}
		if len(of) != 4 || !strings.Contains(fmt.Sprint(of[101]), "for good") || !strings.Contains(fmt.Sprint(of[201]), "ouch") || !errors.Is(of[301], runnel.ErrGoexit) || !errors.Is(of[401], context.DeadlineExceeded) {
			t.Errorf("the failures are %v", of)
		}
		report := taskReport(t, res.Report(), "out")
		if report.Elements.Succeeded != n-4 {
			t.Errorf("%+v", report.Elements)
		}
		for k := range n {
			want := 1
			if _, twice := of[k]; twice || k%50 == 7 {
				want = 2
			}
			if e.calls[k] != want {
				t.Errorf("element %d had %d attempts, want %d", k, e.calls[k], want)
			}
		}
		if slices.Max(b.sizes) < 8 {
			t.Errorf("the batches have %v elements", b.sizes)
		}
	})
}

// TestALimitCountsElements of batches as they are done.
func TestALimitCountsElements(t *testing.T) {
	for _, limit := range []int{1, 3, 64} {
		synctest.Test(t, func(t *testing.T) {
			const n = 300
			var e elements
			p := pipelineOf(t, e.mapped(nil))
			b := &broker.Memory{}
			for range 3 {
				defer employ(t, b, p, runnel.Concurrency(4))()
			}
			synctest.Wait()
			if _, err := p.Run(t.Context(), runnel.Values{"ns": upTo(n)}, runnel.WithBroker(b), runnel.MaxParallel(limit)); err != nil {
				t.Fatal(err)
			}
			if most, want := int(e.most.Load()), min(limit, 12); most != want {
				t.Errorf("%d elements at once with a limit of %d and 12 slots", most, limit)
			}
			e.once(t, n)
		})
	}
}

// TestTheElementThatKillsItsWorkersFailsAlone: those that it shared batches with are
// done.
func TestTheElementThatKillsItsWorkersFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		var e elements
		p := pipelineOf(t, e.mapped(nil))
		b := &broker.Memory{Lease: time.Second, MaxDeliveries: 3}
		r, poison := poisoned(t, b, p, runnel.Values{"ns": upTo(n)})
		defer employ(t, b, p)()
		res, err := r.Wait(t.Context())
		var failed *runnel.RunError
		if !errors.As(err, &failed) || len(failed.Tasks) != 1 || !slices.Equal(failed.Tasks[0].Index, []int{poison.Element}) || !strings.Contains(err.Error(), "delivered 3 times and never finished") {
			t.Errorf("the error is %v", err)
		}
		if got := taskReport(t, res.Report(), "out"); got.Elements.Succeeded != n-1 {
			t.Errorf("%+v", got.Elements)
		}
		if dead, _ := b.Dead(t.Context()); len(dead) != 1 || dead[0].Job.Element != poison.Element {
			t.Errorf("the dead letters are %v", dead)
		}
	})
}

// poisoned starts a run of many short jobs, and does them until one of them has killed
// its worker three times when it was alone: the first, some way on, that comes in company.
// What had its company is to be done by others.
func poisoned(t *testing.T, b *broker.Memory, p *runnel.Pipeline, in runnel.Values) (r *runnel.Run, poison *broker.Job) {
	t.Helper()
	stop := employ(t, b, p, runnel.Concurrency(1))
	tasks := announced(t, b)
	stop()
	victim := &broker.Worker{ID: "victim", Queues: []string{"default"}, Slots: 1, Tasks: tasks}
	if _, err := b.Extend(t.Context(), victim, nil); err != nil {
		t.Fatal(err)
	}
	r, err := p.Start(t.Context(), in, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the run knows of the victim, its jobs go alone
	done, deaths := 0, 0
	for deaths < 3 {
		if _, err := b.Extend(t.Context(), victim, nil); err != nil {
			t.Fatal(err)
		}
		held, err := b.Receive(t.Context(), victim, 1)
		if err != nil {
			t.Fatal(err)
		}
		jobs := held[0].Jobs
		if poison == nil && len(jobs) > 1 && done > 20 {
			poison = jobs[1]
		}
		if poison != nil && slices.ContainsFunc(jobs, func(j *broker.Job) bool { return j.Task == poison.Task && j.Element == poison.Element }) {
			if len(jobs) == 1 {
				deaths++
			}
			continue
		}
		var results []*broker.Result
		for _, j := range jobs {
			res := broker.ResultOf(j)
			res.Worker, res.Took, res.Outputs = "victim", 20*time.Microsecond, []broker.Value{broker.Go{V: 1}}
			results = append(results, res)
		}
		if _, err := b.Finish(t.Context(), held[0], results...); err != nil {
			t.Fatal(err)
		}
		done += len(jobs)
	}
	return r, poison
}

// announced are the tasks that the worker of a broker announces.
func announced(t *testing.T, b broker.Broker) []*broker.Task {
	found := make(chan []*broker.Task, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.Workers(ctx, func(now []*broker.Worker) {
		if len(now) > 0 {
			found <- now[0].Tasks
			cancel()
		}
	})
	return <-found
}
