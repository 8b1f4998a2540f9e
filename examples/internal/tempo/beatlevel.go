package tempo

import "math"

// The period that agrees best may be half or twice the beat: the hi-hats, or the
// snare on every second beat, repeat as regularly. Pulses at the level of the
// beat are about equally strong, which is what beatLevel looks for; the pulse
// train set against the onsets is that of Percival and Tzanetakis, "Streamlined
// Tempo Estimation Based on Autocorrelation and Cross-correlation With Pulses",
// IEEE/ACM Transactions on Audio, Speech, and Language Processing 22(12), 2014.

// evenness is how strong the pulses between the beats must be, against those on
// the beats, for the beats to be twice as fast. With the grooves of package
// synth, eighths on a hi-hat reach a fifth of the beat, and a soft snare almost
// half of its kick.
const evenness = 0.35

// beatLevel returns the period of the beat, given a period that may be an octave
// away: the slowest allowed level, and from there faster as long as the pulses
// between are about as strong.
func beatLevel(env []float64, period, fps float64) float64 {
	longest, shortest := 60*fps/slowest, 60*fps/fastest
	for 2*period <= longest {
		period *= 2
	}
	for period/2 >= shortest {
		on, between := pulses(env, period)
		if between < evenness*on {
			break
		}
		period /= 2
	}
	return period
}

// pulses returns the mean onset strength on a pulse train at its best phase, and
// halfway between its pulses.
func pulses(env []float64, period float64) (on, between float64) {
	best := 0.0
	for phase := 0.0; phase < period; phase++ {
		if v := pulseMean(env, period, phase); v > on {
			on, best = v, phase
		}
	}
	for shift := -2.0; shift <= 2; shift++ {
		phase := math.Mod(best+period/2+shift+period, period)
		between = max(between, pulseMean(env, period, phase))
	}
	return on, between
}

// pulseMean takes the largest value within a frame of each pulse.
func pulseMean(env []float64, period, phase float64) float64 {
	var sum, n float64
	for t := phase; t < float64(len(env)-2); t += period {
		i := int(math.Round(t))
		sum += max(env[max(0, i-1)], env[i], env[i+1])
		n++
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
