package viz

import "time"

// tickSteps are the distances between the ticks of an axis that is a minute
// long or more. Shorter ones have 1, 2 and 5 times a power of ten.
var tickSteps = []time.Duration{
	10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

const day = 24 * time.Hour

// tickStep is the least readable distance that makes no more than most ticks
// behind the first.
func tickStep(length time.Duration, most int) time.Duration {
	least := length / time.Duration(most)
	if length%time.Duration(most) > 0 {
		least++
	}
	if length >= time.Minute {
		for _, s := range tickSteps {
			if s >= least {
				return s
			}
		}
	}
	unit := time.Nanosecond
	if least > tickSteps[len(tickSteps)-1] {
		unit = day
	}
	for {
		for _, k := range []time.Duration{1, 2, 5} {
			if k*unit >= least && k*unit > 0 {
				return k * unit
			}
		}
		if unit > 1<<62/10 {
			return length // of centuries
		}
		unit *= 10
	}
}

// ticks are the times of the axis, 0 and multiples of the step.
func ticks(length time.Duration, most int) []time.Duration {
	step := tickStep(length, most)
	var at []time.Duration
	for k := time.Duration(0); k <= length/step; k++ {
		at = append(at, k*step)
	}
	return at
}

// tickLabel writes a time of an axis: "0s", "250ms", "1m30s".
func tickLabel(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if n := len(s) - len(zero); n > 0 && s[n:] == zero {
			s = s[:n+1]
		}
	}
	return s
}
