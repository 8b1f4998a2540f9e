package runnel

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
)

// AnyTask is a declared task of any type. Tasks are immutable, safe for
// concurrent use, and may be part of many pipelines. The interface is sealed:
// pointers to the task types of this package implement it.
type AnyTask interface {
	// Name is the task's name: that of its [Name] option, else its first output.
	Name() string
	// Inputs are the names of the data that the task consumes.
	Inputs() []string
	// Outputs are the names of the data that the task produces, the primary first.
	Outputs() []string
	// Description is the text of the [Describe] option.
	Description() string
	// Meta is a copy of what [Meta] options attached.
	Meta() map[string]any
	// Resources is what the [Needs] option declares.
	Resources() Resources
	// Location is the file and line of the declaration, as in "stats.go:41". A
	// copy has that of its original.
	Location() string

	WorkerOption // a worker is made of tasks

	declared() *declaration
}

// output is one value that a task produces.
type output struct {
	name  string       // of the data
	label string       // as the task's code calls it
	typ   reflect.Type // of the value
	elem  reflect.Type // of an element, nil for plain data
	axes  []string     // of the data, nil for plain data
}

// declaration is a task without its types: what the graph is built from.
type declaration struct {
	name    string // empty: the first output's
	pc      uintptr
	inputs  []input
	outputs []output
	axes    []string // of a mapped task: it runs once for each combination of their indices
	opts    []TaskOption
	config  *taskConfig // opts, applied
	body    body
	shape   shape      // of a function
	sig     *signature // of its input struct
	outs    *signature // of its output struct, when its fields are outputs

	problems []string // found while declaring

	// Of a task of a nested pipeline: the path in front of its name, the defaults
	// and interceptors that came with it, and the tasks outside that it runs after.
	within       string
	path         []string // of the nested pipelines around it
	base         []TaskOption
	interceptors []Interceptor
	outside      []string
	nest         *nest // of a task made by Nest, which stands for a pipeline

	stays   bool // in the process of the run, also when there are workers
	literal any  // the value of a task made by Literal, which stays
}

// body is the part of a task that knows its types.
type body interface {
	// call makes one attempt at a node: it gets the inputs, calls the function,
	// and keeps the outputs.
	call(ctx context.Context, s *scratch, n *node) error
}

// invoked is what attempts at the task call: its body, or what has less to look at.
func (d *declaration) invoked() body {
	if _, ok := d.shape.(plain); ok {
		return d.body.(interface{ direct() body }).direct()
	}
	return d.body
}

// declare records where a task was declared, and its options. It is called by
// what the exported constructors call.
func declare(b body, inputs []input, outputs []output, opts []TaskOption) *declaration {
	return &declaration{pc: callerPC(), inputs: inputs, outputs: outputs, opts: opts, config: configure(opts), body: b}
}

// callerPC is where the exported constructor was called: it called a function
// that called declare.
func callerPC() uintptr {
	var pc [1]uintptr
	runtime.Callers(5, pc[:])
	return pc[0]
}

// require is the declaration, which has a problem unless something is there.
func (d *declaration) require(what string, ok bool) *declaration {
	if !ok {
		d.problem("%s is nil: give one", what)
	}
	return d
}

func (d *declaration) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

// Name implements [AnyTask].
func (d *declaration) Name() string { return d.within + d.ownName() }

func (d *declaration) ownName() string {
	switch {
	case d.config.name != "":
		return d.config.name
	case d.name != "":
		return d.name
	case len(d.outputs) > 0:
		return d.outputs[0].name
	}
	return ""
}

// Inputs implements [AnyTask].
func (d *declaration) Inputs() []string {
	names := make([]string, len(d.inputs))
	for i, in := range d.inputs {
		names[i] = in.name
	}
	return names
}

// Outputs implements [AnyTask].
func (d *declaration) Outputs() []string {
	names := make([]string, len(d.outputs))
	for i, out := range d.outputs {
		names[i] = out.name
	}
	return names
}

// Description implements [AnyTask].
func (d *declaration) Description() string { return d.config.description }

// Meta implements [AnyTask].
func (d *declaration) Meta() map[string]any {
	meta := make(map[string]any, len(d.config.meta))
	for k, v := range d.config.meta {
		meta[k] = v
	}
	return meta
}

// Resources implements [AnyTask].
func (d *declaration) Resources() Resources { return d.config.needs }

// Location implements [AnyTask].
func (d *declaration) Location() string {
	frame, _ := runtime.CallersFrames([]uintptr{d.pc}).Next()
	return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
}

func (d *declaration) declared() *declaration { return d }

// copy is a declaration that can be changed: it appends to nothing that others
// have.
func (d *declaration) copy() declaration {
	c := *d
	c.problems = slices.Clip(c.problems)
	return c
}

// as is a copy whose primary output has another name.
func (d *declaration) as(name string) *declaration {
	c := d.copy()
	c.rename(name)
	return &c
}

func (d *declaration) rename(name string) {
	if err := d.checkName(name); err != nil {
		d.problem("As: %v", err)
	}
	if len(d.outputs) == 0 {
		d.problem("As(%q): the task has no output to rename", name)
		return
	}
	d.outputs = slices.Clone(d.outputs)
	d.outputs[0].name = name
}

// bind is a copy that takes an input from data of another name.
func (d *declaration) bind(from, data string) *declaration {
	c := d.copy()
	c.rebind(from, data)
	return &c
}

func (d *declaration) rebind(from, data string) {
	if err := d.checkName(data); err != nil {
		d.problem("Bind: %v", err)
	}
	if !slices.ContainsFunc(d.inputs, func(in input) bool { return in.name == from }) {
		d.problem("Bind(%q, %q): the task has no input %q%s", from, data, from, orList(", only ", d.Inputs()))
		return
	}
	d.inputs = slices.Clone(d.inputs)
	for i := range d.inputs {
		if d.inputs[i].name == from {
			d.inputs[i].name = data
		}
	}
}

// checkName refuses a data name that this kind of task cannot have.
func (d *declaration) checkName(name string) error {
	if _, literal := d.body.(*values); literal && name != "" {
		return nil
	}
	return checkDataName(name)
}

// override applies one more option, over those of the declaration.
func (d *declaration) override(o TaskOption) {
	if configure([]TaskOption{o}).hasParams {
		d.problem("Inputs belongs to the declaration: take an input from other data with Bind")
		return
	}
	d.opts = append(d.opts[:len(d.opts):len(d.opts)], o)
	d.config = configure(d.opts)
}
