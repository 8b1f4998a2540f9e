package synth

import "math"

// The synthesiser works in whole numbers: phases in 32 bits, levels in Q30
// fixed point, samples in Q15. The few constants that come from package math
// are rounded to those widths first, so that a difference in the last bit of a
// float64 between processors cannot reach the samples, and a song has the same
// bytes everywhere.

const (
	tableBits = 12
	one30     = 1 << 30
)

// sine holds one period of a sine in Q15.
var sine = func() (t [1 << tableBits]int32) {
	for i := range t {
		t[i] = int32(math.Round(32767 * math.Sin(2*math.Pi*float64(i)/float64(len(t)))))
	}
	return t
}()

// sineAt returns the sine at a phase, where 2³² is a full turn.
func sineAt(phase uint32) int64 { return int64(sine[phase>>(32-tableBits)]) }

// noteStep returns the phase step per sample of a MIDI note number (69 is A4,
// 440 Hz, equal temperament), shifted by cents.
func noteStep(note, cents, rate int) uint32 {
	hz := 440 * math.Exp2(float64(note-69)/12+float64(cents)/1200)
	return hertzStep(hz, rate)
}

func hertzStep(hz float64, rate int) uint32 {
	return uint32(math.Round(hz / float64(rate) * (1 << 32)))
}

// decay returns the Q30 factor that, applied once per sample, lets a level fall
// to 1/e in the given number of milliseconds.
func decay(ms float64, rate int) int64 {
	return int64(math.Round(one30 * math.Exp(-1000/(ms*float64(rate)))))
}

// noise is the xorshift generator of Marsaglia, "Xorshift RNGs", Journal of
// Statistical Software 8(14), 2003. A zero state is not allowed.
type noise uint32

// next returns white noise in Q15.
func (n *noise) next() int64 {
	x := uint32(*n)
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	*n = noise(x)
	return int64(int32(x) >> 16)
}
