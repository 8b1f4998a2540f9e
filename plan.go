package runnel

import (
	"reflect"
	"sync"

	"github.com/runnelflow/runnel/internal/binding"
	"github.com/runnelflow/runnel/internal/graph"
)

// plan is a graph, or the part of one that a run needs, compiled to integers:
// what a run reads and never writes.
type plan struct {
	of      *built
	nodes   []node
	graph   *graph.Graph // which node waits for which
	steps   *graph.Graph // what the engine runs: the graph, and a step that opens each mapped task
	maps    []*mapPlan   // of the mapped tasks
	first   []int32      // of those, which can be opened at once
	sources []source
	reads   []slot // of sources, for the hot path: where slab is negative, it is not just a value
	outputs []slot
	slabs   []slabPlan      // the last holds the external inputs
	frames  []*sync.Pool    // of frames, one for each type of struct; each worker of a run takes one
	needs   []*external     // that must be supplied
	place   []int32         // task to node, -1 outside; nil: the same
	names   func() []string // of the nodes' tasks, side by side once an event or a report wants them

	// uses, of a plan with targets, is how often each output is used as a whole before
	// it is let go; nil keeps them all.
	uses []int32
}

// slabPlan is the storage of all outputs of one type.
type slabPlan struct {
	make     func(n int) binding.Slab
	compiled bool // of a type known to the compiler
	n        int
}

// node is a task in a plan. It takes 64 bytes, a cache line.
type node struct {
	task     *declaration
	invoked  body  // what attempts call; task.body is for all else
	sources  span  // of its inputs, in plan.sources
	outputs  span  // in plan.outputs
	frame    int32 // number of the frame of its input struct, or -1
	outFrame int32 // the same of an output struct
	mapped   int32 // number in plan.maps, or -1
	// What most tasks have not, and need not be asked for: Retries, a Timeout,
	// interceptors that came with a nested pipeline. Who is direct has none of these, nor a
	// memo, and is not mapped.
	retries, limited, intercepted, direct bool
	memo                                  *memoPlan // of Cached
}

// span is a part of an array.
type span struct{ start, end int32 }

func (s span) len() int { return int(s.end - s.start) }

func (p *plan) from(n *node) []source { return p.sources[n.sources.start:n.sources.end] }

// reads of a node are where its inputs are; see plan.reads.
func (p *plan) readsOf(n *node) []slot { return p.reads[n.sources.start:n.sources.end] }

func (p *plan) into(n *node) []slot { return p.outputs[n.outputs.start:n.outputs.end] }

// slot is where a value lives: a slab of the run and an index in it.
type slot struct{ slab, index int32 }

// source is where an input comes from.
type source struct {
	slot
	node     int32 // that produces it, or -1 for an external input
	output   int32 // its number in plan.outputs, unless external
	optional bool
	partial  bool
}

// compile makes a plan of the tasks marked in keep, where those marked in given
// need not run. nil keeps all, and gives none.
func compile(g *built, keep, given []bool) *plan {
	c := compiler{plan: &plan{of: g}, keep: keep, given: given, slabOf: map[reflect.Type]int32{}, frameOf: map[reflect.Type]int32{}}
	c.number()
	c.assign()
	c.link()
	c.unfold()
	c.plan.names = sync.OnceValue(c.plan.taskNames)
	return c.plan
}

func (p *plan) taskNames() []string {
	names := make([]string, len(p.nodes))
	for n := range p.nodes {
		names[n] = p.nodes[n].task.Name()
	}
	return names
}

func (c *compiler) kept(task int) bool    { return c.keep == nil || c.keep[task] }
func (c *compiler) isGiven(task int) bool { return c.given != nil && c.given[task] }

func newBoxed(n int) binding.Slab { return make(binding.Boxed, n) }

type compiler struct {
	*plan
	keep    []bool // tasks in the plan, nil for all
	given   []bool // tasks whose outputs are there already, nil for none
	slabOf  map[reflect.Type]int32
	frameOf map[reflect.Type]int32
}

