package binding

import (
	"fmt"
	"reflect"
)

// A Reader gives values by position.
type Reader interface {
	// CopyTo copies value i to *dst, a pointer to a type that the value can be
	// assigned to. The error says what does not fit.
	CopyTo(i int, dst any) error
	// Load returns value i.
	Load(i int) any
}

// Elements reads the elements of a slice, an array or an iter.Seq along its first
// axes, in row-major order, and returns how many there are on each, -1 where there
// is no row to tell. A Seq is read to its end. The error says what v is instead, or that it is not rectangular.
func Elements(v any, axes int) (Reader, []int, error) {
	value := reflect.ValueOf(v)
	dims := make([]int, axes)
	for d := range axes {
		dims[d] = -1
	}
	e := &elements{dims: dims}
	rows := []reflect.Value{value}
	for d := range axes {
		var next []reflect.Value
		for _, row := range rows {
			row, err := indexable(row)
			if err != nil {
				return nil, nil, err
			}
			if dims[d] < 0 {
				dims[d] = row.Len()
			} else if row.Len() != dims[d] {
				return nil, nil, fmt.Errorf("its rows have %d and %d elements: rows of one length make an axis", dims[d], row.Len())
			}
			if d == axes-1 {
				e.rows = append(e.rows, row)
				continue
			}
			for i := range row.Len() {
				next = append(next, row.Index(i))
			}
		}
		rows = next
	}
	e.width = max(1, dims[axes-1])
	return e, dims, nil
}

// indexable is what can be indexed in v.
func indexable(v reflect.Value) (reflect.Value, error) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return v, fmt.Errorf("it is nil, which has no elements")
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		return v, nil
	case v.Kind() == reflect.Func && v.Type().CanSeq():
		if v.IsNil() {
			return v, fmt.Errorf("it is nil, which has no elements")
		}
		return collect(v), nil
	}
	return v, fmt.Errorf("it is a %s, which has no elements: a slice, an array or an iter.Seq has", v.Type())
}

// Collect reads an iter.Seq to its end, into a slice.
func Collect(seq any) any { return collect(reflect.ValueOf(seq)).Interface() }

func collect(seq reflect.Value) reflect.Value {
	all := reflect.MakeSlice(reflect.SliceOf(seq.Type().In(0).In(0)), 0, 0)
	for x := range seq.Seq() {
		all = reflect.Append(all, x)
	}
	return all
}

// elements are those of nested slices: rows of the innermost.
type elements struct {
	dims  []int
	rows  []reflect.Value
	width int
}

func (e *elements) at(i int) reflect.Value { return e.rows[i/e.width].Index(i % e.width) }

// CopyTo implements [Reader].
func (e *elements) CopyTo(i int, dst any) error {
	return assign(reflect.ValueOf(dst).Elem(), e.at(i))
}

// Load implements [Reader].
func (e *elements) Load(i int) any { return e.at(i).Interface() }

// Nest makes nested slices of a flat one: dims are the lengths along each axis,
// the last one running fastest. They share their elements.
func Nest(flat any, dims []int) any { return nest(reflect.ValueOf(flat), dims).Interface() }

func nest(flat reflect.Value, dims []int) reflect.Value {
	if len(dims) == 1 {
		return flat
	}
	width := 1
	t := flat.Type()
	for _, n := range dims[1:] {
		width *= n
		t = reflect.SliceOf(t)
	}
	out := reflect.MakeSlice(t, dims[0], dims[0])
	for i := range dims[0] {
		out.Index(i).Set(nest(flat.Slice3(i*width, (i+1)*width, (i+1)*width), dims[1:]))
	}
	return out
}

// Flat is the inverse of Nest: the elements of nested slices in one.
func Flat(nested any, axes int) any {
	v := reflect.ValueOf(nested)
	for range axes - 1 {
		flat := reflect.MakeSlice(v.Type().Elem(), 0, 0)
		for i := range v.Len() {
			flat = reflect.AppendSlice(flat, v.Index(i))
		}
		v = flat
	}
	return v.Interface()
}

// Rows reads parts of a flat slice: part i holds the elements with first indices
// i, nested by the lengths along the other axes.
func Rows(flat any, dims []int) Reader {
	width := 1
	for _, n := range dims {
		width *= n
	}
	return &rows{reflect.ValueOf(flat), dims, width}
}

type rows struct {
	flat  reflect.Value
	dims  []int
	width int
}

func (r *rows) at(i int) reflect.Value {
	return nest(r.flat.Slice3(i*r.width, (i+1)*r.width, (i+1)*r.width), r.dims)
}

// CopyTo implements [Reader].
func (r *rows) CopyTo(i int, dst any) error { return assign(reflect.ValueOf(dst).Elem(), r.at(i)) }

// Load implements [Reader].
func (r *rows) Load(i int) any { return r.at(i).Interface() }
