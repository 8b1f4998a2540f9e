package runnel_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

// limits are the values of MaxParallel that results must not depend on.
var limits = []int{0, 1, 2, 3}

// doubled is a mapped task over "numbers".
func doubledEach() *runnel.MapTask[onNumbers, int] {
	return runnel.NewMapTask("doubled[i]", runnel.Pure(func(in onNumbers) int { return 2 * in.N }))
}

// wantWhole runs a pipeline at several limits, and holds an output against what
// it must be.
func wantWhole[T any](t *testing.T, p *runnel.Pipeline, in runnel.Values, name string, want T) {
	t.Helper()
	for _, limit := range limits {
		got, err := runnel.Get[T](mustRun(t, p, in, runnel.MaxParallel(limit)), name)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: %s is %v, %v, want %v", limit, name, got, err, want)
		}
	}
}

func TestMapOverEveryKindOfData(t *testing.T) {
	want := []int{6, 2, 4}
	p := pipelineOf(t, doubledEach())
	for what, v := range map[string]any{
		"slice":              []int{3, 1, 2},
		"array":              [3]int{3, 1, 2},
		"sequence":           slices.Values([]int{3, 1, 2}),
		"sequence by hand":   func(yield func(int) bool) { _ = yield(3) && yield(1) && yield(2) },
		"slice of any":       []any{3, 1, 2},
		"array of any":       [3]any{3, 1, 2},
		"sequence of any":    slices.Values([]any{3, 1, 2}),
		"slice of its own":   sort3{3, 1, 2},
		"sequence of arrays": slices.Values([]any{3, 1, 2}),
	} {
		t.Run("external "+what, func(t *testing.T) { wantWhole(t, p, runnel.Values{"numbers": v}, "doubled", want) })
		t.Run("produced any, "+what, func(t *testing.T) {
			wantWhole(t, pipelineOf(t, doubledEach(), runnel.NewTask("numbers", constant(v))), nil, "doubled", want)
		})
	}
	for what, task := range map[string]runnel.AnyTask{
		"slice":    runnel.NewTask("numbers", constant([]int{3, 1, 2})),
		"array":    runnel.NewTask("numbers", constant([3]int{3, 1, 2})),
		"sequence": runnel.NewTask("numbers", constant(slices.Values([]int{3, 1, 2}))),
		"of Func":  runnel.Func("numbers", func() []int { return []int{3, 1, 2} }),
		"values":   runnel.NewValuesTask("numbers", nil, []string{"numbers"}, returns(runnel.Values{"numbers": [3]int{3, 1, 2}})),
	} {
		t.Run("produced "+what, func(t *testing.T) { wantWhole(t, pipelineOf(t, doubledEach(), task), nil, "doubled", want) })
	}
}

type sort3 []int

func TestMapOverNestedData(t *testing.T) {
	type in struct {
		X int `runnel:"x[i,j]"`
	}
	p := pipelineOf(t,
		runnel.NewMapTask("same[i,j]", runnel.Pure(func(in in) int { return in.X })),
		runnel.NewMapTask("turned[j,i]", runnel.Pure(func(in in) int { return in.X })))
	same, turned := [][]int{{1, 2, 3}, {4, 5, 6}}, [][]int{{1, 4}, {2, 5}, {3, 6}}
	for what, v := range map[string]any{
		"slices":          same,
		"arrays":          [2][3]int{{1, 2, 3}, {4, 5, 6}},
		"slice of arrays": [][3]int{{1, 2, 3}, {4, 5, 6}},
		"array of slices": [2][]int{{1, 2, 3}, {4, 5, 6}},
		"sequence":        slices.Values(same),
		"slice of any":    []any{[]int{1, 2, 3}, [3]int{4, 5, 6}},
		"any in any":      []any{[]any{1, 2, 3}, []any{4, 5, 6}},
	} {
		t.Run(what, func(t *testing.T) {
			wantWhole(t, p, runnel.Values{"x": v}, "same", same)
			wantWhole(t, p, runnel.Values{"x": v}, "turned", turned)
		})
	}
}

