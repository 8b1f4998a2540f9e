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
// type and uses it again and again; pointers to the fields are taken once.
type Frame[In any] struct {
	in       *In
	template In
	fields   []target // in the order of Fields
}

// target is where a value goes.
type target struct {
	value   any   // a pointer to the field
	present *bool // of an Optional field, else nil
}

// NewFrame makes a frame whose fields are absent: template holds their
// defaults.
func NewFrame[In any](fields []Field, template In) *Frame[In] {
	f := &Frame[In]{in: new(In), template: template, fields: make([]target, len(fields))}
	*f.in = template
	v := reflect.ValueOf(f.in).Elem()
	for i, field := range fields {
		at := v.FieldByIndex(field.Index)
		if field.Optional {
			f.fields[i].present = at.FieldByName("Ok").Addr().Interface().(*bool)
			at = at.FieldByName("Value")
		}
		f.fields[i].value = at.Addr().Interface()
	}
	return f
}

// Set copies value i of a slab into a field.
func (f *Frame[In]) Set(field int, s Reader, i int) error {
	return s.CopyTo(i, f.Target(field))
}

// Target is where the value of a field is to be copied to, which is then there.
func (f *Frame[In]) Target(field int) any {
	at := &f.fields[field]
	if at.present != nil {
		*at.present = true
	}
	return at.value
}

// Field is a pointer to the value of a field.
func (f *Frame[In]) Field(field int) any { return f.fields[field].value }

// Take returns the filled struct and makes the frame empty again, so that it
// holds on to no value. A nil frame is that of a struct without inputs.
func (f *Frame[In]) Take() (in In) {
	if f != nil {
		in = *f.in
		*f.in = f.template
	}
	return in
}

// Put fills the frame with a whole struct, for Get to take apart.
func (f *Frame[In]) Put(in In) { *f.in = in }

// Get copies a field into value i of a slab of its type.
func (f *Frame[In]) Get(field int, s Slab, i int) { s.CopyFrom(i, f.fields[field].value) }
