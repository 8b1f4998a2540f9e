package engine

import "testing"

// TestSteppingAsideIsLearned: the pause after a long wait, after another, and so on, up
// to the most; a short wait ends that.
func TestSteppingAsideIsLearned(t *testing.T) {
	var s stepping
	pause := func() (n int) {
		for s.skips() {
			n++
		}
		return n
	}
	if got := pause(); got != 0 {
		t.Errorf("it is not done %d times before the first wait", got)
	}
	for _, want := range []int{16, 48, 144, 432, 1024, 1024} {
		s.took(2 * longWait)
		if got := pause(); got != want {
			t.Errorf("it is not done %d times after a long wait, want %d", got, want)
		}
	}
	s.took(longWait)
	if got := pause(); got != 0 {
		t.Errorf("it is not done %d times after a short wait", got)
	}
	s.took(2 * longWait)
	if got := pause(); got != leastPause {
		t.Errorf("it is not done %d times after a long wait that follows, want %d", got, leastPause)
	}
}

// TestWhoStepsAsideReadsTheClockAnew: a task begins when its worker is back.
func TestWhoStepsAsideReadsTheClockAnew(t *testing.T) {
	aside.took(0) // nobody has waited long
	w := &Worker{Clock: 1}
	if w.stepAside(); w.Clock != 0 {
		t.Errorf("the clock still says %d after a wait", w.Clock)
	}
}
