// Package tonality finds the key of a recording.
package tonality

import (
	"context"
	"math"
)

// Key is a major or minor key.
type Key struct {
	Tonic int  // pitch class, 0 (C) to 11 (B)
	Minor bool // minor instead of major
	// Strength is the correlation of the recording's pitch classes with the
	// profile of the key, at most 1. At 0 no key was found.
	Strength float64
	Chroma   Chroma
	// Tuning is how far the recording is from A4 = 440 Hz, in cents, -50 to 50.
	Tuning float64
}

// Found reports whether the recording has a key.
func (k Key) Found() bool { return k.Strength > 0 }

// String names the key, as in "F# minor"; "none" when none was found.
func (k Key) String() string {
	if !k.Found() {
		return "none"
	}
	mode := "major"
	if k.Minor {
		mode = "minor"
	}
	return names[k.Tonic] + " " + mode
}

var names = [12]string{"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}

// The probe-tone ratings of Krumhansl and Kessler, "Tracing the dynamic changes
// in perceived tonal organization in a spatial representation of musical keys",
// Psychological Review 89, 1982, from the tonic upwards.
var (
	majorProfile = [12]float64{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88}
	minorProfile = [12]float64{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17}
)

// minStrength is the correlation below which the best of 24 keys is chance.
const minStrength = 0.5

// Measure finds the key of a mono signal at rate samples per second: the one of
// 24 whose profile correlates best with the chroma (Krumhansl, Cognitive
// Foundations of Musical Pitch, 1990, chapter 4). The Key has no tonic when there
// is no pitch or no key stands out; its chroma is there all the same.
func Measure(ctx context.Context, signal []float64, rate int) (Key, error) {
	c, tuning, err := chroma(ctx, signal, rate)
	if err != nil {
		return Key{}, err
	}
	best := Key{Chroma: c, Tuning: tuning}
	for tonic := range 12 {
		for _, minor := range []bool{false, true} {
			profile := majorProfile
			if minor {
				profile = minorProfile
			}
			if r := correlation(c, profile, tonic); r > max(minStrength, best.Strength) {
				best.Tonic, best.Minor, best.Strength = tonic, minor, r
			}
		}
	}
	return best, nil
}

// correlation is Pearson's, of the chroma with a profile that starts at tonic; 0
// for a chroma without any variation.
func correlation(c Chroma, profile [12]float64, tonic int) float64 {
	var meanC, meanP float64
	for i := range 12 {
		meanC += c[i] / 12
		meanP += profile[i] / 12
	}
	var cp, cc, pp float64
	for i := range 12 {
		x, y := c[(tonic+i)%12]-meanC, profile[i]-meanP
		cp += x * y
		cc += x * x
		pp += y * y
	}
	if cc == 0 {
		return 0
	}
	return cp / math.Sqrt(cc*pp)
}