func TestElementsOfAnotherTypeFailByThemselves(t *testing.T) {
	p := pipelineOf(t, doubledEach())
	res, err := p.Run(t.Context(), runnel.Values{"numbers": []any{1, "two", nil, 4}}, runnel.OnError(runnel.ContinueOnError))
	for _, part := range []string{`doubled[1]`, `doubled[2]`, `(N) from the run's inputs: want int, got string`, `want int, got nil`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
	got, err := runnel.Get[runnel.Partial[int]](res, "doubled")
	if err != nil || !slices.Equal(got.Values, []int{2, 0, 0, 8}) || len(got.Errs) != 2 {
		t.Errorf("the others are there: %v, %v", got, err)
	}
	if got, err := runnel.Get[runnel.Partial[string]](res, "doubled"); err == nil || got.Values != nil || got.Errs != nil {
		t.Errorf("as what they are not: %v, %v, want an error alone", got, err)
	}
	for _, v := range []any{7, nil, "text", map[int]int{}} {
		p := pipelineOf(t, doubledEach(), runnel.NewTask("numbers", constant(v)))
		if _, err := p.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `input "numbers[i]" (N): it is `) {
			t.Errorf("%v produced as any has no elements, got %v", v, err)
		}
	}
}

func TestSequencesThatFail(t *testing.T) {
	ends := map[string]struct {
		end  func()
		want string
	}{
		"panics":       {func() { panic("no more") }, "no more"},
		"calls Goexit": {runtime.Goexit, "runtime.Goexit was called"},
	}
	for what, c := range ends {
		t.Run(what, func(t *testing.T) {
			seq := func(yield func(int) bool) {
				if yield(1) {
					c.end()
				}
			}
			after := runnel.NewTask("after", takes[struct{ Doubled []int }])
			maybe := runnel.NewTask("maybe", runnel.Pure(func(in struct{ Doubled runnel.Opt[[]int] }) bool { return in.Doubled.Ok }))
			other := runnel.NewTask("other", constant(1))
			again := runnel.NewMapTask("again[i]", runnel.Pure(func(in struct {
				N int `runnel:"doubled[i]"`
			}) int {
				return in.N
			}))
			for _, produced := range []bool{false, true} {
				tasks, in := []runnel.AnyTask{doubledEach(), after, maybe, other, again}, runnel.Values{"numbers": seq}
				if produced {
					tasks, in = append(tasks, runnel.NewTask("numbers", constant(iter.Seq[int](seq)))), nil
				}
				p := pipelineOf(t, tasks...)
				for _, mode := range modes {
					for _, limit := range limits {
						res, err := p.Run(t.Context(), in, runnel.OnError(mode), runnel.MaxParallel(limit))
						wantState(t, res.Report(), "doubled", runnel.Failed)
						if mode != runnel.SkipFailed && (err == nil || !strings.Contains(err.Error(), `task "doubled" (`) || !strings.Contains(err.Error(), c.want)) {
							t.Errorf("%v: error %v, want one of the task with %q", mode, err, c.want)
						}
						if mode == runnel.FailFast {
							continue
						}
						wantState(t, res.Report(), "after", runnel.Skipped)
						wantState(t, res.Report(), "again", runnel.Skipped)
						wantGet(t, res, "maybe", false)
						wantGet(t, res, "other", 1)
					}
				}
			}
		})
	}
}

// TestASequenceIsReadOnce: what can be read only once, such as the lines of a
// file, serves every task and every axis that takes its elements.
func TestASequenceIsReadOnce(t *testing.T) {
	var reads, reading atomic.Int32
	left := []int{1, 2, 3}
	once := func(yield func(int) bool) {
		if reading.Add(1) > 1 {
			t.Error("the sequence is read by two at once")
		}
		defer reading.Add(-1)
		reads.Add(1)
		for len(left) > 0 {
			v := left[0]
			left = left[1:]
			runtime.Gosched()
			if !yield(v) {
				return
			}
		}
	}
	square := runnel.NewMapTask("table[i,j]", runnel.Pure(func(in struct {
		A int `runnel:"numbers[i]"`
		B int `runnel:"numbers[j]"`
	}) int {
		return in.A * in.B
	}))
	tasks := []runnel.AnyTask{doubledEach(), square}
	for k := range 8 {
		tasks = append(tasks, doubledEach().As(fmt.Sprint("more_", k)))
	}
	res := mustRun(t, pipelineOf(t, tasks...), runnel.Values{"numbers": once})
	wantGet(t, res, "doubled", []int{2, 4, 6})
	wantGet(t, res, "more_7", []int{2, 4, 6})
	wantGet(t, res, "table", [][]int{{1, 2, 3}, {2, 4, 6}, {3, 6, 9}})
	if reads.Load() != 1 {
		t.Errorf("the sequence was read %d times", reads.Load())
	}
}

