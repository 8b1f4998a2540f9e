package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

// flakyDocs is splitDocs that fails at documents "bad".
func flakyDocs() *runnel.MapTask[onDocs, string] {
	return runnel.NewExpandTask("pages[i,k]", func(_ context.Context, in onDocs) ([]string, error) {
		if in.Doc == "bad" {
			return nil, errFlaky
		}
		return parts(in.Doc, "|"), nil
	})
}

func TestRowsThatCannotBeMade(t *testing.T) {
	picky := runnel.NewMapTask("loud[i,k]", func(_ context.Context, in onPages) (string, error) {
		if in.Page == "x" {
			return "", errFlaky
		}
		return strings.ToUpper(in.Page), nil
	})
	again := runnel.NewMapTask("again[i,k]", runnel.Pure(func(in struct {
		Loud string `runnel:"loud[i,k]"`
		Doc  string `runnel:"docs[i]"`
	}) string {
		return in.Loud + "!"
	}))
	rows := runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
		Row []string `runnel:"again[i]"`
	}) int {
		return len(in.Row)
	}))
	maybe := runnel.NewMapTask("maybe[i]", runnel.Pure(func(in struct {
		Row runnel.Opt[[]string] `runnel:"again[i]"`
		Doc string               `runnel:"docs[i]"`
	}) string {
		return fmt.Sprint(in.Row.Ok, len(in.Row.Value))
	}))
	all := runnel.NewTask("all", runnel.Pure(func(in struct{ Again [][]string }) int { return len(in.Again) }))
	flat := runnel.NewTask("flat", runnel.Pure(func(in struct{ Again runnel.Partial[string] }) string {
		return fmt.Sprintf("%q %d", in.Again.Values, slices.Sorted(keysOf(in.Again.Errs)))
	}))
	nested := runnel.NewTask("nested", runnel.Pure(func(in struct{ Again runnel.Partial[[]string] }) string {
		return fmt.Sprintf("%q %d", in.Again.Values, slices.Sorted(keysOf(in.Again.Errs)))
	}))
	pagesOf := runnel.NewTask("pages_of", runnel.Pure(func(in struct{ Pages runnel.Partial[[]string] }) string {
		return fmt.Sprintf("%q %d", in.Pages.Values, slices.Sorted(keysOf(in.Pages.Errs)))
	}))
	p := pipelineOf(t, flakyDocs(), picky, again, rows, maybe, all, flat, nested, pagesOf)
	in := runnel.Values{"docs": []string{"a|x", "bad", "", "bad", "b|c"}}
	for _, mode := range []runnel.ErrorMode{runnel.ContinueOnError, runnel.SkipFailed} {
		for _, limit := range limits {
			res, err := p.Run(t.Context(), in, runnel.OnError(mode), runnel.MaxParallel(limit))
			if (err == nil) != (mode == runnel.SkipFailed) {
				t.Fatalf("%v: error %v", mode, err)
			}
			if e, ok := errors.AsType[*runnel.RunError](err); err != nil && (!ok || len(e.Tasks) != 3) {
				t.Errorf("error %v, want those of pages[1], pages[3] and loud[0,1]", err)
			}
			r := res.Report()
			for name, want := range map[string]struct {
				state  runnel.State
				reason string
				totals runnel.Totals
			}{
				"pages": {runnel.Failed, "2 of 5 elements failed", runnel.Totals{Tasks: 5, Succeeded: 3, Failed: 2, Attempts: 5}},
				"loud":  {runnel.Failed, "1 of 6 elements failed, 2 were skipped", runnel.Totals{Tasks: 6, Succeeded: 3, Failed: 1, Skipped: 2, Attempts: 4}},
				"again": {runnel.Skipped, "3 of 6 elements were skipped", runnel.Totals{Tasks: 6, Succeeded: 3, Skipped: 3, Attempts: 3}},
				"rows":  {runnel.Skipped, "3 of 5 elements were skipped", runnel.Totals{Tasks: 5, Succeeded: 2, Skipped: 3, Attempts: 2}},
			} {
				got := taskReport(t, r, name)
				if got.State != want.state || got.Reason != want.reason || got.Elements == nil || *got.Elements != want.totals {
					t.Errorf("%s is %v, %q, %+v, want %+v", name, got.State, got.Reason, got.Elements, want)
				}
			}
			wantState(t, r, "all", runnel.Skipped)
			wantGet(t, res, "flat", `["A!" "" "" "" "B!" "C!"] [1 2 3]`)
			wantGet(t, res, "nested", `[["A!" ""] [] [] [] ["B!" "C!"]] [0 1 3]`)
			wantGet(t, res, "pages_of", `[["a" "x"] [] [] [] ["b" "c"]] [1 3]`)
			wantGet(t, res, "maybe", []string{"false 0", "false 0", "true 0", "false 0", "true 2"})
			part, err := runnel.Get[runnel.Partial[[]string]](res, "again")
			if err != nil || part.Values[1] != nil || part.Values[2] == nil {
				t.Errorf("a row that is missing is nil, one without elements is not: %#v, %v", part.Values, err)
			}
			if err := part.Errs[1]; !errors.Is(err, runnel.ErrSkipped) || !errors.Is(err, errFlaky) || !strings.Contains(err.Error(), `its input "loud" is missing: row "loud[1]" could not be made`) {
				t.Errorf("the missing row says %v", err)
			}
			louds, err := runnel.Get[runnel.Partial[string]](res, "loud")
			if err != nil || !errors.Is(louds.Errs[1], errFlaky) || louds.Errs[2] == nil || !errors.Is(louds.Errs[2], errFlaky) || !strings.Contains(louds.Errs[2].Error(), `its input "pages" is missing: task "pages[1]" failed`) {
				t.Errorf("loud is %v, %v", louds, err)
			}
		}
	}
	res, err := p.Run(t.Context(), in)
	if !errors.Is(err, errFlaky) || errors.Is(err, context.Canceled) {
		t.Errorf("fail fast: error %v", err)
	}
	if got := res.Report().Totals; got.Succeeded+got.Failed+got.Cancelled+got.Skipped != got.Tasks {
		t.Errorf("totals %+v", got)
	}
}

