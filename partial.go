package runnel

import (
	"errors"
	"reflect"
	"slices"

	"github.com/runnelflow/runnel/internal/binding"
)

// Partial is the type of an input field that takes a mapped output with holes:
// the task runs though some elements failed or were skipped, once all have ended.
// With several axes it is flat, the last axis running fastest; a Partial[[]T] has
// rows of the last axis, a Partial[[][]T] those of the last two, and so on.
//
// Where elements fan out again, a row that could not be made is one missing element
// of the flat form: it has a place, a zero value and an error like others. In a
// Partial of rows it is nil.
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
	if v, ok := values.([]T); ok {
		p.Values = v
	} else if err := binding.Assign(&p.Values, values); err != nil {
		return err
	}
	p.Errs = errs
	return nil
}

// partial is implemented by a pointer to any Partial.
type partial interface {
	elements() reflect.Type
	fill(values any, errs map[int]error) error
}

// hole is a missing element of a mapped output: its index, and why. That of a
// whole row that is missing is shorter.
type hole struct {
	index []int
	err   error
}

// levels is how many levels of slices a type is around the elements of an output;
// 0 also for a type that is not made of them.
func levels(t reflect.Type, out *output) int {
	if out.elem != nil {
		for k := range out.axes {
			if t == nested(out.elem, k) {
				return k
			}
		}
	}
	return 0
}

// fillPartial fills a Partial with what nested data has at each index of its first
// axes. The holes are in order.
func fillPartial(p partial, data any, axes int, holes []hole) error {
	v := reflect.ValueOf(data)
	if axes == 1 && len(holes) == 0 {
		return p.fill(data, nil)
	}
	elem, ok := elementType(v.Type(), axes)
	if !ok {
		return p.fill(data, nil) // which says what does not fit
	}
	u := unnester{axes: axes, flat: reflect.MakeSlice(reflect.SliceOf(elem), 0, v.Len()), holes: holes}
	return p.fill(u.all(data).Interface(), u.errs)
}

// unnester goes through nested data and its holes side by side.
type unnester struct {
	axes  int
	flat  reflect.Value
	errs  map[int]error
	holes []hole // that are still to come
}

// all is the whole of nested data, flat.
func (u *unnester) all(data any) reflect.Value {
	u.visit(reflect.ValueOf(data), nil)
	return u.flat
}

func (u *unnester) visit(v reflect.Value, index []int) {
	var why []error
	for len(u.holes) > 0 && isPrefix(index, u.holes[0].index) && (len(index) == u.axes || len(index) == len(u.holes[0].index)) {
		why, u.holes = append(why, u.holes[0].err), u.holes[1:]
	}
	if len(why) > 0 {
		if u.errs == nil {
			u.errs = map[int]error{}
		}
		if u.errs[u.flat.Len()] = why[0]; len(why) > 1 {
			u.errs[u.flat.Len()] = errors.Join(why...)
		}
	}
	switch {
	case len(index) == u.axes:
		u.flat = reflect.Append(u.flat, v)
	case len(why) > 0: // the row is missing
		u.flat = reflect.Append(u.flat, reflect.Zero(u.flat.Type().Elem()))
	default:
		for v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		for i := range v.Len() {
			u.visit(v.Index(i), append(index[:len(index):len(index)], i))
		}
	}
}

func isPrefix(short, long []int) bool {
	return len(short) <= len(long) && slices.Equal(short, long[:len(short)])
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
