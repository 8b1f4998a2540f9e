package loudness

import "math"

// biquad is a second-order filter in transposed direct form II, with a0 = 1.
type biquad struct {
	b0, b1, b2, a1, a2 float64
	z1, z2             float64
}

func (f *biquad) next(x float64) float64 {
	y := f.b0*x + f.z1
	f.z1 = f.b1*x - f.a1*y + f.z2
	f.z2 = f.b2*x - f.a2*y
	return y
}

// ITU-R BS.1770-4, tables 1 and 2, gives the two K-weighting filters as
// coefficients for 48 kHz only. The functions below compute them for any rate by
// the bilinear transform of the analogue filters behind those tables; the
// parameters are the ones that libebur128 (ebur128.c) uses, and a test holds the
// result against the tables.

// shelf is stage 1: the effect of the head, about +4 dB above 1.7 kHz.
func shelf(rate float64) biquad {
	const f0, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
	k := math.Tan(math.Pi * f0 / rate)
	vh := math.Pow(10, gain/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q + k*k
	return biquad{
		b0: (vh + vb*k/q + k*k) / a0,
		b1: 2 * (k*k - vh) / a0,
		b2: (vh - vb*k/q + k*k) / a0,
		a1: 2 * (k*k - 1) / a0,
		a2: (1 - k/q + k*k) / a0,
	}
}

// highPass is stage 2: the revised low-frequency B curve.
func highPass(rate float64) biquad {
	const f0, q = 38.13547087602444, 0.5003270373238773
	k := math.Tan(math.Pi * f0 / rate)
	a0 := 1 + k/q + k*k
	return biquad{
		b0: 1, b1: -2, b2: 1,
		a1: 2 * (k*k - 1) / a0,
		a2: (1 - k/q + k*k) / a0,
	}
}
