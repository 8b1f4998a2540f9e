package runnel

import (
	"fmt"
	"reflect"
	"slices"
)

// branch makes a task that chooses a case, a task that passes the value to each
// case when it is chosen, and the cases.
func (b *sequencer) branch(p place, calls []stepCall, to target) *value {
	before := len(b.problems)
	if len(calls) == 0 {
		b.problem(p, "", "it has no cases: give it a Case for each predicate")
		return wrong(p)
	}
	predicates := make([]*callable, len(calls))
	for i, c := range calls {
		at := p.caseOf(i, c)
		switch {
		case c.fn == nil && c.condition == nil && !c.otherwise:
			b.problem(at, "", "the case is empty: make it with Case or Otherwise")
		case c.otherwise && i < len(calls)-1:
			b.problem(at, calledName(c.fn), "Otherwise is the last case, since those behind it would never be called: put it at the end")
		case !c.otherwise:
			predicates[i] = b.predicate(at, c.condition, 1)
		}
	}
	if len(b.problems) > before {
		return wrong(p)
	}
	on, chosen := b.choose(p, calls, predicates)
	j := &joint{place: p, choice: true, last: to.last, made: map[reflect.Type]*value{}}
	for i, c := range calls {
		at := p.caseOf(i, c)
		if on.typ == nil {
			j.parts = append(j.parts, b.call(at, c, on, target{}))
			continue
		}
		name := "otherwise"
		if predicates[i] != nil {
			if name = predicates[i].name; name == "" {
				name = at.name() + " predicate"
			}
		}
		body := &stepBody{params: []reflect.Type{reflect.TypeFor[int](), on.typ}, out: on.typ}
		body.do = func(a *stepInputs) (reflect.Value, error) {
			if a.values[0].Int() != int64(i) {
				return reflect.Value{}, errCondition
			}
			return a.values[1], nil
		}
		gate := b.enter(at, b.own(at, b.unique(name, at), body, []input{takes(chosen, "the case", chosen.typ), takes(on, "the value", on.typ)}, nil))
		gate.from = on.from
		// An input that is optional does not wait for the gate by itself.
		c.opts = append([]StepOption{After(gate.tasks...)}, c.opts...)
		j.parts = append(j.parts, b.call(at, c, gate, target{}))
	}
	return b.jointly(j)
}

func (p place) caseOf(i int, c stepCall) place {
	p.part = fmt.Sprintf("case %d", i+1)
	if c.at != 0 {
		p.at = c.at
	}
	return p
}

// predicate reads a function that tells about a value; params is how many
// parameters it may have, any number if negative.
func (b *sequencer) predicate(p place, fn any, params int) *callable {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		b.problem(p, "", "the predicate must be a function that returns a bool, got %s: write func(x T) bool, where T is what the step before returns", typeOf(fn))
		return nil
	}
	f := readCallable(v)
	if len(f.results) != 1 || f.results[0].Kind() != reflect.Bool {
		b.problem(p, f.name, "the predicate returns (%s): it must return a bool, or a bool and an error", typeList(f.results))
		return nil
	}
	if params >= 0 && len(f.params) > params {
		b.problem(p, f.name, "the predicate takes (%s): it may take the previous result alone", typeList(f.params))
		return nil
	}
	return f
}

// choose makes the task that calls predicates, up to the first that holds. on is
// the value that they are called with.
func (b *sequencer) choose(p place, calls []stepCall, predicates []*callable) (on, chosen *value) {
	on = b.prev
	if on != nil && on.joint != nil {
		on, _ = b.resolve(on, nil)
	}
	var inputs []input
	body := &stepBody{out: reflect.TypeFor[int]()}
	for i, f := range predicates {
		if f == nil || len(f.params) == 0 {
			continue
		}
		if on == nil {
			on = &value{data: "input", typ: f.params[0], from: "the input"}
			b.taken[on.data] = true
		}
		in := takes(on, "parameter 1", f.params[0])
		if text := misfit(on, &in, "parameter 1 of the predicate"); text != "" {
			b.problem(p.caseOf(i, calls[i]), f.name, "%s", text)
			on = &value{from: on.from}
		}
		inputs, body.params = append(inputs, in), append(body.params, in.typ)
	}
	if on == nil {
		b.problem(p, "", "no predicate takes a parameter, and there is no previous result: begin with CallNext")
		return wrong(p), nil
	}
	if on.typ == nil {
		return on, nil
	}
	body.do = func(a *stepInputs) (reflect.Value, error) {
		args := a.values
		for i, f := range predicates {
			if f == nil {
				return reflect.ValueOf(i), nil
			}
			v, err := f.call(a.Context, args[:len(f.params)])
			if err != nil {
				return v, err
			}
			if args = args[len(f.params):]; v.Bool() {
				return reflect.ValueOf(i), nil
			}
		}
		return reflect.ValueOf(-1), nil
	}
	d := b.own(p, b.unique("choose", p), body, inputs, nil)
	after := b.after
	if len(inputs) == 0 {
		after = slices.Concat(after, on.tasks)
	}
	if len(after) > 0 {
		d.override(After(after...))
	}
	return on, b.enter(p, d)
}
