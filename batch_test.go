package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
)

var errItem = errors.New("bad item")

func numbers(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

// chunkOptions are options that change how items are handed out, and nothing that
// can be seen.
func chunkOptions(t *rapid.T) []runnel.BatchOption {
	var opts []runnel.BatchOption
	switch n := rapid.IntRange(1, 40).Draw(t, "chunk"); rapid.IntRange(0, 3).Draw(t, "chunking") {
	case 1:
		opts = append(opts, runnel.ChunkSize(n))
	case 2:
		opts = append(opts, runnel.ChunkCount(n))
	case 3:
		opts = append(opts, runnel.AdaptiveChunks(1+n/4, n))
	}
	if limit := rapid.IntRange(-1, 5).Draw(t, "limit"); limit >= 0 {
		opts = append(opts, runnel.MaxParallel(limit))
	}
	return opts
}

// TestMapEqualsALoop: results, errors and progress are those of a loop, whatever
// the chunks and the limit; each item is called once more for each retry, and none
// is dropped.
func TestMapEqualsALoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, retries := rapid.IntRange(0, 200).Draw(t, "n"), rapid.IntRange(0, 2).Draw(t, "retries")
		failures := make([]int, n) // attempts of each item that fail
		for i := range failures {
			failures[i] = max(0, rapid.IntRange(-6, 3).Draw(t, "failures"))
		}
		var calls = make([]atomic.Int32, n)
		var told []int
		opts := append(chunkOptions(t), runnel.Retries(retries), runnel.RetryDelay(0),
			runnel.Progress(func(done, total int) {
				if told = append(told, done); total != n {
					t.Errorf("the total is %d, want %d", total, n)
				}
			}))
		res, err := runnel.Map(context.Background(), numbers(n), func(_ context.Context, i int) (string, error) {
			if int(calls[i].Add(1)) <= failures[i] {
				return "broken", errItem
			}
			return fmt.Sprint("item ", i), nil
		}, opts...)
		failed := 0
		for i := range n {
			attempts := min(failures[i], retries) + 1
			if got := int(calls[i].Load()); got != attempts {
				t.Fatalf("item %d was called %d times, want %d", i, got, attempts)
			}
			if failures[i] <= retries {
				if res.Results[i] != fmt.Sprint("item ", i) || res.Errors[i] != nil {
					t.Fatalf("item %d: %q, %v", i, res.Results[i], res.Errors[i])
				}
				continue
			}
			failed++
			e, ok := errors.AsType[*runnel.ItemError](res.Errors[i])
			if !ok || *e != (runnel.ItemError{Index: i, Attempt: attempts, Err: errItem}) || res.Results[i] != "" {
				t.Fatalf("item %d: %q, %v", i, res.Results[i], res.Errors[i])
			}
		}
		if (err == nil) != (failed == 0) || len(res.Errors) != failed || res.Items != n {
			t.Fatalf("%d of %d items failed: error %v, %d errors by index, %d items", failed, n, err, len(res.Errors), res.Items)
		}
		if rate := res.SuccessRate(); n > 0 && rate != float64(n-failed)/float64(n) || n == 0 && rate != 1 {
			t.Fatalf("%d of %d items failed: success rate %v", failed, n, rate)
		}
		for k, done := range told {
			if done != k+1 {
				t.Fatalf("progress was told %v, want 1, 2, 3 …", told)
			}
		}
		if len(told) != n {
			t.Fatalf("progress was told of %d items, want %d", len(told), n)
		}
	})
}

func TestMapOfNothing(t *testing.T) {
	for _, mode := range []runnel.ErrorMode{runnel.FailFast, runnel.ContinueOnError, runnel.SkipFailed} {
		res, err := runnel.Map(t.Context(), nil, double, runnel.OnError(mode), runnel.ChunkCount(3))
		if err != nil || len(res.Results) != 0 || res.Errors != nil || res.SuccessRate() != 1 {
			t.Errorf("%v: no items gave %+v, %v", mode, res, err)
		}
	}
}

