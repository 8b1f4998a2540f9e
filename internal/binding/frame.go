package binding

import "reflect"

// A Field is one input in the struct that a task takes.
type Field struct {
	// Index is the field's path through embedded structs.
	Index []int
	// Optional says that the field itself is an Opt: the value goes to its
	// "Value", and "Ok" tells that it is there.
	Optional bool
}

// A Frame is an input struct in the making. A worker owns one for each input
// type and uses it again and again; pointers to the fields are taken once. Only
// [Take] and [Put] know the type: the compiler makes a copy of them for each.
type Frame struct {
	value    any      // a pointer to the struct
	template any      // a pointer to another one, for when it is empty
	fields   []target // in the order of Fields

	whole, empty reflect.Value // the structs
}

// target is where a value goes.
type target struct {
	value   any   // a pointer to the field
	present *bool // of an Optional field, else nil
}

// NewFrame makes a frame whose fields are absent: template, a struct, holds their
// defaults.
func NewFrame(fields []Field, template reflect.Value) *Frame {
	value, empty := reflect.New(template.Type()), reflect.New(template.Type())
	value.Elem().Set(template)
	empty.Elem().Set(template)
	f := &Frame{value.Interface(), empty.Interface(), make([]target, len(fields)), value.Elem(), empty.Elem()}
	for i, field := range fields {
		at := value.Elem().FieldByIndex(field.Index)
		if field.Optional {
			f.fields[i].present = at.FieldByName("Ok").Addr().Interface().(*bool)
			at = at.FieldByName("Value")
		}
		f.fields[i].value = at.Addr().Interface()
	}
	return f
}

// Set copies value i of a slab into a field.
func (f *Frame) Set(field int, s Reader, i int) error {
	return s.CopyTo(i, f.Target(field))
}

// Target is where the value of a field is to be copied to, which is then there.
func (f *Frame) Target(field int) any {
	at := &f.fields[field]
	if at.present != nil {
		*at.present = true
	}
	return at.value
}

// Field is a pointer to the value of a field.
func (f *Frame) Field(field int) any { return f.fields[field].value }

// Get copies a field into value i of a slab of its type.
func (f *Frame) Get(field int, s Slab, i int) { s.CopyFrom(i, f.fields[field].value) }

// Clear makes the frame empty again.
func (f *Frame) Clear() { f.whole.Set(f.empty) }

// Take returns the filled struct, which is an In, and makes the frame empty again,
// so that it holds on to no value. A nil frame is that of a struct without inputs.
func Take[In any](f *Frame) (in In) {
	if f != nil {
		p := f.value.(*In)
		in = *p
		*p = *f.template.(*In)
	}
	return in
}

// Put fills the frame with a whole struct of its type, for Get to take apart.
func Put[T any](f *Frame, v T) { *f.value.(*T) = v }
