package runnel_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
)

// TestMapSeqEqualsALoop: results and errors in order, whatever the limit, and never
// more items taken from the sequence than the limit says ahead of the results.
func TestMapSeqEqualsALoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, limit := rapid.IntRange(0, 100).Draw(t, "n"), rapid.IntRange(1, 9).Draw(t, "limit")
		failures := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "failures")
		calls := make([]atomic.Int32, n)
		var taken atomic.Int32
		given := int32(0)
		items := func(yield func(int) bool) {
			for i := range n {
				taken.Add(1)
				if !yield(i) {
					return
				}
			}
		}
		next := 0
		for r, err := range runnel.MapSeq(context.Background(), items, func(ctx context.Context, i int) (int, error) {
			if info := runnel.Info(ctx); info.Index[0] != i {
				return 0, errors.New("wrong index")
			}
			if int(calls[i].Add(1)) <= failures[i] {
				return -1, errItem
			}
			return 2 * i, nil
		}, runnel.MaxParallel(limit), runnel.Retries(1), runnel.RetryDelay(0)) {
			given++
			if ahead := taken.Load() - given; int(ahead) > limit {
				t.Fatalf("%d items were taken ahead of the results, want at most %d", ahead, limit)
			}
			if failures[next] < 2 {
				if r != 2*next || err != nil {
					t.Fatalf("result %d is %d, %v", next, r, err)
				}
			} else if e, ok := errors.AsType[*runnel.ItemError](err); !ok || *e != (runnel.ItemError{Index: next, Attempt: 2, Err: errItem}) || r != 0 {
				t.Fatalf("result %d is %d, %v", next, r, err)
			}
			next++
		}
		if next != n {
			t.Fatalf("%d items gave %d results", n, next)
		}
	})
}

// TestMapSeqTakesItemsAheadOnlyAsFar as the limit, 1,024 by default.
func TestMapSeqTakesItemsAheadOnlyAsFar(t *testing.T) {
	for limit, opts := range map[int][]runnel.BatchOption{1024: nil, 3: {runnel.MaxParallel(3)}, 5: {runnel.MaxParallel(5), runnel.AsCompleted()}} {
		synctest.Test(t, func(t *testing.T) {
			taken, given := 0, 0
			endless := func(yield func(int) bool) {
				for taken++; yield(taken); taken++ {
				}
			}
			for range runnel.MapSeq(t.Context(), endless, double, opts...) {
				synctest.Wait()
				if given++; taken != limit+given {
					t.Errorf("%d items were taken, with %d results handed over, want %d ahead", taken, given, limit)
				}
				if given == 10 {
					break
				}
			}
		})
	}
}

// TestMapSeqHandsOverWhatIsThere before the sequence gives the next item.
func TestMapSeqHandsOverWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		items := func(yield func(int) bool) {
			for i := range 5 {
				time.Sleep(time.Hour)
				if !yield(i) {
					return
				}
			}
		}
		got := 0
		for range runnel.MapSeq(t.Context(), items, func(_ context.Context, n int) (int, error) { time.Sleep(time.Second); return n, nil }) {
			got++
			if took, want := time.Since(start), time.Duration(got)*time.Hour+time.Second; took != want {
				t.Errorf("result %d came after %v, want %v", got, took, want)
			}
		}
	})
}

// TestMapSeqAsCompleted hands over the fast ones first.
func TestMapSeqAsCompleted(t *testing.T) {
	sleep := func(_ context.Context, n int) (int, error) { time.Sleep(time.Duration(n) * time.Second); return n, nil }
	items := rand.Perm(100)
	synctest.Test(t, func(t *testing.T) {
		var got []int
		for r, err := range runnel.MapSeq(t.Context(), slices.Values(items), sleep, runnel.AsCompleted()) {
			if got = append(got, r); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, numbers(100)) {
			t.Errorf("results came as %v, want the fast ones first", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var got []int
		for r := range runnel.MapSeq(t.Context(), slices.Values(items), sleep) {
			got = append(got, r)
		}
		if !slices.Equal(got, items) {
			t.Errorf("results came as %v, want the order of the items", got)
		}
	})
}

func collect[R any](seq iter.Seq2[R, error]) (results []R, errs []error) {
	for r, err := range seq {
		results, errs = append(results, r), append(errs, err)
	}
	return results, errs
}

func TestMapSeqModes(t *testing.T) {
	for _, order := range [][]runnel.BatchOption{nil, {runnel.AsCompleted()}} {
		with := func(opts ...runnel.BatchOption) []runnel.BatchOption { return append(opts, order...) }
		results, errs := collect(runnel.MapSeq(t.Context(), slices.Values(numbers(6)), failOdd, with(runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(1))...))
		if !slices.Equal(results, []int{0, 2, 4}) || errors.Join(errs...) != nil {
			t.Errorf("SkipFailed: %v, %v", results, errs)
		}
		results, errs = collect(runnel.MapSeq(t.Context(), slices.Values([]int{1, 3}), failOdd, with(runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(1))...))
		if e, ok := errors.AsType[*runnel.BatchError](errors.Join(errs...)); len(results) != 1 || !ok || e.Failed[0].Index != 0 || e.Items != 2 {
			t.Errorf("all failed: %v, %v", results, errs)
		}
		results, errs = collect(runnel.MapSeq(t.Context(), slices.Values([]int{2, 4, 5, 6, 8}), failOdd, with(runnel.OnError(runnel.FailFast), runnel.MaxParallel(1))...))
		if e, ok := errs[len(errs)-1].(*runnel.ItemError); !slices.Equal(results, []int{2, 4, 0}) || !ok || e.Index != 2 || errs[0] != nil || errs[1] != nil {
			t.Errorf("FailFast: %v, %v", results, errs)
		}
		if results, _ = collect(runnel.MapSeq(t.Context(), slices.Values([]int{}), double, with()...)); len(results) != 0 {
			t.Errorf("an empty sequence gave %v", results)
		}
	}
}

// TestMapSeqIsCancelled: it ends with the cause, when the running functions have
// returned, also before it began.
func TestMapSeqIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2500*time.Millisecond, func() { cancel(why) })
		var running atomic.Int64
		results, errs := collect(runnel.MapSeq(ctx, slices.Values(numbers(100)), func(ctx context.Context, n int) (int, error) {
			defer running.Add(-1)
			running.Add(1)
			time.Sleep(time.Second)
			return n, ctx.Err()
		}, runnel.MaxParallel(2)))
		last := errs[len(errs)-1]
		if len(results) != 5 || !slices.Equal(results[:4], numbers(4)) || !errors.Is(last, why) || !errors.Is(last, context.Canceled) || running.Load() != 0 {
			t.Errorf("%v, %v; %d running", results, last, running.Load())
		}
		if results, errs := collect(runnel.MapSeq(ctx, slices.Values(numbers(3)), double)); len(results) != 1 || !errors.Is(errs[0], why) {
			t.Errorf("the context was over before: %v, %v", results, errs)
		}
	})
}

