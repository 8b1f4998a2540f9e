package cpuhint

import (
	"testing"
	"unsafe"
)

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

// TestHeldIsWhereTheValueIs: a pointer's target, the closure that a function is, a copy of
// what is neither.
func TestHeldIsWhereTheValueIs(t *testing.T) {
	n := 7
	if got := unsafe.Pointer(Held(&n)); got != unsafe.Pointer(&n) {
		t.Errorf("of a pointer: %p, want %p", got, &n)
	}
	f := func() int { n++; return n }
	if got, want := unsafe.Pointer(Held(f)), *(*unsafe.Pointer)(unsafe.Pointer(&f)); got != want {
		t.Errorf("of a function: %p, want %p", got, want)
	}
	if got := (*int64)(unsafe.Pointer(Held(int64(1000)))); got == nil || *got != 1000 {
		t.Errorf("of a number: %p, want where 1000 is", got)
	}
	if got := Held(nil); got != nil {
		t.Errorf("of nil: %p, want nil", got)
	}
	if allocs := testing.AllocsPerRun(100, func() { Lines(&n, Held(f)) }); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// BenchmarkLines is what a hint costs when it was not needed.
func BenchmarkLines(b *testing.B) {
	var a, c int
	for b.Loop() {
		Lines(&a, &c)
	}
}

// BenchmarkPause is how much later than it could a loop sees what it waits for, at most.
func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		Pause()
	}
}
