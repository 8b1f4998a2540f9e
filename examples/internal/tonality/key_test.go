package tonality

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel/examples/internal/synth"
)

type fataler interface{ Fatal(...any) }

func measure(t fataler, signal []float64, rate int) Key {
	k, err := Measure(context.Background(), signal, rate)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// All 24 keys, with drums and without, each out of tune by another amount.
func TestAllKeys(t *testing.T) {
	for name, groove := range map[string]synth.Groove{"chords only": synth.NoDrums, "rock": synth.Rock, "four on the floor": synth.FourOnTheFloor} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range 24 {
				song := synth.Song{Rate: 22050, Tempo: 160_000, Tonic: i / 2, Minor: i%2 == 1, Bars: 4, Groove: groove, Cents: 4*i - 46}
				got := measure(t, synth.Float(song.Samples()), song.Rate)
				if got.Tonic != song.Tonic || got.Minor != song.Minor || got.Strength < 0.8 {
					t.Errorf("key %d minor %v: got %v at %.2f", song.Tonic, song.Minor, got, got.Strength)
				}
				if math.Abs(got.Tuning-float64(song.Cents)) > 4 {
					t.Errorf("key %d minor %v: tuning %.1f cents, want %d", song.Tonic, song.Minor, got.Tuning, song.Cents)
				}
			}
		})
	}
}

// A pure tone is one pitch class, whichever octave it is in.
func TestToneIsOnePitchClass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const rate = 16000
		note := rapid.IntRange(48, 95).Draw(t, "MIDI note") // C3 to B6
		hz := 440 * math.Exp2(float64(note-69)/12)
		signal := make([]float64, rate)
		for i := range signal {
			signal[i] = 0.4 * math.Sin(2*math.Pi*hz*float64(i)/rate)
		}
		k := measure(t, signal, rate)
		for class, v := range k.Chroma {
			if class == note%12 && v != 1 || class != note%12 && v > 0.05 {
				t.Fatalf("note %d: chroma %.2f", note, k.Chroma)
			}
		}
	})
}

func TestSampleRateDoesNotMatter(t *testing.T) {
	for _, rate := range []int{8000, 11025, 44100, 48000} {
		song := synth.Song{Rate: rate, Tempo: 160_000, Tonic: 3, Minor: true, Bars: 4, Groove: synth.Rock}
		if got := measure(t, synth.Float(song.Samples()), rate); got.String() != "D# minor" {
			t.Errorf("%d Hz: got %v, want D# minor", rate, got)
		}
	}
}

func TestNoKey(t *testing.T) {
	noise := make([]float64, 4*22050)
	seed := uint32(1)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = float64(int32(seed)) / (1 << 31)
	}
	for name, signal := range map[string][]float64{
		"nothing": nil, "one sample": {1}, "silence": make([]float64, 22050), "white noise": noise,
	} {
		if got := measure(t, signal, 22050); got.Found() || got.String() != "none" {
			t.Errorf("%s: got %v at %.2f, want none", name, got, got.Strength)
		}
	}
}

// The correlation of a profile with itself, turned to any tonic, is 1 there and
// less everywhere else.
func TestProfilesFindThemselves(t *testing.T) {
	for _, profile := range [][12]float64{majorProfile, minorProfile} {
		for tonic := range 12 {
			var c Chroma
			for i, v := range profile {
				c[(tonic+i)%12] = v
			}
			for other := range 12 {
				r := correlation(c, profile, other)
				if other == tonic && math.Abs(r-1) > 1e-12 || other != tonic && r > 0.9 {
					t.Errorf("profile on %d against %d: %.3f", tonic, other, r)
				}
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, make([]float64, 8000), 8000); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
