package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
)

// TestReduceFirstBeginsWithTheFirstItem: initial is only the result of no items.
func TestReduceFirstBeginsWithTheFirstItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.StringN(0, 3, -1), 0, 20).Draw(t, "items")
		want := "none"
		if len(items) > 0 {
			want = strings.Join(items, "")
		}
		same := func(_ context.Context, s string) (string, error) { return s, nil }
		if got, err := runnel.Reduce(context.Background(), items, "none", join, runnel.ReduceFirst()); err != nil || got != want {
			t.Fatalf("Reduce gave %q, %v, want %q", got, err, want)
		}
		if got, err := runnel.MapReduce(context.Background(), items, same, "none", join, runnel.ReduceFirst()); err != nil || got != want {
			t.Fatalf("MapReduce gave %q, %v, want %q", got, err, want)
		}
	})
}

// TestReduceFirstCountsItemsFromTheFirst: the one that it begins with is not
// called, and is counted all the same.
func TestReduceFirstCountsItemsFromTheFirst(t *testing.T) {
	refuse := errors.New("refused")
	pick := func(_ context.Context, a, b string) (string, error) {
		if b == "c" {
			return "", refuse
		}
		return a + b, nil
	}
	got, err := runnel.Reduce(context.Background(), []string{"a", "b", "c", "d"}, "", pick, runnel.ReduceFirst())
	batch, ok := errors.AsType[*runnel.BatchError](err)
	if !ok || got != "abd" || batch.Items != 4 || len(batch.Failed) != 1 || batch.Failed[0].Index != 2 {
		t.Errorf("got %q, %v, want abd without item 2 of 4", got, err)
	}

	// Of a map with a failure the first success begins.
	mapFn := func(_ context.Context, s string) (string, error) {
		if s == "a" {
			return "", refuse
		}
		return s, nil
	}
	got, err = runnel.MapReduce(context.Background(), []string{"a", "b", "c", "d"}, mapFn, "", pick, runnel.ReduceFirst(), runnel.OnError(runnel.SkipFailed))
	if got != "bd" || err != nil {
		t.Errorf("got %q, %v, want bd", got, err)
	}
	_, err = runnel.MapReduce(context.Background(), []string{"b", "c"}, func(_ context.Context, s string) (string, error) { return s, nil }, "", pick, runnel.ReduceFirst())
	if batch, ok := errors.AsType[*runnel.BatchError](err); !ok || batch.Failed[0].Index != 1 {
		t.Errorf("got %v, want the failure of item 1", err)
	}
}

func TestReduceFirstTakesAnInterface(t *testing.T) {
	two := func(_ context.Context, a fmt.Stringer, b runnel.State) (fmt.Stringer, error) {
		return b, nil
	}
	got, err := runnel.Reduce(context.Background(), []runnel.State{runnel.Failed}, nil, two, runnel.ReduceFirst())
	if got != runnel.Failed || err != nil {
		t.Errorf("got %v, %v, want the first item as it is", got, err)
	}
}

func TestReduceFirstIsRefused(t *testing.T) {
	count := func(_ context.Context, n int, s string) (int, error) { return n + len(s), nil }
	_, err := runnel.Reduce(context.Background(), []string{"a"}, 0, count, runnel.ReduceFirst())
	want := "ReduceFirst: the reduction is of type int, and cannot begin with an item of type string: make them one type, or drop the option and give initial"
	if wrong, ok := errors.AsType[*runnel.InputError](err); !ok || !strings.Contains(wrong.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = runnel.ReduceTree(context.Background(), []string{"a"}, join, runnel.ReduceFirst())
	if err == nil || !strings.Contains(err.Error(), "ReduceFirst is for Reduce and MapReduce") {
		t.Errorf("ReduceTree: got %v", err)
	}
}
