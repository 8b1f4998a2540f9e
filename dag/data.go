package dag

import (
	"reflect"
	"slices"
)

// Data describes one named piece of data.
type Data struct {
	Name string

	// Type is that of the producer's output. For an external input it is the
	// first type among its consumers, by level, then name, that is not an
	// interface, or else the first. It is nil where none was declared.
	Type reflect.Type

	Producer  *Node   // nil when the data is external
	Consumers []*Node // by level, then name
	External  bool    // produced by no task
	Optional  bool    // it has consumers, and all of them tolerate its absence
}

// Data returns what is known about the data of that name.
func (g *Graph) Data(name string) (Data, bool) {
	id, ok := g.dataIDs[name]
	if !ok {
		return Data{}, false
	}
	d := g.data[id]
	consumers := g.consumersOf(id)
	data := Data{
		Name:      d.name,
		Type:      d.typ,
		Consumers: g.named(consumers),
		External:  d.producer < 0,
		Optional:  len(consumers) > 0 && !d.required,
	}
	if !data.External {
		data.Producer = &g.nodes[d.producer]
	}
	return data, true
}

// DataNames returns the names of all data, external or produced, sorted.
func (g *Graph) DataNames() []string {
	return g.dataWhere(func(datum) bool { return true })
}

// ExternalInputs returns the names of the data that no task produces, sorted.
// Optional ones are among them.
func (g *Graph) ExternalInputs() []string {
	return g.dataWhere(func(d datum) bool { return d.producer < 0 })
}

// Outputs returns the names of all data that tasks produce, sorted, whether or
// not another task consumes them.
func (g *Graph) Outputs() []string {
	return g.dataWhere(func(d datum) bool { return d.producer >= 0 })
}

func (g *Graph) dataWhere(keep func(datum) bool) []string {
	names := make([]string, 0, len(g.data))
	for _, d := range g.data {
		if keep(d) {
			names = append(names, d.name)
		}
	}
	slices.Sort(names)
	return names
}

func (g *Graph) consumersOf(id int32) []int32 {
	d := g.data[id]
	return g.consumers[d.first:d.last]
}

// Edge joins two tasks of which the second waits for the first. There is one
// edge for each such pair.
type Edge struct {
	From, To *Node
	Data     []string // names that flow, sorted; empty when only After joins the two
	After    bool     // To was declared to run after From
}

// Edges returns all edges by From, then To, each by level, then name.
func (g *Graph) Edges() []Edge {
	var edges []Edge
	start := make([]int, len(g.nodes)) // where the edges of each node begin
	for i := range g.nodes {
		start[i] = len(edges)
		for _, s := range g.succ(int32(i)) {
			edges = append(edges, Edge{From: &g.nodes[i], To: &g.nodes[s]})
		}
	}
	edge := func(from, to int32) *Edge {
		k, _ := slices.BinarySearch(g.succ(from), to)
		return &edges[start[from]+k]
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		for _, id := range n.inputIDs {
			if p := g.data[id].producer; p >= 0 {
				e := edge(p, n.number)
				e.Data = append(e.Data, g.data[id].name)
			}
		}
		for _, name := range n.After {
			edge(g.numbers[name], n.number).After = true
		}
	}
	for _, e := range edges {
		slices.Sort(e.Data)
	}
	return edges
}

func (g *Graph) succ(i int32) []int32 { return g.links.Succ(i) }
