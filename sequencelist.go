package runnel

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
)

// takeElements makes the input of a function that takes the previous value take
// its elements.
func (c *caller) takeElements(prev *value) {
	i := 0
	if prev == nil {
		i = slices.Index(c.set, nil)
	} else {
		i = slices.Index(c.from, prev)
	}
	if i < 0 {
		c.wrong("the function takes no element: give it a parameter for one")
		return
	}
	c.d.inputs[i].axes = c.d.axes
}

// filter makes a mapped task that keeps an element or not, and one that puts
// those together that were kept.
func (b *sequencer) filter(p place, sc stepCall, to target) *value {
	if _, declared := sc.fn.(AnyTask); !declared && reflect.ValueOf(sc.fn).Kind() == reflect.Func && b.predicate(p, sc.fn, -1) == nil {
		return wrong(p)
	}
	keep := configureStep(sc.opts)
	kept := &stepConfig{}
	for i, o := range keep.register {
		if (&caller{stepConfig: &stepConfig{register: keep.register[i : i+1]}}).asked() {
			kept.register = append(kept.register, o)
		}
	}
	if len(kept.register) > 0 {
		sc.opts = slices.DeleteFunc(slices.Clone(sc.opts), func(o StepOption) bool {
			return o != nil && len(configureStep([]StepOption{o}).register) > 0 && (&caller{stepConfig: configureStep([]StepOption{o})}).asked()
		})
	}
	tested := b.calling(p, sc, b.prev, target{}, []string{"i"})
	if tested.typ == nil {
		return tested
	}
	d := b.tasks[len(b.tasks)-1].declared()
	at := slices.IndexFunc(d.inputs, func(in input) bool { return in.axes != nil })
	elem := d.inputs[at].typ
	if b.prev != nil && b.prev.typ != nil {
		if t, _ := elementType(b.prev.typ, 1); t != reflect.TypeFor[any]() {
			elem = t
		}
	}
	part := reflect.SliceOf(elem)
	d.body.(*stepBody).keep(at, part)
	d.outputs[0].elem, d.outputs[0].typ = part, reflect.SliceOf(part)
	tested.typ = d.outputs[0].typ
	body := &stepBody{params: []reflect.Type{tested.typ}, out: part}
	body.do = func(a *stepInputs) (reflect.Value, error) {
		all := reflect.MakeSlice(part, 0, a.values[0].Len())
		for i := range a.values[0].Len() {
			all = reflect.AppendSlice(all, a.values[0].Index(i))
		}
		return all, nil
	}
	c := &caller{sequencer: b, place: p, stepConfig: kept, auto: "filter"}
	c.d = b.own(p, c.auto, body, []input{{name: "input", label: "the elements", typ: tested.typ}}, nil)
	after := b.after
	b.after = nil // the mapped task waits
	defer func() { b.after = after }()
	return c.finish(tested, to)
}

// keep makes the body of a predicate return a slice with the element it is called
// with, input at, if it holds, and without if not.
func (b *stepBody) keep(at int, part reflect.Type) {
	holds := b.do
	b.out = part
	b.do = func(a *stepInputs) (reflect.Value, error) {
		v, err := holds(a)
		if err != nil || !v.Bool() {
			return reflect.Zero(part), err
		}
		one := reflect.MakeSlice(part, 1, 1)
		x := a.values[at]
		if x.Kind() == reflect.Interface && x.Type() != part.Elem() {
			x = x.Elem()
		}
		if x.IsValid() {
			one.Index(0).Set(x)
		}
		return one, nil
	}
}

// reduce makes the task of a Reduce.
func (b *sequencer) reduce(p place, st *step, to target) *value {
	sc := st.calls[0]
	c := &caller{sequencer: b, place: p, stepConfig: configureStep(sc.opts), auto: calledName(sc.fn)}
	v := reflect.ValueOf(sc.fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		c.wrong("expected a function of an accumulator and an element, got %s", typeOf(sc.fn))
		return wrong(p)
	}
	f := readCallable(v)
	if len(f.params) != 2 || len(f.results) != 1 || !f.results[0].AssignableTo(f.params[0]) {
		c.wrong("expected a function of an accumulator and an element that returns the accumulator, and an error if it can fail, got %s", v.Type())
		return wrong(p)
	}
	acc, elem := f.params[0], f.params[1]
	if t := reflect.TypeOf(st.initial); t == nil && !binding.Nilable(acc) || t != nil && !t.AssignableTo(acc) {
		have := "nil"
		if t != nil {
			have, _ = typeNames(t, acc)
		}
		c.wrong("the initial value is %s, but the accumulator (parameter 1) is %s: write %s(…) around it, or change the type", have, acc, acc)
		return wrong(p)
	}
	whole := reflect.SliceOf(elem)
	if b.prev != nil && b.prev.typ != nil {
		in := input{axes: []string{"i"}, typ: elem}
		if text := misfit(b.prev, &in, "parameter 2"); text != "" {
			c.wrong("%s", text)
			return wrong(p)
		}
		whole = b.prev.typ
	}
	initial := reflect.New(acc).Elem()
	if st.initial != nil {
		initial.Set(reflect.ValueOf(st.initial))
	}
	body := &stepBody{params: []reflect.Type{whole}, out: acc}
	body.do = func(a *stepInputs) (reflect.Value, error) { return f.fold(initial, a.values[0], elem, a.Context) }
	in := input{name: "input", label: "the elements", typ: whole}
	opts, names, named := withoutInputs(c.stepConfig.task)
	switch {
	case named && len(names) != 1:
		c.wrong("Inputs names %d inputs, but Reduce has one: the elements", len(names))
	case named:
		in.name = names[0]
	}
	if c.auto == "" {
		c.auto = p.name()
	}
	c.d = b.own(p, c.auto, body, []input{in}, opts)
	return c.finish(b.prev, to)
}

// fold calls the function for each element of a whole.
func (f *callable) fold(acc, all reflect.Value, elem reflect.Type, ctx context.Context) (reflect.Value, error) {
	whole, err := collected(ctx, all.Interface())
	if err != nil {
		return acc, err
	}
	from, dims, err := binding.Elements(whole, 1)
	if err != nil {
		return acc, err
	}
	for i := range dims[0] {
		if ctx.Err() != nil {
			return acc, context.Cause(ctx)
		}
		x := reflect.New(elem)
		if err := from.CopyTo(i, x.Interface()); err != nil {
			return acc, fmt.Errorf("element %d: %w", i, err)
		}
		v, err := f.call(ctx, []reflect.Value{acc, x.Elem()})
		if err != nil {
			return acc, err
		}
		acc = v
	}
	return acc, nil
}
