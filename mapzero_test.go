package runnel_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func TestNoElementsGiveAnEmptySliceAndTheRunGoesOn(t *testing.T) {
	called := func(context.Context, onNumbers) (int, error) { panic("there is no element") }
	first := runnel.NewMapTask("first[i]", called)
	second := runnel.NewMapTask("second[i]", called).Bind("numbers", "first")
	last := runnel.NewTask("last", runnel.Pure(func(in struct {
		Second []int
		First  runnel.Partial[int]
	}) bool {
		return in.Second != nil && len(in.Second) == 0 && len(in.First.Values) == 0 && in.First.Errs == nil
	}))
	p := pipelineOf(t, first, second, last)
	for _, none := range []any{[]int{}, []int(nil), [0]int{}, func(func(int) bool) {}, []any{}} {
		wantWhole(t, p, runnel.Values{"numbers": none}, "first", []int{})
		wantWhole(t, p, runnel.Values{"numbers": none}, "second", []int{})
		wantWhole(t, p, runnel.Values{"numbers": none}, "last", true)
	}
	res := mustRun(t, p, runnel.Values{"numbers": []int{}})
	wantState(t, res.Report(), "first", runnel.Succeeded)
	if got, err := second.Get(res); err != nil || got == nil || len(got) != 0 {
		t.Errorf("Get of no elements is %v, %v, want an empty slice", got, err)
	}
	if got := res.Outputs()["second"]; !reflect.DeepEqual(got, []int{}) {
		t.Errorf("the output of no elements is %#v", got)
	}
}

// gridOf is a mapped task over two axes, and tasks that take its cells, rows and
// the whole.
func gridOf(t *testing.T) *runnel.Pipeline {
	return pipelineOf(t,
		runnel.NewMapTask("grid[i,j]", runnel.Pure(func(in struct {
			A int `runnel:"a[i]"`
			B int `runnel:"b[j]"`
		}) int {
			return in.A * in.B
		})),
		runnel.NewMapTask("cells[j,i]", runnel.Pure(func(in struct {
			X int `runnel:"grid[i,j]"`
		}) int {
			return in.X
		})),
		runnel.NewMapTask("rows[i]", runnel.Pure(func(in struct {
			Row []int `runnel:"grid[i]"`
		}) int {
			return len(in.Row)
		})),
		runnel.NewTask("height", runnel.Pure(func(in struct{ Grid [][]int }) int { return len(in.Grid) })))
}

func TestNoRowsOrNoColumns(t *testing.T) {
	p := gridOf(t)
	for _, produced := range []bool{false, true} {
		for what, c := range map[string]struct {
			a, b         int
			grid, cells  [][]int
			rows         []int
			rowsExpected int
		}{
			"no rows":    {0, 3, [][]int{}, [][]int{{}, {}, {}}, []int{}, 0},
			"no columns": {2, 0, [][]int{{}, {}}, [][]int{}, []int{0, 0}, 2},
			"neither":    {0, 0, [][]int{}, [][]int{}, []int{}, 0},
		} {
			t.Run(what, func(t *testing.T) {
				p, in := p, runnel.Values{"a": make([]int, c.a), "b": make([]int, c.b)}
				if produced { // as elements of a mapped task, which come one by one
					double := func(output, over string) runnel.AnyTask {
						return runnel.NewMapTask(output+"[i]", runnel.Pure(func(in onNumbers) int { return in.N })).Bind("numbers", over)
					}
					p = pipelineOf(t, append(p.Tasks(), double("a", "p"), double("b", "q"))...)
					in = runnel.Values{"p": make([]int, c.a), "q": make([]int, c.b)}
				}
				wantWhole(t, p, in, "grid", c.grid)
				wantWhole(t, p, in, "cells", c.cells)
				wantWhole(t, p, in, "rows", c.rows)
				wantWhole(t, p, in, "height", c.rowsExpected)
			})
		}
	}
}

func TestNestedDataWithoutRowsHasNoWidthToDisagreeAbout(t *testing.T) {
	p := pipelineOf(t, mapTo[struct {
		X int `runnel:"x[i,j]"`
		W int `runnel:"w[j]"`
	}, int]("y[i,j]"))
	for _, none := range []any{[][]int{}, [0][]int{}, []any{}} {
		wantWhole(t, p, runnel.Values{"x": none, "w": []int{1, 2, 3}}, "y", [][]int{})
	}
	wantWhole(t, p, runnel.Values{"x": [][]int{{}, {}}, "w": []int{}}, "y", [][]int{{}, {}})
}

// TestNoElementsEndBeforeTheOthers: a task without elements does not wait for
// the elements of what it takes, and what becomes of those does not matter to it.
func TestNoElementsEndBeforeTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen peaks
		slow := slowly("slow", "numbers", &seen)
		product := mapTo[struct {
			A int `runnel:"slow[i]"`
			B int `runnel:"none[j]"`
		}, int]("product[i,j]")
		after := runnel.NewTask("after", runnel.Pure(func(in struct{ Product [][]int }) int { return len(in.Product) }))
		res := mustRun(t, pipelineOf(t, slow, product, after), runnel.Values{"numbers": []int{1, 2}, "none": []int{}}, runnel.Targets("after", "slow"))
		wantGet(t, res, "after", 2)
		wantGet(t, res, "slow", []int{1, 2})
		for _, r := range res.Report().Tasks {
			if r.Waited < 0 || r.Duration() < 0 {
				t.Errorf("%s waited %v and took %v", r.Name, r.Waited, r.Duration())
			}
		}
		if got := taskReport(t, res.Report(), "after").Ended.Sub(res.Report().Started); got != 0 {
			t.Errorf("what needs no element ended after %v, want at once", got)
		}
	})
}

func TestFailuresBesideNoElements(t *testing.T) {
	bad := runnel.NewMapTask("bad[i]", func(context.Context, onNumbers) (int, error) { return 0, errFlaky })
	product := mapTo[struct {
		A int `runnel:"bad[i]"`
		B int `runnel:"none[j]"`
	}, int]("product[i,j]")
	p := pipelineOf(t, bad, product)
	for _, limit := range limits {
		res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{1}, "none": []int{}}, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
		if !errors.Is(err, errFlaky) {
			t.Errorf("error %v", err)
		}
		wantState(t, res.Report(), "bad", runnel.Failed)
		wantState(t, res.Report(), "product", runnel.Succeeded)
	}
}

func TestMapOverTheLatestOfSlowProducers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := runnel.NewTask("numbers", func(ctx context.Context, _ nothing) ([]int, error) { return nil, sleeps(3 * time.Second)(ctx) })
		start := time.Now()
		wantGet(t, mustRun(t, pipelineOf(t, doubledEach(), slow), nil), "doubled", []int{})
		wantTook(t, "an empty map after a slow producer", start, 3*time.Second)
	})
}
