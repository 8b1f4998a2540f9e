package runnel

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/runnelflow/runnel/internal/binding"
)

// external is data that no task produces: the run's caller supplies it.
type external struct {
	name   string
	number int32  // among the externals of its graph
	wants  []want // a type each, in an order that does not depend on that of registration
}

// want is a type that somebody wants an external input to be.
type want struct {
	typ  reflect.Type
	task *declaration // one that wants it; nil: External
	in   *input
}

// consume notes that a task takes an external input.
func (b *builder) consume(d *declaration, in *input) *external {
	e := b.external(in.name)
	i := slices.IndexFunc(e.wants, func(w want) bool { return w.typ == in.typ && w.axes() == len(in.axes) })
	if i < 0 {
		e.wants = append(e.wants, want{in.typ, d, in})
	} else if compare(d, e.wants[i].task) < 0 {
		e.wants[i] = want{in.typ, d, in}
	}
	return e
}

func (b *builder) external(name string) *external {
	e := b.externals[name]
	if e == nil {
		e = &external{name: name, number: int32(len(b.supplied))}
		b.externals[name] = e
		b.supplied = append(b.supplied, e)
	}
	return e
}

// checkExternals holds the types that consumers want of one external input
// against each other, and against declarations.
func (b *builder) checkExternals() {
	for _, e := range b.supplied {
		slices.SortStableFunc(e.wants, func(x, y want) int { return cmp.Compare(x.typ.String(), y.typ.String()) })
	}
	for _, name := range slices.Sorted(maps.Keys(b.config.externals)) {
		typ := b.config.externals[name]
		if from, ok := b.producers[name]; ok {
			b.problem(b.tasks[from.task], "it produces data %q, which is declared External: drop the declaration, or rename the output", name)
			continue
		}
		e := b.externals[name]
		if e == nil && b.config.strict {
			b.problem(nil, "External %q is consumed by no task"+hintMark+": drop the declaration, or correct its name", name)
			hintFor(b.problems, name, maps.Keys(b.externals))
		}
		if e != nil {
			e.wants = append([]want{{typ: typ}}, e.wants...)
		}
	}
	for _, e := range b.supplied {
		if _, declared := b.config.externals[e.name]; b.config.strict && !declared {
			w := e.wants[0]
			b.problem(w.task, "nobody produces its input %q (%s), and it is not declared External"+hintMark+": declare it, or correct its name", e.name, w.in.label)
			hintFor(b.problems, e.name, b.known())
		}
		b.checkWants(e)
	}
}

// checkWants refuses two wishes that no value can meet at once: with a concrete
// type among them, it must fit all others.
func (b *builder) checkWants(e *external) {
	concrete := slices.IndexFunc(e.wants, func(w want) bool { return w.typ.Kind() != reflect.Interface })
	if concrete < 0 {
		return
	}
	first := e.wants[concrete]
	for _, w := range e.wants {
		if w.meets(first) {
			continue
		}
		at, other := w, first
		if at.task == nil {
			at, other = other, at
		}
		by := "it is declared External as"
		if other.task != nil {
			by = fmt.Sprintf("task %q (%s) wants", other.task.Name(), other.task.Location())
		}
		this, that := typeNames(nested(at.typ, at.axes()), nested(other.typ, other.axes()))
		b.problem(at.task, "input %q (%s) wants %s, but %s %s: an external input has one type, so change one of the two, or take other data with Bind", e.name, at.in.label, this, by, that)
	}
}

// axes is how many axes of the data the wish is about the elements of.
func (w want) axes() int {
	if w.in == nil {
		return 0
	}
	return len(w.in.axes)
}

// meets reports whether a value that meets a wish for a concrete type can meet
// this one.
func (w want) meets(first want) bool {
	if w.axes() < first.axes() {
		return first.meets(w)
	}
	t, ok := elementType(nested(first.typ, first.axes()), w.axes())
	return ok && (fits(t, w.typ) || first.axes() > 0 && fits(w.typ, t))
}

// takes reports whether a value of a type, nil for nil, is what is wanted.
func (w want) takes(got reflect.Type) bool {
	if got == nil {
		return w.axes() == 0 && binding.Nilable(w.typ)
	}
	t, ok := elementType(got, w.axes())
	return ok && (t.AssignableTo(w.typ) || w.axes() > 0 && t == reflect.TypeFor[any]())
}

