package measure

import "slices"

// Median is the middle value, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// Median is the median of each number on its own.
func (s Series) Median() Cost {
	return Cost{
		Nanoseconds: Median(s.each(func(c Cost) float64 { return c.Nanoseconds })),
		CPU:         Median(s.each(func(c Cost) float64 { return c.CPU })),
		Bytes:       Median(s.each(func(c Cost) float64 { return c.Bytes })),
		Allocations: Median(s.each(func(c Cost) float64 { return c.Allocations })),
	}
}

// Ratio is the median, over the rounds, of the time of s over the time of
// base in the same round: a slow spell of the machine that lasts longer than a
// round falls on both and cancels.
func (s Series) Ratio(base Series) float64 {
	ratios := make([]float64, min(len(s), len(base)))
	for i := range ratios {
		ratios[i] = s[i].Nanoseconds / base[i].Nanoseconds
	}
	return Median(ratios)
}

// CPURatio is Ratio of what the process computed: neighbours who take the
// processors away do not count, and neither do processors left idle.
func (s Series) CPURatio(base Series) float64 {
	ratios := make([]float64, min(len(s), len(base)))
	for i := range ratios {
		ratios[i] = s[i].CPU / base[i].CPU
	}
	return Median(ratios)
}

// Difference is the median, over the rounds, of the time of s less the time of
// base in the same round.
func (s Series) Difference(base Series) float64 {
	differences := make([]float64, min(len(s), len(base)))
	for i := range differences {
		differences[i] = s[i].Nanoseconds - base[i].Nanoseconds
	}
	return Median(differences)
}

func (s Series) each(f func(Cost) float64) []float64 {
	out := make([]float64, len(s))
	for i, c := range s {
		out[i] = f(c)
	}
	return out
}
