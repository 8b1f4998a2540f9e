package binding

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type celsius float64

// loaded is a value of a kind of Reader of which every value can be had.
func loaded(r Reader, i int) any {
	v, err := r.Load(i)
	if err != nil {
		panic(err)
	}
	return v
}

// TestSlabsAgree holds every kind of slab to the same model: positions are
// independent, and what goes in comes out, however it goes in and out.
func TestSlabsAgree(t *testing.T) {
	const n = 5
	kinds := map[string]func() Slab{
		"values":    func() Slab { return NewValues[[]int](n) },
		"reflected": func() Slab { return NewReflected(reflect.TypeFor[[]int](), n) },
		"boxed":     func() Slab { return make(Boxed, n) },
	}
	for kind, make := range kinds {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := make()
				var model [n][]int
				steps := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 40).Draw(t, "steps")
				for _, step := range steps {
					i := rapid.IntRange(0, n-1).Draw(t, "position")
					v := rapid.SliceOfN(rapid.Int(), 1, 3).Draw(t, "value")
					switch step {
					case 0:
						s.Store(i, v)
						model[i] = v
					case 1:
						s.CopyFrom(i, &v)
						model[i] = v
					case 2:
						s.Clear(i)
						model[i] = nil
					case 3:
						s.Store(i, nil)
						model[i] = nil
					}
					for i, want := range model {
						got, _ := loaded(s, i).([]int)
						copied := []int{-1}
						if err := s.CopyTo(i, &copied); err != nil {
							t.Fatalf("position %d: CopyTo: %v", i, err)
						}
						if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(copied, want) {
							t.Fatalf("position %d: Load gives %v, CopyTo %v, want %v", i, got, copied, want)
						}
					}
				}
			})
		})
	}
}

// TestSlabsConvertByAssignment: a value goes into every type it can be assigned
// to, and into no other.
func TestSlabsConvertByAssignment(t *testing.T) {
	fill := map[string]func(v any) Slab{
		"reflected": func(v any) Slab {
			s := NewReflected(reflect.TypeOf(v), 1)
			s.Store(0, v)
			return s
		},
		"boxed": func(v any) Slab { return Boxed{v} },
		"any":   func(v any) Slab { return &Values[any]{v} },
	}
	fill["values"] = func(v any) Slab {
		switch v := v.(type) {
		case error:
			return &Values[error]{v}
		case []int:
			return &Values[[]int]{v}
		case celsius:
			return &Values[celsius]{v}
		}
		panic(fmt.Sprintf("no slab for %T", v))
	}
	type ints []int
	for kind, slab := range fill {
		t.Run(kind, func(t *testing.T) {
			var plain []int
			if err := slab([]int{1}).CopyTo(0, &plain); err != nil || plain[0] != 1 {
				t.Errorf("[]int to []int: %v, %v", plain, err)
			}
			var named ints // []int is assignable to a named type of the same form
			if err := slab([]int{2}).CopyTo(0, &named); err != nil || named[0] != 2 {
				t.Errorf("[]int to a named type of it: %v, %v", named, err)
			}
			var boxed any
			if err := slab([]int{3}).CopyTo(0, &boxed); err != nil || boxed.([]int)[0] != 3 {
				t.Errorf("[]int to any: %v, %v", boxed, err)
			}
			var stringer fmt.Stringer
			err := slab([]int{4}).CopyTo(0, &stringer)
			if err == nil || err.Error() != "want fmt.Stringer, got []int" {
				t.Errorf("[]int to an interface that it lacks: %v", err)
			}
			var failure error
			if err := slab(io.EOF).CopyTo(0, &failure); err != nil || failure != io.EOF {
				t.Errorf("error to error: %v, %v", failure, err)
			}
			var f float64 // a conversion, not an assignment
			err = slab(celsius(20)).CopyTo(0, &f)
			if err == nil || err.Error() != "want float64, got binding.celsius" || f != 0 {
				t.Errorf("a named number to its kind: %v, %v", f, err)
			}
		})
	}
}

