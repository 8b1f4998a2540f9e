package dag

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/internal/graph"
)

// graph makes the graph when everything is in order. order and level are those
// of the tasks under their present numbers.
func (b *builder) graph(order, level []int32) *Graph {
	n := len(b.kept)
	g := &Graph{
		nodes:   make([]Node, n),
		numbers: b.tasks,
		data:    b.data,
		dataIDs: b.dataIDs,
	}

	// order is by level already; within a level the names decide.
	for first := 0; first < n; {
		last := first
		for last < n && level[order[last]] == level[order[first]] {
			last++
		}
		slices.SortFunc(order[first:last], func(i, j int32) int {
			return strings.Compare(b.specs[b.kept[i]].Name, b.specs[b.kept[j]].Name)
		})
		g.levelStart = append(g.levelStart, int32(first))
		first = last
	}
	g.levelStart = append(g.levelStart, int32(n))

	number := make([]int32, n)
	for i, k := range order {
		number[k] = int32(i)
	}
	for k := range b.from {
		b.from[k], b.to[k] = number[b.from[k]], number[b.to[k]]
	}
	g.links = graph.New(n, b.from, b.to)
	for name, k := range b.tasks {
		b.tasks[name] = number[k]
	}
	for id := range b.data {
		if d := &b.data[id]; d.producer >= 0 {
			d.producer = number[d.producer]
		}
	}

	texts := newArena[string](len(b.inputs.ids) + len(b.outputs.ids))
	ports := newArena[Port](b.portCount)
	for i, k := range order {
		s := &b.specs[b.kept[k]]
		g.nodes[i] = Node{
			Name:        s.Name,
			Description: s.Description,
			Inputs:      b.names(texts, b.inputs.of(k)),
			Outputs:     b.names(texts, b.outputs.of(k)),
			After:       sortedNames(s.After),
			Level:       int(level[k]),
			Meta:        maps.Clone(s.Meta),
			Path:        slices.Clone(s.Path),
			graph:       g,
			number:      int32(i),
			ports:       append(append(ports.take(len(s.Inputs) + len(s.Outputs))[:0], s.Inputs...), s.Outputs...),
			inputPorts:  len(s.Inputs),
			inputIDs:    b.inputs.of(k),
			outputIDs:   b.outputs.of(k),
		}
	}
	g.fillConsumers()
	return g
}

func (b *builder) names(texts *arena[string], ids []int32) []string {
	names := texts.take(len(ids))
	for k, id := range ids {
		names[k] = b.data[id].name
	}
	return names
}

func sortedNames(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Clip(slices.Compact(sorted))
}

// fillConsumers lists the consumers of all data in one slice, and gives
// external data a type.
func (g *Graph) fillConsumers() {
	for i := range g.nodes {
		for _, id := range g.nodes[i].inputIDs {
			g.data[id].last++ // for now a count
		}
	}
	sum := int32(0)
	for id := range g.data {
		d := &g.data[id]
		count := d.last
		d.first, d.last = sum, sum
		sum += count
	}
	g.consumers = make([]int32, sum)
	for i := range g.nodes {
		n := &g.nodes[i]
		for _, id := range n.inputIDs {
			d := &g.data[id]
			g.consumers[d.last] = n.number
			d.last++
		}
		next := 0
		for _, port := range n.ports[:n.inputPorts] {
			// Ports and inputs run in step, but for names that stand twice.
			var id int32
			if next < len(n.Inputs) && n.Inputs[next] == port.Name {
				id = n.inputIDs[next]
				next++
			} else {
				id = g.dataIDs[port.Name]
			}
			if d := &g.data[id]; d.producer < 0 {
				d.typ = betterType(d.typ, port.Type)
			}
		}
	}
}

// betterType returns the type that says more about external data: one that is
// known, and of those one that is not an interface.
func betterType(have, other reflect.Type) reflect.Type {
	if other != nil && (have == nil || have.Kind() == reflect.Interface && other.Kind() != reflect.Interface) {
		return other
	}
	return have
}

// arena hands out stretches of one allocation.
type arena[T any] struct{ rest []T }

func newArena[T any](size int) *arena[T] { return &arena[T]{rest: make([]T, size)} }

// take returns the next count elements, clipped so that appending to them
// copies.
func (a *arena[T]) take(count int) []T {
	part := a.rest[:count:count]
	a.rest = a.rest[count:]
	return part
}
