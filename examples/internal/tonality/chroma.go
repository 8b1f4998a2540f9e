package tonality

import (
	"context"
	"math"

	"github.com/runnelflow/runnel/examples/internal/dsp"
)

// Chroma is the strength of the twelve pitch classes, C to B, with the largest 1;
// all zero when nothing has a pitch.
type Chroma [12]float64

const (
	frameSeconds = 0.37   // 2.7 Hz a bin: a semitone is 3.1 Hz at C2 and more above
	lowest       = 65.4   // Hz: C2
	highest      = 2093.0 // Hz: C7
	quiet        = 0.03   // peaks below this share of the frame's largest are dropped
	silence      = 1e-3   // frames this far below the loudest do not count
)

// peak is a local maximum of a magnitude spectrum.
type peak struct {
	pitch float64 // semitones above A4 = 440 Hz, fractional
	level float64
}

// chroma folds the spectral peaks of each frame into pitch classes, in the manner
// of the harmonic pitch class profile (Gómez, "Tonal Description of Polyphonic
// Audio for Music Content Processing", INFORMS Journal on Computing 18(3), 2006):
// only peaks count, each frame counts once whatever its level, and a recording
// that is out of tune is brought to its own reference pitch first. It also
// returns that reference, in cents away from A4 = 440 Hz, in [-50, 50).
func chroma(ctx context.Context, signal []float64, rate int) (Chroma, float64, error) {
	size := dsp.SizeFor(frameSeconds, rate)
	hertz := float64(rate) / float64(size)
	loudest := 0.0
	var frames [][]peak
	var levels []float64
	err := dsp.NewSTFT(size, size/2).Each(ctx, signal, func(f dsp.Frame) {
		level := dsp.RMS(f.Samples)
		loudest = max(loudest, level)
		levels = append(levels, level)
		frames = append(frames, peaks(f.Magnitude, hertz))
	})
	if err != nil {
		return Chroma{}, 0, err
	}
	kept := frames[:0]
	for i, f := range frames {
		if levels[i] > silence*loudest && len(f) > 0 {
			kept = append(kept, f)
		}
	}
	tuning := reference(kept)
	var c Chroma
	for _, f := range kept {
		addFrame(&c, f, tuning)
	}
	var largest float64
	for _, v := range c {
		largest = max(largest, v)
	}
	if largest > 0 {
		for i := range c {
			c[i] /= largest
		}
	}
	return c, 100 * tuning, nil
}

// peaks finds the local maxima between the lowest and the highest note. Their
// place between two bins comes from the parabola through the logarithms of three
// bins (Smith and Serra, "PARSHL", ICMC, 1987).
func peaks(magnitude []float64, hertz float64) []peak {
	from := max(1, int(lowest/hertz))
	to := min(len(magnitude)-1, int(highest/hertz)+1)
	var largest float64
	for _, m := range magnitude[min(from, len(magnitude)):max(from, to)] {
		largest = max(largest, m)
	}
	var out []peak
	for k := from; k < to; k++ {
		m := magnitude[k]
		if m <= quiet*largest || m < magnitude[k-1] || m <= magnitude[k+1] || magnitude[k-1] == 0 || magnitude[k+1] == 0 {
			continue
		}
		a, b, c := math.Log(magnitude[k-1]), math.Log(m), math.Log(magnitude[k+1])
		offset := 0.0
		if bend := a - 2*b + c; bend != 0 { // 0 when the logarithms round to one
			offset = 0.5 * (a - c) / bend
		}
		out = append(out, peak{
			pitch: 12 * math.Log2((float64(k)+offset)*hertz/440),
			level: m,
		})
	}
	return out
}

// reference returns the tuning in semitones, in [-0.5, 0.5): the circular mean of
// the distances of all peaks from the nearest note.
func reference(frames [][]peak) float64 {
	var x, y float64
	for _, f := range frames {
		for _, p := range f {
			sin, cos := math.Sincos(2 * math.Pi * p.pitch)
			x += p.level * cos
			y += p.level * sin
		}
	}
	t := math.Atan2(y, x) / (2 * math.Pi)
	if t >= 0.5 {
		t--
	}
	return t
}

// addFrame adds the peaks of a frame, so that the frame weighs 1 in all. A peak
// counts for the two pitch classes around it by cos² of its distance. The square
// root of the level keeps a loud bass from hiding the chord above it.
func addFrame(c *Chroma, frame []peak, tuning float64) {
	var total float64
	for _, p := range frame {
		total += math.Sqrt(p.level)
	}
	for _, p := range frame {
		note := p.pitch - tuning + 9 // pitch class 0 is C, nine semitones below A
		below := math.Floor(note)
		share := math.Cos(math.Pi / 2 * (note - below))
		weight := math.Sqrt(p.level) / total
		c[class(int(below))] += weight * share * share
		c[class(int(below)+1)] += weight * (1 - share*share)
	}
}

func class(note int) int { return ((note % 12) + 12) % 12 }
