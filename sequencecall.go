package runnel

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// caller makes the task of one call.
type caller struct {
	*sequencer
	place
	*stepConfig
	d    *declaration
	auto string     // the name of a function or pipeline
	from []*value   // the value that each input takes, nil for none
	set  []*stepArg // the constant that each input takes, nil for none
	need []bool     // of a pipeline: the inputs that it cannot do without

	named bool // Inputs names the parameters
}

func (c *caller) wrong(format string, args ...any) {
	name := c.auto
	if c.d != nil && c.d.nest == nil && name == "" {
		name = c.d.Name()
	}
	c.problem(c.place, name, format, args...)
}

// call makes the task of a call, with the previous value, nil at the start.
func (b *sequencer) call(p place, sc stepCall, prev *value, to target) *value {
	return b.calling(p, sc, prev, to, nil)
}

// calling is call, for each element of the previous value when there are axes.
func (b *sequencer) calling(p place, sc stepCall, prev *value, to target, axes []string) *value {
	c := &caller{sequencer: b, place: p, stepConfig: configureStep(sc.opts)}
	before := len(b.problems)
	if c.empty {
		c.auto = calledName(sc.fn)
		c.wrong("an option is nil: drop it")
	}
	c.declare(sc.fn, to, axes)
	if len(b.problems) > before {
		return wrong(p)
	}
	v := c.finish(prev, to)
	if c.d.nest == nil || len(c.d.nest.pipeline.effects) == 0 {
		return v
	}
	// The side effects that a nested sequence ends in: nothing in it waits for them.
	var effects []string
	for _, name := range c.d.nest.pipeline.effects {
		effects = append(effects, c.d.Name()+"/"+name)
	}
	if to.last {
		b.effects = effects
		return v
	}
	return b.settled(p, v, effects)
}

// finish connects the declaration and adds it to the tasks. What it hands on is
// known even if what it takes does not fit, so that later steps can be checked.
func (c *caller) finish(prev *value, to target) *value {
	b := c.sequencer
	c.route(prev)
	if c.d.axes != nil && c.auto != "" {
		c.takeElements(prev)
	}
	c.name(to)
	c.connect()
	if prev != nil && !slices.Contains(c.from, prev) && !c.spread {
		first := prev
		if prev.joint != nil && prev.joint.choice {
			first, _ = b.resolve(prev, nil) // its cases are skipped but for one
		}
		c.d.override(After(first.tasks...))
	}
	if len(b.after) > 0 {
		c.d.override(After(b.after...))
	}
	for _, text := range slices.Concat(c.d.problems, c.d.config.problems) {
		c.wrong("%s", text)
	}
	return b.enter(c.place, c.d)
}

// calledName is the name of a function or task, for messages.
func calledName(fn any) string {
	switch f := fn.(type) {
	case AnyTask:
		if !isNil(f) {
			return f.Name()
		}
	default:
		if v := reflect.ValueOf(fn); v.Kind() == reflect.Func && !v.IsNil() {
			return functionName(v)
		}
	}
	return ""
}

// declare makes the declaration of what is called.
func (c *caller) declare(fn any, to target, axes []string) {
	v := reflect.ValueOf(fn)
	switch f := fn.(type) {
	case *Sequence:
		if f == nil {
			c.wrong("the sequence is nil: give one")
			return
		}
		p, err := f.Build()
		if err != nil {
			c.wrong("its sequence cannot be built: %s", strings.TrimPrefix(err.Error(), "runnel: "))
			return
		}
		c.pipeline(p)
	case *Pipeline:
		if f == nil {
			c.wrong("the pipeline is nil: give one")
			return
		}
		c.pipeline(f)
	case AnyTask:
		if isNil(f) {
			c.wrong("the task is nil: give one made by NewTask or another constructor")
			return
		}
		c.task(f.declared(), to)
	default:
		if v.Kind() != reflect.Func {
			mend := "hand a function over without calling it"
			if v.IsValid() && reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[AnyTask]()) {
				mend = "hand a task over as its constructor returns it, by a pointer"
			}
			c.wrong("expected a function, a declared task, a *Pipeline or a *Sequence, got %s: %s", typeOf(fn), mend)
			return
		}
		if v.IsNil() {
			c.wrong("the function, a %T, is nil: give one", fn)
			return
		}
		c.function(readCallable(v), to, axes)
	}
	if axes != nil && v.Kind() != reflect.Func {
		c.wrong("%s calls plain functions for elements: declare the task with NewMapTask and give it to CallNext, or call p.Run of a pipeline in a function", c.method)
	}
}

