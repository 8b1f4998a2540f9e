package wavfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func decode(file []byte) (*Audio, error) {
	return Decode(context.Background(), bytes.NewReader(file), int64(len(file)))
}

// Every format gives back the values that were put in, to its own precision, with
// any number of channels and frames, at any rate, plain or extensible, with other
// chunks around.
func TestEveryFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		float := rapid.Bool().Draw(t, "float")
		bits := 32
		b := build{code: formatFloat, channels: rapid.IntRange(1, 8).Draw(t, "channels"), rate: rapid.Uint32Range(MinRate, 192000).Draw(t, "rate")}
		if !float {
			bits = rapid.SampledFrom([]int{8, 16, 24, 32}).Draw(t, "bits")
			b.code = formatPCM
		}
		b.bits = bits
		if rapid.Bool().Draw(t, "extensible") {
			b.extension = extension(b.code, bits)
			b.code = formatExtensible
		}
		// A title list whose entry declares 4 GB: not the decoder's to see.
		list := chunk("LIST", append([]byte("INFOINAM"), 0xff, 0xff, 0xff, 0xff))
		if rapid.Bool().Draw(t, "list before") {
			b.before = list
		}
		if rapid.Bool().Draw(t, "list between") {
			b.between = append(list, chunk("junk", []byte{1, 2, 3})...)
		}
		frames := rapid.IntRange(1, 40).Draw(t, "frames")
		want := make([]float64, frames*b.channels)
		for i := range want {
			want[i] = rapid.Float64Range(-1, 0.99).Draw(t, "sample")
			b.data = append(b.data, encode(want[i], bits, float)...)
		}
		a, err := decode(b.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if a.SampleRate != int(b.rate) || len(a.Channels) != b.channels || a.Frames != frames || a.Float != float || a.BitsPerSample != bits {
			t.Fatalf("got %+v with %d channels", a.Info, len(a.Channels))
		}
		precision := 1e-6
		if !float {
			precision += math.Pow(2, float64(-bits))
		}
		for i, w := range want {
			if got := a.Channels[i%b.channels][i/b.channels]; math.Abs(got-w) > precision {
				t.Fatalf("sample %d is %v, want %v", i, got, w)
			}
		}
	})
}

// The extremes of each integer format are -1 and just under 1.
func TestExtremes(t *testing.T) {
	for bits, c := range map[int]struct{ low, zero, high []byte }{
		8:  {[]byte{0}, []byte{128}, []byte{255}},
		16: {[]byte{0, 0x80}, []byte{0, 0}, []byte{0xff, 0x7f}},
		24: {[]byte{0, 0, 0x80}, []byte{0, 0, 0}, []byte{0xff, 0xff, 0x7f}},
		32: {[]byte{0, 0, 0, 0x80}, []byte{0, 0, 0, 0}, []byte{0xff, 0xff, 0xff, 0x7f}},
	} {
		a, err := decode(build{code: formatPCM, channels: 1, rate: 8000, bits: bits, data: bytes.Join([][]byte{c.low, c.zero, c.high}, nil)}.bytes())
		if err != nil {
			t.Fatal(err)
		}
		got := a.Channels[0]
		if got[0] != -1 || got[1] != 0 || got[2] != 1-math.Pow(2, float64(1-bits)) {
			t.Errorf("%d bits: got %v, want -1, 0 and one step below 1", bits, got)
		}
	}
}

