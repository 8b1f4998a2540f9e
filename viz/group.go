package viz

import (
	"slices"
	"strconv"
	"strings"

	"github.com/runnelflow/runnel/dag"
)

// classes are the tasks that have one box together: those of a folded pipeline,
// those that are alike in a large graph, and each other one by itself.
func (b *drawer) classes() [][]*dag.Node {
	nodes := b.graph.Nodes()
	color := make(map[*dag.Node]int, len(nodes))
	keys := map[string]int{}
	number := func(key string) int {
		n, ok := keys[key]
		if !ok {
			n = len(keys)
			keys[key] = n
		}
		return n
	}
	group := b.config.above > 0 && len(nodes) > b.config.above
	for k, n := range nodes {
		fold := b.folded(n.Path)
		switch {
		case fold > 0:
			color[n] = number("fold\x00" + strings.Join(n.Path[:fold], "\x00"))
		case group:
			color[n] = number("alike\x00" + strconv.Itoa(n.Level) + "\x00" + strings.Join(axesOf(n), ",") + "\x00" + strings.Join(n.Path, "\x00"))
		default:
			color[n] = number("one\x00" + strconv.Itoa(k))
		}
	}
	if group {
		b.refine(nodes, color)
	}
	var classes [][]*dag.Node
	at := map[int]int{}
	for _, n := range nodes {
		k, ok := at[color[n]]
		if !ok {
			k = len(classes)
			at[color[n]] = k
			classes = append(classes, nil)
		}
		classes[k] = append(classes[k], n)
	}
	return classes
}

// refineWork bounds the rounds of refine by the tasks and edges that they look at.
// Where it ends them, tasks that are not quite alike could share a box: each then
// gets its own.
const refineWork = 20_000_000

// refine divides the classes until the tasks of each have neighbours of the same
// classes, and the same number of each: the coarsest equitable partition, by colour
// refinement (Paige and Tarjan 1987 have a faster way; graphs drawn are small).
// Such classes can be drawn as one box without making a circle.
func (b *drawer) refine(nodes []*dag.Node, color map[*dag.Node]int) {
	around := b.neighbours()
	work := 0
	for classes := 0; ; {
		next := make(map[*dag.Node]int, len(nodes))
		keys := map[string]int{}
		for _, n := range nodes {
			key := strconv.Itoa(color[n])
			if b.folded(n.Path) == 0 {
				key += around[n].key(color)
			}
			c, ok := keys[key]
			if !ok {
				c = len(keys)
				keys[key] = c
			}
			next[n] = c
			work += 1 + len(around[n].before) + len(around[n].after)
		}
		for n, c := range next {
			color[n] = c
		}
		if len(keys) == classes {
			return
		}
		if classes = len(keys); work > refineWork {
			for k, n := range nodes {
				color[n] = k
			}
			return
		}
	}
}

// around is what a task is joined to.
type around struct {
	before, after []*dag.Node
	inputs        string // external ones
}

func (b *drawer) neighbours() map[*dag.Node]*around {
	all := make(map[*dag.Node]*around, b.graph.Len())
	for _, n := range b.graph.Nodes() {
		a := &around{}
		for _, name := range n.Inputs {
			if d, _ := b.graph.Data(name); d.External {
				a.inputs += "\x00" + name
			}
		}
		all[n] = a
	}
	for _, e := range b.graph.Edges() {
		all[e.From].after = append(all[e.From].after, e.To)
		all[e.To].before = append(all[e.To].before, e.From)
	}
	return all
}

// key tells apart those whose neighbours are of other classes.
func (a *around) key(color map[*dag.Node]int) string {
	var key []byte
	for _, side := range [...][]*dag.Node{a.before, a.after} {
		colors := make([]int, len(side))
		for k, n := range side {
			colors[k] = color[n]
		}
		slices.Sort(colors)
		key = append(key, '|')
		for _, c := range colors {
			key = strconv.AppendInt(append(key, ','), int64(c), 10)
		}
	}
	return string(key) + a.inputs
}
