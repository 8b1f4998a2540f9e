package runnel

import "slices"

// name names the task and its output, and makes way for names that are taken.
func (c *caller) name(to target) {
	d := c.d
	names := d.Inputs()
	for _, o := range c.register {
		o.applyRegister(d)
	}
	for i, in := range d.inputs {
		switch {
		case c.from[i] == nil && c.set[i] == nil:
			c.taken[in.name] = true
		case in.name != names[i]:
			c.wrong("Bind(%q, %q): that input takes the previous result or a constant: drop the Bind, or name another input with Into", names[i], in.name)
		}
	}
	if len(d.outputs) == 0 {
		c.nameTask(c.unique(d.Name(), c.place))
		return
	}
	d.outputs = slices.Clone(d.outputs)
	out := &d.outputs[0]
	asked := c.asked()
	if asked && c.auto != "" {
		d.name = "" // the task is named after its output
	}
	task, own := d.Name(), d.Name() != out.name
	switch last := to.last && (!asked || out.name == lastResult); {
	case last:
		out.name = lastResult
		task = c.unique(task, c.place)
	case asked && c.taken[out.name]:
		c.wrong("As(%q): the name is taken in this sequence: choose another", out.name)
	default:
		out.name = c.unique(out.name, c.place)
		if !own {
			task = out.name
		} else {
			task = c.unique(task, c.place)
		}
	}
	c.nameTask(task)
	for _, o := range d.outputs[1:] {
		c.taken[o.name] = true
	}
}

// nameTask names the task itself.
func (c *caller) nameTask(name string) {
	switch {
	case c.d.config.name == "":
		c.d.name = name
	case c.d.config.name != name:
		c.d.override(Name(name))
	}
}

// asked reports whether As names the output.
func (c *caller) asked() bool {
	return slices.ContainsFunc(c.register, func(o RegisterOption) bool {
		probe := declaration{outputs: []output{{}}, config: plainConfig}
		o.applyRegister(&probe)
		return probe.outputs[0].name != ""
	})
}
