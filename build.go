package runnel

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/dag"
	"github.com/runnelflow/runnel/internal/graph"
	"github.com/runnelflow/runnel/internal/typename"
)

// built is a checked graph. It is immutable.
type built struct {
	config    *pipelineConfig
	tasks     []*declaration // in order of registration, with the pipeline's defaults
	names     map[string]int32
	producers map[string]producer
	externals map[string]*external
	supplied  []*external // by number
	links     [][]link    // of each task's inputs
	after     map[int32][]int32
	memos     map[int32]*memoPlan // of the tasks that are cached, by number
	nests     map[string]string   // path of a nested pipeline to the task that makes its output
	graph     *graph.Graph
	whole     *plan
	view      func() (*dag.Graph, error)
	offers    func() []*broker.Task // what a worker has to offer for each task
	nodes     func() []*broker.Node // what a broker keeps of it
}

// producer is one output of one task.
type producer struct{ task, output int32 }

// link is where an input comes from: a producer, or an external input.
type link struct {
	producer
	external *external // nil: the producer
}

// builder collects what is wrong while a graph is built.
type builder struct {
	built
	pipeline  *Pipeline
	problems  []Problem
	namesakes map[string][]int32    // tasks whose name was taken already
	originals []*declaration        // of tasks, before defaults
	later     map[*declaration]bool // tasks whose name was taken
}

func (b *builder) problem(task *declaration, format string, args ...any) {
	p := Problem{Text: fmt.Sprintf(format, args...)}
	if task != nil {
		p.Task, p.Location = task.Name(), task.Location()
	}
	b.problems = append(b.problems, p)
}

// build infers the graph of a pipeline's tasks and checks it. The error is a
// *BuildError with every problem.
func build(p *Pipeline, tasks []AnyTask) (*built, error) {
	config := &p.config
	b := &builder{built: built{config: config}, pipeline: p}
	for _, text := range config.problems {
		b.problem(nil, "%s", text)
	}
	b.collect(tasks)
	b.findProducers()
	b.link()
	b.checkExternals()
	b.order()
	b.memoize()
	if len(b.problems) > 0 {
		sortProblems(b.problems)
		giveHints(b.problems)
		return nil, &BuildError{Pipeline: config.name, Problems: b.problems}
	}
	g := &b.built
	g.whole = compile(g, nil, nil)
	g.view = sync.OnceValues(g.dag)
	g.offers = sync.OnceValue(g.describe)
	g.nodes = sync.OnceValue(g.describeNodes)
	return g, nil
}

// collect takes the declarations of the tasks, each once.
func (b *builder) collect(tasks []AnyTask) {
	b.tasks = make([]*declaration, 0, len(tasks))
	b.names = make(map[string]int32, len(tasks))
	b.originals = make([]*declaration, 0, len(tasks))
	b.later, b.nests = map[*declaration]bool{}, map[string]string{}
	b.namesakes = map[string][]int32{}
	if len(tasks) == 0 {
		b.problem(nil, "it has no tasks: give them to FromTasks or a Registry's Register, or call Add before Build, Run or Graph")
	}
	for i, t := range tasks {
		switch {
		case isNil(t):
			b.problem(nil, "task %d of %d is nil: give a task made by NewTask or another constructor", i+1, len(tasks))
		case t.declared().nest != nil:
			b.flatten(t.declared())
		default:
			b.enter(t.declared())
		}
	}
}

// enter takes one declaration.
func (b *builder) enter(d *declaration) {
	original := d
	same, known := b.names[d.Name()]
	if known && (b.originals[same] == d || b.later[d]) {
		b.problem(d, "the task was added twice: add it once, or add a copy made with As")
		return
	}
	b.originals = append(b.originals, d)
	if len(b.config.defaults) > 0 || d.within != "" {
		copied := *d
		copied.base = slices.Concat(b.config.defaults, d.base)
		copied.config = d.configured(b.config.defaults)
		d = &copied
	}
	for _, text := range slices.Concat(d.problems, d.config.problems) {
		b.problem(d, "%s", text)
	}
	if d.config.limited && d.axes == nil && !configure(b.config.defaults).limited {
		b.problem(d, "MaxParallel limits the elements of a mapped task, and this one has none: give it to Run")
	}
	if d.config.hasParams {
		if _, plain := d.body.(*reflectedFunc); !plain {
			b.problem(d, "Inputs is for Func: this task's inputs are those of its declaration")
		}
	}
	if known {
		b.later[original] = true
		b.namesakes[d.Name()] = append(b.namesakes[d.Name()], int32(len(b.tasks)))
	} else {
		b.names[d.Name()] = int32(len(b.tasks))
	}
	b.tasks = append(b.tasks, d)
}

