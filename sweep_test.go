package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel"
)

type common struct {
	Seed int `runnel:"seed,default=7"`
}

type params struct {
	LR    float64
	Depth int `runnel:"layers"`
	common
	Label runnel.Opt[string]
	Note  string `runnel:"note,optional"`
}

func show(_ context.Context, p params) (string, error) {
	return fmt.Sprintf("%v/%d/%d/%v/%s", p.LR, p.Depth, p.Seed, p.Label, p.Note), nil
}

// TestSweepEqualsNestedLoops over the fields, the last one innermost.
func TestSweepEqualsNestedLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lrs := rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 4).Draw(t, "lr")
		layers := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 4).Draw(t, "layers")
		labels := rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "labels")
		grid := runnel.Grid{"lr": lrs, "layers": slices.Values(layers)}
		loop := []runnel.Opt[string]{{}}
		if rapid.Bool().Draw(t, "labelled") {
			grid["label"], loop = labels, nil
			for _, l := range labels {
				loop = append(loop, runnel.Opt[string]{Value: l, Ok: true})
			}
		}
		var want []params
		for _, lr := range lrs {
			for _, n := range layers {
				for _, label := range loop {
					want = append(want, params{LR: lr, Depth: n, common: common{7}, Label: label})
				}
			}
		}
		res, err := runnel.Sweep(context.Background(), grid, show, chunkOptions(t)...)
		if err != nil || !slices.Equal(res.Params, want) || res.Items != len(want) {
			t.Fatalf("got %v, %v, want %v", res.Params, err, want)
		}
		for i, p := range want {
			if s, _ := show(context.Background(), p); res.Results[i] != s {
				t.Fatalf("result %d is %q, want that of its parameters, %q", i, res.Results[i], s)
			}
		}
	})
}

// TestSweepFailures: a failed combination has its parameters, and All goes through
// the others.
func TestSweepFailures(t *testing.T) {
	res, err := runnel.Sweep(t.Context(), runnel.Grid{"x": []any{1, 2, 3}, "y": [2]int{1, 2}}, func(_ context.Context, p struct{ X, Y int }) (int, error) {
		if p.X == 2 {
			return 0, errItem
		}
		return 10*p.X + p.Y, nil
	})
	if !errors.Is(err, errItem) || res.Errors[2] == nil || res.Errors[3] == nil || res.Params[3].X != 2 || res.Params[3].Y != 2 || res.SuccessRate() != 4.0/6 {
		t.Errorf("%+v, %v", res, err)
	}
	var got []int
	for p, r := range res.All() {
		if r != 10*p.X+p.Y {
			t.Errorf("the result of %+v is %d", p, r)
		}
		if got = append(got, r); r == 31 {
			break
		}
	}
	if !slices.Equal(got, []int{11, 12, 31}) {
		t.Errorf("went through %v", got)
	}
}

func TestSweepWithoutValues(t *testing.T) {
	res, err := runnel.Sweep(t.Context(), runnel.Grid{"x": []int{}, "y": []int{1}}, func(_ context.Context, p struct{ X, Y int }) (int, error) { return 0, errItem })
	if err != nil || res.Items != 0 || len(res.Results) != 0 {
		t.Errorf("no value of x: %+v, %v", res, err)
	}
	one, err := runnel.Sweep(t.Context(), nil, func(_ context.Context, p struct {
		X int `runnel:"x,default=3"`
	}) (int, error) {
		return p.X, nil
	})
	if err != nil || !slices.Equal(one.Results, []int{3}) {
		t.Errorf("all defaults: %+v, %v", one, err)
	}
}

// TestWrongGrids: everything that is wrong is said at once, with what was meant.
func TestWrongGrids(t *testing.T) {
	res, err := runnel.Sweep(t.Context(), runnel.Grid{"l_r": []float64{1}, "layers": []string{"a"}, "seed": 7, "label": nil, "note": []any{"a", 5}, "zzz": []int{}}, show, runnel.Retries(-1))
	want := `runnel: Sweep cannot run: 8 problems
  Retries must be 0 or more, got -1: 0 makes one attempt
  parameter "lr" (LR) is not in the grid (did you mean "l_r"?): give it values, or make it optional
  parameter "layers" (Depth) takes int, but the grid has values of type string: change one of them
  parameter "seed" (Seed) needs a slice, an array or an iter.Seq of its values, but the grid has int: write []int{…}
  parameter "label" (Label): the grid's value: it is nil, which has no elements
  parameter "note" (Note): value 1 of the grid: want string, got int: change one of them
  the grid has values for "l_r", which no field of the parameters takes (did you mean "lr"?): drop them, or correct the name
  the grid has values for "zzz", which no field of the parameters takes: drop them, or correct the name`
	if _, ok := errors.AsType[*runnel.InputError](err); !ok || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if res == nil || res.Items != 0 {
		t.Errorf("result %+v", res)
	}
	for want, call := range map[string]func() error{
		"runnel: Sweep cannot run: the parameters must be a struct with a field for each, got int: use struct{ … }": func() error {
			_, err := runnel.Sweep(t.Context(), nil, double)
			return err
		},
		`runnel: Sweep cannot run: parameter "x" (X) is one value in each combination: drop the brackets, or take a plain type instead of a Partial`: func() error {
			_, err := runnel.Sweep(t.Context(), runnel.Grid{"x": []int{1}}, func(context.Context, struct {
				X int `runnel:"x[i]"`
			}) (int, error) {
				return 0, nil
			})
			return err
		},
		`runnel: Sweep cannot run: parameter "x" (X): the grid's value: its iterator panicked: bad item`: func() error {
			_, err := runnel.Sweep(t.Context(), runnel.Grid{"x": iter.Seq[int](func(func(int) bool) { panic(errItem) })}, func(context.Context, struct{ X int }) (int, error) { return 0, nil })
			return err
		},
		"runnel: Sweep cannot run: the combinations are more than the 2147483647 that one call can have": func() error {
			_, err := runnel.Sweep(t.Context(), runnel.Grid{"x": make([]int, 1<<16), "y": make([]int, 1<<15)}, func(context.Context, struct{ X, Y int }) (int, error) { return 0, nil })
			return err
		},
		"runnel: Sweep cannot run: the function is nil: give one": func() error {
			_, err := runnel.Sweep[struct{}, int](t.Context(), nil, nil)
			return err
		},
	} {
		if err := call(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
