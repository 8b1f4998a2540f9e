package runnel

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestReportsAreInTheOrderOfStarts holds the order of a report's tasks against
// comparisons of all.
func TestReportsAreInTheOrderOfStarts(t *testing.T) {
	starts := rapid.OneOf(
		rapid.Just(int64(never)),
		rapid.Int64Range(0, 3), // together
		rapid.Int64Range(0, 1<<22),
		rapid.Int64Range(0, math.MaxInt64-1),
	)
	rapid.Check(t, func(t *rapid.T) {
		var periods []period
		for _, at := range rapid.SliceOf(starts).Draw(t, "starts") {
			periods = append(periods, period{started: at})
		}
		all := make([]int, len(periods))
		for i := range all {
			all[i] = i
		}
		var names []string
		for _, i := range rapid.Permutation(all).Draw(t, "names") {
			names = append(names, fmt.Sprint(i))
		}
		want := slices.Clone(all)
		slices.SortFunc(want, func(a, b int) int {
			// never, -1, comes last
			return cmp.Or(cmp.Compare(uint64(periods[a].started), uint64(periods[b].started)), cmp.Compare(names[a], names[b]))
		})
		d := draftOf(len(periods))
		defer drafts.Put(d) // what one left is there for the next
		copy(d.periods, periods)
		var got []int
		for _, s := range d.byStart(names) {
			got = append(got, int(s.node))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the order of %v by %v is %v, want %v", periods, names, got, want)
		}
	})
}
