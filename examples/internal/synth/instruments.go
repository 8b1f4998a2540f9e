package synth

// track is the mix being written, in Q15 with headroom.
type track struct {
	mix   []int64
	rate  int
	cents int
	noise noise
}

// add mixes one sample in, ignoring what falls after the end.
func (t *track) add(at int, v int64) {
	if at < len(t.mix) {
		t.mix[at] += v
	}
}

// tone plays a note with harmonics that fall off as 1/n², an attack of 8 ms, a
// release of 15 ms and an exponential decay between them. Gain is Q15.
func (t *track) tone(at, length, note, harmonics int, decayMS float64, gain int64) {
	attack, release := t.rate*8/1000, t.rate*15/1000
	step := noteStep(note, t.cents, t.rate)
	fall := decay(decayMS, t.rate)
	level := int64(one30)
	var phase uint32
	for i := range length {
		var v int64
		for n := 1; n <= harmonics; n++ {
			v += sineAt(phase*uint32(n)) / int64(n*n)
		}
		v = v * (level >> 15) >> 15
		if i < attack {
			v = v * int64(i) / int64(attack)
		}
		if left := length - i; left < release {
			v = v * int64(left) / int64(release)
		}
		t.add(at+i, v*gain>>15)
		phase += step
		level = level * fall >> 30
	}
}

// kick is a sine that falls from 160 Hz to 50 Hz.
func (t *track) kick(at int, gain int64) {
	high, low := hertzStep(160, t.rate), hertzStep(50, t.rate)
	sweep, fall := decay(30, t.rate), decay(90, t.rate)
	above, level := int64(high-low), int64(one30)
	var phase uint32
	for i := range t.rate * 350 / 1000 {
		t.add(at+i, sineAt(phase)*(level>>15)>>15*gain>>15)
		phase += low + uint32(above)
		above = above * sweep >> 30
		level = level * fall >> 30
	}
}

// snare is white noise over a short 190 Hz tone.
func (t *track) snare(at int, gain int64) {
	step := hertzStep(190, t.rate)
	fall := decay(55, t.rate)
	level := int64(one30)
	var phase uint32
	for i := range t.rate * 250 / 1000 {
		v := t.noise.next()*3/4 + sineAt(phase)/2
		t.add(at+i, v*(level>>15)>>15*gain>>15)
		phase += step
		level = level * fall >> 30
	}
}

// hat is noise with its low end taken away by a first difference.
func (t *track) hat(at int, gain int64) {
	fall := decay(18, t.rate)
	level := int64(one30)
	last := t.noise.next()
	for i := range t.rate * 80 / 1000 {
		v := t.noise.next()
		t.add(at+i, (v-last)/2*(level>>15)>>15*gain>>15)
		last = v
		level = level * fall >> 30
	}
}
