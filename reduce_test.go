package runnel_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
)

func join(_ context.Context, a, b string) (string, error) { return a + b, nil }

// TestReduceEqualsAFold, with initial as the first accumulator, once.
func TestReduceEqualsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 50).Draw(t, "items")
		want := "initial "
		for _, s := range items {
			want += s
		}
		if got, err := runnel.Reduce(context.Background(), items, "initial ", join); err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

// TestReduceTreeEqualsAFold for an associative function that is not commutative,
// whatever the chunks and the limit.
func TestReduceTreeEqualsAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 100).Draw(t, "items")
		want, calls := "", 0
		for _, s := range items {
			want += s
		}
		kept := slices.Clone(items)
		got, err := runnel.ReduceTree(context.Background(), items, join, append(chunkOptions(t), runnel.Progress(func(done, total int) {
			if calls++; done != calls || total != len(items)-1 {
				t.Errorf("progress was told %d of %d, want %d of %d", done, total, calls, len(items)-1)
			}
		}))...)
		if err != nil || got != want || calls != max(0, len(items)-1) {
			t.Fatalf("got %q, %v after %d calls, want %q after %d", got, err, calls, want, len(items)-1)
		}
		if !slices.Equal(items, kept) {
			t.Fatal("the items were changed")
		}
	})
}

// TestMapReduceEqualsLoops, whatever the chunks and the limit.
func TestMapReduceEqualsLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.IntRange(-100, 100), 0, 100).Draw(t, "items")
		want := 1000
		for _, n := range items {
			want += 2 * n
		}
		if got, err := runnel.MapReduce(context.Background(), items, double, 1000, add, chunkOptions(t)...); err != nil || got != want {
			t.Fatalf("got %d, %v, want %d", got, err, want)
		}
	})
}

// TestReduceTreeIsParallel: combining 1,024 items takes as long as ten
// combinations.
func TestReduceTreeIsParallel(t *testing.T) {
	slow := func(_ context.Context, a, b int) (int, error) { time.Sleep(time.Second); return a + b, nil }
	for want, opts := range map[time.Duration][]runnel.BatchOption{
		10:     {},
		7 + 7:  {runnel.ChunkSize(8)},   // 8 in a row, then 128 parts in pairs
		63 + 4: {runnel.ChunkCount(16)}, // 64 in a row, then 16 parts in pairs
		1023:   {runnel.MaxParallel(1)},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got, err := runnel.ReduceTree(t.Context(), numbers(1024), slow, opts...)
			if err != nil || got != 1023*1024/2 {
				t.Fatalf("got %d, %v", got, err)
			}
			if took := time.Since(start); took != want*time.Second {
				t.Errorf("took %v, want %ds", took, want)
			}
		})
	}
}

// TestReduceLeavesOutWhatFails and says so; FailFast stops there.
func TestReduceLeavesOutWhatFails(t *testing.T) {
	var seen []int
	addEven := func(_ context.Context, a, n int) (int, error) {
		if seen = append(seen, n); n%2 == 1 {
			return -1, errItem
		}
		return a + n, nil
	}
	got, err := runnel.Reduce(t.Context(), numbers(6), 100, addEven)
	e, ok := errors.AsType[*runnel.BatchError](err)
	if got != 106 || !ok || len(e.Failed) != 3 || e.Failed[1].Index != 3 || !slices.Equal(seen, numbers(6)) {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err = runnel.Reduce(t.Context(), numbers(6), 100, addEven, runnel.OnError(runnel.SkipFailed)); got != 106 || err != nil {
		t.Errorf("SkipFailed: got %d, %v", got, err)
	}
	if got, err = runnel.Reduce(t.Context(), []int{1, 3}, 100, addEven, runnel.OnError(runnel.SkipFailed)); got != 100 || err == nil {
		t.Errorf("all failed: got %d, %v", got, err)
	}
	seen = nil
	if got, err = runnel.Reduce(t.Context(), numbers(6), 100, addEven, runnel.OnError(runnel.FailFast)); got != 100 || !errors.Is(err, errItem) || len(seen) != 2 {
		t.Errorf("FailFast: got %d, %v after %v", got, err, seen)
	}
}

// TestReduceWaitsForRetries: the next item comes after all attempts at this one.
func TestReduceWaitsForRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got, err := runnel.Reduce(t.Context(), []string{"a", "b", "c"}, "", func(ctx context.Context, a, s string) (string, error) {
			if runnel.Info(ctx).Attempt == 1 {
				return "broken", errItem
			}
			return a + s, nil
		}, runnel.Retries(1), runnel.RetryJitter(false))
		if err != nil || got != "abc" || time.Since(start) != 3*time.Second {
			t.Errorf("got %q, %v after %v", got, err, time.Since(start))
		}
	})
}

// TestReduceTreeFailsAsAWhole, naming the first item of what could not be combined.
func TestReduceTreeFailsAsAWhole(t *testing.T) {
	for bad := 1; bad < 20; bad++ {
		got, err := runnel.ReduceTree(t.Context(), numbers(20), func(_ context.Context, a, b int) (int, error) {
			if b == bad {
				return 7, errItem
			}
			return a, nil // the first of its part
		}, runnel.MaxParallel(1))
		if bad%2 == 1 || bad%4 == 2 { // second in its pair, or the first of such
			e, ok := errors.AsType[*runnel.BatchError](err)
			if got != 0 || !ok || e.Failed[0].Index != bad || e.Items != 20 || !errors.Is(err, errItem) {
				t.Errorf("item %d cannot be combined: got %d, %v", bad, got, err)
			}
		}
	}
	_, err := runnel.ReduceTree(t.Context(), numbers(2), func(context.Context, int, int) (int, error) { return 0, errItem })
	if !errors.Is(err, errItem) {
		t.Errorf("the only combination failed: %v", err)
	}
	if _, err := runnel.ReduceTree(t.Context(), numbers(2), add, runnel.OnError(runnel.SkipFailed)); err == nil {
		t.Error("SkipFailed: want an error, since nothing can be left out")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := runnel.ReduceTree(ctx, numbers(5), add); got != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %d, %v", got, err)
	}
}

