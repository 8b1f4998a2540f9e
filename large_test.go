package runnel_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestGraphsThatNoCacheHolds does what is done for graphs of so many tasks: rows of tasks that
// each take two of the row before, and a mapped one that waits for several.
func TestGraphsThatNoCacheHolds(t *testing.T) {
	n, width := 20_000, 100
	if runnel.HasWorkers() {
		n = 2_000 // each is a job
	}
	type one struct {
		A int `runnel:"a"`
	}
	type two struct {
		A int `runnel:"a"`
		B int `runnel:"b"`
	}
	name := func(k int) string { return fmt.Sprintf("n%d", k) }
	var tasks []runnel.AnyTask
	var want []int
	sum := runnel.NewTask("sum", func(_ context.Context, in two) (int, error) { return (in.A + in.B) % 1_000_003, nil })
	for k := range n {
		if k < width {
			tasks = append(tasks, runnel.NewTask(name(k), func(context.Context, struct{}) (int, error) { return k, nil }))
			want = append(want, k)
			continue
		}
		row := (k/width - 1) * width
		a, b := row+k%width, row+(7*k+1)%width
		tasks = append(tasks, sum.As(name(k)).Bind("a", name(a)).Bind("b", name(b)))
		want = append(want, (want[a]+want[b])%1_000_003)
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
