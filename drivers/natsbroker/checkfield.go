package natsbroker

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// tag is what a field's tag says to a codec.
type tag struct {
	name   string // empty without one
	number bool   // the name is written as a number
	out    bool   // the field is left out
}

func (c *checker) tagOf(f reflect.StructField) tag {
	text := f.Tag.Get("json")
	if own := f.Tag.Get("cbor"); c.codec == CBOR && own != "" {
		text = own
	}
	if text == "-" {
		return tag{out: true}
	}
	name, options, _ := strings.Cut(text, ",")
	if c.codec == CBOR {
		number := slices.Contains(strings.Split(options, ","), "keyasint")
		if n, err := strconv.Atoi(name); number && err == nil {
			name = strconv.Itoa(n)
		}
		return tag{name: name, number: number}
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
	}) {
		name = "" // encoding/json takes no notice of it
	}
	return tag{name: name}
}

// members are the fields that a struct is written with.
type members struct {
	names  map[tag]string // the path of the field that has it
	within []reflect.Type // the embedded structs around
}

// fields checks those of a struct, and of the structs embedded in it, which are
// written as if they were its own.
func (c *checker) fields(t reflect.Type, path string, addressable bool, m *members) string {
	for f := range t.Fields() {
		name, at := c.tagOf(f), join(path, f.Name)
		if name.out {
			continue // on purpose
		}
		elem := f.Type
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			// Its exported fields count, whatever its own name is.
		case !f.IsExported():
			return fmt.Sprintf("field %s is unexported and would be lost: export it, tag it `json:\"-\"` if it may be lost, or give %s methods to encode it", at, t)
		}
		if f.Anonymous && elem.Kind() == reflect.Struct && name.name == "" {
			if slices.Contains(m.within, elem) {
				continue
			}
			m.within = append(m.within, elem)
			text := c.fields(elem, at, addressable || elem != f.Type, m)
			m.within = m.within[:len(m.within)-1]
			if text != "" && c.itself(elem) {
				text = fmt.Sprintf("field %s is embedded, where the methods of %s to encode it are not called: make it a field with a name", at, elem)
			}
			if text != "" {
				return text
			}
			continue
		}
		if name.name == "" {
			name.name = f.Name
		}
		if other, taken := m.names[name]; taken {
			return fmt.Sprintf("fields %s and %s are both written as %q, so that not both arrive: give one another name in its tag, or tag one that may be lost `json:\"-\"`", other, at, name.name)
		}
		m.names[name] = at
		if text := c.check(f.Type, at, addressable); text != "" {
			return text
		}
	}
	return ""
}