// String is the type wanted, as that of the whole.
func (w want) String() string { return nested(w.typ, w.axes()).String() }

// known is every data name of the graph, declared externals included.
func (g *built) known() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range g.producers {
			if !yield(name) {
				return
			}
		}
		for name := range g.config.externals {
			if !yield(name) {
				return
			}
		}
	}
}

// checkInputs holds the inputs of a run against the graph, or against that part
// of it that the run's plan needs.
func (g *built) checkInputs(in Values, p *plan) []Problem {
	var problems []Problem
	takers := sync.OnceValue(p.takers)
	for name, v := range in {
		if e := g.externals[name]; e != nil {
			if text := e.refuse(v, takers); text != "" {
				problems = append(problems, Problem{Text: text})
			}
			continue
		}
		if from, ok := g.producers[name]; ok {
			d := g.tasks[from.task]
			problems = append(problems, Problem{Text: fmt.Sprintf("input %q is produced by task %q (%s): drop it, or hand it over in a DataCache to use it instead", name, d.Name(), d.Location())})
			continue
		}
		if _, declared := g.config.externals[name]; declared {
			continue
		}
		known := func(yield func(string) bool) {
			for name := range g.externals {
				if _, given := in[name]; !given && !yield(name) {
					return
				}
			}
		}
		problems = append(problems, Problem{Text: fmt.Sprintf("input %q is unknown: no task consumes it"+hintMark, name)})
		hintFor(problems, name, known)
	}
	for _, e := range p.needs {
		if _, given := in[e.name]; !given {
			problems = append(problems, Problem{Text: g.missing(e, takers()[e.number])})
			problems[len(problems)-1].hint = func() string {
				if near := didYouMean(e.name, maps.Keys(g.producers)); near != "" {
					return "; if it should come from a task, correct the name" + near
				}
				return ""
			}
		}
	}
	sortProblems(problems)
	return problems
}

// taker is a task of a plan, and an external input that it takes.
type taker struct {
	task *declaration
	in   *input
}

// takers lists who takes each external input, in an order that does not depend
// on that of registration.
func (p *plan) takers() [][]taker {
	all := make([][]taker, len(p.of.supplied))
	for i := range p.nodes {
		n := &p.nodes[i]
		for k, s := range p.from(n) {
			if s.node < 0 {
				all[s.index] = append(all[s.index], taker{n.task, &n.task.inputs[k]})
			}
		}
	}
	for _, by := range all {
		slices.SortStableFunc(by, func(x, y taker) int { return compare(x.task, y.task) })
	}
	return all
}

// missing describes an external input of a plan that was not supplied.
func (g *built) missing(e *external, takers []taker) string {
	var by []string
	var last *declaration
	needed := 0
	for _, t := range takers {
		if t.in.optional || t.task == last {
			continue
		}
		last = t.task
		if needed++; needed <= mostNames {
			by = append(by, fmt.Sprintf("%q (%s)", t.task.Name(), t.task.Location()))
		}
	}
	if needed > len(by) {
		by = append(by, fmt.Sprintf("%d more", needed-len(by)))
	}
	who := "task " + by[0] + " needs it"
	if needed > 1 {
		who = "tasks " + strings.Join(by, ", ") + " need it"
	}
	return fmt.Sprintf("input %q of type %s is missing: %s, and no task produces it"+hintMark, e.name, e.wants[0], who)
}

// refuse says why a value cannot be this input of a plan, or is empty.
func (e *external) refuse(v any, takers func() [][]taker) string {
	got := reflect.TypeOf(v)
	for _, w := range e.wants {
		if w.takes(got) {
			continue
		}
		// The run may not need the tasks that want this type.
		by := takers()[e.number]
		i := slices.IndexFunc(by, func(t taker) bool { return w.task == nil || t.in.typ == w.typ })
		if i < 0 {
			continue
		}
		why := "it is declared External"
		if w.task != nil {
			why = fmt.Sprintf("task %q (%s) takes it", by[i].task.Name(), by[i].task.Location())
		}
		have, want := "nil", w.String()
		if got != nil {
			have, want = typeNames(got, nested(w.typ, w.axes()))
		}
		return fmt.Sprintf("input %q must be %s, got %s: %s", e.name, want, have, why)
	}
	return ""
}
