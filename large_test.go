package runnel_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestGraphsThatNoCacheHolds: what is done for graphs that no cache holds, plain tasks and a mapped one
// that waits for several.
func TestGraphsThatNoCacheHolds(t *testing.T) {
	const n = 20_000
	type one struct {
		A int `runnel:"a"`
	}
	type two struct {
		A int `runnel:"a"`
		B int `runnel:"b"`
	}
	name := func(k int) string { return fmt.Sprintf("n%d", k) }
	tasks := []runnel.AnyTask{
		runnel.NewTask("n0", func(context.Context, struct{}) (int, error) { return 1, nil }),
		runnel.NewTask("n1", func(_ context.Context, in one) (int, error) { return in.A, nil }).Bind("a", "n0"),
	}
	sum := runnel.NewTask("sum", func(_ context.Context, in two) (int, error) { return (in.A + in.B) % 1_000_003, nil })
	want := []int{1, 1}
	for k := 2; k < n; k++ {
		tasks = append(tasks, sum.As(name(k)).Bind("a", name(k-2)).Bind("b", name(k-1)))
		want = append(want, (want[k-2]+want[k-1])%1_000_003)
	}
	type item struct {
		X    int `runnel:"items[i]"`
		Last int `runnel:"last"`
	}
	tasks = append(tasks,
		runnel.NewTask("items", func(_ context.Context, in one) ([]int, error) { return []int{in.A, in.A + 1}, nil }).Bind("a", name(n-2)),
		runnel.NewMapTask("each[i]", func(_ context.Context, in item) (int, error) { return in.X + in.Last, nil }).Bind("last", name(n-1)))
	for _, opts := range [][]runnel.RunOption{nil, {runnel.MaxParallel(1)}, {runnel.Timings(false)}} {
		res := mustRun(t, pipelineOf(t, tasks...), nil, opts...)
		for k := range want {
			wantGet(t, res, name(k), want[k])
		}
		x, last := want[n-2], want[n-1]
		wantGet(t, res, "each", []int{x + last, x + 1 + last})
	}
}
