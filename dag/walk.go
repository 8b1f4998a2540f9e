package dag

import (
	"maps"
	"slices"

	"github.com/runnelflow/runnel/internal/nearest"
)

// Ready returns the tasks that can start once the named ones are completed:
// those not named whose producers, and tasks they run after, all are. Without
// names these are the tasks at level 0. Names that no task has are ignored.
func (g *Graph) Ready(completed ...string) []*Node {
	done := make([]bool, len(g.nodes))
	for _, name := range completed {
		if i, ok := g.numbers[name]; ok {
			done[i] = true
		}
	}
	var ready []*Node
	for i := range g.nodes {
		waits := func(p int32) bool { return !done[p] }
		if !done[i] && !slices.ContainsFunc(g.links.Pred(int32(i)), waits) {
			ready = append(ready, &g.nodes[i])
		}
	}
	return ready
}

// Ancestors returns all tasks that must end before the named one starts, by
// level, then name. It is empty for a name that no task has.
func (g *Graph) Ancestors(name string) []*Node { return g.reach(name, true) }

// Descendants returns all tasks that cannot start before the named one has
// ended, by level, then name. It is empty for a name that no task has.
func (g *Graph) Descendants(name string) []*Node { return g.reach(name, false) }

func (g *Graph) reach(name string, backwards bool) []*Node {
	start, ok := g.numbers[name]
	if !ok {
		return nil
	}
	var nodes []*Node
	for i, reached := range g.links.Reach([]int32{start}, backwards) {
		if reached && int32(i) != start {
			nodes = append(nodes, &g.nodes[i])
		}
	}
	return nodes
}

// Subgraph returns the graph of the tasks that are needed to produce the named
// data: the producers and all their ancestors. A target that is an external
// input needs no task; no targets make an empty graph. Names of no data are
// reported together, each as an *[UnknownDataError] with the name that was
// probably meant, in one *[Error].
//
// A task keeps all its outputs, and its level can only be what it was: all
// its ancestors come along.
func (g *Graph) Subgraph(targets ...string) (*Graph, error) {
	var from []int32
	unknown := make(map[string]bool)
	for _, name := range targets {
		id, ok := g.dataIDs[name]
		switch {
		case !ok:
			unknown[name] = true
		case g.data[id].producer >= 0:
			from = append(from, g.data[id].producer)
		}
	}
	if len(unknown) > 0 {
		return nil, g.unknownData(slices.Sorted(maps.Keys(unknown)))
	}
	if len(from) == 0 {
		return New(nil)
	}
	var specs []Spec
	for i, needed := range g.links.Reach(from, true) {
		if needed {
			specs = append(specs, g.nodes[i].spec())
		}
	}
	return New(specs)
}

func (n *Node) spec() Spec {
	return Spec{
		Name:        n.Name,
		Description: n.Description,
		Inputs:      n.ports[:n.inputPorts],
		Outputs:     n.ports[n.inputPorts:],
		After:       n.After,
		Meta:        n.Meta,
		Path:        n.Path,
	}
}

func (g *Graph) unknownData(names []string) error {
	e := &Error{}
	for k, name := range names {
		p := &UnknownDataError{Data: name}
		if k < mostSuggestions {
			p.Nearest, _ = nearest.Name(name, maps.Keys(g.dataIDs))
		}
		e.Problems = append(e.Problems, p)
	}
	return e
}
