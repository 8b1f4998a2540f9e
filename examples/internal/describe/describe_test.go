package describe

import (
	"context"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/synth"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
)

// Every rule at and beside its threshold.
func TestTags(t *testing.T) {
	level := func(lufs, rms, peak float64) loudness.Level {
		return loudness.Level{Integrated: lufs, RMS: rms, Peak: peak}
	}
	// Fits no rule.
	plain := Music{
		Sound: Sound{Loudness: level(-18, -20, -8), Spectrum: spectrum.Shape{Centroid: 1800, Flatness: 0.001}},
		Tempo: tempo.Estimate{BPM: 110, Clarity: 0.1},
	}
	if got := Tags(plain); got == nil || len(got) > 0 {
		t.Errorf("got %#v, want an empty list", got)
	}
	for _, c := range []struct {
		word   string
		fits   bool
		change func(*Music)
	}{
		{"slow", true, func(m *Music) { m.Tempo.BPM = 95 }},
		{"slow", false, func(m *Music) { m.Tempo.BPM = 95.1 }},
		{"slow", false, func(m *Music) { m.Tempo.BPM = 0 }},
		{"fast", true, func(m *Music) { m.Tempo.BPM = 130 }},
		{"fast", false, func(m *Music) { m.Tempo.BPM = 129.9 }},
		{"major", true, func(m *Music) { m.Key.Strength = 0.6 }},
		{"major", false, func(m *Music) { m.Key.Strength = 0 }},
		{"minor", true, func(m *Music) { m.Key.Strength, m.Key.Minor = 0.6, true }},
		{"minor", false, func(m *Music) { m.Key.Minor = true }},
		{"quiet", true, func(m *Music) { m.Loudness.Integrated = -23.1 }},
		{"quiet", false, func(m *Music) { m.Loudness.Integrated = -23 }},
		{"loud", true, func(m *Music) { m.Loudness.Integrated = -13.9 }},
		{"loud", false, func(m *Music) { m.Loudness.Integrated = -14 }},
		{"bright", true, func(m *Music) { m.Spectrum.Centroid = 2500 }},
		{"bright", false, func(m *Music) { m.Spectrum.Centroid = 2499 }},
		{"dark", true, func(m *Music) { m.Spectrum.Centroid = 1200 }},
		{"dark", false, func(m *Music) { m.Spectrum.Centroid = 1201 }},
		{"dark", false, func(m *Music) { m.Spectrum.Centroid = 0 }},
		{"noisy", true, func(m *Music) { m.Spectrum.Flatness = 0.2 }},
		{"noisy", false, func(m *Music) { m.Spectrum.Flatness = 0.19 }},
		{"percussive", true, func(m *Music) { m.Tempo.Clarity, m.Spectrum.Flatness = 0.3, 0.005 }},
		{"percussive", false, func(m *Music) { m.Tempo.Clarity = 0.3 }},
		{"percussive", false, func(m *Music) { m.Spectrum.Flatness = 0.005 }},
		{"dynamic", true, func(m *Music) { m.Loudness = level(-18, -20, -2) }},
		{"dynamic", false, func(m *Music) { m.Loudness = level(-18, -20, -2.1) }},
		{"dense", true, func(m *Music) { m.Loudness = level(-18, -10, -2) }},
		{"dense", false, func(m *Music) { m.Loudness = level(-18, -10, -1.9) }},
	} {
		m := plain
		c.change(&m)
		if got := Tags(m); slices.Contains(got, c.word) != c.fits {
			t.Errorf("%s should be %v: got %v for %+v", c.word, c.fits, got, m)
		}
	}
	silence := Music{Sound: Sound{Loudness: level(math.Inf(-1), math.Inf(-1), math.Inf(-1))}}
	if got := Tags(silence); !slices.Equal(got, []string{"quiet"}) {
		t.Errorf("digital silence: got %v, want quiet", got)
	}
}

// Words are listed once each, so that a tag is one dimension.
func TestTagsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.word] {
			t.Errorf("%q has two rules", r.word)
		}
		seen[r.word] = true
	}
}

