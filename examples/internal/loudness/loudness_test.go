package loudness

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The tables of ITU-R BS.1770-4 for 48 kHz: the design for any rate must
// reproduce them.
func TestFiltersMatchTheStandardAt48kHz(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want biquad
	}{
		{"table 1", shelf(48000), biquad{b0: 1.53512485958697, b1: -2.69169618940638, b2: 1.19839281085285, a1: -1.69065929318241, a2: 0.73248077421585}},
		{"table 2", highPass(48000), biquad{b0: 1, b1: -2, b2: 1, a1: -1.99004745483398, a2: 0.99007225036621}},
	} {
		got := []float64{c.got.b0, c.got.b1, c.got.b2, c.got.a1, c.got.a2}
		for i, want := range []float64{c.want.b0, c.want.b1, c.want.b2, c.want.a1, c.want.a2} {
			if math.Abs(got[i]-want) > 1e-9 {
				t.Errorf("%s: coefficient %d is %.14f, want %.14f", c.name, i, got[i], want)
			}
		}
	}
}

// part is a stretch of a 1 kHz sine: its length and its peak level in dBFS for
// each channel.
type part struct {
	seconds float64
	levels  []float64
}

func sines(rate int, hz float64, parts ...part) [][]float64 {
	channels := make([][]float64, len(parts[0].levels))
	for _, p := range parts {
		n := int(math.Round(p.seconds * float64(rate)))
		for c, db := range p.levels {
			a := math.Pow(10, db/20)
			for i := range n {
				channels[c] = append(channels[c], a*math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
			}
		}
	}
	return channels
}

// The cases of EBU Tech 3341 v4, table 1, that concern integrated loudness of
// synthetic signals, with its tolerance of 0.1 LU.
func TestEBUTech3341(t *testing.T) {
	both := func(db float64) []float64 { return []float64{db, db} }
	for _, c := range []struct {
		name  string
		parts []part
		want  float64
	}{
		{"1", []part{{20, both(-23)}}, -23},
		{"2", []part{{20, both(-33)}}, -33},
		{"3", []part{{10, both(-36)}, {60, both(-23)}, {10, both(-36)}}, -23},
		{"4", []part{{10, both(-72)}, {10, both(-36)}, {60, both(-23)}, {10, both(-36)}, {10, both(-72)}}, -23},
		{"5", []part{{20, both(-26)}, {20.1, both(-20)}, {20, both(-26)}}, -23},
		{"6", []part{{20, []float64{-28, -28, -24, -30, -30}}}, -23},
	} {
		t.Run("case "+c.name, func(t *testing.T) {
			got, err := Measure(context.Background(), sines(48000, 1000, c.parts...), 48000)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Integrated-c.want) > 0.1 {
				t.Errorf("got %.2f LUFS, want %.1f ± 0.1", got.Integrated, c.want)
			}
		})
	}
}

// BS.1770-4: a 0 dBFS sine of 997 Hz in one front channel reads -3.01 LKFS, at
// every sample rate.
func TestFullScaleSineAtManyRates(t *testing.T) {
	for _, rate := range []int{8000, 11025, 22050, 44100, 48000, 96000, 192000} {
		got, err := Measure(context.Background(), sines(rate, 997, part{2, []float64{0}}), rate)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Integrated+3.01) > 0.1 {
			t.Errorf("%d Hz: got %.3f LUFS, want -3.01", rate, got.Integrated)
		}
		if math.Abs(got.RMS+3.01) > 0.01 || math.Abs(got.Peak) > 0.01 {
			t.Errorf("%d Hz: got RMS %.3f and peak %.3f dBFS, want -3.01 and 0", rate, got.RMS, got.Peak)
		}
	}
}

func TestLowFrequencyEffectsChannelIsLeftOut(t *testing.T) {
	silent := math.Inf(-1)
	got, err := Measure(context.Background(), sines(48000, 60, part{1, []float64{silent, silent, silent, 0, silent, silent}}), 48000)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsInf(got.Integrated, -1) {
		t.Errorf("got %.2f LUFS from the LFE channel alone, want -Inf", got.Integrated)
	}
}

func TestSilenceAndShortSignals(t *testing.T) {
	for name, channels := range map[string][][]float64{
		"no channel": {}, "no sample": {{}}, "one zero": {{0}}, "a second of zeros": {make([]float64, 8000)},
	} {
		got, err := Measure(context.Background(), channels, 8000)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsInf(got.Integrated, -1) || !math.IsInf(got.Peak, -1) {
			t.Errorf("%s: got %+v, want -Inf", name, got)
		}
	}
	short := sines(48000, 1000, part{0.3, []float64{-23, -23}})
	got, err := Measure(context.Background(), short, 48000)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Integrated+23) > 0.2 {
		t.Errorf("0.3 s: got %.2f LUFS, want about -23", got.Integrated)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, sines(8000, 1000, part{1, []float64{0}}), 8000); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// Scaling a signal moves every level by the same number of decibels, as long as
// the absolute gate stays out of it.
func TestGainMovesLevels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint32Range(1, 1<<31).Draw(t, "seed")
		gain := rapid.Float64Range(-30, 10).Draw(t, "gain dB")
		a := make([]float64, 8000)
		for i := range a {
			seed = seed*1664525 + 1013904223
			a[i] = float64(int32(seed)) / (1 << 31) * 0.3
		}
		b := make([]float64, len(a))
		for i, v := range a {
			b[i] = v * math.Pow(10, gain/20)
		}
		before, err1 := Measure(context.Background(), [][]float64{a}, 8000)
		after, err2 := Measure(context.Background(), [][]float64{b}, 8000)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for _, d := range []float64{after.Integrated - before.Integrated, after.RMS - before.RMS, after.Peak - before.Peak} {
			if math.Abs(d-gain) > 1e-6 {
				t.Fatalf("a gain of %.3f dB moved a level by %.6f: %+v to %+v", gain, d, before, after)
			}
		}
	})
}
