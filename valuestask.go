package runnel

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/runnelflow/runnel/internal/binding"
)

// Values are data by name: the inputs of a run, the outputs of a result, what a
// [ValuesTask] takes and returns.
type Values = map[string]any

// ValuesTask is a task whose inputs and outputs are known only at run time. It
// is immutable and safe for concurrent use. Its outputs are read with [Get].
type ValuesTask struct{ handle }

// NewValuesTask declares a task with any number of named inputs and outputs,
// none included. Names are literal: brackets, slashes and spaces mean nothing in
// them. fn gets exactly the named inputs and must return exactly the named
// outputs; a missing or an extra one fails the task.
func NewValuesTask(name string, inputs, outputs []string, fn func(context.Context, Values) (Values, error), opts ...TaskOption) *ValuesTask {
	return &ValuesTask{handle{newValues(name, inputs, outputs, fn, opts)}}
}

func newValues(name string, inputs, outputs []string, fn func(context.Context, Values) (Values, error), opts []TaskOption) *declaration {
	ins, outs := make([]input, len(inputs)), make([]output, len(outputs))
	for i, in := range inputs {
		ins[i] = input{name: in, label: in, typ: reflect.TypeFor[any]()}
	}
	for i, out := range outputs {
		outs[i] = output{name: out, label: out, typ: reflect.TypeFor[any]()}
	}
	d := declare(&values{fn}, ins, outs, opts)
	d.name = name
	if name == "" {
		d.problem("the task's name must not be empty")
	}
	d.checkNames("input", inputs)
	d.checkNames("output", outputs)
	if fn == nil {
		d.problem("the function is nil: give one")
	}
	return d
}

func (d *declaration) checkNames(kind string, names []string) {
	if len(names) < 2 && !slices.Contains(names, "") {
		return
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if name == "" {
			d.problem("%s names must not be empty: give each one, or drop it", kind)
		} else if seen[name] {
			d.problem("%s %q is named twice: drop one", kind, name)
		}
		seen[name] = true
	}
}

// As is a copy whose first output has another name. The task keeps its own.
func (t *ValuesTask) As(output string) *ValuesTask { return &ValuesTask{handle{t.d.as(output)}} }

// Bind is a copy that takes the named input from other data. The function still
// finds it under the old name.
func (t *ValuesTask) Bind(input, data string) *ValuesTask {
	return &ValuesTask{handle{t.d.bind(input, data)}}
}

// values is the body of a values task.
type values struct {
	fn func(context.Context, Values) (Values, error)
}

func (b *values) call(ctx context.Context, s *scratch, n *node) error {
	sources := s.run.plan.from(n)
	in := make(Values, len(sources))
	for i := range sources {
		from := &sources[i]
		v, err := s.run.slabs[from.slab].Load(int(from.index))
		if err != nil {
			return s.run.mismatch(n, i, err)
		}
		in[n.task.inputs[i].label] = v
	}
	out, err := b.fn(ctx, in)
	if err != nil {
		return err
	}
	var missing []string
	for k, o := range n.task.outputs {
		v, ok := out[o.label]
		if !ok {
			missing = append(missing, o.label)
			continue
		}
		at := s.run.plan.into(n)[k]
		s.run.slabs[at.slab].Store(int(at.index), v)
	}
	if len(missing) == 0 && len(out) == len(n.task.outputs) {
		return nil
	}
	return Permanent(b.wrongOutputs(n.task, out, missing))
}

func (b *values) wrongOutputs(d *declaration, out Values, missing []string) error {
	var extra []string
	for name := range out {
		if !slices.ContainsFunc(d.outputs, func(o output) bool { return o.label == name }) {
			extra = append(extra, name)
		}
	}
	slices.Sort(extra)
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, fmt.Sprintf("did not return %s", quoted(missing)))
	}
	if len(extra) > 0 {
		parts = append(parts, fmt.Sprintf("returned %s, which it does not declare", quoted(extra)))
	}
	labels := make([]string, len(d.outputs))
	for i, o := range d.outputs {
		labels[i] = o.label
	}
	return fmt.Errorf("the function %s: declared outputs are %s", strings.Join(parts, " and "), quoted(labels))
}

func (b *values) slab(_, n int) binding.Slab { return binding.NewValues[any](n) }

func (b *values) compiled() bool { return true }
