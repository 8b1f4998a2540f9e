// Package canon writes values as bytes, equal values alike and different ones
// differently, and reads them back. The bytes are the same in every process.
package canon

import (
	"fmt"
	"reflect"
	"sync"
)

// A Codec writes and reads the values of one type. It is safe for concurrent use.
//
// Of a struct the exported fields are written, and a field that is not exported is
// refused: what cannot be seen would be taken for equal. A type that has such fields
// and writes itself, by MarshalBinary, GobEncode or MarshalText, is asked to. Maps are
// written in the order of their keys' bytes, floats bit by bit, a pointer as what it
// points at, nil slices and maps other than empty ones, a [time.Time] as its instant
// and its zone, what is in an interface with what tells its type from others.
type Codec struct {
	typ    reflect.Type
	root   *codec
	text   string
	id     []byte // tells the type from all others, in an interface
	oneWay error
}

// codec writes and reads the values of one type inside a Codec. Since a type may
// contain itself it is filled after others have the pointer.
type codec struct {
	write func(*writer, reflect.Value)
	read  func(*reader, reflect.Value) // into a value that can be set
}

var codecs sync.Map // reflect.Type to *Codec or error

// Of is the codec of a type. The error says which part of it cannot be written.
func Of(t reflect.Type) (*Codec, error) {
	known, ok := codecs.Load(t)
	if !ok {
		known, _ = codecs.LoadOrStore(t, compile(t))
	}
	if err, wrong := known.(error); wrong {
		return nil, err
	}
	return known.(*Codec), nil
}

// Types says what the type consists of, in the same words in every process.
func (c *Codec) Types() string { return c.text }

// OneWay is why values that were written could not be read back, or nil.
func (c *Codec) OneWay() error { return c.oneWay }

// Append appends a value of the type, or one that can be assigned to it if that is an
// interface. The error says which part of the value cannot be written.
func (c *Codec) Append(b []byte, v any) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // of somebody's method
			err = fmt.Errorf("writing a %s panicked: %v", c.typ, p)
		}
	}()
	w := writer{buf: b}
	at := reflect.ValueOf(v)
	if c.typ.Kind() == reflect.Interface {
		at = reflect.New(c.typ).Elem()
		if v != nil {
			at.Set(reflect.ValueOf(v))
		}
	}
	c.root.write(&w, at)
	return w.buf, w.err
}

// Decode sets *into, a pointer to the type, from bytes that Append wrote. The error
// says that they are damaged, or of another type.
func (c *Codec) Decode(b []byte, into any) (err error) {
	if c.oneWay != nil {
		return c.oneWay
	}
	defer func() {
		if p := recover(); p != nil { // of somebody's method
			err = fmt.Errorf("reading a %s panicked: %v", c.typ, p)
		}
	}()
	r := reader{buf: b}
	c.root.read(&r, reflect.ValueOf(into).Elem())
	if r.err == nil && len(r.buf) > 0 {
		r.err = fmt.Errorf("%d bytes are left over", len(r.buf))
	}
	if r.err != nil {
		return fmt.Errorf("not a %s: %w", c.typ, r.err)
	}
	return nil
}

// deepest is how deep a value may go before it is taken for one that contains itself.
const deepest = 1000
