package runnel

import (
	"slices"

	"github.com/runnelflow/runnel/internal/graph"
)

// mapPlan is a mapped task in a plan.
type mapPlan struct {
	node   int32
	store  elementStore
	rank   int // how many axes
	inputs []mapInput
	feeds  []feed // the inputs that come element by element from mapped tasks
	// holds, in a run with targets, is how many hold the whole of each output at first;
	// kept when its elements are not let go one by one. nil in other runs.
	holds []int32
}

// mapInput is an input of a mapped task.
type mapInput struct {
	axes   []int // of the task, at each of the input's; nil for the whole data
	from   int32 // number in plan.maps of the mapped task that produces it, or -1
	output int32 // which of that task's it is
}

// feed is an input whose elements come one by one.
type feed struct {
	input int
	from  int32 // number in plan.maps
	// aligned says that the input has all axes of the task, in order, so that
	// element k of one needs element k of the other.
	aligned bool
}

func newMapPlan(d *declaration, node int32) *mapPlan {
	p := &mapPlan{node: node, store: d.storage().(elementStore), rank: len(d.axes)}
	for _, in := range d.inputs {
		m := mapInput{from: -1}
		for _, axis := range in.axes {
			m.axes = append(m.axes, slices.Index(d.axes, axis))
		}
		p.inputs = append(p.inputs, m)
	}
	return p
}

// unfold finds out which inputs come element by element, and makes the graph of
// steps. A mapped task is opened, which finds out its length, once it is known
// of its inputs: of elements that a mapped task produces, once that one is open.
// It is launched when it is open, and its node finishes with its last element.
func (c *compiler) unfold() {
	c.steps = c.graph
	if len(c.maps) == 0 {
		return
	}
	var from, to []int32
	edge := func(a, b int32) { from, to = append(from, a), append(to, b) }
	opener := func(mapped int32) int32 { return int32(len(c.nodes)) + mapped }
	for n := range c.nodes {
		node := &c.nodes[n]
		starts := int32(n)
		if node.mapped >= 0 {
			starts = opener(node.mapped)
			edge(starts, int32(n))
		}
		for i, s := range c.from(node) {
			if s.node < 0 {
				continue
			}
			producer := c.nodes[s.node].mapped
			if node.mapped < 0 || producer < 0 || node.task.inputs[i].axes == nil {
				edge(s.node, starts)
				continue
			}
			edge(opener(producer), starts)
			p := c.maps[node.mapped]
			p.inputs[i].from, p.inputs[i].output = producer, s.output-c.nodes[s.node].outputs.start
			aligned := len(p.inputs[i].axes) == p.rank && slices.IsSorted(p.inputs[i].axes) && c.maps[producer].rank == p.rank
			p.feeds = append(p.feeds, feed{i, producer, aligned})
		}
		if c.isGiven(int(c.of.names[node.task.Name()])) {
			continue
		}
		for _, t := range c.after(node.task) {
			edge(t, starts)
		}
	}
	c.steps = graph.New(len(c.nodes)+len(c.maps), from, to)
	for k := range c.maps {
		if len(c.steps.Pred(opener(int32(k)))) == 0 {
			c.first = append(c.first, int32(k))
		}
	}
}
