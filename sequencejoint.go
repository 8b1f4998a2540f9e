package runnel

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// joint is what the members of a group, or the cases of a branch, hand on. Its
// task is made when it is known as what it is taken.
type joint struct {
	place
	choice bool     // one of the parts is there
	parts  []*value // in order of the members
	last   bool
	made   map[reflect.Type]*value
}

// group makes the tasks of the members.
func (b *sequencer) group(p place, calls []stepCall, to target) *value {
	j := &joint{place: p, last: to.last, made: map[reflect.Type]*value{}}
	for i, c := range calls {
		at := p
		at.part, at.at = fmt.Sprintf("member %d", i+1), c.at
		j.parts = append(j.parts, b.call(at, c, b.prev, target{}))
	}
	return b.jointly(j)
}

// jointly is a joint as a value, unless one of its parts is wrong.
func (b *sequencer) jointly(j *joint) *value {
	if isUnknown(j.parts) {
		return wrong(j.place)
	}
	v := &value{joint: j, from: j.String()}
	for _, part := range j.parts {
		v.tasks = append(v.tasks, part.tasks...)
	}
	return v
}

// resolve makes the task that puts a joint together as what its consumer takes,
// nil for what it is by itself. text says which part does not fit, or is empty.
func (b *sequencer) resolve(v *value, as reflect.Type) (made *value, text string) {
	j := v.joint
	typ, elem := j.types(as)
	if j.made[typ] != nil {
		return j.made[typ], ""
	}
	for _, part := range j.parts {
		if !fits(part.typ, elem) {
			_, have := typeNames(elem, part.typ)
			return nil, fmt.Sprintf("%s gives %s: change one of the types", part.from, have) + j.mend()
		}
	}
	body := &stepBody{out: typ}
	var inputs []input
	_, holes := partialOf(typ)
	for i, part := range j.parts {
		in := takes(part, fmt.Sprintf("slot %d", i), elem)
		in.optional, in.asks = j.choice || holes, holes
		inputs, body.params = append(inputs, in), append(body.params, elem)
	}
	name := "group"
	switch {
	case j.choice:
		name, body.do = "branch", first
	case holes:
		body.do = func(a *stepInputs) (reflect.Value, error) { return withHoles(typ, a), nil }
	default:
		body.do = func(a *stepInputs) (reflect.Value, error) { return inSlots(typ, a.values), nil }
	}
	d := b.own(j.place, b.unique(name, j.place), body, inputs, nil)
	if own, _ := j.types(nil); j.last && typ == own {
		d.outputs[0].name = lastResult // whoever takes it: a side effect may be first
	}
	made = b.enter(j.place, d)
	j.made[typ] = made
	return made, ""
}

// mend is what else can be done about a part that does not fit.
func (j *joint) mend() string {
	if j.choice {
		return ""
	}
	return ", take a []any, or a parameter for each member with Spread"
}

// types are those of the whole and of a part, taken as a type: nil for what it is
// by itself.
func (j *joint) types(as reflect.Type) (typ, elem reflect.Type) {
	own := common(j.parts)
	switch {
	case j.choice && (as == nil || own != reflect.TypeFor[any]()):
		return own, own
	case j.choice:
		return as, as
	case as == nil:
	case as.Kind() == reflect.Slice && (own == reflect.TypeFor[any]() || fits(own, as.Elem())):
		return as, as.Elem()
	default:
		if of, ok := partialOf(as); ok {
			return as, of.Elem()
		}
	}
	return reflect.SliceOf(own), own
}

// errNoCase is the error of a branch of which no case has a result.
var errNoCase = errors.New("no case of the branch gave a result")

// first is the only part of a branch that is there.
func first(a *stepInputs) (reflect.Value, error) {
	i := slices.IndexFunc(a.values, reflect.Value.IsValid)
	if i < 0 {
		return reflect.Value{}, errNoCase
	}
	return a.values[i], nil
}

// inSlots is a slice of values.
func inSlots(t reflect.Type, values []reflect.Value) reflect.Value {
	all := reflect.MakeSlice(t, len(values), len(values))
	for i, v := range values {
		if v.IsValid() {
			all.Index(i).Set(v)
		}
	}
	return all
}

// withHoles is a Partial of what members of a group made, and why others did not.
func withHoles(t reflect.Type, a *stepInputs) reflect.Value {
	p := reflect.New(t).Elem()
	values := p.FieldByName("Values")
	values.Set(inSlots(values.Type(), a.values))
	var errs map[int]error
	for i, from := range a.run.plan.from(a.node) {
		if a.values[i].IsValid() {
			continue
		}
		if errs == nil {
			errs = map[int]error{}
		}
		errs[i] = a.run.whyAbsent(&from)
	}
	p.FieldByName("Errs").Set(reflect.ValueOf(errs))
	return p
}
