package prefetch

import "testing"

// TestLinesAllocatesAndChangesNothing: it is a hint, for any address, nil included.
func TestLinesAllocatesAndChangesNothing(t *testing.T) {
	numbers := [32]int64{1, 2, 3}
	want := numbers
	allocs := testing.AllocsPerRun(100, func() {
		Lines(&numbers[0], &numbers[31])
		Lines[int, string](nil, nil)
	})
	if allocs != 0 || numbers != want {
		t.Errorf("%v allocations, and the memory is %v: want none, and %v", allocs, numbers, want)
	}
}

// BenchmarkLines is what a hint costs when it was not needed.
func BenchmarkLines(b *testing.B) {
	var a, c int
	for b.Loop() {
		Lines(&a, &c)
	}
}
