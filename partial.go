package runnel

import (
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// Partial is the type of an input field that takes a mapped output with holes:
// the task runs though some elements failed or were skipped, once all have ended.
// With several axes it is flat, the last axis running fastest.
type Partial[T any] struct {
	// Values has every element in input order; the zero value where there is none.
	Values []T
	// Errs says why an element is missing, by its index; nil when none is.
	Errs map[int]error
}

func (Partial[T]) elements() reflect.Type { return reflect.TypeFor[[]T]() }

// fill sets the values and the errors. It is called by code that knows only the
// interface partial. The error names both types.
func (p *Partial[T]) fill(values any, errs map[int]error) error {
	p.Errs = errs
	if v, ok := values.([]T); ok {
		p.Values = v
		return nil
	}
	return binding.Assign(&p.Values, values)
}

// partial is implemented by a pointer to any Partial.
type partial interface {
	fill(values any, errs map[int]error) error
}

// partialOf is the slice type that a Partial takes; ok is false for any other
// type.
func partialOf(t reflect.Type) (of reflect.Type, ok bool) {
	p, ok := reflect.Zero(t).Interface().(interface{ elements() reflect.Type })
	if !ok || t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[Partial[int]]().PkgPath() {
		return nil, false
	}
	return p.elements(), true
}
