// Package binding moves values between tasks without boxing them: slabs hold
// the values that a run produces, one slab a type, and frames hold the input
// struct that a worker fills before it calls a task.
package binding

import (
	"fmt"
	"reflect"
)

// A Slab holds the values of one type that one run produces. Different
// positions may be used concurrently.
type Slab interface {
	Reader
	// CopyFrom sets value i from *src, a pointer to the slab's type.
	CopyFrom(i int, src any)
	// Store sets value i; v must be assignable to the slab's type, nil is its
	// zero value.
	Store(i int, v any)
	// Clear lets go of value i.
	Clear(i int)
	// Slice is the values from one position to before another as a slice of their
	// type, which shares them.
	Slice(from, to int) (any, error)
}

// Values is a slab of a type known to the compiler: *Values, since a call of a method
// through an interface that holds a slice goes by way of a copy of the slice.
type Values[T any] []T

// NewValues makes a slab for n values of type T.
func NewValues[T any](n int) Slab {
	s := make(Values[T], n)
	return &s
}

// CopyTo implements [Slab].
func (s *Values[T]) CopyTo(i int, dst any) error {
	if p, ok := dst.(*T); ok {
		*p = (*s)[i]
		return nil
	}
	return Assign(dst, (*s)[i])
}

// CopyFrom implements [Slab].
func (s *Values[T]) CopyFrom(i int, src any) { (*s)[i] = *src.(*T) }

// Load implements [Slab].
func (s *Values[T]) Load(i int) (any, error) { return (*s)[i], nil }

// Store implements [Slab].
func (s *Values[T]) Store(i int, v any) {
	if x, ok := v.(T); ok {
		(*s)[i] = x
		return
	}
	set(reflect.ValueOf(&(*s)[i]).Elem(), v)
}

// Clear implements [Slab].
func (s *Values[T]) Clear(i int) {
	var zero T
	(*s)[i] = zero
}

// Slice implements [Slab].
func (s *Values[T]) Slice(from, to int) (any, error) { return []T((*s)[from:to:to]), nil }

// reflected is the slab of a type that only reflection knows.
type reflected struct{ values reflect.Value }

// NewReflected makes a slab for n values of type t.
func NewReflected(t reflect.Type, n int) Slab {
	return reflected{reflect.MakeSlice(reflect.SliceOf(t), n, n)}
}

func (s reflected) CopyTo(i int, dst any) error {
	return assign(reflect.ValueOf(dst).Elem(), s.values.Index(i))
}

func (s reflected) CopyFrom(i int, src any) { s.values.Index(i).Set(reflect.ValueOf(src).Elem()) }

func (s reflected) Load(i int) (any, error) { return s.values.Index(i).Interface(), nil }
func (s reflected) Store(i int, v any)      { set(s.values.Index(i), v) }
func (s reflected) Clear(i int)             { s.values.Index(i).SetZero() }

// Slice implements [Slab].
func (s reflected) Slice(from, to int) (any, error) {
	return s.values.Slice3(from, to, to).Interface(), nil
}

// Boxed holds values of different types, as they come from a run's caller.
type Boxed []any

// CopyTo implements [Slab].
func (s Boxed) CopyTo(i int, dst any) error { return Assign(dst, s[i]) }

// CopyFrom implements [Slab].
func (s Boxed) CopyFrom(i int, src any) { s[i] = reflect.ValueOf(src).Elem().Interface() }

// Load implements [Slab].
func (s Boxed) Load(i int) (any, error) { return s[i], nil }

// Store implements [Slab].
func (s Boxed) Store(i int, v any) { s[i] = v }

// Clear implements [Slab].
func (s Boxed) Clear(i int) { s[i] = nil }

// Slice implements [Slab].
func (s Boxed) Slice(from, to int) (any, error) { return []any(s[from:to:to]), nil }

// Assign sets *dst to v; nil sets the zero value of a type that has nil. The
// error says what does not fit.
func Assign(dst, v any) error {
	return assign(reflect.ValueOf(dst).Elem(), reflect.ValueOf(v))
}

func assign(dst, v reflect.Value) error {
	// A value held in an interface counts as what it is, not as the interface.
	for v.IsValid() && v.Kind() == reflect.Interface && !v.Type().AssignableTo(dst.Type()) {
		v = v.Elem()
	}
	switch {
	case !v.IsValid() && Nilable(dst.Type()):
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

func set(dst reflect.Value, v any) {
	if v == nil {
		dst.SetZero()
		return
	}
	dst.Set(reflect.ValueOf(v))
}

// Nilable reports whether a type has a nil value.
func Nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		return true
	}
	return false
}
