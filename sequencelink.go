package runnel

import (
	"fmt"
	"reflect"
	"slices"
)

// route works out what each input takes: the previous value, a constant, or data
// of its name.
func (c *caller) route(prev *value) {
	d := c.d
	c.from = make([]*value, len(d.inputs))
	c.set = make([]*stepArg, len(d.inputs))
	for k := range c.args {
		a := &c.args[k]
		i := c.input("Arg", a.name)
		if i < 0 {
			continue
		}
		if c.set[i] != nil {
			c.wrong("Arg sets %q twice: keep one", a.name)
		}
		c.set[i] = a
	}
	switch {
	case prev == nil && c.hasInto:
		c.wrong("Into(%q): the first step has no previous result: drop it", c.into)
	case prev == nil && c.spread:
		c.wrong("Spread: there is no group before: drop it")
	case prev == nil:
	case c.spread:
		c.spreadOut(prev)
	case c.hasInto:
		if i := c.input("Into", c.into); i >= 0 && c.set[i] != nil {
			c.wrong("input %q has Arg and Into: keep one", c.into)
		} else if i >= 0 {
			c.from[i] = prev
		}
	case d.nest != nil:
		if i := c.soleInput(); i >= 0 {
			c.from[i] = prev
		}
	default:
		if i := slices.Index(c.set, nil); i >= 0 {
			c.from[i] = prev
		}
	}
}

// input is the number of a named input, or -1.
func (c *caller) input(option, name string) int {
	i := slices.IndexFunc(c.d.inputs, func(in input) bool { return in.name == name })
	if i < 0 {
		c.wrong("%s(%q): there is no such input%s", option, name, orList(", only ", c.d.Inputs()))
	}
	return i
}

// soleInput is the input of a pipeline that takes the previous value.
func (c *caller) soleInput() int {
	var needed, all []int
	for i := range c.d.inputs {
		if c.set[i] != nil {
			continue
		}
		if all = append(all, i); c.need[i] {
			needed = append(needed, i)
		}
	}
	switch {
	case len(needed) == 1:
		return needed[0]
	case len(needed) == 0 && len(all) == 1:
		return all[0]
	case len(all) == 0:
		return -1
	}
	c.wrong("its pipeline has several inputs: say with Into which of %s takes the previous result", quoted(c.d.Inputs()))
	return -1
}

// spreadOut hands the members of a group to an input each.
func (c *caller) spreadOut(prev *value) {
	if prev.joint == nil || prev.joint.choice {
		if prev.typ != nil || prev.joint != nil {
			c.wrong("Spread: the step before is no group: drop it")
		}
		return
	}
	parts := prev.joint.parts
	for i := range c.from {
		if c.set[i] == nil && len(parts) > 0 {
			c.from[i], parts = parts[0], parts[1:]
		}
	}
	free := len(c.from) - len(c.args)
	if _, own := c.d.body.(*stepBody); len(parts) > 0 || own && !c.named && free > len(prev.joint.parts) {
		c.wrong("Spread: the group before has %d members, but there are %d inputs to take them: let there be one for each, or name the others with Inputs", len(prev.joint.parts), free)
	}
}

// connect binds inputs to what they take, and checks that it fits.
func (c *caller) connect() {
	for i := range c.d.inputs {
		in := &c.d.inputs[i]
		switch {
		case c.set[i] != nil && c.fitting(in, c.set[i]):
			in.name = c.constant(c.place, c.d.Name()+"/"+in.name, nested(in.typ, len(in.axes)), c.set[i].value).data
			in.optional = false
		case c.from[i] != nil:
			c.take(i, c.from[i])
		}
	}
}

// fitting checks a constant.
func (c *caller) fitting(in *input, a *stepArg) bool {
	t := nested(in.typ, len(in.axes))
	switch got := reflect.TypeOf(a.value); {
	case in.partial:
		c.wrong("Arg(%q): a Partial takes the output of a mapped task, no constant: take a []T", a.name)
	case got == nil && !(want{typ: t}).takes(nil):
		c.wrong("Arg(%q) is nil, but %s is %s: give a value of that type", a.name, in.label, t)
	case got != nil && !got.AssignableTo(t):
		have, want := typeNames(got, t)
		c.wrong("Arg(%q) is %s, but %s is %s: write %s(…) around the constant, or change the type", a.name, have, in.label, want, want)
	default:
		return true
	}
	return false
}

// take lets an input take what a step hands on.
func (c *caller) take(i int, v *value) {
	in := &c.d.inputs[i]
	what := in.label
	if _, own := c.d.body.(*stepBody); !own {
		what = fmt.Sprintf("input %q (%s)", in.name, in.label)
	}
	if v.joint != nil {
		t := nested(in.typ, len(in.axes))
		if in.partial && !v.joint.choice {
			// The slots of a group are no mapped task: they come as a Partial that is a
			// value like any other.
			t = c.fieldType(i)
			in.typ, in.partial = t, false
		}
		var text string
		if v, text = c.resolve(v, t); text != "" {
			c.wrong("%s is %s, but %s", what, t, text)
			return
		}
	}
	in.name = v.data
	if text := misfit(v, in, what); text != "" {
		c.wrong("%s", text)
	}
}

// misfit says that an input does not take what a step hands on, or is empty.
func misfit(v *value, in *input, what string) string {
	if v.typ == nil {
		return ""
	}
	made, ok := elementType(v.typ, len(in.axes))
	if !ok {
		return fmt.Sprintf("%s takes elements, %s, but %s gives %s, which is no slice, array or iter.Seq: take the whole with CallNext, or let that step return a slice", what, in.typ, v.from, v.typ)
	}
	if fits(made, in.typ) {
		return ""
	}
	have, want := typeNames(made, in.typ)
	of := ""
	if len(in.axes) > 0 {
		of = "elements of type "
	}
	return fmt.Sprintf("%s is %s, but %s gives %s%s: change one of the types, or put a step between that converts", what, want, v.from, of, have)
}

// fieldType is the type of an input as the code of the task has it: a Partial, of
// which the declaration knows the slice.
func (c *caller) fieldType(i int) reflect.Type {
	if b, ok := c.d.body.(*stepBody); ok {
		return b.params[i]
	}
	return c.d.sig.typ.FieldByIndex(c.d.sig.fields[i].Index).Type
}
