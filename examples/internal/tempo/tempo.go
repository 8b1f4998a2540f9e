// Package tempo finds the beats per minute of a recording with a steady tempo.
package tempo

import (
	"context"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Estimate is a tempo.
type Estimate struct {
	// BPM is the number of beats per minute, from 60 to 200; 0 when there is
	// no beat to be found: silence, a steady sound, or less than four seconds.
	BPM float64
	// Clarity is the mean autocorrelation of the onsets at multiples of the
	// beat, 0 to 1: how regular the pulse is. It is the measure that Lartillot
	// et al., "Multi-feature modeling of pulse clarity", ISMIR 2008, build on.
	Clarity float64
}

const (
	slowest, fastest = 60.0, 200.0 // beats per minute
	shortest         = 4.0         // seconds

	// Listeners tap most readily near 120 BPM: a Gaussian over the logarithm of
	// the tempo (Ellis, "Beat Tracking by Dynamic Programming", Journal of New
	// Music Research 36(1), 2007).
	preferred, preferredWidth = 120.0, 1.2 // BPM, octaves

	comb = 4 // multiples of the beat that vote for a candidate

	// Over a longer stretch, players drift by more than a multiple can bear.
	longestLag = 12.0 // seconds

	minClarity = 0.08
)

// Measure estimates the tempo of a mono signal at rate samples per second.
func Measure(ctx context.Context, signal []float64, rate int) (Estimate, error) {
	if float64(len(signal)) < shortest*float64(rate) {
		return Estimate{}, nil
	}
	env, fps, err := envelope(ctx, signal, rate)
	if err != nil || env == nil {
		return Estimate{}, err
	}
	acf := autocorrelation(env, int(longestLag*fps))
	if acf == nil {
		return Estimate{}, nil
	}
	period := candidate(acf, fps)
	period = refine(acf, period)
	period = beatLevel(env, period, fps)
	clarity := combMean(acf, period, comb)
	if clarity < minClarity {
		return Estimate{}, nil
	}
	return Estimate{BPM: 60 * fps / period, Clarity: min(1, clarity)}, nil
}

// autocorrelation returns the unbiased autocorrelation, 1 at lag 0, for lags up
// to the given one or three quarters of the length, by way of the power spectrum
// (the Wiener-Khinchin theorem); nil when there is nothing to correlate. The mean
// is taken away, so that an irregular envelope tends to 0.
func autocorrelation(env []float64, longest int) []float64 {
	n := len(env)
	var mean float64
	for _, v := range env {
		mean += v / float64(n)
	}
	padded := make([]float64, 2*n)
	for i, v := range env {
		padded[i] = v - mean
	}
	fft := fourier.NewFFT(len(padded))
	coeff := fft.Coefficients(nil, padded)
	for k, c := range coeff {
		coeff[k] = complex(real(c)*real(c)+imag(c)*imag(c), 0)
	}
	r := fft.Sequence(padded, coeff)
	if r[0] <= 0 {
		return nil
	}
	zero := r[0] / float64(n)
	out := make([]float64, min(n*3/4, longest))
	for lag := range out {
		out[lag] = r[lag] / float64(n-lag) / zero
	}
	return out
}

// candidate returns the period, in frames, whose comb of multiples agrees best
// with the autocorrelation, weighted by the preferred tempo.
func candidate(acf []float64, fps float64) float64 {
	best, period := math.Inf(-1), 60*fps/preferred
	for bpm := slowest; bpm <= fastest; bpm *= 1.005 {
		p := 60 * fps / bpm
		octaves := math.Log2(bpm/preferred) / preferredWidth
		score := combMean(acf, p, comb) * math.Exp(-0.5*octaves*octaves)
		if score > best {
			best, period = score, p
		}
	}
	return period
}

// refine searches ±3 % around a period with all multiples up to the longest
// lag: the longer the stretch of beats, the sharper the tempo.
func refine(acf []float64, around float64) float64 {
	best, period := math.Inf(-1), around
	for p := around * 0.97; p <= around*1.03; p *= 1.0005 {
		if score := combMean(acf, p, len(acf)); score > best {
			best, period = score, p
		}
	}
	return period
}

// combMean returns the mean of the autocorrelation at the first few multiples of
// a period, as many as fit.
func combMean(acf []float64, period float64, multiples int) float64 {
	var sum, n float64
	for k := 1; k <= multiples; k++ {
		lag := float64(k) * period
		if lag > float64(len(acf)-2) {
			break
		}
		sum += at(acf, lag)
		n++
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// at reads between two entries.
func at(x []float64, i float64) float64 {
	whole, part := math.Modf(i)
	k := int(whole)
	return x[k]*(1-part) + x[k+1]*part
}
