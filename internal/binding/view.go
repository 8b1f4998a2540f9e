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
	// Load returns value i. The error says why it cannot be had.
	Load(i int) (any, error)
}

// Lengths of an axis along which there is not one.
const (
	NoRow  = -1 // there is no row to tell
	Ragged = -2 // rows differ
)

// A Row is one level of nested data: what it has at each index is a row again or,
// on the last of the levels that were taken, an element. Rows of the last level
// are Readers of their elements.
type Row struct {
	v     reflect.Value
	below []*Row // on all levels but the last
}

// Elements takes the elements of a slice or an array along its first axes. It
// returns the rows, and how many there are on each axis, or [NoRow] or [Ragged].
// The error says what v is instead. An iter.Seq is to be collected before, with
// [Collect], by those who can stop it.
func Elements(v any, axes int) (*Row, []int, error) {
	dims := make([]int, axes)
	for d := range dims {
		dims[d] = NoRow
	}
	r, err := take(reflect.ValueOf(v), dims)
	if err != nil {
		return nil, nil, err
	}
	return r, dims, nil
}

func take(v reflect.Value, dims []int) (*Row, error) {
	v, err := indexable(v)
	if err != nil {
		return nil, err
	}
	r := &Row{v: v}
	switch n := v.Len(); {
	case dims[0] == NoRow:
		dims[0] = n
	case dims[0] != n:
		dims[0] = Ragged
	}
	if len(dims) == 1 {
		return r, nil
	}
	r.below = make([]*Row, v.Len())
	for k := range r.below {
		if r.below[k], err = take(v.Index(k), dims[1:]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Len is how many rows or elements there are.
func (r *Row) Len() int { return r.v.Len() }

// Below is a row of the next level.
func (r *Row) Below(k int) *Row { return r.below[k] }

// Alone is the same row without those beside it, which it keeps from being freed.
func (r *Row) Alone() *Row {
	if r.v.Kind() != reflect.Slice {
		return r
	}
	return &Row{r.v.Slice(0, r.v.Len()), r.below}
}

// Copy is a row of the same elements that shares none of its places.
func (r *Row) Copy() *Row { return r.part(0, r.Len()) }

// Only is a row of one element of this one, and keeps no others.
func (r *Row) Only(k int) *Row { return r.part(k, k+1) }

func (r *Row) part(from, to int) *Row {
	v := reflect.MakeSlice(reflect.SliceOf(r.v.Type().Elem()), to-from, to-from)
	for k := from; k < to; k++ {
		v.Index(k - from).Set(r.v.Index(k))
	}
	return &Row{v: v}
}

// Clear lets go of an element of a copy.
func (r *Row) Clear(k int) { r.v.Index(k).SetZero() }

// CopyTo implements [Reader].
func (r *Row) CopyTo(i int, dst any) error { return assign(reflect.ValueOf(dst).Elem(), r.v.Index(i)) }

// Load implements [Reader].
func (r *Row) Load(i int) (any, error) { return r.v.Index(i).Interface(), nil }

// Flat reads the elements of rows of one length, of which there are so many on
// each axis, in row-major order.
func (r *Row) Flat(dims []int) Reader {
	if len(dims) == 1 {
		return r
	}
	return &elements{r.last(dims), max(1, dims[len(dims)-1])}
}

// last are the rows of the last level.
func (r *Row) last(dims []int) []*Row {
	rows := []*Row{r}
	for range dims[1:] {
		var next []*Row
		for _, row := range rows {
			next = append(next, row.below...)
		}
		rows = next
	}
	return rows
}

// Values is a copy of what Flat reads.
func (r *Row) Values(dims []int) Slab {
	rows := r.last(dims)
	if len(rows) == 0 {
		return Boxed{}
	}
	t := rows[0].v.Type().Elem()
	for _, row := range rows {
		if row.v.Type().Elem() != t {
			t = reflect.TypeFor[any]()
		}
	}
	all := reflect.MakeSlice(reflect.SliceOf(t), 0, len(rows)*rows[0].Len())
	for _, row := range rows {
		if row.v.Type() == all.Type() {
			all = reflect.AppendSlice(all, row.v)
			continue
		}
		for k := range row.Len() {
			all = reflect.Append(all, row.v.Index(k))
		}
	}
	return reflected{all}
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
	case v.Kind() == reflect.Func && v.IsNil():
		return v, fmt.Errorf("it is nil, which has no elements")
	case v.Kind() == reflect.Func && v.Type().CanSeq():
		return v, fmt.Errorf("it is an iter.Seq (%s), which is read on the first axis only: make a slice of it with slices.Collect", v.Type())
	}
	return v, fmt.Errorf("it is a %s, which has no elements: a slice, an array or an iter.Seq has", v.Type())
}

// Collect reads an iter.Seq into a slice: to its end, which it may not have, or as
// long as goOn says so.
func Collect(seq any, goOn func() bool) any {
	v := reflect.ValueOf(seq)
	all := reflect.MakeSlice(reflect.SliceOf(v.Type().In(0).In(0)), 0, 0)
	for x := range v.Seq() {
		if !goOn() {
			break
		}
		all = reflect.Append(all, x)
	}
	return all.Interface()
}

// elements are those of rows of one length.
type elements struct {
	rows  []*Row
	width int
}

// CopyTo implements [Reader].
func (e *elements) CopyTo(i int, dst any) error { return e.rows[i/e.width].CopyTo(i%e.width, dst) }

// Load implements [Reader].
func (e *elements) Load(i int) (any, error) { return e.rows[i/e.width].Load(i % e.width) }

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

// Part is a copy of a part of a slab, as a slice.
func Part(s Slab, from, to int) (any, error) {
	part, err := s.Slice(from, to)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(part)
	return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, to-from), v).Interface(), nil
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

// Rows reads parts of a slab: part i holds the elements with first indices i, nested
// by the lengths along the other axes.
func Rows(flat Slab, dims []int) Reader {
	width := 1
	for _, n := range dims {
		width *= n
	}
	return &rows{flat, dims, width}
}

type rows struct {
	flat  Slab
	dims  []int
	width int
}

// CopyTo implements [Reader].
func (r *rows) CopyTo(i int, dst any) error {
	row, err := r.Load(i)
	if err != nil {
		return err
	}
	return Assign(dst, row)
}

// Load implements [Reader].
func (r *rows) Load(i int) (any, error) {
	flat, err := r.flat.Slice(i*r.width, (i+1)*r.width)
	if err != nil {
		return nil, err
	}
	return Nest(flat, r.dims), nil
}
