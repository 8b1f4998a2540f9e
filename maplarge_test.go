package runnel_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

// TestAMillionElementsInBoundedMemory: mapping and reducing a million elements
// allocates less than 300 bytes an element beyond the values themselves, and with
// workers an amount that is stated too.
func TestAMillionElementsInBoundedMemory(t *testing.T) {
	n, most := 1_000_000, 300.0
	switch os.Getenv("RUNNEL_TEST_BROKER") { // the jobs, the attempts and the results are all in this process
	case "memory":
		n, most = 100_000, 5000
	case "nats": // and so is the server
		n, most = 100_000, 12_000
	}
	squares := runnel.NewMapTask("squares[i]", square)
	halves := runnel.NewMapTask("halves[i]", runnel.Pure(func(in struct {
		N int `runnel:"squares[i]"`
	}) int {
		return in.N / 2
	}))
	total := func(values []int) (sum int) {
		for _, v := range values {
			sum += v
		}
		return sum
	}
	for what, c := range map[string]struct {
		stages int
		tasks  []runnel.AnyTask
	}{
		"map and reduce":         {1, []runnel.AnyTask{squares, runnel.NewTask("sum", runnel.Pure(func(in struct{ Squares []int }) int { return total(in.Squares) }))}},
		"map, map and reduce":    {2, []runnel.AnyTask{squares, halves, runnel.NewTask("sum", runnel.Pure(func(in struct{ Halves []int }) int { return total(in.Halves) }))}},
		"and take what succeeds": {1, []runnel.AnyTask{squares, runnel.NewTask("sum", runnel.Pure(func(in struct{ Squares runnel.Partial[int] }) int { return total(in.Squares.Values) }))}},
	} {
		t.Run(what, func(t *testing.T) {
			p := pipelineOf(t, c.tasks...)
			in := runnel.Values{"numbers": make([]int, n)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res := mustRun(t, p, in)
			runtime.ReadMemStats(&after)
			wantGet(t, res, "sum", 0)
			const value = 8
			bytes := float64(after.TotalAlloc-before.TotalAlloc)/float64(n) - float64(value*c.stages)
			if bytes > most*float64(c.stages) {
				t.Errorf("%.0f bytes an element beyond the values, want less than %.0f for each of %d maps", bytes, most, c.stages)
			}
			t.Logf("%.0f bytes an element in %d maps", bytes, c.stages)
		})
	}
}

func TestFanOutOfAHundredThousandWithRetriesAndErrors(t *testing.T) {
	const n = 100_000
	var attempts atomic.Int64
	task := runnel.NewMapTask("out[i]", func(ctx context.Context, in onNumbers) (int, error) {
		attempts.Add(1)
		switch {
		case in.N%10 == 3 && runnel.Info(ctx).Attempt == 1, in.N%100 == 7:
			return 0, errFlaky
		}
		return in.N, nil
	}, runnel.Retries(1), runnel.RetryDelay(0))
	next := doubledEach().Bind("numbers", "out")
	count := runnel.NewTask("count", runnel.Pure(func(in struct{ Doubled runnel.Partial[int] }) (count int) {
		for i, v := range in.Doubled.Values {
			if v == 2*i && in.Doubled.Errs[i] == nil {
				count++
			}
		}
		return count
	}))
	p := pipelineOf(t, task, next, count)
	for _, limit := range []int{0, 4} {
		attempts.Store(0)
		res, err := p.Run(t.Context(), runnel.Values{"numbers": upTo(n)}, runnel.OnError(runnel.ContinueOnError), runnel.MaxParallel(limit))
		e, ok := errors.AsType[*runnel.RunError](err)
		if !ok || len(e.Tasks) != n/100 {
			t.Fatalf("limit %d: error %.300v, want %d elements", limit, err, n/100)
		}
		if got, want := attempts.Load(), int64(n+n/10+n/100); got != want {
			t.Errorf("limit %d: %d attempts, want %d", limit, got, want)
		}
		wantGet(t, res, "count", n-n/100)
	}
}
