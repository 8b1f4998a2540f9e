package tempo

import (
	"context"
	"math"

	"github.com/runnelflow/runnel/examples/internal/dsp"
)

const (
	frameSeconds  = 0.046
	framesPerSec  = 100    // nearly: the hop is a whole number of samples
	lowestBand    = 30.0   // Hz
	bandsInOctave = 3      // third octaves
	compression   = 1000.0 // of band energies, before the difference
	localMean     = 0.5    // seconds on each side
)

// envelope returns the onset strength of a mono signal, frame by frame, and the
// number of frames per second. It is the spectral flux on compressed band
// energies, half-wave rectified and with its local mean taken away (Bello et
// al., "A Tutorial on Onset Detection in Music Signals", IEEE Transactions on
// Speech and Audio Processing 13(5), 2005; the compression log(1+γ·x) is that of
// Müller, Fundamentals of Music Processing, section 6.1.2). Third-octave bands
// let a kick drum count as much as a cymbal that fills more bins.
func envelope(ctx context.Context, signal []float64, rate int) ([]float64, float64, error) {
	level := dsp.RMS(signal)
	if level == 0 {
		return nil, 0, nil
	}
	size := dsp.SizeFor(frameSeconds, rate)
	hop := max(1, int(math.Round(float64(rate)/framesPerSec)))
	edges := bandEdges(size, rate)
	bands := make([]float64, len(edges)-1)
	last := make([]float64, len(bands))
	scale := compression / math.Pow(level*float64(size), 2)

	var flux []float64
	err := dsp.NewSTFT(size, hop).Each(ctx, signal, func(f dsp.Frame) {
		bands, last = last, bands
		var rise float64
		for b := range bands {
			var energy float64
			for _, m := range f.Magnitude[edges[b]:edges[b+1]] {
				energy += m * m
			}
			bands[b] = math.Log1p(scale * energy)
			rise += max(0, bands[b]-last[b])
		}
		flux = append(flux, rise)
	})
	if err != nil {
		return nil, 0, err
	}
	fps := float64(rate) / float64(hop)
	return aboveLocalMean(flux, int(localMean*fps)), fps, nil
}

// bandEdges returns the bins at which the bands begin and end; every band has at
// least one bin.
func bandEdges(size, rate int) []int {
	hertz := float64(rate) / float64(size)
	edges := []int{max(1, int(lowestBand/hertz))}
	for f := lowestBand; ; f *= math.Exp2(1.0 / bandsInOctave) {
		k := int(math.Round(f / hertz))
		if k > size/2 {
			break
		}
		if k > edges[len(edges)-1] {
			edges = append(edges, k)
		}
	}
	return append(edges, size/2+1)
}

func aboveLocalMean(x []float64, radius int) []float64 {
	sums := make([]float64, len(x)+1)
	for i, v := range x {
		sums[i+1] = sums[i] + v
	}
	out := make([]float64, len(x))
	for i, v := range x {
		from, to := max(0, i-radius), min(len(x), i+radius+1)
		out[i] = max(0, v-(sums[to]-sums[from])/float64(to-from))
	}
	return out
}
