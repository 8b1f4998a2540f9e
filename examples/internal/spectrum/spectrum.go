// Package spectrum measures the colour of a sound: where its energy lies in
// frequency and how noise-like it is.
package spectrum

import (
	"context"
	"math"

	"github.com/runnelflow/runnel/examples/internal/dsp"
)

// Shape is the mean, over the frames that sound, of features of each frame. All
// but ZeroCrossings are those of Peeters, "A large set of audio features for
// sound description (similarity and classification) in the CUIDADO project",
// IRCAM, 2004. Silence has the zero Shape.
type Shape struct {
	Centroid      float64 // Hz: the magnitude-weighted mean frequency
	Bandwidth     float64 // Hz: the standard deviation around the centroid
	Rolloff       float64 // Hz: 85 % of the magnitude lies at or below it
	Flatness      float64 // 0 to 1: geometric over arithmetic mean of the power
	ZeroCrossings float64 // sign changes per second
}

const (
	frameSeconds = 0.046
	rolloffShare = 0.85
	// Frames this far (in amplitude: 60 dB) below the loudest do not count.
	silence = 1e-3
	// Added to each power before the flatness, relative to the frame's mean, so
	// that one empty bin does not make the geometric mean zero.
	floor = 1e-10
)

// Measure returns the shape of a mono signal at rate samples per second.
func Measure(ctx context.Context, signal []float64, rate int) (Shape, error) {
	size := dsp.SizeFor(frameSeconds, rate)
	loudest := 0.0
	for start := 0; start < len(signal); start += size / 2 {
		loudest = max(loudest, dsp.RMS(signal[start:min(start+size, len(signal))]))
	}
	if loudest == 0 {
		return Shape{}, nil
	}

	var sum Shape
	var frames float64
	hertz := float64(rate) / float64(size)
	err := dsp.NewSTFT(size, size/2).Each(ctx, signal, func(f dsp.Frame) {
		if dsp.RMS(f.Samples) < silence*loudest {
			return
		}
		frames++
		centroid, bandwidth := moments(f.Magnitude)
		sum.Centroid += centroid * hertz
		sum.Bandwidth += bandwidth * hertz
		sum.Rolloff += rolloff(f.Magnitude) * hertz
		sum.Flatness += flatness(f.Magnitude)
		sum.ZeroCrossings += crossings(f.Samples) * float64(rate)
	})
	if err != nil || frames == 0 {
		return Shape{}, err
	}
	return Shape{
		Centroid:      sum.Centroid / frames,
		Bandwidth:     sum.Bandwidth / frames,
		Rolloff:       sum.Rolloff / frames,
		Flatness:      sum.Flatness / frames,
		ZeroCrossings: sum.ZeroCrossings / frames,
	}, nil
}

// moments returns Σk·mₖ/Σmₖ and √(Σ(k-centroid)²·mₖ/Σmₖ), in bins.
func moments(magnitude []float64) (centroid, bandwidth float64) {
	var total, first float64
	for k, m := range magnitude {
		total += m
		first += float64(k) * m
	}
	if total == 0 {
		return 0, 0
	}
	centroid = first / total
	var second float64
	for k, m := range magnitude {
		d := float64(k) - centroid
		second += d * d * m
	}
	return centroid, math.Sqrt(second / total)
}

// rolloff returns the first bin at which the running sum reaches 85 % (Tzanetakis
// and Cook, "Musical genre classification of audio signals", IEEE Transactions on
// Speech and Audio Processing 10(5), 2002).
func rolloff(magnitude []float64) float64 {
	var total float64
	for _, m := range magnitude {
		total += m
	}
	var running float64
	for k, m := range magnitude {
		running += m
		if running >= rolloffShare*total {
			return float64(k)
		}
	}
	return float64(len(magnitude) - 1)
}

// flatness is also known as Wiener entropy: 1 for a flat spectrum, near 0 for a
// pure tone. Bin 0 holds the offset of the signal, not sound, and is left out.
func flatness(magnitude []float64) float64 {
	var mean float64
	n := float64(len(magnitude) - 1)
	for _, m := range magnitude[1:] {
		mean += m * m / n
	}
	if mean == 0 {
		return 0
	}
	var logs float64
	for _, m := range magnitude[1:] {
		logs += math.Log(m*m/mean+floor) / n
	}
	return math.Exp(logs) / (1 + floor)
}

// crossings returns sign changes per sample; zero counts as positive.
func crossings(samples []float64) float64 {
	var n float64
	for i := 1; i < len(samples); i++ {
		if (samples[i] < 0) != (samples[i-1] < 0) {
			n++
		}
	}
	return n / float64(len(samples)-1)
}
