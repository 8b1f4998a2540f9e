package report

import "testing"

func TestTargetMet(t *testing.T) {
	for _, c := range []struct {
		name string
		t    Target
		band float64
		want bool
	}{
		{"at the bound", Target{Measured: 1, Bound: 1, Timed: true}, 0, true},
		{"above the most", Target{Measured: 1.01, Bound: 1, Timed: true}, 0, false},
		{"above the most, within the band", Target{Measured: 1.05, Bound: 1, Timed: true}, 0.1, true},
		{"above the most and the band", Target{Measured: 1.11, Bound: 1, Timed: true}, 0.1, false},
		{"below the least", Target{Measured: 4.9, Bound: 5, AtLeast: true, Timed: true}, 0, false},
		{"below the least, within the band", Target{Measured: 4.6, Bound: 5, AtLeast: true, Timed: true}, 0.1, true},
		{"below the least and the band", Target{Measured: 4.4, Bound: 5, AtLeast: true, Timed: true}, 0.1, false},
		{"no band for what is counted", Target{Measured: 101, Bound: 100}, 0.1, false},
	} {
		if got := c.t.met(c.band); got != c.want {
			t.Errorf("%s: met is %v, want %v", c.name, got, c.want)
		}
	}
}