// A file longer than one block of the decoder comes in whole and in order.
func TestManyBlocks(t *testing.T) {
	b := build{code: formatPCM, channels: 3, rate: 8000, bits: 24}
	const frames = 2*blockFrames + 17
	for i := range 3 * frames {
		b.data = append(b.data, byte(i), byte(i>>8), byte(i>>16))
	}
	a, err := decode(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * frames {
		if got := a.Channels[i%3][i/3] * (1 << 23); got != float64(i) {
			t.Fatalf("sample %d is %v", i, got)
		}
	}
}

func TestMono(t *testing.T) {
	b := build{code: formatPCM, channels: 2, rate: 8000, bits: 16, data: []byte{0, 0x40, 0, 0x20, 0, 0xc0, 0, 0}}
	a, err := decode(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Mono(); len(got) != 2 || got[0] != 0.375 || got[1] != -0.25 {
		t.Errorf("the mean of 0.5, 0.25 and of -0.5, 0 came out as %v", got)
	}
}

func TestDuration(t *testing.T) {
	if got := (Info{SampleRate: 44100, Frames: 66150}).Duration(); got != 1500*time.Millisecond {
		t.Errorf("66,150 frames at 44.1 kHz last %v, want 1.5s", got)
	}
}

// A last frame that is not whole is left out.
func TestPartOfAFrame(t *testing.T) {
	a, err := decode(build{code: formatPCM, channels: 2, rate: 8000, bits: 16, data: make([]byte, 11)}.bytes())
	if err != nil || a.Frames != 2 {
		t.Errorf("11 bytes of 4-byte frames: got %v frames, error %v", a, err)
	}
}

func TestRefused(t *testing.T) {
	good := build{code: formatPCM, channels: 1, rate: 8000, bits: 16, data: make([]byte, 100)}
	with := func(change func(*build)) []byte {
		b := good
		change(&b)
		return b.bytes()
	}
	huge := good.bytes()
	binary.LittleEndian.PutUint32(huge[40:], 0xfffffff0)
	hugeFormat := good.bytes()
	binary.LittleEndian.PutUint32(hugeFormat[16:], 0xfffffff0)
	noFormat := append([]byte("RIFF\x10\x00\x00\x00WAVE"), chunk("data", make([]byte, 8))...)
	shortFormat := append([]byte("RIFF\x10\x00\x00\x00WAVE"), chunk("fmt ", make([]byte, 8))...)

	for _, c := range []struct {
		name string
		file []byte
		is   error
		says string
	}{
		{"empty", nil, ErrEmpty, "empty"},
		{"text", []byte("These are my notes on the recording of last summer."), ErrNotWAV, "RIFF"},
		{"three bytes", []byte("RIF"), ErrNotWAV, "RIFF"},
		{"another RIFF", []byte("RIFF\x04\x00\x00\x00AVI "), ErrNotWAV, "WAVE"},
		{"header only", good.bytes()[:12], ErrTruncated, "before its format"},
		{"cut in a chunk header", good.bytes()[:15], ErrTruncated, "chunk header"},
		{"cut in the format", good.bytes()[:30], ErrTruncated, `"fmt "`},
		{"cut before the data", good.bytes()[:36], ErrTruncated, "before its data"},
		{"cut in the data", good.bytes()[:70], ErrTruncated, `"data" declares 100 bytes, the file has 26 left`},
		{"data of 4 GB", huge, ErrTruncated, "4294967280"},
		{"format of 4 GB", hugeFormat, ErrTruncated, "4294967280"},
		{"no format", noFormat, ErrNotWAV, "before the format"},
		{"short format", shortFormat, ErrNotWAV, "at least 16"},
		{"no data", with(func(b *build) { b.data = nil }), ErrNoAudio, "0 bytes"},
		{"less than a frame", with(func(b *build) { b.data = []byte{1} }), ErrNoAudio, "1 bytes, a frame takes 2"},
		{"compressed", with(func(b *build) { b.code = 0x55 }), ErrUnsupported, "0x0055"},
		{"extensible and compressed", with(func(b *build) { b.code, b.extension = formatExtensible, extension(0x55, 16) }), ErrUnsupported, "0x0055"},
		{"no channel", with(func(b *build) { b.channels = 0 }), ErrUnsupported, "0 channels"},
		{"many channels", with(func(b *build) { b.channels = 33 }), ErrUnsupported, "33 channels"},
		{"12 bits", with(func(b *build) { b.bits = 12 }), ErrUnsupported, "12-bit"},
		{"64-bit float", with(func(b *build) { b.code, b.bits = formatFloat, 64 }), ErrUnsupported, "64-bit float"},
		{"rate 0", with(func(b *build) { b.rate = 0 }), ErrUnsupported, "0 Hz"},
		{"rate of 4 GHz", with(func(b *build) { b.rate = math.MaxUint32 }), ErrUnsupported, "4294967295 Hz"},
		{"not a number", with(func(b *build) {
			b.code, b.bits, b.data = formatFloat, 32, append(make([]byte, 8), encode(math.NaN(), 32, true)...)
		}), ErrUnsupported, "sample 2 is not a finite number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(c.file)
			if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %q, want %q that says %q", err, c.is, c.says)
			}
			if strings.Contains(fmt.Sprint(err), "\n") {
				t.Errorf("%q is more than one line", err)
			}
		})
	}
}

// The file may change while it is read.
func TestFileThatShrinks(t *testing.T) {
	file := build{code: formatPCM, channels: 1, rate: 8000, bits: 16, data: make([]byte, 100)}.bytes()
	for cut := range file {
		_, err := Decode(context.Background(), bytes.NewReader(file[:cut]), int64(len(file)))
		if !errors.Is(err, ErrTruncated) {
			t.Errorf("%d of %d bytes left: got %v, want %v", cut, len(file), err, ErrTruncated)
		}
	}
}

func TestCancelled(t *testing.T) {
	file := build{code: formatPCM, channels: 1, rate: 8000, bits: 16, data: make([]byte, 100)}.bytes()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decode(ctx, bytes.NewReader(file), int64(len(file))); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "a.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples := []int16{0, 1, -1, 32767, -32768}
	if err := Encode(f, samples, 22050); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Decode(context.Background(), f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range samples {
		if got := a.Channels[0][i] * 32768; got != float64(s) {
			t.Errorf("sample %d is %v, want %d", i, got, s)
		}
	}
}

// Whatever the bytes, Decode ends, does not panic, takes memory in proportion to
// the file, and gives either an error of one line or audio that is what its Info
// says.
func FuzzDecode(f *testing.F) {
	for _, b := range []build{
		{code: formatPCM, channels: 1, rate: 8000, bits: 8, data: []byte{0, 128, 255}},
		{code: formatPCM, channels: 2, rate: 44100, bits: 16, data: make([]byte, 16), before: chunk("LIST", []byte("INFOINAM\x02\x00\x00\x00ab"))},
		{code: formatExtensible, channels: 1, rate: 48000, bits: 24, extension: extension(formatPCM, 24), data: make([]byte, 9)},
		{code: formatFloat, channels: 1, rate: 22050, bits: 32, data: encode(0.5, 32, true)},
	} {
		f.Add(b.bytes())
	}
	f.Add([]byte{})
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := decode(file)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q is more than one line", err)
			}
			return
		}
		if a.Frames < 1 || len(a.Channels) != a.Info.Channels || a.Frames*a.Info.Channels > len(file) {
			t.Fatalf("%d bytes gave %+v in %d channels", len(file), a.Info, len(a.Channels))
		}
		for _, c := range a.Channels {
			if len(c) != a.Frames {
				t.Fatalf("a channel has %d samples of %d", len(c), a.Frames)
			}
			for _, v := range c {
				if math.IsNaN(v) || math.IsInf(v, 0) || !a.Float && (v < -1 || v >= 1) {
					t.Fatalf("%+v: sample %v", a.Info, v)
				}
			}
		}
	})
}
