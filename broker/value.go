package broker

import (
	"context"
	"fmt"
	"reflect"
)

// A Value is data on its way. What a run or a task hands over is of type [Go], or a
// [List]; a broker that encodes gives the other side a type of its own. That of a
// result stays as it came until somebody reads it: it can be decoded, and be in jobs of
// the same run, until the run ends. Decode may be called more than once, and by several
// goroutines.
type Value interface {
	// Decode sets *into, a pointer to the type that the receiver wants. The error
	// says what does not fit, or matches the cause of a context that has ended.
	Decode(ctx context.Context, into any) error
}

// Go is a value as it is in this process: Decode hands it over by reference.
type Go struct{ V any }

// Decode implements [Value]. A value fits what it can be assigned to, and nil
// fits what has a nil.
func (g Go) Decode(_ context.Context, into any) error {
	if p, ok := into.(*any); ok {
		*p = g.V
		return nil
	}
	dst, v := reflect.ValueOf(into).Elem(), reflect.ValueOf(g.V)
	switch {
	case !v.IsValid() && nilable(dst.Kind()):
		dst.SetZero()
	case !v.IsValid():
		return fmt.Errorf("want %s, got nil", dst.Type())
	case v.Type().AssignableTo(dst.Type()):
		dst.Set(v)
	default:
		return fmt.Errorf("want %s, got %s", dst.Type(), v.Type())
	}
	return nil
}

func nilable(k reflect.Kind) bool {
	switch k {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		return true
	}
	return false
}

// List is a slice whose elements are values on their way, so that a run can hand the
// results of many jobs to one that takes them all, without reading them.
type List []Value

// Decode implements [Value]: it sets a slice of any element type. An element that is
// nil becomes the zero value.
func (l List) Decode(ctx context.Context, into any) error {
	dst := reflect.ValueOf(into).Elem()
	if dst.Kind() != reflect.Slice {
		return fmt.Errorf("want %s, got a list of %d values", dst.Type(), len(l))
	}
	all := reflect.MakeSlice(dst.Type(), len(l), len(l))
	for i, v := range l {
		if v == nil {
			continue
		}
		if err := v.Decode(ctx, all.Index(i).Addr().Interface()); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	dst.Set(all)
	return nil
}
