package canon

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/runnelflow/runnel/internal/typename"
)

// compiler makes the codec of one type and of all that it consists of.
type compiler struct {
	known  map[reflect.Type]*codec
	order  []reflect.Type       // of those that are known
	number map[reflect.Type]int // in the text, of types that may be named again
	text   strings.Builder
	oneWay error // the first part that cannot be read back
}

// compile is a *Codec or an error.
func compile(t reflect.Type) any {
	c := compiler{known: map[reflect.Type]*codec{}, number: map[reflect.Type]int{}}
	root, err := c.of(t, "")
	if err != nil {
		return err
	}
	text := c.text.String()
	id := sha256.Sum256([]byte(typename.Full(t) + " " + text))
	return &Codec{typ: t, root: root, text: text, id: id[:16], oneWay: c.oneWay}
}

// refuse is the error of a part of a type.
func refuse(path string, t reflect.Type, why string) error {
	if path == "" {
		return fmt.Errorf("%s %s", t, why)
	}
	return fmt.Errorf("%s (%s) %s", path, t, why)
}

// of is the codec of a part of the type.
func (c *compiler) of(t reflect.Type, path string) (*codec, error) {
	if known := c.known[t]; known != nil {
		fmt.Fprintf(&c.text, "#%d ", c.number[t])
		return known, nil
	}
	to := &codec{}
	c.number[t] = len(c.known)
	c.known[t] = to
	c.order = append(c.order, t)
	parts := len(c.order)
	text, oneWay := c.text.String(), c.oneWay
	err := c.fill(to, t, path)
	if err == nil {
		return to, nil
	}
	// What its parts have left is of no use.
	c.text.Reset()
	c.text.WriteString(text)
	c.oneWay = oneWay
	for _, part := range c.order[parts:] {
		delete(c.known, part)
		delete(c.number, part)
	}
	c.order = c.order[:parts]
	if c.itself(to, t, path) {
		return to, nil
	}
	return nil, err
}

func (c *compiler) fill(to *codec, t reflect.Type, path string) error {
	if t == reflect.TypeFor[time.Time]() {
		c.text.WriteString("time ")
		to.write, to.read = writeTime, readTime
		return nil
	}
	k := t.Kind()
	if basic, ok := basics[k]; ok {
		c.text.WriteString(k.String() + " ")
		*to = basic
		return nil
	}
	switch k {
	case reflect.Slice, reflect.Array:
		return c.list(to, t, path)
	case reflect.Map:
		return c.dictionary(to, t, path)
	case reflect.Pointer:
		c.text.WriteString("* ")
		elem, err := c.of(t.Elem(), path)
		if err != nil {
			return err
		}
		to.write, to.read = pointer(t, elem)
		return nil
	case reflect.Struct:
		return c.structure(to, t, path)
	case reflect.Interface:
		c.text.WriteString("interface ")
		c.cannotRead(refuse(path, t, "is an interface, and what was in it could not be made again"))
		to.write = dynamic(path)
		return nil
	}
	return refuse(path, t, "cannot be told apart from others by what it consists of")
}

func (c *compiler) cannotRead(why error) {
	if c.oneWay == nil {
		c.oneWay = why
	}
}

func (c *compiler) list(to *codec, t reflect.Type, path string) error {
	slice := t.Kind() == reflect.Slice
	if slice && t.Elem().Kind() == reflect.Uint8 {
		c.text.WriteString("bytes ")
		to.write, to.read = writeBytes, readBytes
		return nil
	}
	if slice {
		c.text.WriteString("[] ")
	} else {
		fmt.Fprintf(&c.text, "[%d] ", t.Len())
	}
	elem, err := c.of(t.Elem(), path+"[]")
	if err != nil {
		return err
	}
	if slice {
		to.write, to.read = list(t, elem)
	} else {
		to.write, to.read = array(t.Len(), elem)
	}
	return nil
}

func (c *compiler) dictionary(to *codec, t reflect.Type, path string) error {
	c.text.WriteString("map ")
	key, err := c.of(t.Key(), path+" key")
	if err != nil {
		return err
	}
	elem, err := c.of(t.Elem(), path+"{}")
	if err != nil {
		return err
	}
	to.write, to.read = dictionary(t, key, elem)
	return nil
}

func (c *compiler) structure(to *codec, t reflect.Type, path string) error {
	var fields []field
	c.text.WriteString("{ ")
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Size() == 0 || f.Name == "_" {
			continue // there is nothing in it
		}
		// The exported fields of a struct that is embedded count, whatever its name.
		if !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			return refuse(path+"."+f.Name, f.Type, "is not exported, so it cannot be seen: export it, or give the struct the methods MarshalBinary and UnmarshalBinary")
		}
		c.text.WriteString(f.Name + " ")
		var part *codec
		var err error
		if f.IsExported() {
			part, err = c.of(f.Type, path+"."+f.Name)
		} else { // reflection lets its fields be seen, and no method be called
			part = &codec{}
			err = c.fill(part, f.Type, path+"."+f.Name)
		}
		if err != nil {
			return err
		}
		fields = append(fields, field{i, part})
	}
	c.text.WriteString("} ")
	to.write, to.read = structure(fields)
	return nil
}
