package dag

import (
	"cmp"
	"maps"
	"slices"

	"github.com/runnelflow/runnel/internal/graph"
	"github.com/runnelflow/runnel/internal/nearest"
)

// mostSuggestions bounds how many unknown names of one error are looked up,
// because each is compared with every known name.
const mostSuggestions = 100

// problemSet gathers what is wrong while a graph is built.
type problemSet struct {
	unnamed   []*UnnamedError
	tasks     map[string]*DuplicateTaskError
	producers map[string]*DuplicateProducerError
	unknown   []*UnknownTaskError
	cycles    []*CycleError
}

// addTask notes that the spec at place repeats the name of the one at first.
func (p *problemSet) addTask(name string, first, place int) {
	if p.tasks == nil {
		p.tasks = make(map[string]*DuplicateTaskError)
	}
	e := p.tasks[name]
	if e == nil {
		e = &DuplicateTaskError{Task: name, Specs: []int{first}}
		p.tasks[name] = e
	}
	e.Specs = append(e.Specs, place)
}

// addProducer notes that the spec at place produces what the one at first does.
func (p *problemSet) addProducer(data string, first, place int) {
	if p.producers == nil {
		p.producers = make(map[string]*DuplicateProducerError)
	}
	e := p.producers[data]
	if e == nil {
		e = &DuplicateProducerError{Data: data, Specs: []int{first}}
		p.producers[data] = e
	}
	e.Specs = append(e.Specs, place)
}

// problems returns everything that was found, in the order [Error] promises.
func (b *builder) problems() []error {
	var all []error
	slices.SortStableFunc(b.found.unnamed, func(x, y *UnnamedError) int {
		return cmp.Or(cmp.Compare(x.Task, y.Task), cmp.Compare(x.Port, y.Port))
	})
	for _, e := range b.found.unnamed {
		all = append(all, e)
	}
	for _, name := range slices.Sorted(maps.Keys(b.found.tasks)) {
		all = append(all, b.found.tasks[name])
	}
	for _, name := range slices.Sorted(maps.Keys(b.found.producers)) {
		e := b.found.producers[name]
		slices.SortStableFunc(e.Specs, func(i, j int) int {
			return cmp.Compare(b.specs[i].Name, b.specs[j].Name)
		})
		for _, place := range e.Specs {
			e.Producers = append(e.Producers, b.specs[place].Name)
		}
		all = append(all, e)
	}
	slices.SortFunc(b.found.unknown, func(x, y *UnknownTaskError) int {
		return cmp.Or(cmp.Compare(x.Task, y.Task), cmp.Compare(x.After, y.After))
	})
	for k, e := range b.found.unknown {
		if k < mostSuggestions {
			e.Nearest, _ = nearest.Name(e.After, maps.Keys(b.tasks))
		}
		all = append(all, e)
	}
	for _, e := range b.found.cycles {
		all = append(all, e)
	}
	return all
}

// reportCycles numbers the tasks by name first, so that the cycles that are
// shown do not depend on the order of specs.
func (b *builder) reportCycles() {
	names := slices.Sorted(maps.Keys(b.tasks))
	number := make([]int32, len(names)) // by place in kept
	kept := make([]int32, len(names))   // by number
	for i, name := range names {
		k := b.tasks[name]
		number[k], kept[i] = int32(i), k
	}
	from, to := make([]int32, len(b.from)), make([]int32, len(b.to))
	for e := range b.from {
		from[e], to[e] = number[b.from[e]], number[b.to[e]]
	}
	for _, cycle := range graph.New(len(names), from, to).Cycles() {
		steps := make([]CycleStep, len(cycle))
		for k, i := range cycle {
			steps[k] = b.cycleStep(kept[i], kept[cycle[(k+1)%len(cycle)]])
		}
		b.found.cycles = append(b.found.cycles, &CycleError{Steps: steps})
	}
}

// cycleStep says why task to waits for task from.
func (b *builder) cycleStep(from, to int32) CycleStep {
	consumer := b.specs[b.kept[to]]
	step := CycleStep{Task: b.specs[b.kept[from]].Name}
	for _, id := range b.inputs.of(to) {
		if b.data[id].producer == from {
			step.Data = append(step.Data, b.data[id].name)
		}
	}
	slices.Sort(step.Data)
	step.After = slices.Contains(consumer.After, step.Task)
	return step
}