func analyse(t interface{ Fatal(...any) }, signal []float64, rate int) (Music, []string) {
	ctx := context.Background()
	l, err1 := loudness.Measure(ctx, [][]float64{signal}, rate)
	s, err2 := spectrum.Measure(ctx, signal, rate)
	b, err3 := tempo.Measure(ctx, signal, rate)
	k, err4 := tonality.Measure(ctx, signal, rate)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		t.Fatal(err1, err2, err3, err4)
	}
	m := Music{Sound: Sound{Loudness: l, Spectrum: s}, Tempo: b, Key: k}
	return m, Tags(m)
}

// Whatever the signal (noise, single spikes, the largest and the smallest floats,
// nothing at all), the embedding has its length, is finite and on the unit sphere.
func TestEmbeddingOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.SampledFrom([]float64{0, math.SmallestNonzeroFloat32, 1e-6, 1, math.MaxFloat32}).Draw(t, "scale")
		rate := rapid.SampledFrom([]int{4000, 8000}).Draw(t, "rate")
		signal := make([]float64, rapid.IntRange(1, 20000).Draw(t, "samples"))
		sparse := rapid.IntRange(1, 5000).Draw(t, "every")
		seed := rapid.Uint32().Draw(t, "seed")
		for i := range signal {
			seed = seed*1664525 + 1013904223
			if i%sparse == 0 {
				signal[i] = float64(int32(seed)) / (1 << 31) * scale
			}
		}
		e := Embed(analyse(t, signal, rate))
		if len(e) != Dimensions {
			t.Fatalf("%d dimensions, want %d", len(e), Dimensions)
		}
		for i, v := range e {
			if !(v >= -1 && v <= 1) {
				t.Fatalf("dimension %d is %v: %v", i, v, e)
			}
		}
		if length := math.Sqrt(dot(e, e)); math.Abs(length-1) > 1e-9 {
			t.Fatalf("length %v, want 1", length)
		}
	})
}

// The same song a little faster is nearer than another song.
func TestLikeIsNearLike(t *testing.T) {
	songs := []synth.Song{
		{Tempo: 160_000, Tonic: 0, Groove: synth.Rock},
		{Tempo: 100_000, Tonic: 6, Minor: true, Groove: synth.NoDrums},
		{Tempo: 164_000, Tonic: 0, Groove: synth.Rock, Peak: 20000},
		{Tempo: 104_000, Tonic: 6, Minor: true, Groove: synth.NoDrums, Peak: 20000},
	}
	var all []Embedding
	for _, s := range songs {
		s.Rate, s.Bars = 11025, 4
		all = append(all, Embed(analyse(t, synth.Float(s.Samples()), s.Rate)))
	}
	for i, n := range Nearest(all) {
		if want := (i + 2) % 4; n.Index != want {
			t.Errorf("song %d: nearest is %d at %.2f, want %d", i, n.Index, n.Similarity, want)
		}
		if n.Similarity < 0.9 {
			t.Errorf("song %d: similarity %.2f to the same song, want at least 0.9", i, n.Similarity)
		}
	}
}

func TestNearest(t *testing.T) {
	a, b, c := Embedding{1, 0}, Embedding{0.6, 0.8}, Embedding{0, 1}
	got := Nearest([]Embedding{a, nil, b, c})
	want := []Neighbour{{2, 0.6}, {-1, 0}, {3, 0.8}, {2, 0.8}}
	for i, w := range want {
		if got[i].Index != w.Index || math.Abs(got[i].Similarity-w.Similarity) > 1e-12 {
			t.Errorf("%d: got %+v, want %+v", i, got[i], w)
		}
	}
	if got := Nearest([]Embedding{a, nil}); got[0].Index != -1 {
		t.Errorf("alone: got %+v, want no neighbour", got[0])
	}
}

// No other recording is nearer than the nearest, and similarity is symmetric.
func TestNearestIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]Embedding, rapid.IntRange(2, 12).Draw(t, "recordings"))
		for i := range all {
			all[i] = rapid.SliceOfN(rapid.Float64Range(-1, 1), 3, 3).Draw(t, "point")
			normalise(all[i])
		}
		for i, n := range Nearest(all) {
			for j := range all {
				s := Similarity(all[i], all[j])
				if s != Similarity(all[j], all[i]) {
					t.Fatalf("similarity of %d and %d depends on the order", i, j)
				}
				if j != i && s > n.Similarity {
					t.Fatalf("%d: %d at %v is nearer than %+v", i, j, s, n)
				}
			}
		}
	})
}
