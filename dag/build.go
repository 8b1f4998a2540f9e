package dag

import (
	"reflect"

	"github.com/runnelflow/runnel/internal/graph"
)

// Port is a named, typed end of a task.
type Port struct {
	Name     string
	Axes     []string     // along which the task takes or makes elements of it, nil for the whole
	Type     reflect.Type // of the whole; nil: not known
	Optional bool         // of an input: the task tolerates its absence
	Default  any          // of an input: what the task takes when it is absent, of an element where it takes elements; nil: none was declared
}

// Spec describes one task to [New].
type Spec struct {
	Name        string // unique in the graph
	Description string
	Inputs      []Port         // one name may stand on several inputs
	Outputs     []Port         // a name is produced once in the whole graph
	After       []string       // names of tasks to wait for without taking data
	Meta        map[string]any // copied, but not in depth
	Path        []string       // of the nested pipelines around it, the outermost first; for pictures alone
}

// New infers the graph of the given tasks: whoever consumes a data name
// depends on the task that produces it, optional or not. The order of specs
// does not matter, and no specs make an empty graph. The specs are not kept.
//
// Every problem is reported together in one *[Error]: names that are empty,
// tasks or outputs of the same name, After names that no task has, and one
// cycle of each set of tasks that wait for each other. Types are not compared.
//
// The time is linear in tasks, ports and After names, but for the sorting of
// names within a level.
func New(specs []Spec) (*Graph, error) {
	b := newBuilder(specs)
	b.addOutputs()
	b.addInputs()
	links := graph.New(len(b.kept), b.from, b.to)
	order, level, ok := links.Sort()
	if !ok {
		b.reportCycles()
	}
	if problems := b.problems(); len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	return b.graph(order, level), nil
}

// builder gathers the parts of a graph. Until graph renumbers them, tasks are
// numbered by their place in kept.
type builder struct {
	specs []Spec
	kept  []int // places in specs, without repeated and unnamed tasks
	tasks map[string]int32

	portCount int // of the kept tasks

	data    []datum
	dataIDs map[string]int32

	// The distinct data of each task, as places in data: inputs of task k are
	// ids[starts[k]:starts[k+1]].
	inputs, outputs idLists

	from, to []int32 // the edges, by ascending to

	found problemSet
}

// idLists is a list of data for every task, in one slice.
type idLists struct {
	ids    []int32
	starts []int32
}

func (l *idLists) of(k int32) []int32 {
	a, b := l.starts[k], l.starts[k+1]
	return l.ids[a:b:b]
}

func newBuilder(specs []Spec) *builder {
	b := &builder{
		specs:   specs,
		kept:    make([]int, 0, len(specs)),
		tasks:   make(map[string]int32, len(specs)),
		dataIDs: make(map[string]int32, len(specs)),
	}
	inputs, outputs, after := 0, 0, 0
	for place := range specs {
		s := &specs[place]
		if s.Name == "" {
			b.found.unnamed = append(b.found.unnamed, &UnnamedError{Spec: place})
			continue
		}
		if first, repeated := b.tasks[s.Name]; repeated {
			b.found.addTask(s.Name, b.kept[first], place)
			continue
		}
		b.tasks[s.Name] = int32(len(b.kept))
		b.kept = append(b.kept, place)
		inputs += len(s.Inputs)
		outputs += len(s.Outputs)
		after += len(s.After)
	}
	b.portCount = inputs + outputs
	b.data = make([]datum, 0, outputs)
	b.inputs.ids = make([]int32, 0, inputs)
	b.outputs.ids = make([]int32, 0, outputs)
	b.from = make([]int32, 0, inputs+after)
	b.to = make([]int32, 0, inputs+after)
	return b
}

// datumOf returns the place of the data of that name, new and external when
// it was not yet there.
func (b *builder) datumOf(name string) int32 {
	id, ok := b.dataIDs[name]
	if !ok {
		id = int32(len(b.data))
		b.dataIDs[name] = id
		b.data = append(b.data, datum{name: name, producer: -1})
	}
	return id
}

func (b *builder) addOutputs() {
	b.outputs.starts = append(make([]int32, 0, len(b.kept)+1), 0)
	for k, place := range b.kept {
		s := &b.specs[place]
		for _, port := range s.Outputs {
			if port.Name == "" {
				b.found.unnamed = append(b.found.unnamed, &UnnamedError{Spec: place, Task: s.Name, Port: "output"})
				continue
			}
			id := b.datumOf(port.Name)
			d := &b.data[id]
			if d.producer >= 0 {
				b.found.addProducer(port.Name, b.kept[d.producer], place)
				continue
			}
			d.producer, d.typ = int32(k), port.Type
			b.outputs.ids = append(b.outputs.ids, id)
		}
		b.outputs.starts = append(b.outputs.starts, int32(len(b.outputs.ids)))
	}
}

// addInputs runs after addOutputs, when it is known who produces what.
func (b *builder) addInputs() {
	b.inputs.starts = append(make([]int32, 0, len(b.kept)+1), 0)
	user := make([]int32, len(b.data)) // the task, from 1, that last named the data
	for k, place := range b.kept {
		s := &b.specs[place]
		for _, port := range s.Inputs {
			if port.Name == "" {
				b.found.unnamed = append(b.found.unnamed, &UnnamedError{Spec: place, Task: s.Name, Port: "input"})
				continue
			}
			id := b.datumOf(port.Name)
			if int(id) == len(user) {
				user = append(user, 0)
			}
			d := &b.data[id]
			d.required = d.required || !port.Optional
			if user[id] == int32(k+1) {
				continue
			}
			user[id] = int32(k + 1)
			b.inputs.ids = append(b.inputs.ids, id)
			if d.producer >= 0 {
				b.addEdge(d.producer, int32(k))
			}
		}
		b.inputs.starts = append(b.inputs.starts, int32(len(b.inputs.ids)))
		for _, name := range s.After {
			if first, ok := b.tasks[name]; ok {
				b.addEdge(first, int32(k))
			} else {
				b.found.unknown = append(b.found.unknown, &UnknownTaskError{Task: s.Name, After: name})
			}
		}
	}
}

func (b *builder) addEdge(from, to int32) {
	b.from, b.to = append(b.from, from), append(b.to, to)
}