func failOdd(_ context.Context, n int) (int, error) {
	if n%2 == 1 {
		return 0, errItem
	}
	return n, nil
}

// TestMapModes: every item is called unless FailFast says otherwise; SkipFailed
// forgives all but the failure of all.
func TestMapModes(t *testing.T) {
	res, err := runnel.Map(t.Context(), numbers(10), failOdd)
	e, ok := errors.AsType[*runnel.BatchError](err)
	if !ok || len(e.Failed) != 5 || e.Failed[0].Index != 1 || e.Failed[4].Index != 9 || e.Items != 10 || e.Func != "Map" || !errors.Is(err, errItem) || errors.Is(err, context.Canceled) {
		t.Errorf("by default: error %v", err)
	}
	if want := []int{0, 0, 2, 0, 4, 0, 6, 0, 8, 0}; !slices.Equal(res.Results, want) || res.SuccessRate() != 0.5 {
		t.Errorf("by default: results %v, want %v", res.Results, want)
	}
	var succeeded []int
	for i, r := range res.Succeeded() {
		if i != r {
			t.Errorf("result %d is said to be that of item %d", r, i)
		}
		succeeded = append(succeeded, r)
	}
	if !slices.Equal(succeeded, []int{0, 2, 4, 6, 8}) {
		t.Errorf("succeeded are %v", succeeded)
	}
	if want := "runnel: Map: 5 of 10 items failed\n  item 1 failed: bad item\n  item 3 failed: bad item"; err.Error()[:len(want)] != want {
		t.Errorf("the error says\n%v\nwant it to begin with\n%s", err, want)
	}

	if res, err = runnel.Map(t.Context(), numbers(10), failOdd, runnel.OnError(runnel.SkipFailed)); err != nil || len(res.Errors) != 5 {
		t.Errorf("SkipFailed: %v, %d errors by index", err, len(res.Errors))
	}
	if _, err = runnel.Map(t.Context(), []int{1, 3}, failOdd, runnel.OnError(runnel.SkipFailed)); !errors.Is(err, errItem) {
		t.Errorf("all items failed: error %v", err)
	}

	calls := 0
	res, err = runnel.Map(t.Context(), numbers(10), func(ctx context.Context, n int) (int, error) {
		calls++
		return failOdd(ctx, n)
	}, runnel.OnError(runnel.FailFast), runnel.MaxParallel(1))
	if err.Error() != "runnel: Map: item 1 failed: bad item" || errors.Is(err, context.Canceled) || calls != 2 {
		t.Errorf("FailFast: %d calls, error %v", calls, err)
	}
	if len(res.Errors) != 9 || res.Errors[0] != nil || !errors.Is(res.Errors[1], errItem) || !errors.Is(res.Errors[9], context.Canceled) {
		t.Errorf("FailFast: errors by index %v", res.Errors)
	}
}

func TestMapTurnsPanicsAndGoexitIntoErrors(t *testing.T) {
	res, err := runnel.Map(t.Context(), numbers(20), func(_ context.Context, n int) (int, error) {
		switch n % 4 {
		case 1:
			panic(errItem)
		case 2:
			runtime.Goexit()
		}
		return n, nil
	}, runnel.ChunkSize(5), runnel.Retries(1), runnel.RetryDelay(0))
	if len(res.Errors) != 10 || err == nil {
		t.Fatalf("%d errors, want 10: %v", len(res.Errors), err)
	}
	for i := range 20 {
		p, _ := errors.AsType[*runnel.PanicError](res.Errors[i])
		switch i % 4 {
		case 1:
			if p == nil || p.Value != errItem || len(p.Stack) == 0 {
				t.Errorf("item %d panicked: error %v", i, res.Errors[i])
			}
		case 2:
			if !errors.Is(res.Errors[i], runnel.ErrGoexit) {
				t.Errorf("item %d ended its goroutine: error %v", i, res.Errors[i])
			}
		default:
			if res.Errors[i] != nil || res.Results[i] != i {
				t.Errorf("item %d: %v, %v", i, res.Results[i], res.Errors[i])
			}
		}
	}
}

