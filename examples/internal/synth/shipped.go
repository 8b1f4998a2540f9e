package synth

// Shipped lists the clips that come with the example, by file name.
var Shipped = []struct {
	File string
	Song
}{
	{"c-major-120bpm.wav", Song{Rate: 22050, Tempo: 120_000, Tonic: 0, Bars: 4, Groove: Rock}},
	{"a-minor-90bpm.wav", Song{Rate: 22050, Tempo: 90_000, Tonic: 9, Minor: true, Bars: 4, Groove: Ballad, Peak: 8000}},
	{"f-sharp-minor-140bpm.wav", Song{Rate: 22050, Tempo: 140_000, Tonic: 6, Minor: true, Bars: 4, Groove: FourOnTheFloor, Peak: 31000}},
}