// isNil reports whether there is no task, whatever the type of the nothing: a
// nil pointer, a task that no constructor made, or a struct around one of these.
// A call to a method tells, by a panic or by its answer.
func isNil(t AnyTask) (none bool) {
	defer func() {
		if recover() != nil {
			none = true
		}
	}()
	return t.declared() == nil
}

// findProducers notes who produces what, and refuses a second producer and a
// second task of one name. Which of several is called the first does not depend
// on the order of registration.
func (b *builder) findProducers() {
	b.producers = make(map[string]producer, len(b.tasks))
	several := map[string][]producer{}
	for i, d := range b.tasks {
		for k, o := range d.outputs {
			if o.name == "" {
				continue // the declaration is wrong, and said so
			}
			this := producer{int32(i), int32(k)}
			last, taken := b.producers[o.name]
			if !taken {
				b.producers[o.name] = this
				continue
			}
			if more := several[o.name]; len(more) > 0 {
				last = more[len(more)-1]
			}
			if last.task != this.task {
				several[o.name] = append(several[o.name], this)
			} else if d.outputs[last.output].label != o.label { // else said when it was declared
				b.problem(d, "it produces data %q twice: rename one of its outputs", o.name)
			}
		}
	}
	type pair struct{ first, other int32 }
	told := map[pair]bool{}
	for name, from := range several {
		from = append(from, b.producers[name])
		slices.SortFunc(from, func(x, y producer) int { return b.compare(x.task, y.task) })
		b.producers[name] = from[0]
		first := b.tasks[from[0].task]
		for _, p := range from[1:] {
			told[pair{from[0].task, p.task}] = true
			b.problem(b.tasks[p.task], "it produces data %q, which task %q (%s) produces too: give one of them another name with As", name, first.Name(), first.Location())
		}
	}
	for name, tasks := range b.namesakes {
		tasks = append(tasks, b.names[name])
		slices.SortFunc(tasks, b.compare)
		b.names[name] = tasks[0]
		for _, t := range tasks[1:] {
			if !told[pair{tasks[0], t}] {
				b.problem(b.tasks[t], "another task (%s) has the same name: give one of them a Name of its own, where it is declared or registered", b.tasks[tasks[0]].Location())
			}
		}
	}
}

// compare orders tasks by number as compare does.
func (b *builder) compare(x, y int32) int {
	return cmp.Or(compare(b.tasks[x], b.tasks[y]), cmp.Compare(x, y))
}

// compare orders tasks for messages. Tasks of one name and place, as a loop
// declares them, differ in their data.
func compare(a, b *declaration) int {
	if c := cmp.Compare(a.Name(), b.Name()); c != 0 || a == b {
		return c
	}
	return cmp.Or(cmp.Compare(a.Location(), b.Location()),
		slices.Compare(a.Outputs(), b.Outputs()),
		slices.Compare(a.Inputs(), b.Inputs()),
		slices.Compare(a.config.after, b.config.after))
}

// link finds where each input comes from.
func (b *builder) link() {
	inputs := 0
	for _, d := range b.tasks {
		inputs += len(d.inputs)
	}
	b.externals = map[string]*external{}
	b.after = map[int32][]int32{}
	b.links = make([][]link, len(b.tasks))
	all := make([]link, 0, inputs)
	for i, d := range b.tasks {
		start := len(all)
		for k := range d.inputs {
			in := &d.inputs[k]
			from, ok := b.producers[in.name]
			if !ok {
				all = append(all, link{external: b.consume(d, in)})
				continue
			}
			all = append(all, link{producer: from})
			b.checkTypes(d, in, from)
		}
		b.links[i] = all[start:len(all):len(all)]
		b.linkAfter(int32(i), d)
	}
}

func (b *builder) linkAfter(i int32, d *declaration) {
	for _, name := range d.config.after {
		t, ok := b.names[name]
		if target, nested := b.nests[name]; nested && !ok {
			t, ok = b.names[target]
		}
		switch {
		case name == "":
			b.problem(d, "After(\"\"): the name is empty: name a task, or drop the option")
		case name == d.Name():
			if !slices.Contains(configure(d.opts).after, strings.TrimPrefix(name, d.within)) {
				continue // from Defaults, which means the others
			}
			b.problem(d, "After(%q): a task cannot wait for itself: name another one", name)
		case ok:
			b.after[i] = append(b.after[i], t)
		default:
			if from, data := b.producers[name]; data {
				b.problem(d, "After(%q): no task has that name: it is data of task %q, so name that one", name, b.tasks[from.task].Name())
				continue
			}
			b.problem(d, "After(%q): no task has that name"+hintMark, name)
			hintFor(b.problems, name, func(yield func(string) bool) {
				for other := range b.names {
					if other != d.Name() && !yield(other) { // a task cannot wait for itself
						return
					}
				}
			})
		}
	}
}