func TestAxesByPosition(t *testing.T) {
	// The names of axes are local to a declaration: i here is j there.
	table := runnel.NewMapTask("table[i,j]", runnel.Pure(func(in struct {
		A int `runnel:"a[i]"`
		B int `runnel:"b[j]"`
	}) string {
		return fmt.Sprint(in.A, ",", in.B)
	}))
	renamed := runnel.NewMapTask("renamed[j,i]", runnel.Pure(func(in struct {
		T string `runnel:"table[j,i]"`
	}) string {
		return in.T
	}))
	turned := runnel.NewMapTask("turned[j,i]", runnel.Pure(func(in struct {
		T string `runnel:"table[i,j]"`
		A int    `runnel:"a[i]"`
		B int    `runnel:"b[j]"`
	}) string {
		if in.T != fmt.Sprint(in.A, ",", in.B) {
			return "torn: " + in.T
		}
		return in.T
	}))
	p := pipelineOf(t, turned, renamed, table)
	in := runnel.Values{"a": []int{1, 2}, "b": [3]int{7, 8, 9}}
	whole := [][]string{{"1,7", "1,8", "1,9"}, {"2,7", "2,8", "2,9"}}
	wantWhole(t, p, in, "table", whole)
	wantWhole(t, p, in, "renamed", whole)
	wantWhole(t, p, in, "turned", [][]string{{"1,7", "2,7"}, {"1,8", "2,8"}, {"1,9", "2,9"}})
	if got, err := turned.Get(mustRun(t, p, in)); err != nil || !slices.Equal(got, []string{"1,7", "2,7", "1,8", "2,8", "1,9", "2,9"}) {
		t.Errorf("Get of several axes is flat, the last running fastest: %q, %v", got, err)
	}
}

func TestOuterProductOfThreeAxesInAnyOrder(t *testing.T) {
	sizes := map[string]int{"a": 2, "b": 3, "c": 4}
	in := runnel.Values{"a": []int{0, 1}, "b": []int{0, 1, 2}, "c": []int{0, 1, 2, 3}}
	type abc struct {
		A int `runnel:"a[i]"`
		B int `runnel:"b[j]"`
		C int `runnel:"c[k]"`
	}
	axisOf := map[string]string{"i": "a", "j": "b", "k": "c"}
	for _, order := range []string{"i,j,k", "i,k,j", "j,i,k", "j,k,i", "k,i,j", "k,j,i"} {
		axes := strings.Split(order, ",")
		task := runnel.NewMapTask("x["+order+"]", runnel.Pure(func(in abc) [3]int { return [3]int{in.A, in.B, in.C} }))
		p := pipelineOf(t, task,
			runnel.NewMapTask("y[i,j,k]", runnel.Pure(func(in struct {
				X [3]int `runnel:"x[i,j,k]"`
			}) [3]int {
				return in.X
			})),
			runnel.NewMapTask("planes[i]", runnel.Pure(func(in struct {
				Plane [][][3]int `runnel:"x[i]"`
			}) int {
				return len(in.Plane)
			})),
			runnel.NewMapTask("rows[i,j]", runnel.Pure(func(in struct {
				Row [][3]int `runnel:"x[i,j]"`
			}) [][3]int {
				return in.Row
			})))
		var want [][][][3]int
		for a := range sizes[axisOf[axes[0]]] {
			var plane [][][3]int
			for b := range sizes[axisOf[axes[1]]] {
				var row [][3]int
				for c := range sizes[axisOf[axes[2]]] {
					at := map[string]int{axes[0]: a, axes[1]: b, axes[2]: c}
					row = append(row, [3]int{at["i"], at["j"], at["k"]})
				}
				plane = append(plane, row)
			}
			want = append(want, plane)
		}
		wantWhole(t, p, in, "x", want)
		wantWhole(t, p, in, "y", want)
		wantWhole(t, p, in, "rows", want)
		planes := make([]int, len(want))
		for k := range planes {
			planes[k] = len(want[0])
		}
		wantWhole(t, p, in, "planes", planes)
	}
}

func TestRowsOfData(t *testing.T) {
	// What has more axes than the tag says is taken by rows, wherever it comes from.
	best := runnel.NewMapTask("best[i]", runnel.Pure(func(in struct {
		Row []int `runnel:"score[i]"`
	}) int {
		return slices.Max(in.Row)
	}))
	cells := runnel.NewMapTask("cells[a,b]", runnel.Pure(func(in struct {
		Row []int `runnel:"cube[a,b]"`
	}) int {
		return len(in.Row)
	}))
	p := pipelineOf(t, best, cells)
	in := runnel.Values{"score": [][]int{{1, 9}, {3}, {7, 2, 5}}, "cube": [2][2][]int{{{1}, {1, 2}}, {nil, {1, 2, 3}}}}
	wantWhole(t, p, in, "best", []int{9, 3, 7}) // rows of their own lengths are no axis
	wantWhole(t, p, in, "cells", [][]int{{1, 2}, {0, 3}})
}

