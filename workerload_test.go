package runnel_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"pgregory.net/rapid"
)

// forgetful is a broker whose workers lose jobs: some are given back, some are held
// until their lease ends, and of some the result is handed over twice.
type forgetful struct {
	*broker.Memory
	mu     sync.Mutex
	random *rand.Rand
	first  map[string]int // results that were recorded, by job
}

func (b *forgetful) draw(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.random.IntN(n)
}

func (b *forgetful) Receive(ctx context.Context, w *broker.Worker, n int) ([]*broker.Delivery, error) {
	for {
		held, err := b.Memory.Receive(ctx, w, n)
		var kept []*broker.Delivery
		for _, d := range held {
			switch b.draw(8) {
			case 0:
			case 1:
				b.Release(ctx, []*broker.Delivery{d}, 0)
			default:
				kept = append(kept, d)
			}
		}
		if err != nil || len(kept) > 0 {
			return kept, err
		}
	}
}

func (b *forgetful) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (all int, err error) {
	for range 1 + b.draw(2) {
		for _, r := range results {
			first, err := b.Memory.Finish(ctx, d, r)
			if err != nil {
				return all, err
			}
			b.mu.Lock()
			if first > 0 {
				b.first[r.ID()]++
			}
			b.mu.Unlock()
			all += first
		}
	}
	return all, nil
}

// TestRandomGraphsWithWorkersThatLoseJobs: results are those of a sequential
// reference, and each is recorded once.
func TestRandomGraphsWithWorkersThatLoseJobs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawRandom(rt, true)
		p, want := buildRandom(rt, g), g.reference()
		b := &forgetful{Memory: &broker.Memory{Lease: 3 * time.Millisecond, MaxDeliveries: 1 << 20}, random: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)), first: map[string]int{}}
		ctx, w := newWitness(t.Context())
		working, dismiss := context.WithCancel(ctx)
		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				if err := runnel.NewWorker(b, p, runnel.Concurrency(3)).Run(working); err != nil {
					t.Error(err)
				}
			})
		}
		res, _ := p.Run(t.Context(), g.supplied, runnel.WithBroker(b), runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(rapid.SampledFrom(randomLimits).Draw(rt, "limit")))
		dismiss()
		workers.Wait()
		w.mu.Lock() // a task may have been done twice: only what it saw is compared
		for name := range w.starts {
			w.starts[name] = w.starts[name][:1]
		}
		clear(w.ends)
		w.mu.Unlock()
		checkRun(rt, g, w, res, want)
		for id, n := range b.first {
			if n != 1 {
				rt.Fatalf("%s has %d results", id, n)
			}
		}
	})
}

// A coordinator with many elements outstanding, the broker's memory included.
func TestAHundredThousandOutstandingElementsAreUnder200MB(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	const n = 100_000
	p := pipelineOf(t, runnel.NewMapTask("out[i]", func(_ context.Context, in struct {
		N int `runnel:"ns[i]"`
	}) (int, error) {
		return in.N + 1, nil
	}, runnel.MaxParallel(n)))
	ns := make([]int, n)
	b := &counting{Memory: &broker.Memory{}, all: make(chan struct{}), left: n}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	already := runtime.NumGoroutine()
	r, err := p.Start(t.Context(), runnel.Values{"ns": ns}, runnel.WithBroker(b), runnel.Timings(false))
	if err != nil {
		t.Fatal(err)
	}
	<-b.all
	goroutines := runtime.NumGoroutine() - already
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20
	t.Logf("%d elements outstanding: %d MB, %d goroutines", n, used, goroutines)
	if used > 200 || goroutines > 100 {
		t.Errorf("%d MB and %d goroutines, want at most 200 MB and 100", used, goroutines)
	}
	defer employ(t, b, p, runnel.Concurrency(64))()
	res, err := r.Wait(t.Context())
	if err != nil || len(res.Outputs()["out"].([]int)) != n {
		t.Errorf("error %v", err)
	}
}

// TestARunHoldsBackJobs: of elements without a limit no more than a hundred thousand are
// with the broker at once, all others wait in the run, and each has its turn.
func TestARunHoldsBackJobs(t *testing.T) {
	const n, most = 120_000, 100_000
	ns := make([]int, n)
	for k := range ns {
		ns[k] = k
	}
	synctest.Test(t, func(t *testing.T) {
		out := runnel.NewMapTask("out[i]", func(_ context.Context, in struct {
			N int `runnel:"ns[i]"`
		}) (int, error) {
			return in.N + 1, nil
		}, runnel.MaxParallel(0))
		p := pipelineOf(t, out)
		b := &outstanding{Memory: &broker.Memory{}}
		r, err := p.Start(t.Context(), runnel.Values{"ns": ns}, runnel.WithBroker(b), runnel.Timings(false))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.now != most {
			t.Errorf("%d jobs are with the broker while nobody does them, want %d", b.now, most)
		}
		defer employ(t, b, p)()
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.most > most {
			t.Errorf("%d jobs were with the broker at once, want at most %d", b.most, most)
		}
		got, err := out.Get(res)
		if err != nil || len(got) != n {
			t.Fatalf("there are %d elements, %v, want %d", len(got), err, n)
		}
		for k, v := range got {
			if v != k+1 {
				t.Fatalf("element %d is %d, want %d", k, v, k+1)
			}
		}
	})
}

// outstanding counts the jobs that were submitted and have no result.
type outstanding struct {
	*broker.Memory
	mu        sync.Mutex
	now, most int
}

func (b *outstanding) add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now += n
	b.most = max(b.most, b.now)
}

func (b *outstanding) Submit(ctx context.Context, batches []broker.Batch) error {
	b.add(len(slices.Concat(batches...)))
	return b.Memory.Submit(ctx, batches)
}

func (b *outstanding) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	b.add(-len(results)) // before the run has them
	return b.Memory.Finish(ctx, d, results...)
}

// counting tells when a number of jobs was submitted.
type counting struct {
	*broker.Memory
	mu   sync.Mutex
	left int
	all  chan struct{}
}

func (b *counting) Submit(ctx context.Context, batches []broker.Batch) error {
	jobs := slices.Concat(batches...)
	err := b.Memory.Submit(ctx, batches)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left -= len(jobs); b.left == 0 {
		close(b.all)
	}
	return err
}
