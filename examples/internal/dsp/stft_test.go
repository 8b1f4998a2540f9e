package dsp

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A sine that falls on a bin has, under a Hann window, half its amplitude times
// half the size in that bin, half of that in the two beside it, and nothing
// elsewhere.
func TestSineOnABin(t *testing.T) {
	const size, bin, amplitude = 256, 20, 0.7
	signal := make([]float64, size)
	for i := range signal {
		signal[i] = amplitude * math.Sin(2*math.Pi*bin*float64(i)/size)
	}
	frames := 0
	err := NewSTFT(size, size).Each(context.Background(), signal, func(f Frame) {
		frames++
		for k, m := range f.Magnitude {
			want := 0.0
			switch k {
			case bin:
				want = amplitude * size / 4
			case bin - 1, bin + 1:
				want = amplitude * size / 8
			}
			if math.Abs(m-want) > 1e-9 {
				t.Errorf("bin %d has %.6f, want %.6f", k, m, want)
			}
		}
	})
	if err != nil || frames != 1 {
		t.Errorf("got %d frames and error %v, want 1 frame", frames, err)
	}
}

// Frames cover the signal: sample i is in frame i/hop at the latest, and the last
// frame is the first to reach the end.
func TestFramesCoverTheSignal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 16 << rapid.IntRange(0, 4).Draw(t, "size")
		hop := rapid.IntRange(1, size).Draw(t, "hop")
		n := rapid.IntRange(0, 1000).Draw(t, "samples")
		signal := make([]float64, n)
		for i := range signal {
			signal[i] = float64(i + 1)
		}
		frames, reached := 0, 0
		err := NewSTFT(size, hop).Each(context.Background(), signal, func(f Frame) {
			if reached == n {
				t.Fatalf("frame %d is after the end", frames)
			}
			for i, v := range f.Samples {
				at, want := frames*hop+i, 0.0
				if at < n {
					want, reached = float64(at+1), max(reached, at+1)
				}
				if v != want {
					t.Fatalf("frame %d sample %d is %v, want %v", frames, i, v, want)
				}
			}
			frames++
		})
		if err != nil || reached != n {
			t.Fatalf("%d of %d samples were in a frame, error %v", reached, n, err)
		}
	})
}

func TestEachStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	frames := 0
	err := NewSTFT(16, 4).Each(ctx, make([]float64, 1000), func(Frame) {
		if frames++; frames == 3 {
			cancel()
		}
	})
	if err != context.Canceled || frames != 3 {
		t.Errorf("got %d frames and error %v, want 3 and %v", frames, err, context.Canceled)
	}
}

func TestSizeFor(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		rate    int
		want    int
	}{{0.046, 22050, 1024}, {0.046, 44100, 2048}, {0.046, 48000, 2048}, {0.37, 22050, 8192}, {0.046, 8000, 256}, {0.001, 4000, 16}} {
		if got := SizeFor(c.seconds, c.rate); got != c.want {
			t.Errorf("SizeFor(%v, %d) = %d, want %d", c.seconds, c.rate, got, c.want)
		}
	}
}

func TestRMS(t *testing.T) {
	if got := RMS([]float64{3, -4}); math.Abs(got-math.Sqrt(12.5)) > 1e-12 {
		t.Errorf("got %v, want √12.5", got)
	}
	if got := RMS(nil); got != 0 {
		t.Errorf("no samples: got %v, want 0", got)
	}
}
