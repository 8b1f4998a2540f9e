package binding

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNestFlatAndElementsAgree: what Nest makes of a flat slice, Elements reads
// in the same order, Rows reads by parts, and Flat undoes.
func TestNestFlatAndElementsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 4).Draw(t, "dims")
		n := 1
		for _, d := range dims {
			n *= d
		}
		flat := make([]int, n)
		for i := range flat {
			flat[i] = i + 1
		}
		nested := Nest(flat, dims)
		if got := Flat(nested, len(dims)); !slices.Equal(got.([]int), flat) {
			t.Fatalf("flat again, %v is %v", nested, got)
		}
		axes := rapid.IntRange(1, len(dims)).Draw(t, "axes")
		taken, lengths, err := Elements(nested, axes)
		if err != nil {
			t.Fatal(err)
		}
		from := taken.Flat(lengths)
		rows := 1
		for d, length := range lengths {
			if known := !slices.Contains(dims[:d], 0); known && length != dims[d] || !known && length != -1 {
				t.Fatalf("%v has the lengths %v, want %v, -1 where no row tells", nested, lengths, dims[:axes])
			}
			rows *= dims[d]
		}
		for i := range rows {
			want := reflect.ValueOf(nested)
			rest := i
			width := rows
			for d := range axes {
				width /= dims[d]
				want = want.Index(rest / width)
				rest %= width
			}
			if got, err := from.Load(i); err != nil || !reflect.DeepEqual(got, want.Interface()) {
				t.Fatalf("element %d of %v is %v, %v, want %v", i, nested, got, err, want)
			}
			to := reflect.New(want.Type())
			if err := from.CopyTo(i, to.Interface()); err != nil || !reflect.DeepEqual(to.Elem().Interface(), want.Interface()) {
				t.Fatalf("element %d of %v copied is %v, %v", i, nested, to.Elem(), err)
			}
			if axes < len(dims) {
				if got, err := Rows(reflected{reflect.ValueOf(flat)}, dims[axes:]).Load(i); err != nil || !reflect.DeepEqual(got, want.Interface()) {
					t.Fatalf("row %d is %v, %v, want %v", i, got, err, want)
				}
			}
		}
	})
}

func TestElementsOfWhatHasNone(t *testing.T) {
	for what, c := range map[string]struct {
		v    any
		axes int
		want string
	}{
		"nil":            {nil, 1, "it is nil, which has no elements"},
		"a nil sequence": {(func(func(int) bool))(nil), 1, "it is nil, which has no elements"},
		"a sequence":     {slices.Values([]int{1}), 1, "it is an iter.Seq (iter.Seq[int]), which is read on the first axis only"},
		"one in a row":   {[]any{[]int{1}, slices.Values([]int{1})}, 2, "it is an iter.Seq (iter.Seq[int])"},
		"a number":       {7, 1, "it is a int, which has no elements"},
		"a map":          {map[int]int{}, 1, "it is a map[int]int"},
		"a level less":   {[]int{1}, 2, "it is a int"},
		"nil below":      {[]any{[]int{1}, nil}, 2, "it is nil"},
	} {
		if _, _, err := Elements(c.v, c.axes); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", what, err, c.want)
		}
	}
}

func TestElementsDoNotFitAnyTarget(t *testing.T) {
	from, _, err := Elements([]any{1, "two", nil}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var s string
	var p *int
	if err := from.CopyTo(0, &n); err != nil || n != 1 {
		t.Errorf("1 into an int: %d, %v", n, err)
	}
	if err := from.CopyTo(0, &s); err == nil || err.Error() != "want string, got int" {
		t.Errorf("1 into a string: %v", err)
	}
	if err := from.CopyTo(2, &p); err != nil || p != nil {
		t.Errorf("nil into a pointer: %v, %v", p, err)
	}
	if err := from.CopyTo(2, &n); err == nil || err.Error() != "want int, got nil" {
		t.Errorf("nil into an int: %v", err)
	}
}

// TestElementsOfRowsThatDiffer: the rows are those of the data, at every level,
// and each axis along which they differ is called ragged.
func TestElementsOfRowsThatDiffer(t *testing.T) {
	for what, c := range map[string]struct {
		v    any
		axes int
		dims []int
	}{
		"slices":         {[][]int{{1, 2}, {3}}, 2, []int{2, Ragged}},
		"one empty":      {[][]int{nil, {3}}, 2, []int{2, Ragged}},
		"a level below":  {[][][]int{{{1}}, {{1, 2}}}, 3, []int{2, 1, Ragged}},
		"a level above":  {[][][]int{{{1}, {2}}, {{3}}}, 3, []int{2, Ragged, 1}},
		"no row to tell": {[][][]int{nil, {}}, 3, []int{2, 0, NoRow}},
	} {
		taken, dims, err := Elements(c.v, c.axes)
		if err != nil || !slices.Equal(dims, c.dims) {
			t.Errorf("%s: lengths %v, %v, want %v", what, dims, err, c.dims)
			continue
		}
		var all func(r *Row, axes int) []any
		all = func(r *Row, axes int) (got []any) {
			for k := range r.Len() {
				if axes == 1 {
					got = append(got, loaded(r, k))
				} else {
					got = append(got, all(r.Below(k), axes-1)...)
				}
			}
			return got
		}
		var want []any
		for _, n := range numbersIn(reflect.ValueOf(c.v)) {
			want = append(want, n)
		}
		if got := all(taken, c.axes); !slices.Equal(got, want) {
			t.Errorf("%s: elements %v, want %v", what, got, want)
		}
	}
}

// numbersIn are the numbers in nested data, in order.
func numbersIn(v reflect.Value) (all []int) {
	switch v.Kind() {
	case reflect.Interface:
		return numbersIn(v.Elem())
	case reflect.Int:
		return []int{int(v.Int())}
	default:
		for i := range v.Len() {
			all = append(all, numbersIn(v.Index(i))...)
		}
	}
	return all
}

func TestRowsCannotGrowIntoEachOther(t *testing.T) {
	flat := []int{1, 2, 3, 4}
	row := loaded(Rows((*Values[int])(&flat), []int{2}), 0).([]int)
	whole := Nest(flat, []int{2, 2}).([][]int)
	_, _ = append(row, -1), append(whole[0], -2)
	if !slices.Equal(flat, []int{1, 2, 3, 4}) {
		t.Errorf("a row that was appended to changed the next: %v", flat)
	}
}

func always() bool { return true }

// TestCollectStops reading what has no end.
func TestCollectStops(t *testing.T) {
	endless := func(yield func(int) bool) {
		for yield(1) {
		}
	}
	left := 3
	got := Collect(endless, func() bool { left--; return left >= 0 })
	if !reflect.DeepEqual(got, []int{1, 1, 1}) {
		t.Errorf("got %v, want three elements", got)
	}
}

func TestCollectReadsToTheEnd(t *testing.T) {
	if got := Collect(slices.Values([]string{"a", "b"}), always); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("got %#v", got)
	}
	if got := Collect(func(func(int) bool) {}, always); !reflect.DeepEqual(got, []int{}) {
		t.Errorf("an empty sequence is %#v, want an empty slice", got)
	}
}
