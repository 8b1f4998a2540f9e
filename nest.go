package runnel

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// nest is the pipeline that a task stands for.
type nest struct {
	pipeline *Pipeline
	target   string
	out      reflect.Type
	inputs   []string // names of the external inputs that the task's inputs take the place of
}

// Nest makes a task of a pipeline: its inputs, the fields of In, are the
// pipeline's external inputs, and its output is the pipeline's data target.
//
// The pipeline's tasks become tasks of the outer run, under a path: task "stats"
// of Nest("report", p, "summary") is "report/stats", and so are its data, except
// for target, which is "report". They keep their own options, their pipeline's
// [Defaults] and its interceptors; limits and cancellation of the outer run reach
// them. One pipeline may be nested several times, with [Task.As] and [Task.Bind].
//
// Every task of the pipeline runs. Of the options, [Name], which is the path, and
// [After] count; the others belong to the pipeline's tasks and are refused.
func Nest[In, Out any](output string, p *Pipeline, target string, opts ...TaskOption) *Task[In, Out] {
	return &Task[In, Out]{handle{newNest(output, signatureOf(reflect.TypeFor[In]()), reflect.TypeFor[Out](), p, target, opts)}}
}

func newNest(name string, sig *signature, out reflect.Type, p *Pipeline, target string, opts []TaskOption) *declaration {
	d := declare(nil, sig.inputs, []output{{name: name, label: name, typ: out}}, opts)
	d.sig, d.nest = sig, &nest{p, target, out, d.Inputs()}
	d.checkInput()
	if err := checkDataName(name); err != nil {
		d.problem("output: %v", err)
	}
	if p == nil {
		d.problem("the pipeline is nil: give one")
	}
	if !d.config.isNameAndAfter() {
		d.problem("options other than Name and After belong to the tasks of the nested pipeline: give them to those, or to all of them with Defaults")
	}
	return d
}

// flatten takes the tasks of a nested pipeline in the place of the task that
// stands for it.
func (b *builder) flatten(d *declaration) {
	for _, text := range slices.Concat(d.problems, d.config.problems) {
		b.problem(d, "%s", text)
	}
	if len(d.problems) > 0 {
		return
	}
	if d.nest.pipeline.reaches(b.pipeline, map[*Pipeline]bool{}) {
		b.problem(d, "its pipeline is, or nests, the one that it is part of: nest a pipeline that does without this task")
		return
	}
	inner, err := d.nest.pipeline.build()
	if err != nil {
		b.problem(d, "its pipeline cannot be built: %s", strings.TrimPrefix(err.Error(), "runnel: "))
		return
	}
	f := flattener{builder: b, task: d, inner: inner, path: d.Name() + "/", bound: map[string]int{}}
	for i, name := range d.nest.inputs {
		f.bound[name] = i
	}
	if !f.check() {
		return
	}
	for i := range inner.tasks {
		b.enter(f.copy(int32(i)))
	}
	for path, target := range inner.nests {
		b.nests[f.path+path] = f.path + target
	}
	b.nests[d.Name()] = f.path + inner.tasks[inner.producers[d.nest.target].task].Name()
}

// reaches reports whether a pipeline is another one or nests it, at any depth.
// Building it would then wait for itself.
func (p *Pipeline) reaches(other *Pipeline, seen map[*Pipeline]bool) bool {
	if p == other {
		return true
	}
	if seen[p] {
		return false
	}
	seen[p] = true
	for _, t := range p.Tasks() {
		if n := t.declared().nest; n != nil && n.pipeline != nil && n.pipeline.reaches(other, seen) {
			return true
		}
	}
	return false
}

// flattener copies the tasks of one nested pipeline.
type flattener struct {
	*builder
	task  *declaration // that stands for it
	inner *built
	path  string
	bound map[string]int // external input of the pipeline to input of the task
}

