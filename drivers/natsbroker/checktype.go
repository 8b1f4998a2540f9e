package natsbroker

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// CheckType implements [broker.TypeChecker]. Refused are channels, functions,
// complex numbers and unsafe pointers, interfaces other than any, maps whose keys
// are no text, and structs that would lose unexported fields; not what has methods
// to encode and decode itself.
func (b *Broker) CheckType(t reflect.Type) error {
	c := checker{codec: b.config.codec, seen: map[reflect.Type]bool{}}
	if text := c.check(t, ""); text != "" {
		return fmt.Errorf("values of type %s cannot be sent: %s", t, text)
	}
	return nil
}

type checker struct {
	codec Codec
	seen  map[reflect.Type]bool
}

// check says what is wrong with a type, which stands at path, or is empty.
func (c *checker) check(t reflect.Type, path string) string {
	if c.seen[t] || c.itself(t) {
		return ""
	}
	c.seen[t] = true
	at := "it"
	if path != "" {
		at = "field " + path
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Sprintf("%s is %s, which has no form outside its process: leave it out of the data, or give the type methods to encode it", at, kindOf(t))
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("%s is the interface %s, and nothing says which type to decode into: use a concrete type", at, t)
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return c.check(t.Elem(), path)
	case reflect.Map:
		if !c.key(t.Key()) {
			return fmt.Sprintf("%s has keys of type %s: use strings, whole numbers, or a type with MarshalText", at, t.Key())
		}
		return c.check(t.Elem(), join(path, "[]"))
	case reflect.Struct:
		return c.fields(t, path)
	}
	return ""
}

func (c *checker) fields(t reflect.Type, path string) string {
	for f := range t.Fields() {
		tag, ok := f.Tag.Lookup("json")
		if c.codec == CBOR {
			if own, has := f.Tag.Lookup("cbor"); has {
				tag, ok = own, true
			}
		}
		at := join(path, f.Name)
		switch {
		case ok && tag == "-":
			continue // left out on purpose
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			// Its exported fields count, whatever its own name is.
		case !f.IsExported():
			return fmt.Sprintf("field %s is unexported and would be lost: export it, tag it `json:\"-\"` if it may be lost, or give %s methods to encode it", at, t)
		}
		if text := c.check(f.Type, at); text != "" {
			return text
		}
	}
	return ""
}

func (c *checker) key(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// itself reports whether a type encodes and decodes itself.
func (c *checker) itself(t reflect.Type) bool {
	both := func(out, in reflect.Type) bool {
		return (t.Implements(out) || reflect.PointerTo(t).Implements(out)) && (t.Implements(in) || reflect.PointerTo(t).Implements(in))
	}
	if t.Kind() == reflect.Interface {
		return false
	}
	if c.codec == CBOR {
		return both(reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[cbor.Unmarshaler]()) ||
			both(reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]())
	}
	return both(reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler]()) ||
		both(reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]())
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Chan:
		return "a channel"
	case reflect.Func:
		return "a function"
	case reflect.UnsafePointer:
		return "an unsafe.Pointer"
	}
	return "a complex number"
}

func join(path, name string) string {
	if path == "" || name == "[]" {
		return path + name
	}
	return path + "." + name
}
