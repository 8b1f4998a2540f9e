package tempo

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/runnelflow/runnel/examples/internal/synth"
)

func measure(t *testing.T, signal []float64, rate int) Estimate {
	t.Helper()
	e, err := Measure(context.Background(), signal, rate)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every groove at tempi from 70 to 170 BPM is found within 2 %, and so not an
// octave away.
func TestSweep(t *testing.T) {
	for name, groove := range map[string]synth.Groove{"rock": synth.Rock, "four on the floor": synth.FourOnTheFloor, "ballad": synth.Ballad} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for bpm := 70; bpm <= 170; bpm += 5 {
				song := synth.Song{Rate: 11025, Tempo: bpm * 1000, Tonic: bpm % 12, Minor: bpm%2 == 0, Bars: 4, Groove: groove}
				got := measure(t, synth.Float(song.Samples()), song.Rate)
				if math.Abs(got.BPM/float64(bpm)-1) > 0.02 {
					t.Errorf("%d BPM: got %.2f", bpm, got.BPM)
				}
			}
		})
	}
}

// A click every so often is the plainest of rhythms; fractions of a beat per
// minute count.
func TestClicks(t *testing.T) {
	const rate = 22050
	for _, bpm := range []float64{71.3, 88.8, 104.25, 119.5, 131.1, 159.9} {
		signal := make([]float64, 12*rate)
		for beat := 0; ; beat++ {
			at := int(float64(beat) * 60 / bpm * rate)
			if at+200 > len(signal) {
				break
			}
			for i := range 200 {
				signal[at+i] = math.Sin(2*math.Pi*1000*float64(i)/rate) * math.Exp(-float64(i)/50)
			}
		}
		got := measure(t, signal, rate)
		if math.Abs(got.BPM/bpm-1) > 0.005 {
			t.Errorf("%.2f BPM: got %.2f", bpm, got.BPM)
		}
		if got.Clarity < 0.5 {
			t.Errorf("%.2f BPM: clarity %.2f, want at least 0.5", bpm, got.Clarity)
		}
	}
}

func TestRateDoesNotMatter(t *testing.T) {
	for _, rate := range []int{8000, 22050, 44100, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			song := synth.Song{Rate: rate, Tempo: 126_000, Bars: 4, Groove: synth.Rock}
			if got := measure(t, synth.Float(song.Samples()), rate); math.Abs(got.BPM/126-1) > 0.02 {
				t.Errorf("got %.2f BPM, want 126", got.BPM)
			}
		})
	}
}

func TestNoBeat(t *testing.T) {
	const rate = 22050
	tone, noise := make([]float64, 8*rate), make([]float64, 8*rate)
	seed := uint32(1)
	for i := range tone {
		tone[i] = math.Sin(2 * math.Pi * 440 * float64(i) / rate)
		seed = seed*1664525 + 1013904223
		noise[i] = float64(int32(seed)) / (1 << 31)
	}
	beat := synth.Song{Rate: rate, Tempo: 120_000, Bars: 4, Groove: synth.Rock}.Samples()
	for name, signal := range map[string][]float64{
		"nothing":                  nil,
		"one sample":               {1},
		"silence":                  make([]float64, 8*rate),
		"a steady tone":            tone,
		"white noise":              noise,
		"too short, though a beat": synth.Float(beat[:3*rate]),
	} {
		if got := measure(t, signal, rate); got != (Estimate{}) {
			t.Errorf("%s: got %+v, want no tempo", name, got)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, []float64{0: 1, 8 * 8000: 1}, 8000); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
