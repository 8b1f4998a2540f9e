// Package taskbench makes the graphs of Task Bench (Slaughter and others, "Task
// Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
// Performance", SC 2020) and runs them: grids of tasks in which a step depends on
// the one before it in a pattern, whose tasks check what they are handed and
// compute for a while that can be chosen. What is measured is how short that while
// may be.
package taskbench

import (
	"fmt"
	"slices"
)

// A Pattern says which points of the step before a point depends on.
type Pattern string

// The patterns.
const (
	Trivial           Pattern = "trivial" // no dependencies at all
	NoComm            Pattern = "no_comm" // each point on itself
	Stencil1D         Pattern = "stencil_1d"
	Stencil1DPeriodic Pattern = "stencil_1d_periodic"
	Dom               Pattern = "dom" // a wavefront, which grows and shrinks
	Tree              Pattern = "tree"
	FFT               Pattern = "fft"
	AllToAll          Pattern = "all_to_all"
	Nearest           Pattern = "nearest"
	Spread            Pattern = "spread"
	RandomNearest     Pattern = "random_nearest"
)

// Patterns are all of them, in the order of the tables.
var Patterns = []Pattern{
	Trivial, NoComm, Stencil1D, Stencil1DPeriodic, Dom, Tree, FFT, AllToAll, Nearest, Spread, RandomNearest,
}

// A Spec is one graph: Steps rows of at most Width points.
type Spec struct {
	Pattern      Pattern
	Steps, Width int
	Radix        int     // dependencies a point, at most: of nearest, spread and random_nearest
	Period       int     // after how many steps spread and random_nearest repeat themselves
	Fraction     float64 // of the nearest that random_nearest keeps, from 0 to 1
	Index        int     // of the graph among several: random_nearest differs between them
}

// Default is a Spec with Task Bench's defaults for what is not given.
func Default(p Pattern, steps, width int) Spec {
	return Spec{Pattern: p, Steps: steps, Width: width, Radix: 3, Period: 3, Fraction: 0.25}
}

// Validate says what is wrong with a Spec.
func (s Spec) Validate() error {
	switch {
	case !slices.Contains(Patterns, s.Pattern):
		return fmt.Errorf("no pattern is called %q; there are %v", s.Pattern, Patterns)
	case s.Steps < 1 || s.Width < s.leastWidth():
		return fmt.Errorf("%s needs 1 step and %d points a step at least, got %d and %d", s.Pattern, s.leastWidth(), s.Steps, s.Width)
	case s.usesRadix() && s.Radix < 0:
		return fmt.Errorf("%s: the radix must be 0 or more, got %d", s.Pattern, s.Radix)
	case s.Pattern == Spread && s.Radix > s.Width:
		return fmt.Errorf("spread: the radix must be at most the width, %d, got %d", s.Width, s.Radix)
	case s.usesPeriod() && s.Period < 1:
		return fmt.Errorf("%s: the period must be 1 or more, got %d", s.Pattern, s.Period)
	case s.Pattern == Spread && s.Radix > 0 && s.Period > ceilDiv(s.Width, s.Radix):
		return fmt.Errorf("spread: the period must be at most width/radix rounded up, %d, got %d", ceilDiv(s.Width, s.Radix), s.Period)
	case s.Pattern == RandomNearest && !(s.Fraction >= 0 && s.Fraction <= 1):
		return fmt.Errorf("random_nearest: the fraction must be from 0 to 1, got %v", s.Fraction)
	}
	return nil
}

// LeastWidth is the least width for which a pattern is defined.
func (p Pattern) LeastWidth() int { return Spec{Pattern: p}.leastWidth() }

func (s Spec) leastWidth() int {
	switch s.Pattern {
	case Stencil1DPeriodic:
		return 3 // left, itself and right are three points
	case FFT:
		return 2
	}
	return 1
}

func (s Spec) usesRadix() bool {
	return s.Pattern == Nearest || s.Pattern == Spread || s.Pattern == RandomNearest
}

func (s Spec) usesPeriod() bool { return s.Pattern == Spread || s.Pattern == RandomNearest }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