// TestAssign: the rules one by one. An error leaves the target alone.
func TestAssign(t *testing.T) {
	type inner struct{ N int }
	var nilError error
	for _, c := range []struct {
		name    string
		dst, v  any
		want    any
		problem string
	}{
		{name: "same type", dst: new(int), v: 3, want: 3},
		{name: "struct", dst: new(inner), v: inner{4}, want: inner{4}},
		{name: "concrete to interface", dst: new(error), v: io.EOF, want: io.EOF},
		{name: "concrete to any", dst: new(any), v: 5, want: 5},
		{name: "any of the type", dst: new(int), v: any(6), want: 6},
		{name: "nil to pointer", dst: ptr(&inner{1}), v: nil, want: (*inner)(nil)},
		{name: "nil to slice", dst: ptr([]int{1}), v: nil, want: []int(nil)},
		{name: "nil to map", dst: ptr(map[string]int{}), v: nil, want: map[string]int(nil)},
		{name: "nil to any", dst: ptr(any(1)), v: nil, want: nil},
		{name: "nil to error", dst: ptr(io.EOF), v: nilError, want: nil},
		{name: "nil to func", dst: ptr(func() {}), v: nil, want: (func())(nil)},
		{name: "nil to channel", dst: ptr(make(chan int)), v: nil, want: (chan int)(nil)},
		{name: "nil to number", dst: ptr(7), v: nil, want: 7, problem: "want int, got nil"},
		{name: "nil to struct", dst: ptr(inner{8}), v: nil, want: inner{8}, problem: "want binding.inner, got nil"},
		{name: "nil to array", dst: ptr([1]int{9}), v: nil, want: [1]int{9}, problem: "want [1]int, got nil"},
		{name: "other number", dst: ptr(10), v: int64(1), want: 10, problem: "want int, got int64"},
		{name: "named number", dst: ptr(11.5), v: celsius(1), want: 11.5, problem: "want float64, got binding.celsius"},
		{name: "interface not met", dst: ptr(io.EOF), v: "text", want: io.EOF, problem: "want error, got string"},
		{name: "typed nil pointer", dst: ptr(any(1)), v: (*inner)(nil), want: (*inner)(nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Assign(c.dst, c.v)
			if problem := fmt.Sprint(err); c.problem == "" && err != nil || c.problem != "" && problem != c.problem {
				t.Errorf("error %q, want %q", problem, c.problem)
			}
			got := reflect.ValueOf(c.dst).Elem().Interface()
			if f, isFunc := got.(func()); isFunc {
				if f != nil {
					t.Error("nil did not reach the func")
				}
				return
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("target is %#v, want %#v", got, c.want)
			}
		})
	}
}

// TestInterfaceCountsAsWhatItHolds: a slab of an interface type gives its values
// by what they are, and nil as nil.
func TestInterfaceCountsAsWhatItHolds(t *testing.T) {
	builder := &strings.Builder{}
	for kind, s := range map[string]Slab{
		"values":    &Values[io.Writer]{builder, nil},
		"reflected": reflected{reflect.ValueOf([]io.Writer{builder, nil})},
		"any":       &Values[any]{builder, nil},
		"boxed":     Boxed{builder, nil},
	} {
		t.Run(kind, func(t *testing.T) {
			var concrete *strings.Builder
			if err := s.CopyTo(0, &concrete); err != nil || concrete != builder {
				t.Errorf("to its own type: %v, %v", concrete, err)
			}
			var other fmt.Stringer
			if err := s.CopyTo(0, &other); err != nil || other != builder {
				t.Errorf("to another interface that it meets: %v, %v", other, err)
			}
			var reader io.Reader
			if err := s.CopyTo(0, &reader); err == nil || err.Error() != "want io.Reader, got *strings.Builder" {
				t.Errorf("to an interface that it lacks: %v", err)
			}
			concrete = builder
			if err := s.CopyTo(1, &concrete); err != nil || concrete != nil {
				t.Errorf("nil to a pointer: %v, %v", concrete, err)
			}
			var n int
			if err := s.CopyTo(1, &n); err == nil || err.Error() != "want int, got nil" {
				t.Errorf("nil to a number: %v", err)
			}
		})
	}
}

// TestStoreAssigns: Store takes what can be assigned to the slab's type, nil
// being its zero value.
func TestStoreAssigns(t *testing.T) {
	type ints []int
	for kind, s := range map[string]Slab{
		"values":    NewValues[ints](2),
		"reflected": NewReflected(reflect.TypeFor[ints](), 2),
	} {
		t.Run(kind, func(t *testing.T) {
			s.Store(1, []int{1, 2})
			if got, ok := loaded(s, 1).(ints); !ok || len(got) != 2 {
				t.Errorf("stored a []int, loaded %#v", loaded(s, 1))
			}
			s.Store(1, nil)
			if got, ok := loaded(s, 1).(ints); !ok || got != nil {
				t.Errorf("stored nil, loaded %#v", loaded(s, 1))
			}
			if got := loaded(s, 0).(ints); got != nil {
				t.Errorf("the other position holds %#v", got)
			}
		})
	}
	failures := NewReflected(reflect.TypeFor[error](), 1)
	failures.Store(0, io.EOF)
	if got := loaded(failures, 0); !errors.Is(got.(error), io.EOF) {
		t.Errorf("stored io.EOF in a slab of errors, loaded %v", got)
	}
}

func TestNilable(t *testing.T) {
	for _, c := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[*int](), true}, {reflect.TypeFor[[]int](), true}, {reflect.TypeFor[map[int]int](), true},
		{reflect.TypeFor[chan int](), true}, {reflect.TypeFor[func()](), true}, {reflect.TypeFor[error](), true},
		{reflect.TypeFor[int](), false}, {reflect.TypeFor[string](), false}, {reflect.TypeFor[struct{}](), false},
		{reflect.TypeFor[[2]*int](), false}, {reflect.TypeFor[uintptr](), false},
	} {
		if Nilable(c.typ) != c.want {
			t.Errorf("Nilable(%s) is %v, want %v", c.typ, !c.want, c.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }
