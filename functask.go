package runnel

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/runnelflow/runnel/internal/binding"
)

// FuncTask is a declared plain function. It is immutable and safe for
// concurrent use. Its output is read with [Get].
type FuncTask struct{ handle }

// Func declares a plain function as a task. [Inputs] names the data of its
// parameters, in order; a leading context is not counted. The function returns
// its output, or its output and an error.
//
//	Func("stats", computeStats, Inputs("features", "config"))
//
// It is called by reflection, which costs more than a direct call; [NewTask]
// does not.
func Func(output string, fn any, opts ...TaskOption) *FuncTask {
	return &FuncTask{handle{newFunc(output, fn, opts)}}
}

func newFunc(name string, fn any, opts []TaskOption) *declaration {
	b := &reflectedFunc{fn: reflect.ValueOf(fn)}
	d := declare(b, nil, []output{{name: name, label: name}}, opts)
	if err := checkDataName(name); err != nil {
		d.problem("output: %v", err)
	}
	switch {
	case b.fn.Kind() != reflect.Func:
		d.problem("Func needs a function, got %s: hand it over without calling it", typeOf(fn))
		return d
	case b.fn.IsNil():
		d.problem("the function, a %T, is nil: give one", fn)
		return d
	}
	b.read(d)
	return d
}

// As is a copy that produces its data under another name.
func (t *FuncTask) As(output string) *FuncTask { return &FuncTask{handle{t.d.as(output)}} }

// Bind is a copy that takes the named input from other data.
func (t *FuncTask) Bind(input, data string) *FuncTask {
	return &FuncTask{handle{t.d.bind(input, data)}}
}

// reflectedFunc is the body of a plain function.
type reflectedFunc struct {
	fn      reflect.Value
	context bool // the first parameter is one
	err     bool // the last result is one
	out     reflect.Type
}

// read works out inputs and output from the function's type.
func (b *reflectedFunc) read(d *declaration) {
	t := b.fn.Type()
	var params []reflect.Type
	for i := range t.NumIn() {
		if i == 0 && t.In(0) == reflect.TypeFor[context.Context]() {
			b.context = true
			continue
		}
		params = append(params, t.In(i))
	}
	b.readResults(d, t)
	names := d.config.params
	switch {
	case !d.config.hasParams && len(params) > 0:
		d.problem("Go does not keep parameter names: name the data of (%s) with Inputs(%s)", typeList(params), strings.TrimSuffix(strings.Repeat(`"…", `, len(params)), ", "))
	case len(names) != len(params):
		d.problem("Inputs names %d data, but the function takes %d: (%s)", len(names), len(params), typeList(params))
	default:
		seen := map[string]bool{}
		for i, name := range names {
			if err := checkDataName(name); err != nil {
				d.problem("Inputs: %v", err)
			} else if seen[name] {
				d.problem("Inputs names data %q twice: let the function take it once", name)
			}
			seen[name] = true
			if isOptional(params[i]) {
				d.problem("parameter %d is %s, but Func has no optional inputs: take %s, or declare the task with NewTask", i+1, params[i], params[i].Field(0).Type)
			}
			d.inputs = append(d.inputs, input{name: name, label: fmt.Sprintf("parameter %d", i+1), typ: params[i]})
		}
	}
}

func (b *reflectedFunc) readResults(d *declaration, t reflect.Type) {
	n := t.NumOut()
	b.err = n > 0 && t.Out(n-1) == reflect.TypeFor[error]()
	if b.err {
		n--
	}
	switch n {
	case 0:
		d.problem("the function returns no value for output %q: return one, or one and an error", d.outputs[0].name)
	case 1:
		b.out = t.Out(0)
		d.outputs[0].typ = b.out
	default:
		d.problem("the function returns %d values for one output: return a struct, or declare it with NewMultiTask", n)
	}
}

// typeOf names the type of a value that may be nil.
func typeOf(v any) string {
	if v == nil {
		return "nil"
	}
	return reflect.TypeOf(v).String()
}

func typeList(types []reflect.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

func (b *reflectedFunc) call(ctx context.Context, s *scratch, n *node) error {
	sources := s.run.plan.from(n)
	args := make([]reflect.Value, 0, len(sources)+1)
	if b.context {
		args = append(args, reflect.ValueOf(ctx))
	}
	for i := range sources {
		from := &sources[i]
		arg := reflect.New(n.task.inputs[i].typ)
		if err := s.run.slabs[from.slab].CopyTo(int(from.index), arg.Interface()); err != nil {
			return s.run.mismatch(n, i, err)
		}
		args = append(args, arg.Elem())
	}
	call := b.fn.Call
	if b.fn.Type().IsVariadic() {
		call = b.fn.CallSlice
	}
	results := call(args)
	if b.err {
		if err, _ := results[len(results)-1].Interface().(error); err != nil {
			return err
		}
	}
	at := s.run.plan.into(n)[0]
	s.run.slabs[at.slab].Store(int(at.index), results[0].Interface())
	return nil
}

func (b *reflectedFunc) slab(_, n int) binding.Slab { return binding.NewReflected(b.out, n) }

func (b *reflectedFunc) compiled() bool { return false }
