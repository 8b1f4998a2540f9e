package canon

import (
	"bytes"
	"math"
	"reflect"
	"slices"
)

type (
	writes = func(*writer, reflect.Value)
	reads  = func(*reader, reflect.Value)
)

func pointer(t reflect.Type, elem *codec) (writes, reads) {
	write := func(w *writer, v reflect.Value) {
		w.flag(!v.IsNil())
		if !v.IsNil() && w.down() {
			elem.write(w, v.Elem())
			w.up()
		}
	}
	read := func(r *reader, v reflect.Value) {
		if !r.flag() || !r.down() {
			v.SetZero()
			return
		}
		at := reflect.New(t.Elem())
		elem.read(r, at.Elem())
		v.Set(at)
		r.up()
	}
	return write, read
}

// list is the codec of a slice: its length and one, 0 for nil, and its elements.
func list(t reflect.Type, elem *codec) (writes, reads) {
	floats := t == reflect.TypeFor[[]float64]()
	write := func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.uint(0)
			return
		}
		n := v.Len()
		w.uint(uint64(n) + 1)
		if floats { // without reflection: there are many
			for _, f := range v.Interface().([]float64) {
				w.float(f)
			}
			return
		}
		if !w.down() {
			return
		}
		for i := 0; i < n && w.err == nil; i++ {
			elem.write(w, v.Index(i))
		}
		w.up()
	}
	read := func(r *reader, v reflect.Value) {
		n := r.uint()
		if n == 0 || !r.down() {
			v.SetZero()
			return
		}
		// A length that is damaged must not take the memory of a good one.
		if n--; n > math.MaxInt32 || t.Elem().Size() > 0 && n > uint64(len(r.buf)) {
			r.fail(errShort)
			return
		}
		all := reflect.MakeSlice(t, int(n), int(n))
		for i := 0; i < int(n) && r.err == nil; i++ {
			elem.read(r, all.Index(i))
		}
		v.Set(all)
		r.up()
	}
	return write, read
}

func array(n int, elem *codec) (writes, reads) {
	write := func(w *writer, v reflect.Value) {
		for i := 0; i < n && w.err == nil; i++ {
			elem.write(w, v.Index(i))
		}
	}
	read := func(r *reader, v reflect.Value) {
		for i := 0; i < n && r.err == nil; i++ {
			elem.read(r, v.Index(i))
		}
	}
	return write, read
}

// dictionary is the codec of a map: its length and one, 0 for nil, and its entries in
// the order of their bytes.
func dictionary(t reflect.Type, key, elem *codec) (writes, reads) {
	write := func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.uint(0)
			return
		}
		w.uint(uint64(v.Len()) + 1)
		if !w.down() {
			return
		}
		defer w.up()
		start := len(w.buf)
		ends := make([]int, 0, v.Len())
		for entries := v.MapRange(); entries.Next() && w.err == nil; {
			key.write(w, entries.Key())
			elem.write(w, entries.Value())
			ends = append(ends, len(w.buf))
		}
		if len(ends) < 2 {
			return
		}
		written := slices.Clone(w.buf[start:])
		parts := make([][]byte, len(ends))
		from := 0
		for i, end := range ends {
			parts[i], from = written[from:end-start], end-start
		}
		slices.SortFunc(parts, bytes.Compare)
		w.buf = w.buf[:start]
		for _, p := range parts {
			w.buf = append(w.buf, p...)
		}
	}
	read := func(r *reader, v reflect.Value) {
		n := r.uint()
		if n == 0 || !r.down() {
			v.SetZero()
			return
		}
		if n--; n > 0 && n > uint64(len(r.buf)) && t.Key().Size() > 0 {
			r.fail(errShort)
			return
		}
		all := reflect.MakeMap(t)
		for i := uint64(0); i < n && r.err == nil; i++ {
			k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			key.read(r, k)
			elem.read(r, e)
			if r.err == nil {
				all.SetMapIndex(k, e)
			}
		}
		v.Set(all)
		r.up()
	}
	return write, read
}

// field is a field of a struct that is written.
type field struct {
	index int
	*codec
}

func structure(fields []field) (writes, reads) {
	write := func(w *writer, v reflect.Value) {
		for _, f := range fields {
			f.write(w, v.Field(f.index))
		}
	}
	read := func(r *reader, v reflect.Value) {
		for _, f := range fields {
			f.read(r, v.Field(f.index))
		}
	}
	return write, read
}
