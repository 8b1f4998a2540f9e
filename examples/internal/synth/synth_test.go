package synth

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSineTable(t *testing.T) {
	for _, c := range []struct {
		phase uint32
		want  int64
	}{{0, 0}, {1 << 30, 32767}, {2 << 30, 0}, {3 << 30, -32767}, {1 << 29, 23170}} {
		if got := sineAt(c.phase); got != c.want {
			t.Errorf("sine at %d/2³² of a turn is %d, want %d", c.phase, got, c.want)
		}
	}
}

func TestNotes(t *testing.T) {
	const rate = 22050
	for _, c := range []struct {
		note, cents int
		hz          float64
	}{{69, 0, 440}, {60, 0, 261.6256}, {81, 0, 880}, {69, 100, 466.1638}} {
		got := float64(noteStep(c.note, c.cents, rate)) * rate / (1 << 32)
		if math.Abs(got-c.hz) > 1e-3 {
			t.Errorf("note %d and %d cents is %.4f Hz, want %.4f", c.note, c.cents, got, c.hz)
		}
	}
}

func TestDecay(t *testing.T) {
	fall, level := decay(100, 8000), int64(one30)
	for range 800 {
		level = level * fall >> 30
	}
	if got := float64(level) / one30; math.Abs(got-1/math.E) > 1e-5 {
		t.Errorf("after its time a level is %.6f, want 1/e", got)
	}
}

// A song has the length that its tempo says, to the sample, reaches its peak and
// is the same every time.
func TestSong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Song{
			Rate:   rapid.SampledFrom([]int{4000, 8000, 11025}).Draw(t, "rate"),
			Tempo:  rapid.IntRange(60_000, 200_000).Draw(t, "tempo"),
			Tonic:  rapid.IntRange(0, 11).Draw(t, "tonic"),
			Minor:  rapid.Bool().Draw(t, "minor"),
			Bars:   rapid.IntRange(1, 2).Draw(t, "bars"),
			Cents:  rapid.IntRange(-50, 50).Draw(t, "cents"),
			Groove: Groove(rapid.IntRange(0, 3).Draw(t, "groove")),
			Peak:   rapid.IntRange(100, 32767).Draw(t, "peak"),
		}
		samples := s.Samples()
		want := float64(4*s.Bars) * 60_000 / float64(s.Tempo) * float64(s.Rate)
		if math.Abs(float64(len(samples))-want) > 1 {
			t.Fatalf("%d samples, want %.1f", len(samples), want)
		}
		high, low := int(slices.Max(samples)), int(slices.Min(samples))
		if max(high, -low) != s.Peak {
			t.Fatalf("samples from %d to %d, want a peak of %d", low, high, s.Peak)
		}
		if !slices.Equal(samples, s.Samples()) {
			t.Fatal("a second rendering differs")
		}
	})
}

// Beats do not drift: the thousandth is where the tempo puts it.
func TestBeatsDoNotDrift(t *testing.T) {
	s := Song{Rate: 22050, Tempo: 133_333}
	if got, want := s.beat(1000, 0), 1000*60/133.333*22050; math.Abs(float64(got)-want) > 1 {
		t.Errorf("beat 1000 is at sample %d, want %.1f", got, want)
	}
}
