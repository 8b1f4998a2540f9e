package shape

import (
	"slices"
	"testing"
)

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		g            *Graph
		nodes, edges int
		lastNeeds    int
	}{
		{Chain(1), 1, 0, 0},
		{Chain(1000), 1000, 999, 1},
		{Fan(1000), 1002, 2000, 1000},
		{Tree(512), 1023, 1022, 2},
		{Random(100, 100), 10000, 3 * 9900, 3},
		{Random(5, 1), 5, 0 + 1 + 2 + 3 + 3, 3},
	} {
		t.Run(c.g.Name(), func(t *testing.T) {
			if c.g.N() != c.nodes || c.g.Edges() != c.edges {
				t.Errorf("%d nodes and %d edges, want %d and %d", c.g.N(), c.g.Edges(), c.nodes, c.edges)
			}
			if got := len(c.g.Deps(c.g.N() - 1)); got != c.lastNeeds {
				t.Errorf("the last node has %d dependencies, want %d", got, c.lastNeeds)
			}
			forward, backward := 0, 0
			for i := range c.g.N() {
				for _, d := range c.g.Deps(i) {
					backward++
					if int(d) >= i {
						t.Errorf("node %d needs %d: node numbers are no topological order", i, d)
					}
					if !slices.Contains(c.g.Succ(int(d)), int32(i)) {
						t.Errorf("node %d needs %d, which does not know it as a successor", i, d)
					}
				}
				forward += len(c.g.Succ(i))
				if !slices.IsSorted(c.g.Succ(i)) {
					t.Errorf("successors of %d are not in order: %v", i, c.g.Succ(i))
				}
			}
			if forward != backward {
				t.Errorf("%d successors, %d dependencies", forward, backward)
			}
		})
	}
}
