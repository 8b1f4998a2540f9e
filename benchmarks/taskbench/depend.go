package taskbench

import (
	"encoding/binary"
	"math/bits"

	"github.com/dchest/siphash"
)

// live are the points of a step: from is the first, below end.
func (s Spec) live(t int) (from, end int) {
	switch s.Pattern {
	case Dom:
		from = max(0, t+s.Width-s.Steps)
		return from, from + min(s.Width, t+1, s.Steps-t)
	case Tree:
		if t < bits.Len(uint(s.Width)) { // 2^t could overflow
			return 0, min(s.Width, 1<<t)
		}
	}
	return 0, s.Width
}

// set is which of the dependence sets a step has.
func (s Spec) set(t int) int {
	switch {
	case s.Pattern == FFT:
		levels := bits.Len(uint(s.Width - 1)) // log2 of the width, rounded up
		return (t + levels - 1) % levels
	case s.usesPeriod():
		return t % s.Period
	}
	return 0
}

// Deps are the points of step t-1 that point i of step t depends on, in the order
// of the task's inputs.
func (s Spec) Deps(t, i int) []int {
	if t == 0 {
		return nil
	}
	from, end := s.live(t - 1)
	var deps []int
	for _, j := range s.related(s.set(t), i) {
		if j >= from && j < end {
			deps = append(deps, j)
		}
	}
	return deps
}

// related are the points that i is related to in a dependence set, whether they are
// live or not.
func (s Spec) related(set, i int) []int {
	switch s.Pattern {
	case NoComm:
		return []int{i}
	case Stencil1D:
		return s.window(i-1, i+1)
	case Stencil1DPeriodic:
		return []int{(i + s.Width - 1) % s.Width, i, (i + 1) % s.Width}
	case Dom:
		return s.window(i-1, i)
	case Tree:
		return []int{i / 2}
	case FFT:
		return s.fft(i, 1<<set)
	case AllToAll:
		return s.window(0, s.Width-1)
	case Nearest:
		return s.nearest(i)
	case Spread:
		return s.spread(set, i)
	case RandomNearest:
		return s.randomNearest(set, i)
	}
	return nil
}

// window are the points from first to last that are inside the grid.
func (s Spec) window(first, last int) []int {
	var points []int
	for j := max(0, first); j <= min(s.Width-1, last); j++ {
		points = append(points, j)
	}
	return points
}

func (s Spec) fft(i, distance int) []int {
	var points []int
	for _, j := range []int{i - distance, i, i + distance} {
		if j >= 0 && j < s.Width {
			points = append(points, j)
		}
	}
	return points
}

func (s Spec) nearest(i int) []int {
	if s.Radix == 0 {
		return nil
	}
	return s.window(i-s.Radix/2, i+(s.Radix-1)/2)
}

// spread are points at equal distances; all but the first move on with the set.
func (s Spec) spread(set, i int) []int {
	points := make([]int, s.Radix)
	for k := range points {
		j := i + k*s.Width/s.Radix
		if k > 0 {
			j += set
		}
		points[k] = j % s.Width
	}
	return points
}

// randomNearest keeps a fraction of the nearest, and always the point itself.
func (s Spec) randomNearest(set, i int) []int {
	var points []int
	for _, j := range s.nearest(i) {
		if j == i || s.uniform(set, j, i) < s.Fraction {
			points = append(points, j)
		}
	}
	return points
}

// The key of the hash is the bytes 1 to 15, and a zero.
const key0, key1 = 0x0807060504030201, 0x000f0e0d0c0b0a09

// uniform is a number from 0 to 1 that depends on nothing but its arguments and
// the graph: the same dependencies on every machine.
func (s Spec) uniform(set, j, i int) float64 {
	var buf [40]byte
	for k, v := range [...]int{s.Index, s.Radix, set, j, i} {
		binary.LittleEndian.PutUint64(buf[8*k:], uint64(int64(v)))
	}
	return float64(siphash.Hash(key0, key1, buf[:])) * 0x1p-64
}
