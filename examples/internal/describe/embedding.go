package describe

import (
	"math"
	"slices"
)

// Dimensions is the length of an Embedding.
var Dimensions = measured + len(rules)

// Embedding is a point on the unit sphere; recordings that sound alike are near.
// Every dimension is in [-1, 1] before the vector is brought to length 1:
//
//	 0-11  strength of the pitch classes C to B, as a vector of length 1
//	12     mode: the correlation with the key, positive in major, negative in minor
//	13     tempo: octaves above 110 BPM (the middle of 60 to 200); 0 without one
//	14     clarity of the pulse
//	15     loudness: LUFS above -23, over 23
//	16-18  centroid, bandwidth and rolloff: octaves above 1.5, 1.5 and 3 kHz, over 3
//	19     flatness: decades above 0.01, over 2
//	20     zero crossings: octaves above 1,500 a second, over 3
//	21-    one for each tag, in the order of the rules: 0.3 when it fits
type Embedding []float64

const (
	measured  = 21
	tagWeight = 0.3
)

// Embed makes the embedding of a recording.
func Embed(m Music, tags []string) Embedding {
	e := make(Embedding, Dimensions)
	copy(e, m.Key.Chroma[:])
	normalise(e[:12])
	e[12] = m.Key.Strength
	if m.Key.Minor {
		e[12] = -e[12]
	}
	e[13] = octaves(m.Tempo.BPM, 110)
	e[14] = m.Tempo.Clarity
	e[15] = bounded((m.Loudness.Integrated + 23) / 23)
	e[16] = octaves(m.Spectrum.Centroid, 1500) / 3
	e[17] = octaves(m.Spectrum.Bandwidth, 1500) / 3
	e[18] = octaves(m.Spectrum.Rolloff, 3000) / 3
	e[19] = bounded(math.Log10(max(m.Spectrum.Flatness, 1e-12)/0.01) / 2)
	e[20] = octaves(m.Spectrum.ZeroCrossings, 1500) / 3
	for i, v := range e[16:21] {
		e[16+i] = bounded(v)
	}
	for i, r := range rules {
		if slices.Contains(tags, r.word) {
			e[measured+i] = tagWeight
		}
	}
	normalise(e)
	return e
}

// octaves is the distance of a frequency or a tempo from a reference; 0 for a
// value of 0, which means that there is none.
func octaves(v, reference float64) float64 {
	if v <= 0 {
		return 0
	}
	return math.Log2(v / reference)
}

func bounded(v float64) float64 { return max(-1, min(1, v)) }

// normalise brings a vector to length 1, and leaves a zero vector alone.
func normalise(v []float64) {
	if length := math.Sqrt(dot(v, v)); length > 0 {
		for i := range v {
			v[i] /= length
		}
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// Similarity is the cosine between two embeddings, -1 to 1.
func Similarity(a, b Embedding) float64 { return bounded(dot(a, b)) }

// Neighbour is the recording most similar to another.
type Neighbour struct {
	Index      int // in the slice given to Nearest
	Similarity float64
}

// Nearest returns the most similar other recording of each, the first of equals.
// A nil embedding stands for a recording that has none: it is nobody's neighbour
// and has none itself, which an Index of -1 says.
func Nearest(all []Embedding) []Neighbour {
	out := make([]Neighbour, len(all))
	for i, a := range all {
		out[i] = Neighbour{Index: -1}
		for j, b := range all {
			if i == j || a == nil || b == nil {
				continue
			}
			if s := Similarity(a, b); out[i].Index < 0 || s > out[i].Similarity {
				out[i] = Neighbour{j, s}
			}
		}
	}
	return out
}
