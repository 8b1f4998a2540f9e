package runnel

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"math"
	"reflect"
	"slices"
)

// digestOf tells values apart by what they consist of, in any process: equal values
// have equal digests, whatever their types are called. ok is false for a value that
// has none: one with a channel or a function in it, one that contains itself, and one
// whose type writes itself and fails to.
func digestOf(v any) (digest string, ok bool) {
	defer func() {
		if recover() != nil { // of somebody's method
			digest, ok = "", false
		}
	}()
	d := digester{to: sha256.New()}
	if !d.write(reflect.ValueOf(v), 0) {
		return "", false
	}
	return hex.EncodeToString(d.to.Sum(nil)[:12]), true
}

// deepest is how deep a value may go before it is taken for one without an end.
const deepest = 100

// digester writes values so that no two different ones are written alike.
type digester struct {
	to  hash.Hash
	buf [9]byte
}

// mark writes a letter for what follows, and a number.
func (d *digester) mark(letter byte, n uint64) bool {
	d.buf[0] = letter
	binary.LittleEndian.PutUint64(d.buf[1:], n)
	d.to.Write(d.buf[:])
	return true
}

func (d *digester) bytes(letter byte, b []byte) bool {
	d.mark(letter, uint64(len(b)))
	d.to.Write(b)
	return true
}

func (d *digester) write(v reflect.Value, depth int) bool {
	if depth > deepest {
		return false
	}
	if !v.IsValid() {
		return d.mark('0', 0)
	}
	if v.CanInterface() && encodesItself(v.Type()) {
		return d.itself(v)
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return d.mark('b', 1)
		}
		return d.mark('b', 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return d.mark('i', uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return d.mark('i', v.Uint())
	case reflect.Float32, reflect.Float64:
		return d.mark('f', math.Float64bits(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		return d.mark('c', math.Float64bits(real(v.Complex()))) && d.mark('c', math.Float64bits(imag(v.Complex())))
	case reflect.String:
		return d.bytes('s', []byte(v.String()))
	case reflect.Slice, reflect.Array:
		return d.list(v, depth)
	case reflect.Map:
		return d.dictionary(v, depth)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return d.mark('0', 0)
		}
		return d.write(v.Elem(), depth+1)
	case reflect.Struct:
		d.mark('{', uint64(v.NumField()))
		for i := range v.NumField() {
			if d.bytes('n', []byte(v.Type().Field(i).Name)); !d.write(v.Field(i), depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

// itself writes a value of a type that knows how.
func (d *digester) itself(v reflect.Value) bool {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	var b []byte
	var err error
	switch m := p.Interface().(type) {
	case encoding.TextMarshaler:
		b, err = m.MarshalText()
	case encoding.BinaryMarshaler:
		b, err = m.MarshalBinary()
	case json.Marshaler:
		b, err = m.MarshalJSON()
	}
	return err == nil && d.bytes('m', b)
}

func (d *digester) list(v reflect.Value, depth int) bool {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return d.bytes('y', v.Bytes())
	}
	d.mark('[', uint64(v.Len()))
	for i := range v.Len() {
		if !d.write(v.Index(i), depth+1) {
			return false
		}
	}
	return true
}

// dictionary writes a map in an order that does not depend on that of its keys.
func (d *digester) dictionary(v reflect.Value, depth int) bool {
	var pairs []string
	for k, e := range v.Seq2() {
		pair := digester{to: sha256.New()}
		if !pair.write(k, depth+1) || !pair.write(e, depth+1) {
			return false
		}
		pairs = append(pairs, string(pair.to.Sum(nil)))
	}
	slices.Sort(pairs)
	d.mark('m', uint64(len(pairs)))
	for _, p := range pairs {
		d.to.Write([]byte(p))
	}
	return true
}
