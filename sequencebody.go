package runnel

import (
	"context"
	"reflect"
	"runtime"
	"strings"

	"github.com/runnelflow/runnel/internal/binding"
)

// callable is a plain function that a sequence calls.
type callable struct {
	fn      reflect.Value
	name    string // as in the source, empty for a function literal
	context bool   // the first parameter is one
	err     bool   // the last result is one
	params  []reflect.Type
	results []reflect.Type
}

// readCallable looks at a function, which is not nil.
func readCallable(fn reflect.Value) *callable {
	t := fn.Type()
	c := &callable{fn: fn, name: functionName(fn)}
	for i := range t.NumIn() {
		if i == 0 && t.In(0) == reflect.TypeFor[context.Context]() {
			c.context = true
			continue
		}
		c.params = append(c.params, t.In(i))
	}
	for i := range t.NumOut() {
		if i == t.NumOut()-1 && t.Out(i) == reflect.TypeFor[error]() {
			c.err = true
			continue
		}
		c.results = append(c.results, t.Out(i))
	}
	return c
}

// functionName is the name of a function in the source, empty for one that has
// none.
func functionName(fn reflect.Value) string {
	f := runtime.FuncForPC(fn.Pointer())
	if f == nil {
		return ""
	}
	name := f.Name()
	name = strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], "-fm") // of a method
	name, _, _ = strings.Cut(name, "[")                                     // of type parameters
	_, name, _ = strings.Cut(name, ".")                                     // of the package
	for part := range strings.SplitSeq(name, ".") {
		digits := strings.TrimLeft(strings.TrimPrefix(part, "func"), "0123456789")
		if strings.HasPrefix(part, "func") && digits == "" || part == "glob" {
			return ""
		}
	}
	return name[strings.LastIndex(name, ".")+1:]
}

// call calls the function. The value is that of its only result but an error.
func (c *callable) call(ctx context.Context, args []reflect.Value) (reflect.Value, error) {
	if c.context {
		args = append([]reflect.Value{reflect.ValueOf(ctx)}, args...)
	}
	call := c.fn.Call
	if c.fn.Type().IsVariadic() {
		call = c.fn.CallSlice
	}
	results := call(args)
	if c.err {
		if err, _ := results[len(results)-1].Interface().(error); err != nil {
			return reflect.Value{}, err
		}
	}
	if len(c.results) == 0 {
		return reflect.Value{}, nil
	}
	return results[0], nil
}

// stepBody is the body of a task that a sequence makes: types known to reflection
// only, whole values or elements.
type stepBody struct {
	params []reflect.Type // one for each input of the task
	out    reflect.Type   // of the output or its elements, nil without
	rank   int            // how many axes
	do     func(a *stepInputs) (reflect.Value, error)
}

// stepInputs is what an attempt of a stepBody works on.
type stepInputs struct {
	context.Context
	run    *execution
	node   *node
	values []reflect.Value // the zero Value for one that is absent
}

// arguments are pointers that a run fills.
type arguments []reflect.Value

// Set implements filler.
func (a arguments) Set(i int, from binding.Reader, at int) error {
	return from.CopyTo(at, a[i].Interface())
}

// Field implements filler.
func (a arguments) Field(i int) any { return a[i].Interface() }

func (b *stepBody) call(ctx context.Context, s *scratch, n *node) error {
	x := s.run
	in := &stepInputs{ctx, x, n, make([]reflect.Value, len(b.params))}
	args := make(arguments, len(b.params))
	for i, t := range b.params {
		args[i] = reflect.New(t)
		from := &x.plan.from(n)[i]
		if from.optional && x.absent(from) {
			continue
		}
		var err error
		if b.rank > 0 {
			err = x.maps[n.mapped].set(args, i, s.elem)
		} else {
			err = x.fill(args, i, from)
		}
		if err != nil {
			return x.mismatch(n, i, err)
		}
		in.values[i] = args[i].Elem()
	}
	v, err := b.do(in)
	switch {
	case err != nil:
		return err
	case b.out == nil:
		return nil
	case b.rank > 0:
		columns, at := x.maps[n.mapped].place(s.elem)
		columns[0].Store(at, v.Interface())
	default:
		at := x.plan.into(n)[0]
		x.slabs[at.slab].Store(int(at.index), v.Interface())
	}
	return nil
}

func (b *stepBody) slab(_, n int) binding.Slab { return binding.NewReflected(nested(b.out, b.rank), n) }

func (b *stepBody) compiled() bool { return false }

func (b *stepBody) elements(_, n int) binding.Slab { return binding.NewReflected(b.out, n) }
