package broker

import (
	"fmt"
	"reflect"
)

// A Value is data on its way. What a run or a task hands over is of type [Go]; a
// broker that encodes gives the other side a type of its own. Decode may be called
// more than once, and by several goroutines.
type Value interface {
	// Decode sets *into, a pointer to the type that the receiver wants. The error
	// says what does not fit.
	Decode(into any) error
}

// Go is a value as it is in this process: Decode hands it over by reference.
type Go struct{ V any }

// Decode implements [Value]. A value fits what it can be assigned to, and nil
// fits what has a nil.
func (g Go) Decode(into any) error {
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
