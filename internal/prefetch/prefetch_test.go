package prefetch

import "testing"

// TestLinesAllocatesAndChangesNothing: it is a hint, for any address, nil included.
func TestLinesAllocatesAndChangesNothing(t *testing.T) {
	changed := false
	allocs := testing.AllocsPerRun(100, func() {
		numbers := [32]int64{1, 2, 3}
		Lines(&numbers[0], &numbers[31])
		Lines[int, string](nil, nil)
		changed = changed || numbers != [32]int64{1, 2, 3}
	})
	if allocs != 0 || changed {
		t.Errorf("%v allocations, and the memory was changed: %v; want neither", allocs, changed)
	}
}

// BenchmarkLines is what a hint costs when it was not needed.
func BenchmarkLines(b *testing.B) {
	var a, c int
	for b.Loop() {
		Lines(&a, &c)
	}
}