// checkTypes holds a producer's type against its consumer's.
func (b *builder) checkTypes(d *declaration, in *input, from producer) {
	p := b.tasks[from.task]
	made := p.outputs[from.output].typ
	if made == nil {
		return
	}
	if text := noElements(made, in); text != "" {
		b.problem(d, "%s, which task %q (%s) produces", text, p.Name(), p.Location())
		return
	}
	made, _ = elementType(made, len(in.axes))
	if out := &p.outputs[from.output]; in.partial && len(out.axes) > 1 {
		if made = reflect.SliceOf(out.elem); levels(in.typ.Elem(), out) == 0 && !fits(made, in.typ) {
			b.problem(d, "input %q (%s) wants %s, but task %q (%s) produces %s, flat: take it as a Partial[%s], or by rows as a Partial[%s]", in.name, in.label, in.typ, p.Name(), p.Location(), made, out.elem, made)
		}
		return
	}
	if fits(made, in.typ) {
		return
	}
	have, want := typeNames(made, in.typ)
	b.problem(d, "input %q (%s) wants %s, but task %q (%s) produces %s: change one of the types, or take other data with Bind", in.name, in.label, want, p.Name(), p.Location(), have)
}

// fits reports whether a value of one type may go into an input of another. What
// is produced as any shows its type only when it is there.
func fits(made, want reflect.Type) bool {
	return made == want || made.AssignableTo(want) || made == reflect.TypeFor[any]()
}

// typeNames writes two types so that they can be told apart.
func typeNames(a, b reflect.Type) (string, string) {
	if a.String() != b.String() {
		return a.String(), b.String()
	}
	x, y := typename.Full(a), typename.Full(b)
	if x == y { // types of two functions
		y += " (another type of that name)"
	}
	return x, y
}

// order checks that the tasks can be put in an order.
func (b *builder) order() {
	edges := 0
	for _, links := range b.links {
		edges += len(links)
	}
	from, to := make([]int32, 0, edges), make([]int32, 0, edges)
	for i, links := range b.links {
		for _, l := range links {
			if l.external == nil {
				from, to = append(from, l.task), append(to, int32(i))
			}
		}
		for _, t := range b.after[int32(i)] {
			from, to = append(from, t), append(to, int32(i))
		}
	}
	b.graph = graph.New(len(b.tasks), from, to)
	if order, _, ok := b.graph.Sort(); ok {
		b.checkRagged(order)
		return
	}
	// The cycles that are found depend on the numbers of the tasks, which must not
	// come from the order of registration here.
	byRank := make([]int32, len(b.tasks))
	for i := range byRank {
		byRank[i] = int32(i)
	}
	slices.SortFunc(byRank, b.compare)
	rank := make([]int32, len(b.tasks))
	for r, i := range byRank {
		rank[i] = int32(r)
	}
	for k := range from {
		from[k], to[k] = rank[from[k]], rank[to[k]]
	}
	for _, cycle := range graph.New(len(b.tasks), from, to).Cycles() {
		for k, r := range cycle {
			cycle[k] = byRank[r]
		}
		b.cycle(cycle)
	}
}

// cycle reports a circular flow, the whole path of it.
func (b *builder) cycle(path []int32) {
	var steps strings.Builder
	for k, from := range path {
		to := path[(k+1)%len(path)]
		fmt.Fprintf(&steps, "%q (%s) —%s→ ", b.tasks[from].Name(), b.tasks[from].Location(), b.flow(from, to))
	}
	first := b.tasks[path[0]]
	b.problem(first, "circular flow: %s%q: break it by taking one of these data from elsewhere", steps.String(), first.Name())
}

// flow names what one task waits for another for.
func (b *builder) flow(from, to int32) string {
	var data []string
	for k, l := range b.links[to] {
		if l.external == nil && l.task == from {
			data = append(data, b.tasks[to].inputs[k].name)
		}
	}
	if len(data) == 0 {
		return "After"
	}
	return strings.Join(data, ", ")
}

// dag makes the graph that users look at.
func (g *built) dag() (*dag.Graph, error) {
	specs := make([]dag.Spec, len(g.tasks))
	for i, d := range g.tasks {
		s := dag.Spec{Name: d.Name(), Description: d.config.description, Meta: d.Meta(), Path: d.path}
		for _, in := range d.inputs {
			s.Inputs = append(s.Inputs, dag.Port{Name: in.name, Axes: in.axes, Type: nested(in.typ, len(in.axes)), Optional: in.optional, Default: in.preset})
		}
		for _, out := range d.outputs {
			s.Outputs = append(s.Outputs, dag.Port{Name: out.name, Axes: out.axes, Type: out.typ})
		}
		for _, t := range g.after[int32(i)] {
			s.After = append(s.After, g.tasks[t].Name())
		}
		specs[i] = s
	}
	return dag.New(specs)
}
