package runnel_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/runnelflow/runnel"
	"pgregory.net/rapid"
)

type onRow struct {
	Row []int `runnel:"rows[i]"`
}

type onCell struct {
	N int `runnel:"cells[i,k]"`
}

// TestRandomRaggedPipelinesAreNestedLoops: tasks that fan out twice, and one that
// multiplies ragged data, give what nested loops give for rows of any lengths, with
// and without elements that fail, at every limit, in every mode. One that stops at the
// first failure has nothing that differs.
func TestRandomRaggedPipelinesAreNestedLoops(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 3), 0, 4), 0, 5).Draw(rt, "rows")
		queries := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 3).Draw(rt, "queries")
		bad := rapid.IntRange(-3, 3).Draw(rt, "bad") // rows of that length, and cells of that value, fail
		cells := runnel.NewExpandTask("cells[i,k]", func(_ context.Context, in onRow) ([]int, error) {
			if len(in.Row) == bad {
				return nil, errFlaky
			}
			return in.Row, nil
		})
		words := runnel.NewExpandTask("words[i,k,m]", func(_ context.Context, in onCell) ([]int, error) {
			if in.N == bad {
				return nil, errFlaky
			}
			return wordsOf(in.N), nil
		})
		twice := runnel.NewMapTask("twice[i,k,m]", runnel.Pure(func(in struct {
			W int `runnel:"words[i,k,m]"`
		}) int {
			return 2 * in.W
		}))
		score := runnel.NewMapTask("score[j,i,k]", runnel.Pure(func(in struct {
			N int `runnel:"cells[i,k]"`
			Q int `runnel:"queries[j]"`
		}) int {
			return 100*in.Q + in.N
		}))
		p, err := runnel.FromTasks(rapid.Permutation([]runnel.AnyTask{cells, words, twice, score}).Draw(rt, "order")...)
		if err != nil {
			rt.Fatal(err)
		}

		var byRow [][][]int
		var flat []int
		var missing, holes []int // rows with a hole, places in the flat form
		for i, row := range rows {
			if len(row) == bad {
				byRow, flat = append(byRow, nil), append(flat, 0)
				missing, holes = append(missing, i), append(holes, len(flat)-1)
				continue
			}
			all := [][]int{}
			for _, n := range row {
				if n == bad {
					all, flat = append(all, nil), append(flat, 0)
					missing, holes = append(missing, i), append(holes, len(flat)-1)
					continue
				}
				all = append(all, wordsOf(n))
				for _, w := range wordsOf(n) {
					flat = append(flat, 2*w)
				}
			}
			byRow = append(byRow, all)
		}
		missing = slices.Compact(missing)
		var scores [][]int
		var scoreless []int
		for _, q := range queries {
			for _, row := range rows {
				if len(row) == bad {
					scores, scoreless = append(scores, nil), append(scoreless, len(scores))
					continue
				}
				own := []int{}
				for _, n := range row {
					own = append(own, 100*q+n)
				}
				scores = append(scores, own)
			}
		}

		for _, limit := range limits {
			mode := rapid.SampledFrom([]runnel.ErrorMode{runnel.ContinueOnError, runnel.SkipFailed, runnel.FailFast}).Draw(rt, "mode")
			res, err := p.Run(context.Background(), runnel.Values{"rows": rows, "queries": queries}, runnel.MaxParallel(limit), runnel.OnError(mode))
			fails := len(missing) > 0 && mode != runnel.SkipFailed
			if !fails && err != nil || fails && !errors.Is(err, errFlaky) {
				rt.Fatalf("limit %d, %v: error %v, want one if rows %d are missing", limit, mode, err, missing)
			}
			if fails && mode == runnel.FailFast {
				if got, err := runnel.Get[runnel.Partial[int]](res, "twice"); err == nil {
					for at, v := range got.Values {
						if got.Errs[at] == nil && v%2 != 0 {
							rt.Fatalf("twice has %v", got.Values)
						}
					}
				}
				if run, ok := errors.AsType[*runnel.RunError](err); !ok || run.Cause != nil {
					rt.Fatalf("error %v: nobody cancelled the run", err)
				}
				continue
			}
			wantPartial(rt, res, "words", byRow, missing)
			wantPartial(rt, res, "twice", flat, holes)
			wantPartial(rt, res, "score", scores, scoreless)
		}
	})
}

// wordsOf is what a cell of random ragged data fans out to.
func wordsOf(n int) []int {
	words := make([]int, n)
	for m := range words {
		words[m] = 10*n + m
	}
	return words
}

func wantPartial[T any](t *rapid.T, res *runnel.Result, name string, values []T, missing []int) {
	got, err := runnel.Get[runnel.Partial[T]](res, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(got.Values) != len(values) || len(values) > 0 && !reflect.DeepEqual(got.Values, values) {
		t.Fatalf("%s is %v, want %v", name, got.Values, values)
	}
	if keys := slices.Sorted(keysOf(got.Errs)); !slices.Equal(keys, missing) {
		t.Fatalf("%s: errors at %d, want %d", name, keys, missing)
	}
}
