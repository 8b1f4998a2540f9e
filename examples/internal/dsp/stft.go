// Package dsp holds the short-time Fourier transform that the spectrum, the
// tempo and the key are all measured from.
package dsp

import (
	"context"
	"math"
	"math/bits"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// STFT cuts a signal into overlapping frames and transforms each. It reuses its
// buffers and is for one goroutine at a time.
type STFT struct {
	size, hop int
	window    []float64
	fft       *fourier.FFT
	frame     []float64
	windowed  []float64
	coeff     []complex128
	magnitude []float64
}

// NewSTFT makes a transform of frames of size samples, hop samples apart. The
// window is the periodic Hann window, 0.5-0.5·cos(2πn/N) (Harris, "On the Use
// of Windows for Harmonic Analysis with the Discrete Fourier Transform",
// Proceedings of the IEEE 66(1), 1978).
func NewSTFT(size, hop int) *STFT {
	s := &STFT{
		size:      size,
		hop:       hop,
		window:    make([]float64, size),
		fft:       fourier.NewFFT(size),
		frame:     make([]float64, size),
		windowed:  make([]float64, size),
		coeff:     make([]complex128, size/2+1),
		magnitude: make([]float64, size/2+1),
	}
	for n := range s.window {
		s.window[n] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(n)/float64(size))
	}
	return s
}

// Frame is one frame of a signal. Both slices are valid until visit returns.
type Frame struct {
	Samples   []float64 // the signal, before the window; zeros past its end
	Magnitude []float64 // of bins 0 … size/2; bin k is at k·rate/size Hz
}

// Each calls visit for every frame in order. The last frame is the first that
// reaches the end of the signal, filled up with zeros; a signal without samples
// has no frame. It stops early, with the cause, when the context is cancelled.
func (s *STFT) Each(ctx context.Context, signal []float64, visit func(Frame)) error {
	for start := 0; start < len(signal); start += s.hop {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := copy(s.frame, signal[start:])
		clear(s.frame[n:])
		for i, v := range s.frame {
			s.windowed[i] = v * s.window[i]
		}
		s.fft.Coefficients(s.coeff, s.windowed)
		for k, c := range s.coeff {
			s.magnitude[k] = cmplx.Abs(c)
		}
		visit(Frame{Samples: s.frame, Magnitude: s.magnitude})
		if start+s.size >= len(signal) {
			break
		}
	}
	return nil
}

// SizeFor returns the power of two nearest to so many seconds of signal, and at
// least 16 samples: frames then last about as long at every sample rate.
func SizeFor(seconds float64, rate int) int {
	n := max(16, int(math.Round(seconds*float64(rate))))
	lower := 1 << (bits.Len(uint(n)) - 1)
	if n-lower > 2*lower-n {
		return 2 * lower
	}
	return lower
}

// RMS is the root of the mean square of a signal; 0 when it has no samples.
func RMS(signal []float64) float64 {
	if len(signal) == 0 {
		return 0
	}
	var sum float64
	for _, v := range signal {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(signal)))
}
