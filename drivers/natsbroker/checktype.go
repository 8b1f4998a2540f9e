package natsbroker

import (
	"encoding"
	"fmt"
	"reflect"
)

// CheckType implements [broker.TypeChecker]. Refused are channels, functions,
// complex numbers and unsafe pointers, interfaces other than any, maps whose keys
// are no text, and structs that would lose fields: unexported ones, two of one name,
// and those beside an embedded field whose methods stand for all. Not refused is what
// has methods to encode and decode itself, where the codec calls them.
func (b *Broker) CheckType(t reflect.Type) error {
	c := checker{codec: b.config.codec, seen: map[place]bool{}}
	if text := c.check(t, "", true); text != "" {
		return fmt.Errorf("values of type %s cannot be sent: %s", t, text)
	}
	return nil
}

// place is a type where its values have an address, or not: within a map.
type place struct {
	typ         reflect.Type
	addressable bool
}

type checker struct {
	codec Codec
	seen  map[place]bool
}

// check says what is wrong with a type, which stands at path, or is empty.
func (c *checker) check(t reflect.Type, path string, addressable bool) string {
	if c.seen[place{t, addressable}] {
		return ""
	}
	c.seen[place{t, addressable}] = true
	if t.Kind() == reflect.Pointer {
		return c.check(t.Elem(), path, true)
	}
	at := "it"
	if path != "" {
		at = "field " + path
	}
	if m := c.uncalled(t); m != nil && !addressable {
		return fmt.Sprintf("%s is a %s within a map, where %s is not called because it wants a pointer: use *%s", at, t, m.name, t)
	}
	if text := c.promoted(t, path, addressable, pairs[c.codec]); text != "" {
		return text
	}
	if c.itself(t) {
		return ""
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Sprintf("%s is %s, which has no form outside its process: leave it out of the data, or give the type methods to encode it", at, kindOf(t))
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("%s is the interface %s, and nothing says which type to decode into: use a concrete type", at, t)
		}
	case reflect.Slice:
		return c.check(t.Elem(), path, true)
	case reflect.Array:
		return c.check(t.Elem(), path, addressable)
	case reflect.Map:
		if !c.key(t.Key()) {
			methods := "MarshalText and UnmarshalText"
			if c.codec == CBOR {
				methods = "MarshalBinary and UnmarshalBinary"
			}
			return fmt.Sprintf("%s has keys of type %s: use strings, whole numbers, or a type with %s", at, t.Key(), methods)
		}
		called := pairs[c.codec]
		if c.codec == JSON {
			called = called[1:] // a key is a text
		}
		if text := c.promoted(t.Key(), join(path, "[]"), false, called); text != "" {
			return text
		}
		return c.check(t.Elem(), join(path, "[]"), false)
	case reflect.Struct:
		return c.fields(t, path, addressable, &members{names: map[tag]string{}, within: []reflect.Type{t}})
	}
	return ""
}

// key reports whether a type comes back as the key of a map.
func (c *checker) key(t reflect.Type) bool {
	out, in := t.Implements(reflect.TypeFor[encoding.TextMarshaler]()), reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return c.codec == CBOR || out == in
	}
	if c.codec == CBOR {
		return t.Kind() != reflect.Pointer && c.itself(t)
	}
	return out && in
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
