// Package dag is the graph of a pipeline: tasks, the data that flows between
// them, and what follows from that. It runs nothing and holds no values.
//
// A [Graph] is made by [New] from one [Spec] per task. A task that consumes a
// data name depends on the task that produces it; a name that nobody produces
// is an external input. A graph never changes and is safe for concurrent use.
//
// Everything a graph returns comes in an order that depends on its structure
// alone, never on the order in which the tasks were given.
package dag

import (
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/graph"
)

// Graph is an immutable graph of tasks without cycles. The zero value is an
// empty graph.
//
// Slices that its methods return belong to the caller. The nodes in them
// belong to the graph and must not be changed.
type Graph struct {
	// A node's number is its place by level, then name: ascending numbers are
	// a topological order, and a level is a run of numbers.
	nodes      []Node
	numbers    map[string]int32
	links      *graph.Graph
	levelStart []int32 // first number of each level, and the count of nodes

	data      []datum
	dataIDs   map[string]int32
	consumers []int32 // numbers of nodes, one ascending stretch per datum
}

// datum is one named piece of data.
type datum struct {
	name        string
	typ         reflect.Type
	producer    int32 // -1: external
	first, last int32 // its stretch of Graph.consumers
	required    bool  // some consumer cannot do without it
}

// Node is a task of a graph. Its fields are for reading only: they are shared
// by everybody who holds the graph.
type Node struct {
	Name        string
	Description string
	Inputs      []string       // data it consumes, each name once, as declared
	Outputs     []string       // data it produces, as declared
	After       []string       // tasks it waits for without taking data, sorted
	Level       int            // edges on the longest path from a root; roots are at 0
	Meta        map[string]any // free keys and values of the declaration
	Path        []string       // names of the nested pipelines that it is part of, the outermost first

	graph      *Graph
	number     int32
	ports      []Port // inputs, then outputs
	inputPorts int
	inputIDs   []int32 // Inputs, as places in Graph.data
	outputIDs  []int32
}

// String returns the name of the task, so that a list of nodes prints well.
func (n *Node) String() string { return n.Name }

// InputPorts returns the inputs as declared, with their types.
func (n *Node) InputPorts() []Port { return slices.Clone(n.ports[:n.inputPorts]) }

// OutputPorts returns the outputs as declared, with their types.
func (n *Node) OutputPorts() []Port { return slices.Clone(n.ports[n.inputPorts:]) }

// Producers returns the tasks that produce what this one consumes, each once,
// by level, then name. Tasks it only runs after are not among them.
func (n *Node) Producers() []*Node {
	var numbers []int32
	for _, id := range n.inputIDs {
		if p := n.graph.data[id].producer; p >= 0 {
			numbers = append(numbers, p)
		}
	}
	return n.graph.distinct(numbers)
}

// Consumers returns the tasks that consume what this one produces, each once,
// by level, then name. Tasks that only run after it are not among them.
func (n *Node) Consumers() []*Node {
	var numbers []int32
	for _, id := range n.outputIDs {
		numbers = append(numbers, n.graph.consumersOf(id)...)
	}
	return n.graph.distinct(numbers)
}

// Nodes returns all tasks by level, then name.
func (g *Graph) Nodes() []*Node { return g.span(0, int32(len(g.nodes))) }

// Node returns the task of that name.
func (g *Graph) Node(name string) (*Node, bool) {
	i, ok := g.numbers[name]
	if !ok {
		return nil, false
	}
	return &g.nodes[i], true
}

// Len returns the number of tasks.
func (g *Graph) Len() int { return len(g.nodes) }

// TopologicalSort returns all tasks so that each stands behind those it
// depends on. Of the many such orders it is that of [Graph.Nodes].
func (g *Graph) TopologicalSort() []*Node { return g.Nodes() }

// Levels returns the tasks of each level, by name. The level of a task is the
// number of edges on the longest path that leads to it, so that a task depends
// on tasks of lower levels only, and on at least one of the level below.
//
// Levels are a way to look at a graph. A run does not wait for them: a task
// starts when its own inputs are there.
func (g *Graph) Levels() [][]*Node {
	if len(g.nodes) == 0 {
		return nil
	}
	levels := make([][]*Node, len(g.levelStart)-1)
	all := g.Nodes()
	for l := range levels {
		a, b := g.levelStart[l], g.levelStart[l+1]
		levels[l] = all[a:b:b]
	}
	return levels
}

// ParallelGroups returns the groups of tasks that can all run at the same
// time: the levels that hold two tasks or more, each by name. Tasks of one
// level never depend on each other. Tasks of different levels may also run
// together when no path joins them; such pairs are not listed.
func (g *Graph) ParallelGroups() [][]*Node {
	return slices.DeleteFunc(g.Levels(), func(l []*Node) bool { return len(l) < 2 })
}

// span returns the nodes first up to, not including, last.
func (g *Graph) span(first, last int32) []*Node {
	nodes := make([]*Node, 0, last-first)
	for i := first; i < last; i++ {
		nodes = append(nodes, &g.nodes[i])
	}
	return nodes
}

// distinct returns the nodes with these numbers, each once, in order. It
// reorders numbers.
func (g *Graph) distinct(numbers []int32) []*Node {
	slices.Sort(numbers)
	return g.named(slices.Compact(numbers))
}

// named returns the nodes with these numbers.
func (g *Graph) named(numbers []int32) []*Node {
	nodes := make([]*Node, len(numbers))
	for k, i := range numbers {
		nodes[k] = &g.nodes[i]
	}
	return nodes
}
