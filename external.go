package runnel

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/internal/binding"
)

// external is data that no task produces: the run's caller supplies it.
type external struct {
	name   string
	number int32 // among the externals of its graph
	wants  []want
	needs  int            // consumers that cannot do without
	needy  []*declaration // the first few of them
}

// want is a type that somebody wants an external input to be.
type want struct {
	typ  reflect.Type
	task *declaration // the first to want it; nil: External
	in   *input
}

// consume notes that a task takes an external input.
func (b *builder) consume(d *declaration, in *input) *external {
	e := b.external(in.name)
	if !in.optional {
		if e.needs++; len(e.needy) < mostNames {
			e.needy = append(e.needy, d)
		}
	}
	if in.typ != nil && !slices.ContainsFunc(e.wants, func(w want) bool { return w.typ == in.typ }) {
		e.wants = append(e.wants, want{in.typ, d, in})
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
	for name, typ := range b.config.externals {
		if from, ok := b.producers[name]; ok {
			b.problem(b.tasks[from.task], "it produces data %q, which is declared External: drop the declaration, or rename the output", name)
			continue
		}
		e := b.externals[name]
		if e == nil && b.config.strict {
			b.problem(nil, "External %q is consumed by no task%s: drop the declaration, or correct its name", name, b.didYouMean(name, maps.Keys(b.externals)))
		}
		if e != nil {
			e.wants = append([]want{{typ: typ}}, e.wants...)
		}
	}
	for _, e := range b.supplied {
		if _, declared := b.config.externals[e.name]; b.config.strict && !declared {
			w := e.wants[0]
			b.problem(w.task, "nobody produces its input %q (%s), and it is not declared External%s: declare it, or correct its name", e.name, w.in.label, b.didYouMean(e.name, b.known()))
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
		if fits(first.typ, w.typ) {
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
		this, that := typeNames(at.typ, other.typ)
		b.problem(at.task, "input %q (%s) wants %s, but %s %s: an external input has one type, so change one of the two, or take other data with Bind", e.name, at.in.label, this, by, that)
	}
}

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
	var h hints
	for name, v := range in {
		if e := g.externals[name]; e != nil {
			if text := e.refuse(v, p); text != "" {
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
		problems = append(problems, Problem{Text: fmt.Sprintf("input %q is unknown: no task consumes it%s", name, h.didYouMean(name, known))})
	}
	for _, e := range p.needs {
		if _, given := in[e.name]; !given {
			problems = append(problems, Problem{Text: g.missing(e, p, &h)})
		}
	}
	sortProblems(problems)
	return problems
}

// missing describes an external input of a plan that was not supplied.
func (g *built) missing(e *external, p *plan, h *hints) string {
	var by []string
	for _, d := range e.needy {
		if p.at(g.names[d.Name()]) >= 0 {
			by = append(by, fmt.Sprintf("%q (%s)", d.Name(), d.Location()))
		}
	}
	if more := e.needs - len(e.needy); more > 0 && p.place == nil {
		by = append(by, fmt.Sprintf("%d more", more))
	}
	if len(by) == 0 { // the first few that need it are not in the plan
		d := p.taker(e, want{})
		by = append(by, fmt.Sprintf("%q (%s)", d.Name(), d.Location()))
	}
	typ := ""
	if len(e.wants) > 0 {
		typ = " of type " + e.wants[0].typ.String()
	}
	hint := ""
	if near := h.didYouMean(e.name, maps.Keys(g.producers)); near != "" {
		hint = fmt.Sprintf("; if it should come from a task, correct the name%s", near)
	}
	return fmt.Sprintf("input %q%s is missing: task %s needs it, and no task produces it%s", e.name, typ, strings.Join(by, ", "), hint)
}

// refuse says why a value cannot be this input of a plan, or is empty.
func (e *external) refuse(v any, p *plan) string {
	for _, w := range e.wants {
		got := reflect.TypeOf(v)
		if got == nil && binding.Nilable(w.typ) || got != nil && got.AssignableTo(w.typ) {
			continue
		}
		taker := p.taker(e, w)
		if taker == nil {
			continue // the run does not need what wants it
		}
		by := "it is declared External"
		if w.task != nil {
			by = fmt.Sprintf("task %q (%s) takes it", taker.Name(), taker.Location())
		}
		if got == nil {
			return fmt.Sprintf("input %q must be %s, got nil: %s", e.name, w.typ, by)
		}
		have, want := typeNames(got, w.typ)
		return fmt.Sprintf("input %q must be %s, got %s: %s", e.name, want, have, by)
	}
	return ""
}

// taker is the first task of a plan that takes an external input as the type of
// a want, whatever its type when that was declared; nil when there is none.
func (p *plan) taker(e *external, w want) *declaration {
	for i := range p.nodes {
		n := &p.nodes[i]
		sources := p.from(n)
		for k := range sources {
			if from := &sources[k]; from.node < 0 && from.index == e.number && (w.task == nil || n.task.inputs[k].typ == w.typ) {
				return n.task
			}
		}
	}
	return nil
}