// task takes a declared task.
func (c *caller) task(declared *declaration, to target) {
	d := declared.copy()
	d.inputs = slices.Clone(d.inputs)
	c.d = &d
	for _, o := range c.stepConfig.task {
		o.applyRegister(&d)
	}
	if len(d.outputs) == 0 && !to.silent {
		c.wrong("the task has no output to hand on: call it with CallAfter")
	}
}

// function declares a plain function.
func (c *caller) function(f *callable, to target, axes []string) {
	if c.auto = f.name; c.auto == "" {
		c.auto = c.place.name()
	}
	opts, names, named := withoutInputs(c.stepConfig.task)
	c.named = named
	switch {
	case named && len(names) != len(f.params):
		c.wrong("Inputs names %d parameters, but the function takes %d: (%s)", len(names), len(f.params), typeList(f.params))
		return
	case !named && len(f.params) > 1 && !c.spread:
		c.wrong("Go does not keep parameter names: name those of (%s) with Inputs(%s)", typeList(f.params), strings.TrimSuffix(strings.Repeat(`"…", `, len(f.params)), ", "))
		return
	}
	body := &stepBody{params: f.params, rank: len(axes)}
	body.do = func(a *stepInputs) (reflect.Value, error) { return f.call(a.Context, a.values) }
	switch {
	case len(f.results) == 1:
		body.out = f.results[0]
	case len(f.results) > 1:
		c.wrong("the function returns %d values for one result: return a struct", len(f.results))
		return
	case !to.silent:
		c.wrong("the function returns no value to hand on: return one, or call it with CallAfter")
		return
	}
	var inputs []input
	for i, t := range f.params {
		in := input{name: "input", label: fmt.Sprintf("parameter %d", i+1), typ: t}
		if named {
			in.name = names[i]
			if err := checkDataName(in.name); err != nil {
				c.wrong("Inputs: %v", err)
			} else if slices.Contains(names[:i], in.name) {
				c.wrong("Inputs names %q twice: give each parameter its own name", in.name)
			}
		}
		if of, ok := partialOf(t); ok && axes == nil {
			in.typ, in.partial = of, true
		}
		inputs = append(inputs, in)
	}
	c.d = c.own(c.place, c.auto, body, inputs, opts)
}

// withoutInputs takes Inputs out of options: what builds the graph expects it on
// Func alone.
func withoutInputs(opts []TaskOption) (rest []TaskOption, names []string, named bool) {
	for _, o := range opts {
		if c := configure([]TaskOption{o}); c.hasParams {
			names, named = c.params, true
			continue
		}
		rest = append(rest, o)
	}
	return rest, names, named
}

// pipeline makes a task that stands for a pipeline.
func (c *caller) pipeline(p *Pipeline) {
	if c.auto = p.Name(); checkDataName(c.auto) != nil {
		c.auto = "pipeline"
	}
	inner, err := p.build()
	if err != nil {
		c.wrong("its pipeline cannot be built: %s", strings.TrimPrefix(err.Error(), "runnel: "))
		return
	}
	made, ok := inner.producers[lastResult]
	data := lastResult
	if !ok {
		ends := inner.ends()
		if len(ends) != 1 {
			c.wrong("its pipeline has %d outputs that none of its tasks takes (%s), so it is not clear which one goes on: make a task of it with Nest, which names one", len(ends), quoted(ends))
			return
		}
		data, made = ends[0], inner.producers[ends[0]]
	}
	typ := inner.tasks[made.task].outputs[made.output].typ
	opts := c.stepConfig.task
	d := &declaration{name: c.auto, pc: c.at, opts: opts, config: configure(opts), outputs: []output{{name: c.auto, label: c.auto, typ: typ}}}
	for _, e := range inner.supplied {
		needed := slices.Contains(inner.whole.needs, e)
		w := e.wants[0]
		d.inputs = append(d.inputs, input{name: e.name, label: "external input", typ: nested(w.typ, w.axes()), optional: !needed})
		c.need = append(c.need, needed)
	}
	d.nest = &nest{p, data, typ, d.Inputs()}
	c.d = d
	if !d.config.isNameAndAfter() {
		c.wrong("options other than Name and After belong to the tasks of the nested pipeline: give them to those, or to all of them with Defaults")
	}
}

// ends are the outputs that no task takes, sorted.
func (g *built) ends() []string {
	ends := maps.Clone(g.producers)
	for _, d := range g.tasks {
		for _, in := range d.inputs {
			delete(ends, in.name)
		}
	}
	return slices.Sorted(maps.Keys(ends))
}