func keysOf(m map[int]error) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestExpandedRowsAreRetriedSkippedAndReplaced(t *testing.T) {
	expand := runnel.NewExpandTask("pages[i,k]", func(ctx context.Context, in onDocs) ([]string, error) {
		switch info := runnel.Info(ctx); {
		case len(info.Index) != 1 || info.Label() != fmt.Sprintf("pages[%d]", info.Index[0]):
			return nil, fmt.Errorf("index %v", info.Index)
		case in.Doc == "late" && info.Attempt == 1, in.Doc == "never":
			return nil, errFlaky
		case in.Doc == "panic":
			panic("no pages")
		}
		return parts(in.Doc, "|"), nil
	}, runnel.Retries(1), runnel.RetryDelay(0), runnel.MaxParallel(2)).
		When(func(in onDocs) bool { return in.Doc != "skip" }).
		Fallback(func(_ context.Context, in onDocs, err error) (string, error) { return "instead of " + in.Doc, nil })
	seen := runnel.NewMapTask("seen[i,k]", func(ctx context.Context, in onPages) (string, error) {
		info := runnel.Info(ctx)
		if runnel.Info(ctx).Inputs()["pages[i,k]"] != in.Page {
			return "", errors.New("other inputs")
		}
		return info.IdempotencyKey + "=" + in.Page, nil
	})
	p := pipelineOf(t, expand, seen)
	for _, limit := range limits {
		res, err := p.Run(t.Context(), runnel.Values{"docs": []string{"late", "never", "skip", "a|b", "panic"}},
			runnel.OnError(runnel.SkipFailed), runnel.MaxParallel(limit), runnel.RunID("r"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := runnel.Get[runnel.Partial[[]string]](res, "seen")
		want := [][]string{{"r/seen[0,0]=late"}, {"r/seen[1,0]=instead of never"}, nil, {"r/seen[3,0]=a", "r/seen[3,1]=b"}, {"r/seen[4,0]=instead of panic"}}
		if err != nil || !reflect.DeepEqual(got.Values, want) || len(got.Errs) != 1 {
			t.Errorf("got %q, %v, %v, want %q", got.Values, got.Errs, err, want)
		}
		wantState(t, res.Report(), "pages", runnel.Skipped)
	}
}

// TestExpandedElementsFlowWithoutABarrier: the pages of a document are worked on as
// soon as it has been expanded, through all further stages, so the run takes the
// longest of any one page's way, to the nanosecond.
func TestExpandedElementsFlowWithoutABarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const docs = 10
		expanding := func(i int) time.Duration { return time.Duration(1+i*7%10) * time.Second }
		reading := func(i, k int) time.Duration { return time.Duration(1+(3*i+5*k)%11) * time.Second }
		rating := func(i, k int) time.Duration { return time.Duration(1+(7*i+2*k)%13)*time.Second + 1 }
		doc := runnel.NewExpandTask("pages[i,k]", func(ctx context.Context, in onNumbers) ([]int, error) {
			return upTo(in.N % 4), sleeps(expanding(in.N))(ctx)
		})
		read := runnel.NewMapTask("read[i,k]", func(ctx context.Context, in struct {
			Page int `runnel:"pages[i,k]"`
		}) (int, error) {
			index := runnel.Info(ctx).Index
			return in.Page, sleeps(reading(index[0], index[1]))(ctx)
		})
		rate := runnel.NewMapTask("rate[i,k]", func(ctx context.Context, in struct {
			Read int `runnel:"read[i,k]"`
		}) (int, error) {
			index := runnel.Info(ctx).Index
			return in.Read, sleeps(rating(index[0], index[1]))(ctx)
		})
		sum := runnel.NewMapTask("sum[i]", runnel.Pure(func(in struct {
			Row []int `runnel:"rate[i]"`
		}) int {
			return len(in.Row)
		}))
		var longest time.Duration
		want := make([]int, docs)
		for i := range docs {
			longest, want[i] = max(longest, expanding(i)), i%4
			for k := range i % 4 {
				longest = max(longest, expanding(i)+reading(i, k)+rating(i, k))
			}
		}
		start := time.Now()
		res := mustRun(t, pipelineOf(t, doc, read, rate, sum), runnel.Values{"numbers": upTo(docs)})
		wantTook(t, "the run", start, longest)
		wantGet(t, res, "sum", want)
	})
}

func TestCancelWhileRowsAreUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := runnel.NewExpandTask("pages[i,k]", func(ctx context.Context, in onNumbers) ([]int, error) {
			return upTo(2), sleeps(time.Duration(in.N) * time.Second)(ctx)
		})
		read := runnel.NewMapTask("read[i,k]", func(ctx context.Context, in struct {
			Page int `runnel:"pages[i,k]"`
		}) (int, error) {
			return in.Page + 1, sleeps(time.Duration(in.Page) * time.Minute)(ctx)
		})
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(90*time.Second, func() { cancel(why) })
		start := time.Now()
		res, err := pipelineOf(t, doc, read).Run(ctx, runnel.Values{"numbers": []int{1, 80, 1000}})
		wantTook(t, "the run", start, 90*time.Second)
		if !errors.Is(err, why) {
			t.Errorf("error %v", err)
		}
		got, err := runnel.Get[runnel.Partial[[]int]](res, "read")
		if want := [][]int{{1, 2}, {1, 0}, nil}; err != nil || !reflect.DeepEqual(got.Values, want) || len(got.Errs) != 2 || !strings.Contains(got.Errs[2].Error(), "enough") {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestSlowSequencesAreNamedAfterACancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(yield func(int) bool) {
			time.Sleep(time.Minute)
			yield(1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var named []string
		_, err := pipelineOf(t, doubledEach()).Run(ctx, runnel.Values{"numbers": slow}, runnel.Observe(func(e runnel.Event) {
			if u, ok := e.(runnel.TaskUnresponsive); ok {
				named = append(named, fmt.Sprint(u.Task, u.Index))
			}
		}))
		if !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(named, []string{"doubled[]"}) {
			t.Errorf("error %v, named %q", err, named)
		}
	})
}
