package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
)

func square(_ context.Context, in struct {
	N int `runnel:"numbers[i]"`
}) (int, error) {
	return in.N * in.N, nil
}

func TestMapRunsOncePerElementInInputOrder(t *testing.T) {
	squares := runnel.NewMapTask("squares[i]", square)
	sum := runnel.NewTask("sum", runnel.Pure(func(in struct{ Squares []int }) int {
		total := 0
		for _, n := range in.Squares {
			total += n
		}
		return total
	}))
	p, err := runnel.FromTasks(sum, squares)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 2, 3, 100, 5000} {
		in, want, total := []int{}, []int{}, 0
		for i := range n {
			in, want, total = append(in, i), append(want, i*i), total+i*i
		}
		for _, limit := range []int{0, 1, 2, 7} {
			res, err := p.Run(t.Context(), runnel.Values{"numbers": in}, runnel.MaxParallel(limit))
			if err != nil {
				t.Fatal(err)
			}
			got, err := squares.Get(res)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%d elements: got %v, %v", n, got, err)
			}
			if s, err := sum.Get(res); err != nil || s != total {
				t.Fatalf("sum is %d, %v, want %d", s, err, total)
			}
		}
	}
}

func TestMapZipsAndMultiplies(t *testing.T) {
	zip := runnel.NewMapTask("pairs[i]", runnel.Pure(func(in struct {
		A int    `runnel:"numbers[i]"`
		B string `runnel:"words[i]"`
		C int    `runnel:"squares[i]"`
	}) string {
		return fmt.Sprint(in.A, in.B, in.C)
	}))
	squares := runnel.NewMapTask("squares[k]", func(ctx context.Context, in struct {
		N int `runnel:"numbers[k]"`
	}) (int, error) {
		return in.N * in.N, nil
	})
	score := runnel.NewMapTask("score[i,j]", runnel.Pure(func(in struct {
		A int     `runnel:"squares[i]"`
		B float64 `runnel:"rates[j]"`
	}) float64 {
		return float64(in.A) * in.B
	}))
	turned := runnel.NewMapTask("turned[j,i]", runnel.Pure(func(in struct {
		S float64 `runnel:"score[i,j]"`
		P string  `runnel:"pairs[i]"`
	}) string {
		return fmt.Sprint(in.P, ":", in.S)
	}))
	best := runnel.NewMapTask("best[i]", runnel.Pure(func(in struct {
		Row []float64 `runnel:"score[i]"`
	}) float64 {
		return slices.Max(in.Row)
	}))
	p, err := runnel.FromTasks(zip, squares, score, turned, best)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1, 3} {
		res, err := p.Run(t.Context(), runnel.Values{"numbers": [3]int{1, 2, 3}, "words": slices.Values([]string{"a", "b", "c"}), "rates": []float64{1, 10}}, runnel.MaxParallel(limit))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := zip.Get(res); !slices.Equal(got, []string{"1a1", "2b4", "3c9"}) {
			t.Errorf("zip: %q", got)
		}
		if got, err := runnel.Get[[][]float64](res, "score"); err != nil || !reflect.DeepEqual(got, [][]float64{{1, 10}, {4, 40}, {9, 90}}) {
			t.Errorf("score: %v %v", got, err)
		}
		if got, _ := best.Get(res); !slices.Equal(got, []float64{10, 40, 90}) {
			t.Errorf("best: %v", got)
		}
		want := [][]string{{"1a1:1", "2b4:4", "3c9:9"}, {"1a1:10", "2b4:40", "3c9:90"}}
		if got, err := runnel.Get[[][]string](res, "turned"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("turned: %q %v", got, err)
		}
	}
}

func TestElementsAreChainedWithoutABarrier(t *testing.T) {
	sleep := func(from, to string) runnel.AnyTask {
		return runnel.NewMapTask(to+"[i]", func(_ context.Context, in struct {
			D []time.Duration `runnel:"x[i]"`
		}) ([]time.Duration, error) {
			time.Sleep(in.D[0])
			return in.D[1:], nil
		}).Bind("x", from)
	}
	p, err := runnel.FromTasks(sleep("a", "b"), sleep("b", "c"), sleep("c", "d"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var in [][]time.Duration
		longest := time.Duration(0)
		for i := range 10 {
			d := []time.Duration{time.Duration(i*i%7+1) * time.Second, time.Duration(i*3%5) * time.Second, time.Duration(9-i) * time.Second}
			in, longest = append(in, d), max(longest, d[0]+d[1]+d[2])
		}
		start := time.Now()
		if _, err := p.Run(t.Context(), runnel.Values{"a": in}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != longest {
			t.Errorf("took %v, the longest element takes %v", took, longest)
		}
	})
}

func TestFailedElements(t *testing.T) {
	odd := errors.New("odd")
	halves := runnel.NewMapTask("halves[i]", func(_ context.Context, in struct {
		N int `runnel:"numbers[i]"`
	}) (int, error) {
		if in.N%2 == 1 {
			return 0, odd
		}
		return in.N / 2, nil
	})
	again := runnel.NewMapTask("again[i]", runnel.Pure(func(in struct {
		N int `runnel:"halves[i]"`
	}) int {
		return 2 * in.N
	}))
	all := runnel.NewTask("all", runnel.Pure(func(in struct{ Halves []int }) int { return len(in.Halves) }))
	some := runnel.NewTask("some", runnel.Pure(func(in struct{ Again runnel.Partial[int] }) string {
		return fmt.Sprint(in.Again.Values, len(in.Again.Errs))
	}))
	p, err := runnel.FromTasks(halves, again, all, some)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1, 2, 3, 4}}, runnel.OnError(runnel.ContinueOnError))
	var e *runnel.TaskError
	if !errors.Is(err, odd) || !errors.As(err, &e) || len(e.Index) != 1 {
		t.Fatalf("error is %v", err)
	}
	if got, err := some.Get(res); err != nil || got != "[0 0 2 0 4] 2" {
		t.Errorf("some: %q, %v", got, err)
	}
	if _, err := all.Get(res); !errors.Is(err, runnel.ErrSkipped) {
		t.Errorf("all: %v", err)
	}
	if _, err := p.Run(t.Context(), runnel.Values{"numbers": []int{0, 1, 2, 3, 4}}); !errors.Is(err, odd) {
		t.Errorf("fail fast: %v", err)
	}
}