// check holds the task against its pipeline.
func (f *flattener) check() bool {
	before := len(f.problems)
	d, n := f.task, f.task.nest
	needy := map[*external]string{} // to a task that cannot do without
	takers := f.inner.whole.takers()
	for _, e := range f.inner.whole.needs {
		by := takers[e.number]
		needy[e] = by[slices.IndexFunc(by, func(t taker) bool { return !t.in.optional })].task.Name()
	}
	if from, ok := f.inner.producers[n.target]; !ok {
		f.problem(d, "its pipeline produces no data %q"+hintMark, n.target)
		hintFor(f.problems, n.target, maps.Keys(f.inner.producers))
	} else if made := f.inner.tasks[from.task].outputs[from.output].typ; !fits(made, n.out) {
		have, want := typeNames(made, n.out)
		f.problem(d, "its output is %s, but %q of its pipeline is %s: change one of the types", want, n.target, have)
	}
	for i, name := range n.inputs {
		e, in := f.inner.externals[name], d.inputs[i]
		switch {
		case e == nil:
			f.problem(d, "its pipeline has no external input %q (%s)"+hintMark+": drop the field, or correct its name", name, in.label)
			hintFor(f.problems, name, maps.Keys(f.inner.externals))
		case in.preset != nil:
			f.problem(d, "input %q (%s) has a default, which is no task's of its pipeline: make it optional, and give the default to the tasks that take %q", name, in.label, name)
		case in.optional && needy[e] != "":
			f.problem(d, "input %q (%s) is optional, but task %q of its pipeline cannot do without it: make it required, and give defaults to that task", name, in.label, needy[e])
		case !e.wants[0].takes(in.typ) && in.typ != reflect.TypeFor[any]():
			f.problem(d, "input %q (%s) is %s, but task %q of its pipeline takes %s: change one of the types", name, in.label, in.typ, takers[e.number][0].task.Name(), e.wants[0])
		}
	}
	for _, e := range f.inner.supplied {
		if _, ok := f.bound[e.name]; !ok && needy[e] != "" {
			f.problem(d, "its pipeline needs the external input %q, for task %q: add a field for it", e.name, needy[e])
		}
	}
	return len(f.problems) == before
}

// copy is a task of the pipeline as a task of the outer one.
func (f *flattener) copy(i int32) *declaration {
	c := f.inner.tasks[i].copy()
	c.within = f.path + c.within
	c.path = slices.Concat([]string{f.task.Name()}, c.path)
	if c.name == "" {
		c.name = f.inner.tasks[i].ownName() // its outputs get other names
	}
	c.inputs, c.outputs = slices.Clone(c.inputs), slices.Clone(c.outputs)
	for k := range c.outputs {
		o := &c.outputs[k]
		if o.name == f.task.nest.target {
			o.name = f.task.outputs[0].name
		} else {
			o.name = f.path + o.name
		}
	}
	for k := range c.inputs {
		in := &c.inputs[k]
		if own, ok := f.bound[in.name]; ok && f.inner.links[i][k].external != nil {
			in.name = f.task.inputs[own].name
		} else if in.name == f.task.nest.target {
			in.name = f.task.outputs[0].name
		} else {
			in.name = f.path + in.name
		}
	}
	c.interceptors = slices.Concat(f.inner.config.interceptors, c.interceptors)
	c.outside = slices.Clone(c.outside)
	for k := range c.outside {
		c.outside[k] = f.path + c.outside[k] // of a pipeline nested in this one
	}
	if f.tolerant(i) {
		c.outside = slices.Concat(f.task.config.after, c.outside)
	}
	return &c
}

// tolerant reports whether a task of the pipeline would run though all others of it
// are skipped: it takes nothing of theirs that it cannot do without. What the nested
// pipeline as a whole waits for, such a task has to wait for itself.
func (f *flattener) tolerant(i int32) bool {
	needs := func(in input) bool { return !in.optional }
	return len(f.inner.graph.Pred(i)) == 0 || !slices.ContainsFunc(f.inner.tasks[i].inputs, needs)
}

// configured applies defaults, those that came with a nested pipeline, and the
// task's own options. Names of tasks inside the nested pipeline get its path.
func (d *declaration) configured(defaults []TaskOption) *taskConfig {
	c := configure(defaults, d.base, d.opts)
	if d.within == "" {
		return c
	}
	copied := *c
	copied.after = slices.Concat(configure(defaults).after, d.outside)
	for _, name := range configure(d.base, d.opts).after {
		copied.after = append(copied.after, d.within+name)
	}
	return &copied
}
