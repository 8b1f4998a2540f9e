package main

import "testing"

func TestTargetMet(t *testing.T) {
	for _, c := range []struct {
		name string
		t    target
		band float64
		want bool
	}{
		{"at the bound", target{measured: 1, bound: 1, timed: true}, 0, true},
		{"above the most", target{measured: 1.01, bound: 1, timed: true}, 0, false},
		{"above the most, within the band", target{measured: 1.05, bound: 1, timed: true}, 0.1, true},
		{"above the most and the band", target{measured: 1.11, bound: 1, timed: true}, 0.1, false},
		{"below the least", target{measured: 4.9, bound: 5, atLeast: true, timed: true}, 0, false},
		{"below the least, within the band", target{measured: 4.6, bound: 5, atLeast: true, timed: true}, 0.1, true},
		{"below the least and the band", target{measured: 4.4, bound: 5, atLeast: true, timed: true}, 0.1, false},
		{"no band for what is counted", target{measured: 101, bound: 100}, 0.1, false},
	} {
		if got := c.t.met(c.band); got != c.want {
			t.Errorf("%s: met is %v, want %v", c.name, got, c.want)
		}
	}
}
