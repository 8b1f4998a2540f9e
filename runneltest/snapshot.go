package runneltest

import (
	"fmt"
	"math"
	"reflect"
)

// snapshot is what a value and all that can be reached from it looked like: the
// bits and texts met on a walk through it. The walk is the same each time as
// long as nothing has changed.
type snapshot struct {
	bits  []uint64
	texts []string
	keys  [][]reflect.Value // of each map, in the order in which they were met
}

// difference is the first place at which two walks part.
type difference struct {
	path string // from the value on, as in ".Tempo[3]"
	text string // what was there and what is
}

// take records how a value looks now.
func take(v any) *snapshot {
	w := newWalk(&snapshot{})
	w.run(reflect.ValueOf(v))
	return w.shot
}

// compare finds the first difference between the value as it was and as it is
// now, or nil.
func (s *snapshot) compare(v any) *difference {
	w := newWalk(s)
	w.replay = true
	w.run(reflect.ValueOf(v))
	return w.found
}

// next takes one number on the walk. In a replay it gives the number that stood
// there before, and whether it is the same.
func (w *walk) next(bits uint64) (was uint64, same bool) {
	if !w.replay {
		w.shot.bits = append(w.shot.bits, bits)
		return bits, true
	}
	was = w.shot.bits[w.atBits]
	w.atBits++
	return was, was == bits
}

// number compares a value that is told by its bits.
func (w *walk) number(v reflect.Value, bits uint64) {
	if was, same := w.next(bits); !same {
		w.differ("was %v, is %v", decode(v.Kind(), was), decode(v.Kind(), bits))
	}
}

// text compares a string.
func (w *walk) text(s string) {
	if !w.replay {
		w.shot.texts = append(w.shot.texts, s)
		return
	}
	was := w.shot.texts[w.atTexts]
	w.atTexts++
	if was != s {
		w.differ("was %s, is %s", brief(was), brief(s))
	}
}

// brief is a string in quotes, without the rest of a long one.
func brief(s string) string {
	const most = 40
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q and %d bytes more", s[:most], len(s)-most)
}

// bitsOf is a value of a basic kind as bits.
func bitsOf(v reflect.Value) uint64 {
	switch k := v.Kind(); {
	case k == reflect.Bool:
		if v.Bool() {
			return 1
		}
		return 0
	case v.CanInt():
		return uint64(v.Int())
	case v.CanUint():
		return v.Uint()
	}
	return math.Float64bits(v.Float())
}

// decode is the value of a basic kind that has these bits.
func decode(k reflect.Kind, bits uint64) any {
	switch k {
	case reflect.Bool:
		return bits == 1
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return int64(bits)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return bits
	}
	return math.Float64frombits(bits)
}