func TestReduceTreeRetries(t *testing.T) {
	got, err := runnel.ReduceTree(t.Context(), numbers(50), func(ctx context.Context, a, b int) (int, error) {
		if runnel.Info(ctx).Attempt == 1 {
			return -1, errItem
		}
		return a + b, nil
	}, runnel.Retries(1), runnel.RetryDelay(0), runnel.ChunkSize(5))
	if err != nil || got != 49*50/2 {
		t.Errorf("got %d, %v", got, err)
	}
}

// TestMapReduceOfAnIncompleteMap is not reduced, unless SkipFailed asks for the
// successes.
func TestMapReduceOfAnIncompleteMap(t *testing.T) {
	reduced := 0
	count := func(_ context.Context, a, n int) (int, error) { reduced++; return a + n, nil }
	got, err := runnel.MapReduce(t.Context(), numbers(10), failOdd, 100, count)
	if got != 100 || reduced != 0 || !errors.Is(err, errItem) {
		t.Errorf("got %d, %v after %d reductions", got, err, reduced)
	}
	got, err = runnel.MapReduce(t.Context(), numbers(10), failOdd, 100, count, runnel.OnError(runnel.SkipFailed))
	if got != 120 || reduced != 5 || err != nil {
		t.Errorf("SkipFailed: got %d, %v after %d reductions", got, err, reduced)
	}
	got, err = runnel.MapReduce(t.Context(), []int{1, 3}, failOdd, 100, count, runnel.OnError(runnel.SkipFailed))
	if got != 100 || reduced != 5 || !errors.Is(err, errItem) {
		t.Errorf("all failed: got %d, %v after %d reductions", got, err, reduced)
	}
	_, err = runnel.MapReduce(t.Context(), numbers(10), failOdd, 0, func(_ context.Context, a, n int) (int, error) {
		if n == 6 {
			return 0, errItem
		}
		return a, nil
	}, runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(2))
	if err != nil {
		t.Errorf("SkipFailed: a failed reduction is skipped too: %v", err)
	}
	_, err = runnel.MapReduce(t.Context(), numbers(10), double, 0, func(_ context.Context, a, n int) (int, error) {
		if n == 12 {
			return 0, errItem
		}
		return a, nil
	})
	if err == nil || err.Error() != "runnel: MapReduce, reducing: item 6 failed: bad item" {
		t.Errorf("the error of reducing is %v", err)
	}
	_, err = runnel.MapReduce(t.Context(), []int{1, 2, 4}, failOdd, 0, func(_ context.Context, a, n int) (int, error) { return 0, errItem }, runnel.OnError(runnel.SkipFailed))
	if e, ok := errors.AsType[*runnel.BatchError](err); !ok || len(e.Failed) != 2 || e.Failed[0].Index != 1 || e.Failed[1].Index != 2 {
		t.Errorf("errors of reducing have the indices of the items: %v", err)
	}
}

func TestReducingNothing(t *testing.T) {
	if got, err := runnel.Reduce(t.Context(), nil, 5, add); got != 5 || err != nil {
		t.Errorf("Reduce: %d, %v", got, err)
	}
	if got, err := runnel.MapReduce(t.Context(), nil, double, 5, add); got != 5 || err != nil {
		t.Errorf("MapReduce: %d, %v", got, err)
	}
	if got, err := runnel.ReduceTree(t.Context(), nil, add); got != 0 || err != nil {
		t.Errorf("ReduceTree: %d, %v", got, err)
	}
	if got, err := runnel.ReduceTree(t.Context(), []int{5}, add); got != 5 || err != nil {
		t.Errorf("ReduceTree of one: %d, %v", got, err)
	}
}

func TestWrongReductions(t *testing.T) {
	for want, call := range map[string]func() error{
		"runnel: Reduce cannot run: ChunkSize has no meaning for Reduce, which calls for one item after another: use ReduceTree, or drop it": func() error {
			_, err := runnel.Reduce(t.Context(), numbers(3), 0, add, runnel.ChunkSize(3))
			return err
		},
		"runnel: Reduce cannot run: the function is nil: give one": func() error {
			_, err := runnel.Reduce[int, int](t.Context(), nil, 0, nil)
			return err
		},
		"runnel: ReduceTree cannot run: the function is nil: give one": func() error {
			_, err := runnel.ReduceTree[int](t.Context(), nil, nil)
			return err
		},
		"runnel: ReduceTree cannot run: OnError: a combination that fails ends the whole, since leaving a part out would be another result: drop the option, or use Reduce": func() error {
			_, err := runnel.ReduceTree(t.Context(), nil, add, runnel.OnError(runnel.ContinueOnError))
			return err
		},
		"runnel: MapReduce cannot run: the function that reduces is nil: give one": func() error {
			_, err := runnel.MapReduce[int, int, int](t.Context(), nil, double, 0, nil)
			return err
		},
	} {
		if err := call(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
