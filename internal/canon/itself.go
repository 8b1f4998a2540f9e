package canon

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/internal/typename"
)

// family is a pair of methods by which a type writes and reads itself.
type family struct {
	write, read reflect.Type
	marshal     func(any) ([]byte, error)
	unmarshal   func(any, []byte) error
}

type (
	gobEncoder interface{ GobEncode() ([]byte, error) }
	gobDecoder interface{ GobDecode([]byte) error }
)

// families are asked in this order: texts may be shorter than what they stand for.
var families = []family{
	{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](),
		func(v any) ([]byte, error) { return v.(encoding.BinaryMarshaler).MarshalBinary() },
		func(v any, b []byte) error { return v.(encoding.BinaryUnmarshaler).UnmarshalBinary(b) }},
	{reflect.TypeFor[gobEncoder](), reflect.TypeFor[gobDecoder](),
		func(v any) ([]byte, error) { return v.(gobEncoder).GobEncode() },
		func(v any, b []byte) error { return v.(gobDecoder).GobDecode(b) }},
	{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
		func(v any) ([]byte, error) { return v.(encoding.TextMarshaler).MarshalText() },
		func(v any, b []byte) error { return v.(encoding.TextUnmarshaler).UnmarshalText(b) }},
}

// itself is the codec of a type that writes itself, if it does.
func (c *compiler) itself(to *codec, t reflect.Type, path string) bool {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return false
	}
	p := reflect.PointerTo(t)
	var found *family
	for i := range families {
		f := &families[i]
		if !p.Implements(f.write) {
			continue
		}
		if found == nil {
			found = f
		}
		if p.Implements(f.read) {
			found = f
			break
		}
	}
	if found == nil {
		return false
	}
	if !p.Implements(found.read) {
		c.cannotRead(refuse(path, t, "writes itself and does not read itself: give it "+found.read.Method(0).Name))
	}
	fmt.Fprintf(&c.text, "itself:%q ", typename.Full(t))
	to.write = func(w *writer, v reflect.Value) {
		at := reflect.New(t)
		at.Elem().Set(v)
		b, err := found.marshal(at.Interface())
		if err != nil {
			w.fail(refuse(path, t, "does not write itself: "+err.Error()))
		}
		w.bytes(b)
	}
	to.read = func(r *reader, v reflect.Value) {
		b := r.bytes()
		if r.err != nil {
			return
		}
		if err := found.unmarshal(v.Addr().Interface(), b); err != nil {
			r.fail(refuse(path, t, "does not read itself: "+err.Error()))
		}
	}
	return true
}
