package describe

// tag is a word and the rule for it.
type tag struct {
	word string
	fits func(Music) bool
}

// The rules, in the order in which tags are listed. The thresholds:
//
//   - slow and fast: the Largo-to-Andante and the Allegro-to-Presto ranges of a
//     metronome, roughly.
//   - quiet: below the level to which EBU R 128 brings broadcasts, -23 LUFS; loud:
//     above the -14 LUFS to which streaming services turn music down.
//   - bright and dark: music mostly has its spectral centroid between 1.2 and
//     2.5 kHz.
//   - noisy: white noise has a flatness of 0.56 as spectrum measures it (the mean
//     of an exponential distribution against its geometric mean, e^-γ), chords
//     without drums less than 0.001.
//   - percussive: a regular pulse together with the broadband bursts of drums.
//   - dynamic and dense: peaks 18 dB over the RMS level are found in unprocessed
//     acoustic recordings, 8 dB in heavily limited ones.
var rules = []tag{
	{"slow", func(m Music) bool { return m.Tempo.BPM > 0 && m.Tempo.BPM <= 95 }},
	{"fast", func(m Music) bool { return m.Tempo.BPM >= 130 }},
	{"major", func(m Music) bool { return m.Key.Found() && !m.Key.Minor }},
	{"minor", func(m Music) bool { return m.Key.Found() && m.Key.Minor }},
	{"quiet", func(m Music) bool { return m.Loudness.Integrated < -23 }},
	{"loud", func(m Music) bool { return m.Loudness.Integrated > -14 }},
	{"bright", func(m Music) bool { return m.Spectrum.Centroid >= 2500 }},
	{"dark", func(m Music) bool { return m.Spectrum.Centroid > 0 && m.Spectrum.Centroid <= 1200 }},
	{"noisy", func(m Music) bool { return m.Spectrum.Flatness >= 0.2 }},
	{"percussive", func(m Music) bool { return m.Tempo.Clarity >= 0.3 && m.Spectrum.Flatness >= 0.005 }},
	{"dynamic", func(m Music) bool { return m.Loudness.Peak-m.Loudness.RMS >= 18 }},
	{"dense", func(m Music) bool { return m.Loudness.Peak-m.Loudness.RMS <= 8 }},
}

// Tags returns the words that fit, in a fixed order. Differences of infinite
// levels are no numbers and fit no rule: digital silence is quiet, not dense.
func Tags(m Music) []string {
	tags := []string{}
	for _, r := range rules {
		if r.fits(m) {
			tags = append(tags, r.word)
		}
	}
	return tags
}
