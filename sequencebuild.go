package runnel

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// sequencer makes tasks of the steps of a sequence.
type sequencer struct {
	tasks    []AnyTask
	problems []Problem
	taken    map[string]bool  // names of tasks and data, and of external inputs
	places   map[string]place // of the tasks
	prev     *value           // what the last step hands on, nil before the first
	after    []string         // tasks of side effects, which the next step waits for
	effects  []string         // those at the end of the pipeline that is the last step
}

// value is what a step hands on.
type value struct {
	data  string
	typ   reflect.Type // nil when it is not known, since the step is wrong
	tasks []string     // that make it
	from  string       // for messages
	joint *joint       // of a group or a branch: what is put together for whoever takes it
}

// target is where the output of a call goes.
type target struct {
	last   bool // to the result of the sequence
	silent bool // nowhere: the step is a side effect
}

func (b *sequencer) problem(p place, task, format string, args ...any) {
	b.problems = append(b.problems, Problem{Task: task, Location: p.location(), Text: p.String() + ": " + fmt.Sprintf(format, args...)})
}

// inSteps says of problems of the graph in which steps they are.
func (b *sequencer) inSteps(err error) error {
	e, ok := errors.AsType[*BuildError](err)
	if !ok {
		return err
	}
	in := &BuildError{Pipeline: e.Pipeline, Problems: slices.Clone(e.Problems)}
	for i := range in.Problems {
		if p, ok := b.places[in.Problems[i].Task]; ok {
			in.Problems[i].Text = p.String() + ": " + in.Problems[i].Text
		}
	}
	return in
}

func (b *sequencer) build(steps []step) {
	last := lastYield(steps)
	for i := range steps {
		st := &steps[i]
		p, to := place{i + 1, st.method, "", st.at}, target{last: i == last}
		switch st.method {
		case "CallAfter":
			b.callAfter(p, st.calls[0])
			continue
		case "CallNext":
			b.prev = b.call(p, st.calls[0], b.prev, to)
		case "Map":
			b.prev = b.calling(p, st.calls[0], b.prev, to, []string{"i"})
		case "Filter":
			b.prev = b.filter(p, st.calls[0], to)
		case "Reduce":
			b.prev = b.reduce(p, st, to)
		case "Group":
			if len(st.calls) == 0 {
				continue
			}
			b.prev = b.group(p, st.calls, to)
		case "Branch":
			b.prev = b.branch(p, st.calls, to)
		}
		b.after, b.effects = b.effects, nil
	}
	if last < 0 {
		b.problems = append(b.problems, Problem{Text: "the sequence has no step that gives a result: begin it with CallNext"})
	}
	if b.prev != nil && b.prev.joint != nil {
		b.resolve(b.prev, nil) // its own type always fits
	}
}

// callAfter makes the task of a side effect.
func (b *sequencer) callAfter(p place, c stepCall) {
	if b.prev == nil {
		b.problem(p, calledName(c.fn), "there is no result to pass through: begin with CallNext")
		return
	}
	if v := b.call(p, c, b.prev, target{silent: true}); v != nil && v.typ != nil {
		b.after = v.tasks
	}
}

// settled is a value that is there when side effects have succeeded.
func (b *sequencer) settled(p place, v *value, effects []string) *value {
	body := &stepBody{params: []reflect.Type{v.typ}, out: v.typ}
	body.do = func(a *stepInputs) (reflect.Value, error) { return a.values[0], nil }
	d := b.own(p, b.unique("settled", p), body, []input{takes(v, "the value", v.typ)}, nil)
	d.override(After(effects...))
	done := b.enter(p, d)
	done.from = v.from
	return done
}

// wrong is what a step hands on that cannot be built: it fits everywhere, lest one
// mistake be reported twice.
func wrong(p place) *value { return &value{from: p.String()} }

// unique is a name that nothing in the sequence has yet, and takes it.
func (b *sequencer) unique(name string, p place) string {
	free := name
	for n := 1; b.taken[free]; n++ {
		free = fmt.Sprintf("%s (%s)", name, p.name())
		if n > 1 {
			free = fmt.Sprintf("%s (%s %d)", name, p.name(), n)
		}
	}
	b.taken[free] = true
	return free
}

// enter adds a task of the sequence's own making that produces one value, and
// returns that. names are those of its data and, if that is another one, of the
// task.
func (b *sequencer) enter(p place, d *declaration) *value {
	b.tasks = append(b.tasks, d)
	b.places[d.Name()] = p
	v := &value{tasks: []string{d.Name()}, from: fmt.Sprintf("%s, task %q (%s),", p, d.Name(), d.Location())}
	if len(d.outputs) > 0 {
		v.data, v.typ = d.outputs[0].name, d.outputs[0].typ
	} else {
		v.typ = reflect.TypeFor[struct{}]()
	}
	return v
}

// own is a declaration of the sequence's own making.
func (b *sequencer) own(p place, name string, body *stepBody, inputs []input, opts []TaskOption) *declaration {
	d := &declaration{name: name, pc: p.at, inputs: inputs, body: body, opts: opts, config: configure(opts)}
	if body.out != nil {
		typ := nested(body.out, body.rank)
		d.outputs = []output{{name: name, label: name, typ: typ}}
		if body.rank > 0 {
			d.outputs[0].elem, d.axes = body.out, []string{"i"}
		}
	}
	return d
}

// constant makes a task of a value that is there from the start.
func (b *sequencer) constant(p place, name string, t reflect.Type, v any) *value {
	held := reflect.New(t).Elem()
	if v != nil {
		held.Set(reflect.ValueOf(v))
	}
	do := func(*stepInputs) (reflect.Value, error) { return held, nil }
	return b.enter(p, b.own(p, b.unique(name, p), &stepBody{out: t, do: do}, nil, nil))
}

// takes is an input for a value.
func takes(v *value, label string, t reflect.Type) input {
	return input{name: v.data, label: label, typ: t}
}

// common is the type of all values, or any.
func common(values []*value) reflect.Type {
	t := values[0].typ
	if slices.ContainsFunc(values, func(v *value) bool { return v.typ != t }) {
		return reflect.TypeFor[any]()
	}
	return t
}

// isUnknown reports whether one of the values belongs to a step that is wrong.
func isUnknown(values []*value) bool {
	return slices.ContainsFunc(values, func(v *value) bool { return v.typ == nil && v.joint == nil })
}
