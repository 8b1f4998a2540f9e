package runnel

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/typename"
)

// describe is what a worker has to offer for each task of a graph.
func (g *built) describe() []*broker.Task {
	offers := make([]*broker.Task, len(g.tasks))
	for i, d := range g.tasks {
		offers[i] = d.offer(g.config.name)
	}
	return offers
}

// offer describes the types that a task takes and makes by what they consist of,
// not by their names: two binaries may have them in different packages.
func (d *declaration) offer(pipeline string) *broker.Task {
	t := &broker.Task{Pipeline: pipeline, Name: d.Name()}
	for _, in := range d.inputs {
		w := typeWriter{to: &t.Types}
		w.write(withAxes("input "+in.label, in.axes), in.typ, in.optional)
	}
	for _, out := range d.outputs {
		w := typeWriter{to: &t.Types}
		w.write("output "+out.label, d.sent(&out), false)
	}
	h := sha256.New()
	for _, f := range t.Types {
		fmt.Fprintf(h, "%s\x00%s\x00", f.Path, f.Type)
	}
	t.Fingerprint = hex.EncodeToString(h.Sum(nil)[:12])
	return t
}

// typeWriter lists the parts of a type.
type typeWriter struct {
	to    *[]broker.Field
	above []reflect.Type // that are being written: a type may contain itself
}

func (w *typeWriter) add(path, text string, optional bool) {
	if optional {
		text += ", optional"
	}
	*w.to = append(*w.to, broker.Field{Path: path, Type: text})
}

func (w *typeWriter) write(path string, t reflect.Type, optional bool) {
	if t == nil {
		w.add(path, "nothing", optional)
		return
	}
	for i, up := range w.above {
		if up == t {
			w.add(path, fmt.Sprintf("as %d levels up", len(w.above)-i), optional)
			return
		}
	}
	w.above = append(w.above, t)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	switch {
	case encodesItself(t):
		w.add(path, typename.Full(t), optional)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		w.write(path, t.Elem(), optional)
	case reflect.Slice:
		w.write(path+"[]", t.Elem(), optional)
	case reflect.Array:
		w.write(fmt.Sprintf("%s[%d]", path, t.Len()), t.Elem(), optional)
	case reflect.Map:
		w.write(path+" key", t.Key(), optional)
		w.write(path+"{}", t.Elem(), optional)
	case reflect.Struct:
		w.add(path, "struct", optional)
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				w.write(path+"."+f.Name, f.Type, false)
			}
		}
	case reflect.Interface:
		w.add(path, "interface", optional)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		w.add(path, typename.Full(t), optional)
	default:
		w.add(path, t.Kind().String(), optional)
	}
}

var marshalers = []reflect.Type{
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[json.Marshaler](),
}

// encodesItself reports whether what a type consists of is its own business.
func encodesItself(t reflect.Type) bool {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return false
	}
	for _, m := range marshalers {
		if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// difference says where two see the types of a task differently.
func difference(ours, theirs []broker.Field, here, there string) string {
	for i, f := range ours {
		switch {
		case i >= len(theirs) || theirs[i].Path != f.Path && !hasPath(theirs, f.Path):
			return fmt.Sprintf("there is no %s %s, which is %s %s", f.Path, there, f.Type, here)
		case theirs[i].Path != f.Path:
			return fmt.Sprintf("there is %s %s where there is %s %s", theirs[i].Path, there, f.Path, here)
		case theirs[i].Type != f.Type:
			return fmt.Sprintf("%s is %s %s and %s %s", f.Path, f.Type, here, theirs[i].Type, there)
		}
	}
	if len(theirs) > len(ours) {
		f := theirs[len(ours)]
		return fmt.Sprintf("there is %s %s too, which is %s", f.Path, there, f.Type)
	}
	return "they are the same under another fingerprint"
}

func hasPath(fields []broker.Field, path string) bool {
	for _, f := range fields {
		if f.Path == path {
			return true
		}
	}
	return false
}