// TestMapLimitIsExact: as many items as the limit says are being called at once,
// never more; 1,024 by default, and all with MaxParallel(0).
func TestMapLimitIsExact(t *testing.T) {
	for _, c := range []struct {
		opts  []runnel.BatchOption
		limit int
	}{
		{nil, 1024},
		{[]runnel.BatchOption{runnel.MaxParallel(1)}, 1},
		{[]runnel.BatchOption{runnel.MaxParallel(7)}, 7},
		{[]runnel.BatchOption{runnel.MaxParallel(7), runnel.ChunkSize(3)}, 7},
		{[]runnel.BatchOption{runnel.MaxParallel(0)}, 2100},
	} {
		synctest.Test(t, func(t *testing.T) {
			var running, peak atomic.Int64
			start := time.Now()
			_, err := runnel.Map(t.Context(), numbers(2100), func(context.Context, int) (int, error) {
				if now := running.Add(1); now > peak.Load() {
					peak.Store(now)
				}
				time.Sleep(time.Second)
				running.Add(-1)
				return 0, nil
			}, c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			rounds := time.Duration((2100 + c.limit - 1) / c.limit)
			if peak.Load() != int64(c.limit) || time.Since(start) != rounds*time.Second {
				t.Errorf("limit %d: %d at once, took %v, want %v", c.limit, peak.Load(), time.Since(start), rounds*time.Second)
			}
		})
	}
}

// TestMapItemsOfNoChunkMayWaitForEachOther: while there is a slot, none waits to
// be handed out.
func TestMapItemsOfNoChunkMayWaitForEachOther(t *testing.T) {
	var all sync.WaitGroup
	all.Add(1000)
	if _, err := runnel.Map(t.Context(), numbers(1000), func(context.Context, int) (int, error) {
		all.Done()
		all.Wait()
		return 0, nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestMapHandsItemsOutInOrder, so that one slot is a loop.
func TestMapHandsItemsOutInOrder(t *testing.T) {
	for _, opt := range []runnel.BatchOption{runnel.ChunkSize(1), runnel.ChunkSize(7), runnel.ChunkCount(9), runnel.AdaptiveChunks(2, 50)} {
		var order []int
		if _, err := runnel.Map(t.Context(), numbers(100), func(_ context.Context, n int) (int, error) {
			order = append(order, n)
			return 0, nil
		}, opt, runnel.MaxParallel(1)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(order, numbers(100)) {
			t.Errorf("the order was %v", order)
		}
	}
}

// TestMapChunks: the items of a chunk are called one after another, chunks at
// once.
func TestMapChunks(t *testing.T) {
	for _, c := range []struct {
		opt  runnel.BatchOption
		took time.Duration // of 10 items of a second each
	}{
		{runnel.ChunkSize(1), 1}, {runnel.ChunkSize(3), 3}, {runnel.ChunkSize(1 << 62), 10},
		{runnel.ChunkCount(4), 3}, {runnel.ChunkCount(10), 1}, {runnel.ChunkCount(1 << 62), 1}, {runnel.ChunkCount(1), 10},
		{runnel.AdaptiveChunks(4, 8), 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			if _, err := runnel.Map(t.Context(), numbers(10), func(context.Context, int) (int, error) {
				time.Sleep(time.Second)
				return 0, nil
			}, c.opt); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != c.took*time.Second {
				t.Errorf("took %v, want %ds", took, c.took)
			}
		})
	}
}

// TestMapRetryHoldsNoSlotAndNoChunk: the others go on while an item waits for its
// next attempt, those of its chunk too.
func TestMapRetryHoldsNoSlotAndNoChunk(t *testing.T) {
	for _, chunk := range []int{1, 10} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ended := make([]time.Duration, 10)
			res, err := runnel.Map(t.Context(), numbers(10), func(ctx context.Context, n int) (int, error) {
				time.Sleep(time.Second)
				attempt := runnel.Info(ctx).Attempt
				if n == 0 && attempt == 1 {
					return 0, errItem
				}
				ended[n] = time.Since(start)
				return attempt, nil
			}, runnel.MaxParallel(1), runnel.ChunkSize(chunk), runnel.Retries(1), runnel.RetryDelay(3500*time.Millisecond), runnel.RetryJitter(false))
			if err != nil || res.Results[0] != 2 {
				t.Fatalf("%v, %v", res.Results, err)
			}
			if ended[0] != 6*time.Second || ended[9] != 11*time.Second || res.Duration != 11*time.Second {
				t.Errorf("chunks of %d: items ended after %v, the batch after %v; want the retry served at 5 s, and 11 s in all", chunk, ended, res.Duration)
			}
		})
	}
}

func TestMapTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res, err := runnel.Map(t.Context(), numbers(3), func(ctx context.Context, n int) (int, error) {
			select {
			case <-time.After(time.Duration(n) * time.Second):
				return n, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}, runnel.Timeout(1500*time.Millisecond))
		if len(res.Errors) != 1 || !errors.Is(res.Errors[2], context.DeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("errors %v, %v", res.Errors, err)
		}
	})
}