// TestMapSeqOfABrokenSequence: what came before the panic is handed over.
func TestMapSeqOfABrokenSequence(t *testing.T) {
	for _, end := range []func(){func() { panic(errItem) }, runtime.Goexit} {
		results, errs := collect(runnel.MapSeq(t.Context(), func(yield func(int) bool) {
			_ = yield(1) && yield(2)
			end()
		}, double))
		if last := errs[len(errs)-1]; !slices.Equal(results, []int{2, 4, 0}) || errs[1] != nil || !errors.Is(last, errItem) && !errors.Is(last, runnel.ErrGoexit) {
			t.Errorf("%v, %v", results, errs)
		}
	}
}

// TestMapSeqTurnsPanicsAndGoexitIntoErrors, item by item.
func TestMapSeqTurnsPanicsAndGoexitIntoErrors(t *testing.T) {
	results, errs := collect(runnel.MapSeq(t.Context(), slices.Values(numbers(30)), func(_ context.Context, n int) (int, error) {
		switch n % 3 {
		case 1:
			panic(errItem)
		case 2:
			runtime.Goexit()
		}
		return n, nil
	}, runnel.MaxParallel(4)))
	for i := range results {
		if want := []error{nil, errItem, runnel.ErrGoexit}[i%3]; !errors.Is(errs[i], want) || (errs[i] == nil) != (want == nil) {
			t.Errorf("item %d: %v, want %v", i, errs[i], want)
		}
	}
}

// TestMapSeqLoopMayPanic: everything is over when the panic leaves the loop.
func TestMapSeqLoopMayPanic(t *testing.T) {
	var running atomic.Int64
	defer func() {
		if recover() != errItem || running.Load() != 0 {
			t.Errorf("%d items are running", running.Load())
		}
	}()
	for range runnel.MapSeq(t.Context(), slices.Values(numbers(1000)), func(ctx context.Context, n int) (int, error) {
		defer running.Add(-1)
		if running.Add(1); n > 0 {
			<-ctx.Done()
		}
		return n, nil
	}) {
		panic(errItem)
	}
}

// TestMapSeqMayBeTakenTwice, and inside itself.
func TestMapSeqMayBeTakenTwice(t *testing.T) {
	seq := runnel.MapSeq(t.Context(), slices.Values(numbers(5)), func(ctx context.Context, n int) (int, error) {
		inner, _ := collect(runnel.MapSeq(ctx, slices.Values(numbers(n)), double, runnel.MaxParallel(1)))
		return len(inner), nil
	}, runnel.MaxParallel(1))
	for range 2 {
		if results, _ := collect(seq); !slices.Equal(results, numbers(5)) {
			t.Errorf("got %v", results)
		}
	}
}

func TestWrongMapSeq(t *testing.T) {
	_, errs := collect(runnel.MapSeq[int, int](t.Context(), nil, nil, runnel.ChunkCount(2), runnel.Progress(func(int, int) {}), runnel.MaxParallel(0)))
	want := `runnel: MapSeq cannot run: 5 problems
  the function is nil: give one
  the sequence is nil: give one, if only slices.Values of no items
  ChunkCount has no meaning for MapSeq, which hands out items as they come: drop it
  Progress has no meaning for MapSeq, whose results come one by one: count them, and drop it
  MaxParallel(0) would take the whole sequence at once: give a limit, or drop it for 1,024`
	if len(errs) != 1 || errs[0].Error() != want {
		t.Errorf("got %v\nwant %s", errs, want)
	}
	if results, _ := collect(runnel.MapSeq(t.Context(), slices.Values(numbers(5)), double, runnel.MaxParallel(1<<40))); len(results) != 5 {
		t.Errorf("a large limit: %v", results)
	}
}
