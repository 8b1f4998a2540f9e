// Package loudness measures how loud a recording is: integrated loudness as
// ITU-R BS.1770-4 and EBU R 128 define it, and plain RMS and peak levels.
package loudness

import (
	"context"
	"math"

	"github.com/runnelflow/runnel/examples/internal/dsp"
)

// MinRate is the lowest sample rate, in Hz, at which the K-weighting filters
// exist: below it the shelf would lie beyond half the rate.
const MinRate = 4000

// Level is the loudness of a recording.
type Level struct {
	// Integrated is the gated loudness of the whole recording in LUFS;
	// negative infinity when every block is below the absolute gate of -70.
	Integrated float64
	// RMS and Peak are in dB relative to full scale (dBFS), over all channels;
	// negative infinity for digital silence. A full-scale square wave has an
	// RMS of 0 dBFS, a full-scale sine one of -3.01. Peak is the sample peak.
	RMS, Peak float64
}

const (
	blockSeconds = 0.4 // length of a gating block
	stepsInBlock = 4   // blocks overlap by 75 %
	absoluteGate = -70.0
	relativeGate = -10.0
	batch        = 1 << 16 // samples between two looks at the context
)

// Measure returns the level of channels of equal length at rate samples per
// second, which must be at least MinRate. The weights are those of BS.1770-4,
// table 3: five channels are taken as L R C Ls Rs, six as L R C LFE Ls Rs, any
// other number counts each channel once. A recording shorter than one gating
// block (0.4 s), for which BS.1770-4 defines nothing, is measured as one block.
func Measure(ctx context.Context, channels [][]float64, rate int) (Level, error) {
	var peak, power float64
	for _, samples := range channels {
		for _, v := range samples {
			peak = max(peak, math.Abs(v))
		}
		rms := dsp.RMS(samples)
		power += rms * rms / float64(len(channels))
	}
	blocks, err := blockPowers(ctx, channels, rate)
	if err != nil {
		return Level{}, err
	}
	return Level{
		Integrated: integrate(blocks),
		RMS:        10 * math.Log10(power),
		Peak:       20 * math.Log10(peak),
	}, nil
}

// blockPowers returns the weighted mean square Σ Gᵢ·zᵢ of each gating block.
func blockPowers(ctx context.Context, channels [][]float64, rate int) ([]float64, error) {
	if len(channels) == 0 || len(channels[0]) == 0 {
		return nil, nil
	}
	frames := len(channels[0])
	step := int(math.Round(blockSeconds / stepsInBlock * float64(rate)))
	short := frames < stepsInBlock*step
	if short {
		step = frames
	}
	steps := make([]float64, frames/step)
	for c, samples := range channels {
		weight := channelWeight(c, len(channels))
		if weight == 0 {
			continue
		}
		first, second := shelf(float64(rate)), highPass(float64(rate))
		for i, v := range samples {
			if i%batch == 0 && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			y := second.next(first.next(v))
			if s := i / step; s < len(steps) {
				steps[s] += weight * y * y / float64(step)
			}
		}
	}
	if short {
		return steps, nil
	}
	blocks := make([]float64, 0, len(steps))
	for i := range len(steps) - stepsInBlock + 1 {
		blocks = append(blocks, (steps[i]+steps[i+1]+steps[i+2]+steps[i+3])/stepsInBlock)
	}
	return blocks, nil
}

func channelWeight(channel, of int) float64 {
	const surround = 1.41
	switch {
	case of == 5 && channel >= 3, of == 6 && channel >= 4:
		return surround
	case of == 6 && channel == 3:
		return 0 // the low-frequency effects channel is left out
	}
	return 1
}

// integrate applies the two gates of BS.1770-4: the loudness of the blocks over
// -70 LUFS sets a threshold 10 LU below itself, and the blocks over that
// threshold make the result.
func integrate(blocks []float64) float64 {
	ungated := meanAbove(blocks, absoluteGate)
	return lufs(meanAbove(blocks, max(absoluteGate, lufs(ungated)+relativeGate)))
}

func meanAbove(blocks []float64, gate float64) float64 {
	var sum, n float64
	for _, p := range blocks {
		if lufs(p) > gate {
			sum += p
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

func lufs(power float64) float64 { return -0.691 + 10*math.Log10(power) }