// number gives each kept task a node, and the nodes their edges.
func (c *compiler) number() {
	g := c.of
	if c.keep == nil && c.given == nil {
		c.nodes, c.graph = make([]node, len(g.tasks)), g.graph
		return
	}
	c.place = make([]int32, len(g.tasks))
	nodes := int32(0)
	for i := range g.tasks {
		c.place[i] = -1
		if c.kept(i) {
			c.place[i] = nodes
			nodes++
		}
	}
	c.nodes = make([]node, nodes)
	var from, to []int32
	for i := range g.tasks {
		if !c.kept(i) {
			continue
		}
		for _, s := range g.graph.Succ(int32(i)) {
			if c.kept(int(s)) && !c.isGiven(int(s)) {
				from, to = append(from, c.place[i]), append(to, c.place[s])
			}
		}
	}
	c.graph = graph.New(len(c.nodes), from, to)
}

// at is the node of a task, or -1.
func (p *plan) at(task int32) int32 {
	if p.place == nil {
		return task
	}
	return p.place[task]
}

// assign gives each output a slot in the slab of its type.
func (c *compiler) assign() {
	total := 0
	for i, d := range c.of.tasks {
		if c.kept(i) {
			total += len(d.outputs)
		}
	}
	c.outputs = make([]slot, 0, total)
	for i, d := range c.of.tasks {
		if !c.kept(i) {
			continue
		}
		n := &c.nodes[c.at(int32(i))]
		n.task, n.invoked, n.memo = d, d.invoked(), c.of.memos[int32(i)]
		n.retries, n.limited, n.intercepted = d.config.retry.retries > 0, d.config.retry.timeout > 0, len(d.interceptors) > 0
		start := int32(len(c.outputs))
		for k, o := range d.outputs {
			c.outputs = append(c.outputs, c.slot(d.storage(), k, o.typ))
		}
		n.outputs = span{start, int32(len(c.outputs))}
		in, out := d.frames()
		n.frame, n.outFrame, n.mapped = c.frame(in), c.frame(out), -1
		if d.axes != nil && !c.isGiven(i) {
			n.mapped = int32(len(c.maps))
			c.maps = append(c.maps, newMapPlan(d, c.at(int32(i))))
		}
		n.direct = !n.retries && !n.limited && !n.intercepted && n.memo == nil && n.mapped < 0
	}
}

// slot is room for one more value of a type.
func (c *compiler) slot(at storage, k int, t reflect.Type) slot {
	id, ok := c.slabOf[t]
	if !ok {
		id = int32(len(c.slabs))
		c.slabOf[t] = id
		c.slabs = append(c.slabs, slabPlan{})
	}
	s := &c.slabs[id]
	if compiled := at.compiled(); s.make == nil || compiled && !s.compiled {
		s.make, s.compiled = func(n int) binding.Slab { return at.slab(k, n) }, compiled
	}
	s.n++
	return slot{id, int32(s.n - 1)}
}

func (c *compiler) frame(t reflect.Type) int32 {
	if t == nil {
		return -1
	}
	id, ok := c.frameOf[t]
	if !ok {
		id = int32(len(c.frames))
		c.frameOf[t] = id
		c.frames = append(c.frames, new(sync.Pool))
	}
	return id
}

// link gives each input its source.
func (c *compiler) link() {
	g := c.of
	boxed := int32(len(c.slabs))
	c.slabs = append(c.slabs, slabPlan{make: newBoxed, n: len(g.supplied)})
	needed := make([]bool, len(g.supplied))
	total := 0
	for _, links := range g.links {
		total += len(links)
	}
	c.sources = make([]source, 0, total)
	for i, links := range g.links {
		if !c.kept(i) || c.isGiven(i) {
			continue
		}
		start := int32(len(c.sources))
		for k, l := range links {
			optional, partial := g.tasks[i].inputs[k].optional, g.tasks[i].inputs[k].partial
			if e := l.external; e != nil {
				if !optional && !needed[e.number] {
					needed[e.number] = true
					c.needs = append(c.needs, e)
				}
				c.sources = append(c.sources, source{slot: slot{boxed, e.number}, node: -1, optional: optional, partial: partial})
				continue
			}
			from := c.at(l.task)
			output := c.nodes[from].outputs.start + l.output
			c.sources = append(c.sources, source{c.outputs[output], from, output, optional, partial})
		}
		c.nodes[c.at(int32(i))].sources = span{start, int32(len(c.sources))}
	}
	c.reads = make([]slot, len(c.sources))
	for i, from := range c.sources {
		c.reads[i] = from.slot
		if from.optional || from.partial {
			c.reads[i].slab = -1
		}
	}
}