// TestMapIsCancelled: Map returns when what was running has returned, with the
// cause; what had ended is there.
func TestMapIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var running atomic.Int64
		time.AfterFunc(2500*time.Millisecond, func() { cancel(why) })
		var done int
		res, err := runnel.Map(ctx, numbers(10), func(ctx context.Context, n int) (int, error) {
			defer running.Add(-1)
			running.Add(1)
			select {
			case <-time.After(time.Second):
				return n + 1, nil
			case <-ctx.Done():
				time.Sleep(time.Minute)
				return 0, ctx.Err()
			}
		}, runnel.MaxParallel(2), runnel.OnError(runnel.SkipFailed), runnel.Progress(func(n, _ int) { done = n }))
		if running.Load() != 0 {
			t.Errorf("Map returned while %d items were running", running.Load())
		}
		if !errors.Is(err, why) || !errors.Is(err, context.Canceled) || err.Error() != "runnel: Map was cancelled: enough" {
			t.Errorf("error %v", err)
		}
		if want := []int{1, 2, 3, 4, 0, 0, 0, 0, 0, 0}; !slices.Equal(res.Results, want) || len(res.Errors) != 6 || done != 4 {
			t.Errorf("results %v, %d errors, progress at %d", res.Results, len(res.Errors), done)
		}
		for i := 4; i < 10; i++ {
			if !errors.Is(res.Errors[i], why) || !errors.Is(res.Errors[i], context.Canceled) {
				t.Errorf("item %d: %v", i, res.Errors[i])
			}
		}
		if _, err := runnel.Map(ctx, numbers(2), double); !errors.Is(err, why) {
			t.Errorf("the context was over before: error %v", err)
		}
	})
}

// TestMapInsideTasksNeverDeadlocks, at MaxParallel(1) and any depth: it takes no
// slots of the run around it.
func TestMapInsideTasksNeverDeadlocks(t *testing.T) {
	var deep func(ctx context.Context, depth int) (int, error)
	deep = func(ctx context.Context, depth int) (int, error) {
		if depth == 0 {
			return 1, nil
		}
		return runnel.MapReduce(ctx, []int{depth - 1, depth - 1}, deep, 0, add, runnel.MaxParallel(1))
	}
	leaves := runnel.NewMapTask("leaves[i]", func(ctx context.Context, in struct {
		Depth int `runnel:"depths[i]"`
	}) (int, error) {
		return deep(ctx, in.Depth)
	})
	p, err := runnel.FromTasks(leaves)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"depths": []int{0, 1, 5}}, runnel.MaxParallel(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := leaves.Get(res); err != nil || !slices.Equal(got, []int{1, 2, 32}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestProgressFailures: a panic and a Goexit of the function are in the error, and
// no item suffers.
func TestProgressFailures(t *testing.T) {
	for _, end := range []func(){func() { panic(errItem) }, runtime.Goexit} {
		told := 0
		res, err := runnel.Map(t.Context(), numbers(100), double, runnel.Progress(func(done, _ int) {
			if told = done; done == 3 {
				end()
			}
		}))
		if len(res.Errors) != 0 || told != 3 || !errors.Is(err, errItem) && !errors.Is(err, runnel.ErrGoexit) {
			t.Errorf("told of %d items, %d errors: %v", told, len(res.Errors), err)
		}
	}
}

// TestProgressDelaysNoItem: items go on while the function takes its time, and Map
// returns after its last call.
func TestProgressDelaysNoItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, last := time.Now(), 0
		var ended atomic.Int64
		_, err := runnel.Map(t.Context(), numbers(10), func(context.Context, int) (int, error) {
			time.Sleep(time.Second)
			ended.Store(int64(time.Since(start)))
			return 0, nil
		}, runnel.Progress(func(done, _ int) { time.Sleep(time.Minute); last = done }), runnel.MaxParallel(1))
		if err != nil || last != 10 || time.Duration(ended.Load()) != 10*time.Second {
			t.Errorf("progress at %d, items ended after %v: %v", last, time.Duration(ended.Load()), err)
		}
	})
}