func TestARowCannotBeGrownIntoTheNext(t *testing.T) {
	table := runnel.NewMapTask("table[i,j]", runnel.Pure(func(in struct {
		A int `runnel:"a[i]"`
		B int `runnel:"a[j]"`
	}) int {
		return 10*in.A + in.B
	}))
	grow := runnel.NewMapTask("grown[i]", runnel.Pure(func(in struct {
		Row []int `runnel:"table[i]"`
	}) []int {
		return append(in.Row, -1)
	}))
	whole := runnel.NewTask("whole", runnel.Pure(func(in struct {
		Grown [][]int
		Table [][]int
	}) [][]int {
		in.Table[0] = append(in.Table[0], -2)
		return in.Table
	}))
	wantWhole(t, pipelineOf(t, table, grow, whole), runnel.Values{"a": []int{1, 2}}, "whole", [][]int{{11, 12, -2}, {21, 22}})
}

func TestZip(t *testing.T) {
	zip := runnel.NewMapTask("pairs[i]", runnel.Pure(func(in struct {
		A int    `runnel:"a[i]"`
		B string `runnel:"b[i]"`
	}) string {
		return fmt.Sprint(in.A, in.B)
	}))
	wantWhole(t, pipelineOf(t, zip), runnel.Values{"a": []int{1, 2}, "b": [2]string{"x", "y"}}, "pairs", []string{"1x", "2y"})
	// A diagonal by zip: both axes of one input on one each.
	fed := runnel.NewMapTask("a[k]", runnel.Pure(func(in struct {
		X int `runnel:"x[k]"`
	}) int {
		return in.X
	}))
	wantWhole(t, pipelineOf(t, zip, fed), runnel.Values{"x": []int{1, 2}, "b": slices.Values([]string{"x", "y"})}, "pairs", []string{"1x", "2y"})
	symmetric := runnel.NewMapTask("sums[i,j]", runnel.Pure(func(in struct {
		M int `runnel:"m[i,j]"`
		N int `runnel:"m[j,i]"`
	}) int {
		return in.M + in.N
	}))
	wantWhole(t, pipelineOf(t, symmetric), runnel.Values{"m": [][]int{{1, 2}, {3, 4}}}, "sums", [][]int{{2, 5}, {5, 8}})
}

func TestUnequalZipsNameBothInputsAndLengths(t *testing.T) {
	type pair struct {
		Numbers int    `runnel:"numbers[i]"`
		Words   string `runnel:"words[i]"`
	}
	for what, c := range map[string]struct {
		tasks []runnel.AnyTask
		in    runnel.Values
		want  []string
	}{
		"external": {nil, runnel.Values{"numbers": []int{1, 2, 3}, "words": []string{"a", "b"}}, []string{`"numbers" has 3 elements`, `"words" has 2`}},
		"empty":    {nil, runnel.Values{"numbers": []int{}, "words": []string{"a", "b"}}, []string{`"numbers" has 0 elements`, `"words" has 2`}},
		"mapped": {[]runnel.AnyTask{mapTo[struct {
			X int `runnel:"x[k]"`
		}, int]("numbers[k]")}, runnel.Values{"x": []int{1, 2, 3}, "words": []string{"a"}}, []string{`"numbers" has 3 elements`, `"words" has 1`}},
		"produced": {[]runnel.AnyTask{runnel.NewTask("words", constant([]string{"a", "b", "c", "d"}))}, runnel.Values{"numbers": []int{1}}, []string{`"numbers" has 1 elements`, `"words" has 4`}},
	} {
		t.Run(what, func(t *testing.T) {
			p := pipelineOf(t, append(c.tasks, mapTo[pair, int]("pairs[i]", runnel.Retries(5)))...)
			_, err := p.Run(t.Context(), maps.Clone(c.in))
			for _, part := range append(c.want, `task "pairs" (`, "on axis i", "must have the same length") {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v, want one with %q", err, part)
				}
			}
		})
	}
}

