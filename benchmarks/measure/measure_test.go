package measure

import (
	"errors"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 2, 100}, 3},
	} {
		in := slices.Clone(c.in)
		if got := Median(in); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.in, got, c.want)
		}
		if !slices.Equal(in, c.in) {
			t.Errorf("Median changed its argument from %v to %v", c.in, in)
		}
	}
}

func TestRatioIsTakenWithinRounds(t *testing.T) {
	// The machine is ten times slower in the second round.
	base := Series{{Nanoseconds: 10}, {Nanoseconds: 100}, {Nanoseconds: 10}}
	twice := Series{{Nanoseconds: 20}, {Nanoseconds: 200}, {Nanoseconds: 20}}
	if got := twice.Ratio(base); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
	if got := twice.Difference(base); got != 10 {
		t.Errorf("difference %v, want 10", got)
	}
}

var sink []byte

func TestInterleaveCountsPerTask(t *testing.T) {
	const tasks, rounds = 50, 4
	var turns []string
	allocate := Case{Name: "allocate", Tasks: tasks, Run: func() error {
		turns = append(turns, "allocate")
		for range tasks {
			sink = make([]byte, 1024)
		}
		return nil
	}}
	idle := Case{Name: "idle", Tasks: tasks, Run: func() error {
		turns = append(turns, "idle")
		return nil
	}}
	series, err := Interleave([]Case{allocate, idle}, rounds, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"allocate", "idle", "allocate", "idle", "idle", "allocate", "allocate", "idle", "idle", "allocate"}; !slices.Equal(turns, want) {
		t.Errorf("turns %v, want %v", turns, want)
	}
	if len(series[0]) != rounds {
		t.Fatalf("%d costs, want one a round", len(series[0]))
	}
	cost := series[0].Median()
	if cost.Bytes < 1024 || cost.Bytes > 1200 || cost.Allocations < 1 || cost.Allocations > 1.5 {
		t.Errorf("a task that allocates 1,024 bytes once costs %+v", cost)
	}
	if cost := series[1].Median(); cost.Bytes > 100 {
		t.Errorf("a task that allocates nothing costs %+v", cost)
	}
}

func TestInterleaveStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	_, err := Interleave([]Case{{Name: "x", Tasks: 1, Run: func() error {
		calls++
		if calls == 3 {
			return broken
		}
		return nil
	}}}, 10, 0)
	if !errors.Is(err, broken) || calls != 3 {
		t.Errorf("after %d calls: %v", calls, err)
	}
}
