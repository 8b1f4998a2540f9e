package runnel

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// splitAxes parses "features" and "score[i,j]" into a data name and its axes.
// The name may be empty, for the caller to judge.
func splitAxes(s string) (name string, axes []string, err error) {
	name, rest, ok := strings.Cut(s, "[")
	if !ok {
		return s, nil, nil
	}
	inside, after, ok := strings.Cut(rest, "]")
	if !ok || after != "" {
		return "", nil, fmt.Errorf("%q: axes stand in one pair of brackets at the end of the name, as in %q", s, name+"[i,j]")
	}
	for axis := range strings.SplitSeq(inside, ",") {
		axis = strings.TrimSpace(axis)
		if axis == "" || strings.ContainsFunc(axis, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return "", nil, fmt.Errorf("%q: an axis is named by letters and digits, as in %q", s, name+"[i,j]")
		}
		if slices.Contains(axes, axis) {
			return "", nil, fmt.Errorf("%q: axis %s stands twice: a diagonal cannot be taken", s, axis)
		}
		axes = append(axes, axis)
	}
	return name, axes, nil
}

// withAxes writes a name and its axes the way that splitAxes reads them.
func withAxes(name string, axes []string) string {
	if len(axes) == 0 {
		return name
	}
	return name + "[" + strings.Join(axes, ",") + "]"
}

// nested is the type of the whole of data that has elements of type t on so many
// axes: a slice of slices.
func nested(t reflect.Type, axes int) reflect.Type {
	for range axes {
		t = reflect.SliceOf(t)
	}
	return t
}

// elementType is the type of what data of type t has at each index of its first
// axes. ok is false when it has not that many. What is inside an any shows only
// when it is there. An iter.Seq has elements on the first axis only: further in, it
// would have to be read where nobody waits for it.
func elementType(t reflect.Type, axes int) (elem reflect.Type, ok bool) {
	for k := range axes {
		switch {
		case t == reflect.TypeFor[any]():
			return t, true
		case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
			t = t.Elem()
		case k == 0 && isSeq(t):
			t = t.In(0).In(0)
		default:
			return nil, false
		}
	}
	return t, true
}

// noElements says that data of type t has not the axes along which an input takes
// its elements, or is empty.
func noElements(t reflect.Type, in *input) string {
	if _, ok := elementType(t, len(in.axes)); ok {
		return ""
	}
	have, mend := "a slice, an array or an iter.Seq", ""
	if len(in.axes) > 1 {
		have = fmt.Sprintf("%d levels of slices or arrays", len(in.axes))
	}
	for k := range in.axes {
		if inner, ok := elementType(t, k); k > 0 && ok && isSeq(inner) {
			mend = " (an iter.Seq is read on the first axis only: make slices of those inside with slices.Collect)"
		}
	}
	return fmt.Sprintf("input %q (%s) takes elements, which needs %s, but there is %s%s", withAxes(in.name, in.axes), in.label, have, t, mend)
}

// isSeq reports whether a type is an iter.Seq of something.
func isSeq(t reflect.Type) bool {
	if t.Kind() != reflect.Func || t.NumIn() != 1 || t.NumOut() != 0 {
		return false
	}
	yield := t.In(0)
	return yield.Kind() == reflect.Func && yield.NumIn() == 1 && yield.NumOut() == 1 && yield.Out(0).Kind() == reflect.Bool
}

// isSequence reports whether a value is an iter.Seq of something, and not nil.
func isSequence(v any) bool {
	t := reflect.TypeOf(v)
	return t != nil && isSeq(t) && !reflect.ValueOf(v).IsNil()
}
