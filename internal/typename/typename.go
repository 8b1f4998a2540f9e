// Package typename writes types so that those of different packages can be told
// apart.
package typename

import (
	"fmt"
	"reflect"
	"strings"
)

// Full writes a type as its String method does, but with the whole import path
// in place of the package's name, which several packages may share. A type that is not known is empty.
func Full(t reflect.Type) string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	writeType(&b, t)
	return b.String()
}

func writeType(b *strings.Builder, t reflect.Type) {
	if t.Name() != "" {
		// The name of an instantiated type has the full paths of its arguments.
		if t.PkgPath() != "" {
			b.WriteString(t.PkgPath())
			b.WriteByte('.')
		}
		b.WriteString(t.Name())
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		b.WriteByte('*')
		writeType(b, t.Elem())
	case reflect.Slice:
		b.WriteString("[]")
		writeType(b, t.Elem())
	case reflect.Array:
		fmt.Fprintf(b, "[%d]", t.Len())
		writeType(b, t.Elem())
	case reflect.Map:
		b.WriteString("map[")
		writeType(b, t.Key())
		b.WriteByte(']')
		writeType(b, t.Elem())
	case reflect.Chan:
		// Brackets keep chan (<-chan T) apart from chan<- (chan T).
		b.WriteString(t.ChanDir().String())
		b.WriteString(" (")
		writeType(b, t.Elem())
		b.WriteByte(')')
	case reflect.Func:
		b.WriteString("func")
		writeSignature(b, t)
	case reflect.Struct:
		writeStruct(b, t)
	case reflect.Interface:
		writeInterface(b, t)
	default:
		b.WriteString(t.String())
	}
}

func writeSignature(b *strings.Builder, t reflect.Type) {
	b.WriteByte('(')
	for i := range t.NumIn() {
		if i > 0 {
			b.WriteString(", ")
		}
		in := t.In(i)
		if t.IsVariadic() && i == t.NumIn()-1 {
			b.WriteString("...")
			in = in.Elem()
		}
		writeType(b, in)
	}
	b.WriteString(") (")
	for i := range t.NumOut() {
		if i > 0 {
			b.WriteString(", ")
		}
		writeType(b, t.Out(i))
	}
	b.WriteByte(')')
}

func writeStruct(b *strings.Builder, t reflect.Type) {
	b.WriteString("struct {")
	for i := range t.NumField() {
		if i > 0 {
			b.WriteByte(';')
		}
		f := t.Field(i)
		b.WriteByte(' ')
		if f.Anonymous {
			b.WriteString("embedded ")
		}
		writeMember(b, f.PkgPath, f.Name)
		b.WriteByte(' ')
		writeType(b, f.Type)
		if f.Tag != "" {
			fmt.Fprintf(b, " %q", string(f.Tag))
		}
	}
	b.WriteString(" }")
}

func writeInterface(b *strings.Builder, t reflect.Type) {
	b.WriteString("interface {")
	for i := range t.NumMethod() {
		if i > 0 {
			b.WriteByte(';')
		}
		m := t.Method(i)
		b.WriteByte(' ')
		writeMember(b, m.PkgPath, m.Name)
		writeSignature(b, m.Type)
	}
	b.WriteString(" }")
}

// writeMember puts the package before a name that is not exported: two
// packages' fields of one name are different fields.
func writeMember(b *strings.Builder, pkgPath, name string) {
	if pkgPath != "" {
		b.WriteString(pkgPath)
		b.WriteByte('.')
	}
	b.WriteString(name)
}
