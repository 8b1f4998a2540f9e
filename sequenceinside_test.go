package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
)

// ownEach fans out over what is inside "rows".
func ownEach() runnel.AnyTask {
	return runnel.NewMapTask("own[i,k]", runnel.Pure(func(in struct {
		X int `runnel:"rows[i,k]"`
	}) int {
		return in.X
	}))
}

// endless is a sequence without an end, which tells when it has been read for long.
func endless(long func()) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := 0; yield(n); n++ {
			if n == 1000 {
				long()
			}
		}
	}
}

// TestASequenceInsideHasNoElements: whoever read it could not be stopped, and would
// have to wait for it in the middle of the run.
func TestASequenceInsideHasNoElements(t *testing.T) {
	const want = "an iter.Seq is read on the first axis only: make slices of those inside with slices.Collect"
	never := iter.Seq[int](func(func(int) bool) { t.Error("the sequence was read") })
	for what, task := range map[string]runnel.AnyTask{
		"produced whole": runnel.NewTask("rows", constant([]iter.Seq[int]{never})),
		"produced by elements": runnel.NewMapTask("rows[i]", runnel.Pure(func(struct {
			N int `runnel:"numbers[i]"`
		}) iter.Seq[int] {
			return never
		})),
	} {
		_, err := runnel.FromTasks(task, ownEach())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", what, err, want)
		}
	}
	p := pipelineOf(t, ownEach())
	if _, err := p.Run(t.Context(), runnel.Values{"rows": []iter.Seq[int]{never}}); err == nil || !strings.Contains(err.Error(), `input "rows" must be [][]int, got []iter.Seq[int]: task "own" (`) {
		t.Errorf("supplied: got %v", err)
	}
	// What an any holds shows in the run.
	for what, p := range map[string]*runnel.Pipeline{
		"supplied": pipelineOf(t, ownEach()),
		"produced by elements": pipelineOf(t, ownEach(), runnel.NewMapTask("rows[i]", runnel.Pure(func(struct {
			N int `runnel:"numbers[i]"`
		}) any {
			return never
		}))),
	} {
		in := runnel.Values{"rows": []any{never}}
		if len(p.Tasks()) == 2 {
			in = runnel.Values{"numbers": []int{1, 2}}
		}
		for _, limit := range limits {
			if _, err := p.Run(t.Context(), in, runnel.MaxParallel(limit)); err == nil || !strings.Contains(err.Error(), `input "rows[i,k]" (X): it is an iter.Seq (iter.Seq[int]), which is read on the first axis only`) {
				t.Errorf("%s in an any: got %v", what, err)
			}
		}
	}
}

// TestReadingASequenceEndsWithTheContext, wherever one is read.
func TestReadingASequenceEndsWithTheContext(t *testing.T) {
	mine := errors.New("enough")
	for what, read := range map[string]func(context.Context, iter.Seq[int]) error{
		"on an axis": func(ctx context.Context, seq iter.Seq[int]) error {
			_, err := pipelineOf(t, doubledEach()).Run(ctx, runnel.Values{"numbers": seq})
			return err
		},
		"Reduce of a sequence": func(ctx context.Context, seq iter.Seq[int]) error {
			_, err := built(t, runnel.NewSequence().CallNext(func() iter.Seq[int] { return seq }).Reduce(0, sumOf)).Run(ctx, nil)
			return err
		},
		"Sweep": func(ctx context.Context, seq iter.Seq[int]) error {
			res, err := runnel.Sweep(ctx, runnel.Grid{"x": seq}, func(context.Context, struct{ X int }) (int, error) { return 0, nil })
			if res == nil || res.Items != 0 {
				t.Errorf("the result is %+v", res)
			}
			return err
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := read(ctx, endless(func() { cancel(mine) }))
		if !errors.Is(err, mine) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s ended with %v, want the cause", what, err)
		}
	}
}

// TestNoElementsBesideManyOthers: where one length is zero the others may be of any,
// but for those that make rows, of which the whole has each.
func TestNoElementsBesideManyOthers(t *testing.T) {
	p := pipelineOf(t, runnel.NewMapTask("all[i,j,k]", runnel.Pure(func(struct {
		X int `runnel:"x[i]"`
		Y int `runnel:"y[j]"`
		Z int `runnel:"z[k]"`
	}) int {
		t.Error("there is no element")
		return 0
	})))
	long, none := make([]int, 50_000), []int{}
	for _, lengths := range [][3][]int{{none, long, long}, {long, none, long}, {long, long[:2], none}} {
		if _, err := p.Run(t.Context(), runnel.Values{"x": lengths[0], "y": lengths[1], "z": lengths[2]}); err != nil {
			t.Errorf("got %v", err)
		}
		res, err := runnel.Sweep(t.Context(), runnel.Grid{"x": lengths[0], "y": long, "z": lengths[2], "w": none}, func(context.Context, struct{ X, Y, Z, W int }) (int, error) { return 0, nil })
		if err != nil || res.Items != 0 {
			t.Errorf("Sweep made %d, %v", res.Items, err)
		}
	}
	for _, z := range [][]int{{}, {1, 2}} {
		want := fmt.Sprintf("axes of [50000 50000 %d] make more rows and elements than the 2147483647 that a task can have", len(z))
		if _, err := p.Run(t.Context(), runnel.Values{"x": long, "y": long, "z": z}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
