package runneltest

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// walk goes through a value and all that can be reached from it. What lies
// behind a reference waits in a queue for its turn, so that the depth of the
// recursion is bounded by the types, and a long list cannot exhaust the stack.
type walk struct {
	shot           *snapshot
	replay         bool // compare with shot, do not write it
	atBits         int
	atTexts        int
	atKeys         int
	seen           map[reference]bool
	queue          []place
	now            int    // the place in the queue that the walk is at
	steps          []step // from there on
	found          *difference
	guardedStructs map[reflect.Type]bool
}

// reference is something that can be reached in several ways, or from itself.
type reference struct {
	at  uintptr
	n   int // length of a slice
	typ reflect.Type
}

// place is a value that was reached from another place.
type place struct {
	v      reflect.Value
	inside bool   // of v, a slice or a map, only what it holds is left to do
	from   int    // place in the queue, -1 for the first
	steps  []step // from there to here
}

func newWalk(s *snapshot) *walk {
	return &walk{shot: s, seen: map[reference]bool{}, guardedStructs: map[reflect.Type]bool{}}
}

func (w *walk) run(v reflect.Value) {
	if !v.IsValid() {
		return
	}
	w.queue = append(w.queue, place{v: v, from: -1})
	for w.now = 0; w.now < len(w.queue) && w.found == nil; w.now++ {
		v, inside := w.queue[w.now].v, w.queue[w.now].inside
		w.queue[w.now].v = reflect.Value{}
		w.steps = w.steps[:0]
		switch {
		case !inside:
			w.value(v)
		case v.Kind() == reflect.Slice:
			w.elements(v)
		default:
			w.entries(v)
		}
	}
}

// later puts off what lies behind a reference; with inside, what a slice or a
// map holds.
func (w *walk) later(v reflect.Value, inside bool) {
	w.queue = append(w.queue, place{v: v, inside: inside, from: w.now, steps: append([]step(nil), w.steps...)})
}

// differ notes the difference at the present place.
func (w *walk) differ(format string, args ...any) {
	if w.found == nil {
		w.found = &difference{path: w.path(), text: fmt.Sprintf(format, args...)}
	}
}

// value takes a value and what it holds.
func (w *walk) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		w.text(v.String())
	case reflect.Complex64, reflect.Complex128:
		w.complex(v)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		w.identity(v)
	case reflect.Pointer:
		if w.identity(v) && !v.IsNil() && w.first(v, 0) {
			w.later(v.Elem(), false)
		}
	case reflect.Map:
		if w.identity(v) && w.length(v) && !v.IsNil() && w.first(v, 0) {
			w.later(v, true)
		}
	case reflect.Slice:
		if w.length(v) && w.identity(v) && v.Cap() > 0 && w.first(v, v.Len()) {
			w.later(v, true)
		}
	case reflect.Interface:
		w.dynamic(v)
	case reflect.Struct:
		w.fields(v)
	case reflect.Array:
		for i := range v.Len() {
			w.step(step{index: i}, v.Index(i))
		}
	default:
		w.number(v, bitsOf(v))
	}
}

// step takes a part of the present value.
func (w *walk) step(s step, v reflect.Value) {
	if w.found != nil {
		return
	}
	w.steps = append(w.steps, s)
	w.value(v)
	w.steps = w.steps[:len(w.steps)-1]
}

// identity compares which object a reference points to.
func (w *walk) identity(v reflect.Value) bool {
	now := uint64(v.Pointer())
	was, same := w.next(now)
	switch {
	case same:
	case was == 0:
		w.differ("was nil, is not any more")
	case now == 0:
		w.differ("is nil, was not before")
	default:
		w.differ("refers to another %s than before", v.Kind())
	}
	return same
}

// first reports whether a reference is met for the first time.
func (w *walk) first(v reflect.Value, n int) bool {
	r := reference{v.Pointer(), n, v.Type()}
	if w.seen[r] {
		return false
	}
	w.seen[r] = true
	return true
}

func (w *walk) length(v reflect.Value) bool {
	was, same := w.next(uint64(v.Len()))
	if !same {
		w.differ("had length %d, has %d", was, v.Len())
	}
	return same
}

func (w *walk) complex(v reflect.Value) {
	c := v.Complex()
	wasReal, sameReal := w.next(math.Float64bits(real(c)))
	wasImag, sameImag := w.next(math.Float64bits(imag(c)))
	if !sameReal || !sameImag {
		w.differ("was %v, is %v", complex(math.Float64frombits(wasReal), math.Float64frombits(wasImag)), c)
	}
}

// dynamic takes what an interface holds, its type first.
func (w *walk) dynamic(v reflect.Value) {
	v = v.Elem()
	var typ uint64
	if v.IsValid() {
		typ = uint64(reflect.ValueOf(v.Type()).Pointer())
	}
	switch _, same := w.next(typ); {
	case !same && typ == 0:
		w.differ("is nil, was not before")
	case !same:
		w.differ("is of another type than before, %s", v.Type())
	case typ == 0:
	case v.Kind() == reflect.Struct || v.Kind() == reflect.Array:
		w.later(v, false)
	default:
		w.value(v)
	}
}

// fields takes the fields of a struct.
func (w *walk) fields(v reflect.Value) {
	t := v.Type()
	if w.guarded(t) {
		return
	}
	for i := range v.NumField() {
		w.step(step{field: t.Field(i).Name}, v.Field(i))
	}
}

// guarded tells the structs that look after themselves: those with a part of
// sync or sync/atomic. The cache that a time.Location keeps is the library's.
func (w *walk) guarded(t reflect.Type) bool {
	known, ok := w.guardedStructs[t]
	if ok {
		return known
	}
	is := ofSync(t) || t == reflect.TypeFor[time.Location]()
	for i := range t.NumField() {
		f := t.Field(i).Type
		for f.Kind() == reflect.Pointer || f.Kind() == reflect.Array {
			f = f.Elem()
		}
		is = is || ofSync(f)
	}
	w.guardedStructs[t] = is
	return is
}

func ofSync(t reflect.Type) bool { return t.PkgPath() == "sync" || t.PkgPath() == "sync/atomic" }

// elements takes those of a slice, and the first one behind its end: that is
// where an append writes when there is room.
func (w *walk) elements(v reflect.Value) {
	for i := range v.Len() {
		w.step(step{index: i}, v.Index(i))
	}
	if n := v.Len(); n < v.Cap() {
		w.step(step{index: n, spare: true}, v.Slice(0, n+1).Index(n))
	}
}

// entries takes those of a map, by the keys that it had at first. Its length
// is known to be the same, so that none is new when all of these are there.
func (w *walk) entries(v reflect.Value) {
	var keys []reflect.Value
	if w.replay {
		keys = w.shot.keys[w.atKeys]
		w.atKeys++
	} else {
		keys = v.MapKeys()
		w.shot.keys = append(w.shot.keys, keys)
	}
	for _, key := range keys {
		if !key.Equal(key) {
			continue // NaN: no lookup finds it
		}
		at := v.MapIndex(key)
		if !at.IsValid() {
			w.steps = append(w.steps, step{key: key})
			w.differ("is gone")
			return
		}
		w.step(step{key: key}, at)
		w.step(step{key: key}, key)
	}
}
