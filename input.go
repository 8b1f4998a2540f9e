package runnel

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/runnelflow/runnel/internal/binding"
)

// input is one value that a task consumes.
type input struct {
	name     string       // of the data
	label    string       // as the task's code calls it: a field or a parameter
	axes     []string     // along which the task takes elements of it, nil for the whole
	typ      reflect.Type // of the value, or of an element
	optional bool         // the task runs without it
	partial  bool         // the task takes what there is of it, and the errors
	asks     bool         // the task asks why it is absent
	preset   any          // what the default of its tag says, nil without one
}

// signature is what an input struct says: its fields, and the struct with the
// defaults set. It is worked out once a type.
type signature struct {
	typ      reflect.Type
	inputs   []input
	fields   []binding.Field
	template reflect.Value
	problems []string

	notStruct bool // then there is nothing else
}

var signatures sync.Map // reflect.Type to *signature

// signatureOf reads an input struct.
func signatureOf(t reflect.Type) *signature {
	if s, ok := signatures.Load(t); ok {
		return s.(*signature)
	}
	s := &signature{typ: t}
	if t.Kind() != reflect.Struct {
		s.notStruct = true
	} else {
		s.template = reflect.New(t).Elem()
		s.read(t, nil)
	}
	seen := map[string]string{}
	for _, in := range s.inputs {
		key := withAxes(in.name, in.axes)
		if other, ok := seen[key]; ok {
			s.problem("fields %s and %s both name data %q: give one of them another name with a runnel tag", other, in.label, key)
		}
		seen[key] = in.label
	}
	got, _ := signatures.LoadOrStore(t, s)
	return got.(*signature)
}

func (s *signature) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// read adds the fields of a struct, those of embedded structs in their place.
func (s *signature) read(t reflect.Type, path []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		text, tagged := f.Tag.Lookup("runnel")
		tg, err := parseTag(text)
		if err != nil {
			s.problem("field %s: %v", f.Name, err)
			continue
		}
		index := append(append([]int(nil), path...), i)
		isOpt := isOptional(f.Type)
		switch {
		case tg.skip:
			continue
		case !tagged && malformed(string(f.Tag)):
			s.problem("field %s: Go cannot read its tag %q: write `runnel:\"…\"`, tags with a space between", f.Name, f.Tag)
			continue
		case f.Anonymous && tg.name == "" && f.Type.Kind() == reflect.Struct && !isOpt:
			if tg.optional || tg.hasDefault || tg.axes != "" {
				s.problem("field %s: an embedded struct counts as its fields, which have tags of their own: drop this one, or begin it with a name to take %s as one input", f.Name, f.Type)
				continue
			}
			s.read(f.Type, index)
			continue
		case f.Anonymous && tg.name == "" && f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct:
			s.problem("field %s: an embedded pointer cannot be filled: embed %s itself, or name the field", f.Name, f.Type.Elem())
			continue
		case !f.IsExported() && tagged:
			s.problem("field %s has a runnel tag but is not exported: begin it with a capital, or drop the tag", f.Name)
			continue
		case !f.IsExported():
			continue
		case f.Type.Kind() == reflect.Pointer && isOptional(f.Type.Elem()):
			s.problem("field %s: a pointer to an Opt says absent in two ways: use %s itself", f.Name, f.Type.Elem())
			continue
		}
		s.add(f, tg, index, isOpt)
	}
}

// axes are those of all inputs, each once.
func (s *signature) axes() []string {
	var all []string
	for _, in := range s.inputs {
		for _, axis := range in.axes {
			if !slices.Contains(all, axis) {
				all = append(all, axis)
			}
		}
	}
	return all
}

// isOptional reports whether a type is an Opt, and not one that embeds an Opt
// and so has its methods.
func isOptional(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Implements(reflect.TypeFor[anOpt]()) && t.PkgPath() == reflect.TypeFor[Opt[int]]().PkgPath()
}

// malformed reports whether a struct tag means to have a runnel part that Go's
// syntax of tags hides.
func malformed(tag string) bool {
	return strings.HasPrefix(tag, "runnel") || strings.Contains(tag, `runnel:"`)
}

// add makes an input of a field.
func (s *signature) add(f reflect.StructField, tg tag, index []int, isOpt bool) {
	in := input{name: tg.name, label: f.Name, typ: f.Type, optional: tg.optional || tg.hasDefault || isOpt}
	if in.name == "" {
		in.name = snake(f.Name)
	}
	if tg.axes != "" {
		in.axes = strings.Split(tg.axes, ",")
	}
	if isOpt {
		value, _ := f.Type.FieldByName("Value")
		in.typ = value.Type
		if tg.hasDefault {
			s.problem("field %s: an Opt tells when the value is absent, a default hides it: use plain %s, or drop the default", f.Name, in.typ)
			return
		}
	}
	if tg.hasDefault {
		if err := setDefault(s.template.FieldByIndex(index), tg.text); err != nil {
			s.problem("field %s: default %q: %v", f.Name, tg.text, err)
			return
		}
		in.preset = s.template.FieldByIndex(index).Interface()
	}
	if _, ok := partialOf(in.typ); ok && isOpt {
		s.problem("field %s: an Opt of a Partial says twice that something may be missing: use %s, tagged with \"%s,optional\" if there may be no data at all, or an Opt of the slice if nothing but the whole is of use", f.Name, in.typ, in.name)
		return
	}
	if of, ok := partialOf(f.Type); ok {
		if in.axes != nil {
			s.problem("field %s: a Partial takes the whole of its data: drop the axes", f.Name)
		}
		in.typ, in.partial = of, true
	}
	s.inputs = append(s.inputs, in)
	s.fields = append(s.fields, binding.Field{Index: index, Optional: isOpt})
}

// unmarshal turns a panic of somebody's UnmarshalText into an error: tasks are
// declared in package variables, where a panic would end the program.
func unmarshal(u encoding.TextUnmarshaler, text string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its UnmarshalText panicked: %v", v)
		}
	}()
	return u.UnmarshalText([]byte(text))
}

// setDefault parses the text of a default into a field.
func setDefault(v reflect.Value, text string) error {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("not a duration such as 1.5s or 20ms")
		}
		v.SetInt(int64(d))
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return unmarshal(u, text)
	}
	bits := func() int { return v.Type().Bits() }
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("not a %s: use true or false", v.Type())
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 0, bits())
		if err != nil {
			return fmt.Errorf("not a whole number that fits %s", v.Type())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 0, bits())
		if err != nil {
			return fmt.Errorf("not a whole number of 0 or more that fits %s", v.Type())
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(text, bits())
		if err != nil {
			return fmt.Errorf("not a number that fits %s", v.Type())
		}
		v.SetFloat(x)
	default:
		return fmt.Errorf("a %s cannot have a default: use numbers, strings, booleans or durations, or make it optional and choose the value in the task", v.Type())
	}
	return nil
}
