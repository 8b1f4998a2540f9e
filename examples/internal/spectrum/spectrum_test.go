package spectrum

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"
)

const rate = 22050

func measure(t interface{ Fatal(...any) }, signal []float64) Shape {
	s, err := Measure(context.Background(), signal, rate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sine lasts about a second: a whole number of frames, so that no frame holds an
// abrupt end, which has a spectrum of its own.
func sine(hz, amplitude float64) []float64 {
	out := make([]float64, 21*1024)
	for i := range out {
		out[i] = amplitude * math.Sin(2*math.Pi*hz*float64(i)/rate)
	}
	return out
}

func whiteNoise(seed uint32) []float64 {
	out := make([]float64, 2*rate)
	for i := range out {
		seed = seed*1664525 + 1013904223
		out[i] = float64(int32(seed)) / (1 << 31) * 0.5
	}
	return out
}

// All the energy of a sine is at its frequency.
func TestSine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.Float64Range(200, 9000).Draw(t, "Hz")
		s := measure(t, sine(hz, 0.5))
		if math.Abs(s.Centroid-hz) > 0.02*hz+25 {
			t.Fatalf("centroid %.0f, want %.0f", s.Centroid, hz)
		}
		if math.Abs(s.Rolloff-hz) > 0.02*hz+50 {
			t.Fatalf("rolloff %.0f, want %.0f", s.Rolloff, hz)
		}
		if math.Abs(s.ZeroCrossings-2*hz) > 0.02*hz+25 {
			t.Fatalf("%.0f zero crossings a second, want %.0f", s.ZeroCrossings, 2*hz)
		}
		if s.Flatness > 0.01 {
			t.Fatalf("flatness %.4f, want near 0", s.Flatness)
		}
	})
}

// White noise has a flat spectrum up to half the rate: the centroid lies in the
// middle of it, the bandwidth is that of a uniform distribution (its width over
// √12), 85 % of it is below 85 %, and the flatness of one frame is e^-γ = 0.561,
// because the power of a bin is exponentially distributed. Signs are independent:
// half of the samples differ from the one before.
func TestWhiteNoise(t *testing.T) {
	s := measure(t, whiteNoise(1))
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"centroid", s.Centroid, rate / 4.0},
		{"bandwidth", s.Bandwidth, rate / 2 / math.Sqrt(12)},
		{"rolloff", s.Rolloff, 0.85 * rate / 2},
		{"flatness", s.Flatness, 0.561},
		{"zero crossings", s.ZeroCrossings, rate / 2.0},
	} {
		if math.Abs(c.got/c.want-1) > 0.03 {
			t.Errorf("%s is %.4g, want %.4g ± 3 %%", c.name, c.got, c.want)
		}
	}
}

// Two equal sines: the centroid lies between them, and each is half their
// distance away from it.
func TestTwoSines(t *testing.T) {
	a, b := sine(2000, 0.3), sine(4000, 0.3)
	for i := range a {
		a[i] += b[i]
	}
	s := measure(t, a)
	if math.Abs(s.Centroid-3000) > 60 || math.Abs(s.Bandwidth-1000) > 60 {
		t.Errorf("centroid %.0f and bandwidth %.0f, want 3000 and 1000", s.Centroid, s.Bandwidth)
	}
}

func TestLevelDoesNotMatter(t *testing.T) {
	a := whiteNoise(7)
	b := make([]float64, len(a))
	for i, v := range a {
		b[i] = v / 4 // a power of two: exact
	}
	if x, y := measure(t, a), measure(t, b); x != y {
		t.Errorf("a quarter of the level changed %+v into %+v", x, y)
	}
}

// A pause between two sounds does not pull the mean down.
func TestSilentFramesDoNotCount(t *testing.T) {
	sound := sine(3000, 0.5)
	paused := append(append(sine(3000, 0.5), make([]float64, 4*rate)...), sound...)
	got := measure(t, paused)
	if math.Abs(got.Centroid-3000) > 100 {
		t.Errorf("centroid %.0f with a pause, want about 3000", got.Centroid)
	}
}

func TestSilenceAndShortSignals(t *testing.T) {
	for name, signal := range map[string][]float64{"none": nil, "zero": {0}, "a second of zeros": make([]float64, rate)} {
		if got := measure(t, signal); got != (Shape{}) {
			t.Errorf("%s: got %+v, want the zero Shape", name, got)
		}
	}
	s := measure(t, []float64{0.5})
	for _, v := range []float64{s.Centroid, s.Bandwidth, s.Rolloff, s.Flatness, s.ZeroCrossings} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("one sample: got %+v, want finite numbers", s)
		}
	}
}
