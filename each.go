package runnel

import (
	"context"
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// Item is the input of a task made by [Each]: one element.
type Item[T any] struct{ Value T }

// Items is the input of a task made by [Fold]: all elements.
type Items[T any] struct{ Values []T }

// Each declares a mapped task from a function of one element: it runs fn for each
// element of the data named over, and produces a slice in the same order. Both
// names are given without axes.
//
//	Each("features", "tracks", extract)
func Each[T, R any](output, over string, fn func(context.Context, T) (R, error), opts ...TaskOption) *MapTask[Item[T], R] {
	sig := single(reflect.TypeFor[Item[T]](), over, input{label: "elements", axes: []string{"i"}, typ: reflect.TypeFor[T]()})
	var call func(context.Context, Item[T]) (R, error)
	if fn != nil {
		call = func(ctx context.Context, in Item[T]) (R, error) { return fn(ctx, in.Value) }
	}
	return &MapTask[Item[T], R]{handle{declareMap(output, []string{"i"}, sig, mapperOf[R](), bodyOf(call), opts)}}
}

// Fold declares a task that reduces the data named over, a slice, to one value:
// it calls fn for each element in order, with what it returned before, beginning
// with initial. An empty slice gives initial.
//
//	Fold("total", "durations", 0.0, add)
//
// fn must not change what initial refers to, since each run and each attempt
// begins with it.
func Fold[T, A any](output, over string, initial A, fn func(context.Context, A, T) (A, error), opts ...TaskOption) *Task[Items[T], A] {
	sig := single(reflect.TypeFor[Items[T]](), over, input{label: "elements", typ: reflect.TypeFor[[]T]()})
	var call func(context.Context, Items[T]) (A, error)
	if fn != nil {
		call = func(ctx context.Context, in Items[T]) (A, error) {
			acc := initial
			for _, v := range in.Values {
				if ctx.Err() != nil {
					return acc, context.Cause(ctx)
				}
				var err error
				if acc, err = fn(ctx, acc, v); err != nil {
					return acc, err
				}
			}
			return acc, nil
		}
	}
	return &Task[Items[T], A]{handle{declareTask(output, sig, reflect.TypeFor[A](), plainOf[A](), bodyOf(call), opts)}}
}

// single is the signature of a struct with one field, which takes the named data.
func single(t reflect.Type, data string, in input) *signature {
	in.name = data
	s := &signature{typ: t, inputs: []input{in}, fields: []binding.Field{{Index: []int{0}}}, template: reflect.New(t).Elem()}
	if err := checkDataName(data); err != nil {
		s.problem("over: %v", err)
	}
	return s
}

// Literal declares a task that produces a value which is there from the start,
// so that tasks can take it by name.
func Literal[T any](output string, value T, opts ...TaskOption) *Task[struct{}, T] {
	call := func(context.Context, struct{}) (T, error) { return value, nil }
	d := declareTask(output, signatureOf(reflect.TypeFor[struct{}]()), reflect.TypeFor[T](), plainOf[T](), bodyOf(call), opts)
	d.stays, d.literal = true, value // which is this process's
	return &Task[struct{}, T]{handle{d}}
}
