// Package synth makes short pieces of music with a known tempo and key, so that
// what the analysis finds can be held against the truth. Everything it makes is
// deterministic: one Song always gives the same samples.
package synth

// Groove is the drum pattern of a bar of four beats.
type Groove int

const (
	// NoDrums leaves the rhythm to the chords and the bass.
	NoDrums Groove = iota
	// Rock has the kick on one and three, the snare on two and four and the
	// hi-hat on every eighth.
	Rock
	// FourOnTheFloor has the kick on every beat, the snare on two and four and
	// the hi-hat between the beats.
	FourOnTheFloor
	// Ballad has the kick on one and three, a soft snare on two and four and
	// the hi-hat on the beats.
	Ballad
)

// Song describes a piece. In their zero values Cents is in tune, Groove
// has no drums and Peak is 26000; Rate, Tempo and Bars must be positive.
type Song struct {
	Rate   int    // samples per second
	Tempo  int    // thousandths of a beat per minute: 120 BPM is 120000
	Tonic  int    // pitch class of the key, 0 (C) to 11 (B)
	Minor  bool   // minor instead of major
	Bars   int    // length, in bars of four beats
	Cents  int    // detuning of everything that has a pitch
	Groove Groove // the drums
	Peak   int    // largest sample, 1 to 32767; 0 means 26000, -2 dBFS
}

// chord is a triad: semitones of its notes above the tonic.
type chord [3]int

var (
	// I vi IV V, the turnaround of much popular music.
	majorChords = []chord{{0, 4, 7}, {9, 12, 16}, {5, 9, 12}, {7, 11, 14}}
	// i VI iv V, with the major dominant of the harmonic minor.
	minorChords = []chord{{0, 3, 7}, {8, 12, 15}, {5, 8, 12}, {7, 11, 14}}
)

// Samples renders the song, mono, as signed 16-bit samples.
func (s Song) Samples() []int16 {
	t := &track{
		mix:   make([]int64, s.beat(4*s.Bars, 0)),
		rate:  s.Rate,
		cents: s.Cents,
		noise: 0x9e3779b9,
	}
	for bar := range s.Bars {
		s.pitched(t, bar)
		s.drums(t, bar)
	}
	return s.limit(t.mix)
}

// beat returns the sample at which a beat starts, counted from the first and
// moved by so many eighths. It is computed from the start of the song each time:
// rounding does not add up to a drift of the tempo.
func (s Song) beat(beat, eighths int) int {
	return int(int64(2*beat+eighths) * int64(s.Rate) * 30_000 / int64(s.Tempo))
}

func (s Song) pitched(t *track, bar int) {
	chords := majorChords
	if s.Minor {
		chords = minorChords
	}
	c := chords[bar%len(chords)]
	if bar == s.Bars-1 {
		c = chords[0] // end at home
	}
	first := 4 * bar
	span := func(from, to int) (at, length int) {
		return s.beat(from, 0), s.beat(to, 0) - s.beat(from, 0)
	}

	at, length := span(first, first+4)
	for _, n := range c {
		t.tone(at, length, 60+s.Tonic+n, 4, 1500, 3600)
	}
	for beat := range 4 {
		at, length := span(first+beat, first+beat+1)
		t.tone(at, length, 72+s.Tonic+c[[]int{0, 1, 2, 1}[beat]], 3, 300, 3000)
		if beat%2 == 0 {
			t.tone(at, 2*length, 36+(s.Tonic+c[0])%12, 4, 700, 7000)
		}
	}
}

func (s Song) drums(t *track, bar int) {
	if s.Groove == NoDrums {
		return
	}
	for beat := range 4 {
		at := s.beat(4*bar+beat, 0)
		between := s.beat(4*bar+beat, 1)
		backbeat := beat%2 == 1
		switch s.Groove {
		case Rock:
			if backbeat {
				t.snare(at, 12000)
			} else {
				t.kick(at, 22000)
			}
			t.hat(at, 6000)
			t.hat(between, 5000)
		case FourOnTheFloor:
			t.kick(at, 22000)
			if backbeat {
				t.snare(at, 9000)
			}
			t.hat(between, 7000)
		case Ballad:
			if backbeat {
				t.snare(at, 5000)
			} else {
				t.kick(at, 14000)
			}
			t.hat(at, 3000)
		}
	}
}

// limit scales the mix so that its largest sample is the song's peak.
func (s Song) limit(mix []int64) []int16 {
	peak := int64(s.Peak)
	if peak == 0 {
		peak = 26000
	}
	largest := int64(1)
	for _, v := range mix {
		largest = max(largest, v, -v)
	}
	out := make([]int16, len(mix))
	for i, v := range mix {
		out[i] = int16(v * peak / largest)
	}
	return out
}

// Float returns samples in [-1, 1).
func Float(samples []int16) []float64 {
	out := make([]float64, len(samples))
	for i, v := range samples {
		out[i] = float64(v) / 32768
	}
	return out
}
