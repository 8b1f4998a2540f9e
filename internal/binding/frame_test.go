package binding

import (
	"reflect"
	"runtime"
	"testing"
	"weak"
)

// opt has the shape of the library's optional input.
type opt[T any] struct {
	Value T
	Ok    bool
}

type base struct {
	Rate  float64
	Names []string
}

type inputs struct {
	base
	Count  int
	Config opt[map[string]int]
	Out    error
	hidden int
}

// fields are those of inputs, in an order that is not the struct's.
var fields = []Field{
	{Index: []int{1}},                 // Count
	{Index: []int{0, 1}},              // base.Names
	{Index: []int{2}, Optional: true}, // Config
	{Index: []int{0, 0}},              // base.Rate
	{Index: []int{3}},                 // Out
}

var defaults = inputs{base: base{Rate: 0.5}, Count: 7}

func TestEmptyFrameIsItsTemplate(t *testing.T) {
	f := NewFrame(fields, reflect.ValueOf(defaults))
	for range 2 {
		if got := Take[inputs](f); !reflect.DeepEqual(got, defaults) {
			t.Fatalf("nothing was set, and the frame gave %+v, want the defaults %+v", got, defaults)
		}
	}
}

// TestSetFillsFieldsByNumber: every field alone, embedded and optional ones
// included; the next Take shows nothing of it.
func TestSetFillsFieldsByNumber(t *testing.T) {
	with := func(change func(*inputs)) inputs {
		in := defaults
		change(&in)
		return in
	}
	for field, c := range []struct {
		value any
		want  inputs
	}{
		{3, with(func(in *inputs) { in.Count = 3 })},
		{[]string{"a"}, with(func(in *inputs) { in.Names = []string{"a"} })},
		{map[string]int{"x": 1}, with(func(in *inputs) { in.Config = opt[map[string]int]{map[string]int{"x": 1}, true} })},
		{0.0, with(func(in *inputs) { in.Rate = 0 })},
		{nil, defaults},
	} {
		f := NewFrame(fields, reflect.ValueOf(defaults))
		s := Boxed{nil, c.value}
		if err := f.Set(field, s, 1); err != nil {
			t.Fatalf("field %d: %v", field, err)
		}
		if got := Take[inputs](f); !reflect.DeepEqual(got, c.want) {
			t.Errorf("field %d: got %+v, want %+v", field, got, c.want)
		}
		if got := Take[inputs](f); !reflect.DeepEqual(got, defaults) {
			t.Errorf("field %d: after Take the frame still held %+v", field, got)
		}
	}
}

// TestOptionalTellsAbsentFromZero: an Opt that was set is Ok, whatever its
// value.
func TestOptionalTellsAbsentFromZero(t *testing.T) {
	f := NewFrame(fields, reflect.ValueOf(defaults))
	if err := f.Set(2, NewValues[map[string]int](1), 0); err != nil {
		t.Fatal(err)
	}
	if got := Take[inputs](f).Config; !got.Ok || got.Value != nil {
		t.Errorf("the zero value was set: got %+v, want it to be Ok", got)
	}
	if got := Take[inputs](f).Config; got.Ok {
		t.Errorf("nothing was set: got %+v, want it not to be Ok", got)
	}
}

// TestSetRefusesOtherTypes, and Clear leaves nothing of the attempt.
func TestSetRefusesOtherTypes(t *testing.T) {
	f := NewFrame(fields, reflect.ValueOf(defaults))
	for field, want := range []string{"want int, got string", "want []string, got string", "want map[string]int, got string", "want float64, got string", "want error, got string"} {
		if err := f.Set(field, Boxed{"text"}, 0); err == nil || err.Error() != want {
			t.Errorf("field %d: error %v, want %q", field, err, want)
		}
	}
	f.Clear()
	if got := Take[inputs](f); !reflect.DeepEqual(got, defaults) {
		t.Errorf("after Clear the frame held %+v", got)
	}
}