func TestWholeInputsOfMappedTasks(t *testing.T) {
	// Beside its elements a task takes whole data, of the same name too.
	task := runnel.NewMapTask("share[i]", runnel.Pure(func(in struct {
		N     int   `runnel:"doubled[i]"`
		All   []int `runnel:"doubled"`
		Scale int
	}) float64 {
		total := 0
		for _, n := range in.All {
			total += n
		}
		return float64(in.Scale*in.N) / float64(total)
	}))
	wantWhole(t, pipelineOf(t, task, doubledEach()), runnel.Values{"numbers": []int{1, 3}, "scale": 100}, "share", []float64{25, 75})
}

func TestOptionalElements(t *testing.T) {
	type in struct {
		N     int             `runnel:"numbers[i]"`
		Extra runnel.Opt[int] `runnel:"extra[i]"`
		Bonus int             `runnel:"bonus[i],default=100"`
		Free  int             `runnel:"free[i],optional"`
		Whole runnel.Opt[int]
	}
	sum := runnel.NewMapTask("sum[i]", runnel.Pure(func(in in) string {
		return fmt.Sprint(in.N, in.Extra, in.Bonus, in.Free, in.Whole.Ok)
	}))
	p := pipelineOf(t, sum)
	wantWhole(t, p, runnel.Values{"numbers": []int{1, 2}}, "sum", []string{"1 {0 false} 100 0 false", "2 {0 false} 100 0 false"})
	wantWhole(t, p, runnel.Values{"numbers": []int{1, 2}, "extra": []int{3, 4}, "bonus": [2]int{5, 6}, "free": []int{7, 8}, "whole": 9}, "sum",
		[]string{"1 {3 true} 5 7 true", "2 {4 true} 6 8 true"})
	// The same from mapped tasks, whose elements come one by one.
	mapped := func(name string) runnel.AnyTask {
		return runnel.NewMapTask(name+"[i]", func(_ context.Context, in struct {
			N int `runnel:"numbers[i]"`
		}) (int, error) {
			if in.N == 2 {
				return 0, errFlaky
			}
			return 10 * in.N, nil
		})
	}
	p = pipelineOf(t, sum, mapped("extra"), mapped("bonus"), mapped("free"))
	for _, limit := range limits {
		res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{1, 2, 3}}, runnel.MaxParallel(limit), runnel.OnError(runnel.SkipFailed))
		if err != nil {
			t.Fatal(err)
		}
		wantGet(t, res, "sum", []string{"1 {10 true} 10 10 false", "2 {0 false} 100 0 false", "3 {30 true} 30 30 false"})
	}
	// A producer that cannot even start is absent as a whole.
	broken := mapTo[struct {
		A int `runnel:"a[i]"`
		B int `runnel:"b[i]"`
	}, int]("extra[i]")
	p = pipelineOf(t, sum, broken)
	for _, limit := range limits {
		res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{1}, "a": []int{1}, "b": []int{1, 2}}, runnel.MaxParallel(limit), runnel.OnError(runnel.SkipFailed))
		if err != nil {
			t.Fatal(err)
		}
		wantGet(t, res, "sum", []string{"1 {0 false} 100 0 false"})
	}
}

func TestAxisOfAbsentInputsOnlyHasNoLength(t *testing.T) {
	p := pipelineOf(t, runnel.NewMapTask("x[i]", runnel.Pure(func(in struct {
		A runnel.Opt[int] `runnel:"a[i]"`
		B int             `runnel:"b[i],optional"`
	}) int {
		return in.A.Value + in.B
	})))
	if _, err := p.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `axis i has no length: all inputs that have it are optional, and absent`) {
		t.Errorf("error %v, want one that says why there are no elements", err)
	}
	wantWhole(t, p, runnel.Values{"b": []int{1, 2}}, "x", []int{1, 2})
}

func TestConcurrentRunsOfMaps(t *testing.T) {
	p := pipelineOf(t, doubledEach(), runnel.NewTask("sum", runnel.Pure(func(in struct{ Doubled []int }) (sum int) {
		for _, n := range in.Doubled {
			sum += n
		}
		return sum
	})))
	var all sync.WaitGroup
	for k := range 16 {
		all.Go(func() {
			in := make([]int, 50*k)
			for i := range in {
				in[i] = k
			}
			res, err := p.Run(t.Context(), runnel.Values{"numbers": in}, runnel.MaxParallel(k%4))
			if err != nil {
				t.Error(err)
				return
			}
			wantGet(t, res, "sum", 100*k*k)
		})
	}
	all.Wait()
}