func TestProgressCountsWhatFailFastStopsAt(t *testing.T) {
	last := 0
	_, err := runnel.Map(t.Context(), numbers(10), failOdd, runnel.OnError(runnel.FailFast), runnel.MaxParallel(1), runnel.Progress(func(done, _ int) { last = done }))
	if err == nil || last != 2 {
		t.Errorf("two items ended, progress at %d: %v", last, err)
	}
}

// TestInfoInBatches: an item knows its index and attempt, and its key differs from
// all others.
func TestInfoInBatches(t *testing.T) {
	res, err := runnel.Map(t.Context(), numbers(100), func(ctx context.Context, n int) (string, error) {
		info := runnel.Info(ctx)
		if info.Task != "Map" || !slices.Equal(info.Index, []int{n}) || info.Attempt != 1 || info.Label() != fmt.Sprintf("Map[%d]", n) {
			return "", fmt.Errorf("item %d got %+v", n, info)
		}
		return info.IdempotencyKey, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if keys := slices.Compact(slices.Sorted(slices.Values(res.Results))); len(keys) != 100 {
		t.Errorf("100 items have %d keys", len(keys))
	}
}

// TestWrongBatchCalls: everything that is wrong is said at once, nothing runs, and
// the result is there.
func TestWrongBatchCalls(t *testing.T) {
	var none func(context.Context, int) (int, error)
	var ctx context.Context
	res, err := runnel.Map(ctx, numbers(2), none, runnel.MaxParallel(-1), runnel.ChunkSize(0), runnel.ChunkCount(0), runnel.AdaptiveChunks(3, 2),
		runnel.Retries(-1), runnel.OnError(7), runnel.Progress(nil), nil, runnel.AsCompleted())
	e, ok := errors.AsType[*runnel.InputError](err)
	if !ok || len(e.Problems) != 13 {
		t.Errorf("want 13 problems, got %v", err)
	}
	want := `runnel: Map cannot run: 13 problems
  MaxParallel must be 0 or more, got -1: 0 lifts the limit
  ChunkSize must be 1 or more, got 0: drop it to have the size chosen
  ChunkCount must be 1 or more, got 0: drop it to have the number chosen
  ChunkSize and ChunkCount say different things about chunks: keep one of them
  AdaptiveChunks needs 1 or more items at least, and no fewer at most, got 3 and 2: give the smaller number first
  ChunkCount and AdaptiveChunks say different things about chunks: keep one of them
  OnError: there is no ErrorMode(7): use FailFast, ContinueOnError or SkipFailed
  Progress: the function is nil: drop the option
  option 8 of 9 is nil: drop it
  Retries must be 0 or more, got -1: 0 makes one attempt
  the context is nil: use context.Background() when there is none
  the function is nil: give one
  AsCompleted is for MapSeq: results are in the order of the items`
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if res == nil || res.Items != 2 || len(res.Results) != 2 || res.SuccessRate() != 0 || res.Errors[1] != err {
		t.Errorf("result %+v", res)
	}
}