// TestPutAndGetTakeAStructApart: Put then Get is the way of a task's several
// outputs.
func TestPutAndGetTakeAStructApart(t *testing.T) {
	f := NewFrame(fields, reflect.ValueOf(inputs{}))
	in := inputs{base: base{2.5, []string{"b"}}, Count: 9, hidden: 4}
	Put(f, in)
	count, names, rate := NewValues[int](3), NewReflected(reflect.TypeFor[[]string](), 2), make(Boxed, 1)
	f.Get(0, count, 2)
	f.Get(1, names, 1)
	f.Get(3, rate, 0)
	if loaded(count, 2) != 9 || !reflect.DeepEqual(loaded(names, 1), []string{"b"}) || loaded(rate, 0) != 2.5 {
		t.Errorf("got %v, %v, %v", loaded(count, 2), loaded(names, 1), loaded(rate, 0))
	}
	if got := Take[inputs](f); !reflect.DeepEqual(got, in) {
		t.Errorf("Take gave %+v, want what was put: %+v", got, in)
	}
}

func TestNilFrameIsAnEmptyStruct(t *testing.T) {
	if Take[struct{}](nil) != struct{}{} {
		t.Error("a nil frame is that of a struct without inputs")
	}
}

// TestTakenFrameHoldsNoValue: a frame lives as long as its pipeline, so a value
// that it held on to would never be freed.
func TestTakenFrameHoldsNoValue(t *testing.T) {
	type holder struct {
		P *[64]byte
		O opt[*[64]byte]
	}
	f := NewFrame([]Field{{Index: []int{0}}, {Index: []int{1}, Optional: true}}, reflect.ValueOf(holder{}))
	value := new([64]byte)
	watched := weak.Make(value)
	for field := range 2 {
		if err := f.Set(field, &Values[*[64]byte]{value}, 0); err != nil {
			t.Fatal(err)
		}
	}
	Take[holder](f)
	Put(f, holder{P: value})
	f.Clear()
	runtime.KeepAlive(value)
	runtime.GC()
	if watched.Value() != nil {
		t.Error("the value is still reachable, though the frame is empty")
	}
	runtime.KeepAlive(f)
}

// TestClearedSlabHoldsNoValue: what a run with targets lets go of can be freed.
func TestClearedSlabHoldsNoValue(t *testing.T) {
	for kind, s := range map[string]Slab{
		"values":    NewValues[*[64]byte](1),
		"reflected": NewReflected(reflect.TypeFor[*[64]byte](), 1),
		"boxed":     make(Boxed, 1),
	} {
		value := new([64]byte)
		watched := weak.Make(value)
		s.Store(0, value)
		runtime.GC()
		if watched.Value() == nil {
			t.Errorf("%s: the value is gone, though the slab holds it", kind)
		}
		s.Clear(0)
		runtime.GC()
		if watched.Value() != nil {
			t.Errorf("%s: the value is still reachable after Clear", kind)
		}
		runtime.KeepAlive(s)
	}
}

// TestFramesAllocateNothing: filling and taking is what every task of a run
// pays.
func TestFramesAllocateNothing(t *testing.T) {
	type pair struct {
		A int
		B opt[float64]
	}
	f := NewFrame([]Field{{Index: []int{0}}, {Index: []int{1}, Optional: true}}, reflect.ValueOf(pair{}))
	ints, floats := Slab(&Values[int]{1 << 40}), Slab(&Values[float64]{2.5})
	var got pair
	allocs := testing.AllocsPerRun(100, func() {
		if f.Set(0, ints, 0) == nil && f.Set(1, floats, 0) == nil {
			got = Take[pair](f)
		}
	})
	if want := (pair{1 << 40, opt[float64]{2.5, true}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if allocs != 0 {
		t.Errorf("%v allocations for values of known types, want none", allocs)
	}
}
