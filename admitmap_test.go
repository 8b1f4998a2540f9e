package runnel

import (
	"context"
	"testing"

	"pgregory.net/rapid"
)

// TestRandomMapsWithinABudgetAreNestedLoops: whatever elements need, also more than the
// budget, and whatever fails, each comes to the same end as without one.
func TestRandomMapsWithinABudgetAreNestedLoops(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data, tasks := drawMaps(rt, true)
		p, in := buildMaps(rt, data, tasks)
		profile := map[string]Resources{}
		for _, m := range tasks {
			profile[m.out.name] = Resources{CPU: float64(rapid.IntRange(0, 5).Draw(rt, "cpu")), MemoryMB: float64(rapid.IntRange(0, 11).Draw(rt, "memory"))}
		}
		budget := Budget{MaxCPUPercent: 100, MaxMemoryPercent: 100, Machine: Resources{CPU: 4, MemoryMB: 10}}
		for _, limit := range []int{0, 1, 3} {
			res, err := p.Run(context.Background(), in, ResourceAware(budget), Profiles(profile), MaxParallel(limit), OnError(SkipFailed))
			if err != nil {
				rt.Fatalf("limit %d: %v", limit, err)
			}
			for _, m := range tasks {
				checkMap(rt, res, m)
			}
		}
	})
}
