package canon

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type inner struct {
	A string
	B []byte
}

type embedded struct{ Rate float64 }

// everything has a field of each kind that can be written and read.
type everything struct {
	embedded
	Flag    bool
	Small   int8
	Large   uint64
	Ratio   float32
	Phase   complex128
	Text    string
	Floats  []float64
	Texts   []string
	Table   map[string]int
	Nested  map[inner2]*inner
	Next    *everything
	Pair    [2]inner
	At      time.Time
	Addr    netip.Addr
	Nothing [0]func()
	_       int
}

type inner2 struct{ X, Y int16 }

func draw(t *rapid.T, depth int) everything {
	floats := rapid.SliceOfN(rapid.Float64(), 0, 3)
	texts := rapid.SliceOfN(rapid.StringN(0, 3, 8), 0, 3)
	in := func() inner {
		return inner{rapid.StringN(0, 2, 8).Draw(t, "a"), rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "b")}
	}
	e := everything{
		embedded: embedded{rapid.Float64().Draw(t, "rate")},
		Flag:     rapid.Bool().Draw(t, "flag"),
		Small:    rapid.Int8().Draw(t, "small"),
		Large:    rapid.Uint64().Draw(t, "large"),
		Ratio:    rapid.Float32().Draw(t, "ratio"),
		Phase:    complex(rapid.Float64().Draw(t, "re"), 1),
		Text:     rapid.StringN(0, 4, 12).Draw(t, "text"),
		Table:    rapid.MapOfN(rapid.StringN(0, 2, 4), rapid.Int(), 0, 4).Draw(t, "table"),
		Pair:     [2]inner{in(), in()},
		At:       time.Unix(rapid.Int64Range(-1e9, 1e10).Draw(t, "at"), 7).In(time.FixedZone("here", rapid.IntRange(-12, 12).Draw(t, "zone")*1800)),
		Addr:     netip.AddrFrom4([4]byte{1, 2, 3, rapid.Byte().Draw(t, "addr")}),
	}
	if rapid.Bool().Draw(t, "floats") {
		e.Floats = floats.Draw(t, "floats")
	}
	if rapid.Bool().Draw(t, "texts") {
		e.Texts = texts.Draw(t, "texts")
	}
	if rapid.Bool().Draw(t, "nested") {
		e.Nested = map[inner2]*inner{}
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			v := in()
			e.Nested[inner2{rapid.Int16().Draw(t, "x"), 1}] = &v
		}
	}
	if depth < 3 && rapid.Bool().Draw(t, "next") {
		next := draw(t, depth+1)
		e.Next = &next
	}
	return e
}

func written(t interface{ Fatal(...any) }, v any) []byte {
	c, err := Of(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReadsWhatItWrote, and writes that as before: what comes back is what went in,
// and is written alike though its maps were made in another order.
func TestReadsWhatItWrote(t *testing.T) {
	c, err := Of(reflect.TypeFor[everything]())
	if err != nil || c.OneWay() != nil {
		t.Fatal(err, c.OneWay())
	}
	rapid.Check(t, func(t *rapid.T) {
		v := draw(t, 0)
		b := written(t, v)
		var back everything
		if err := c.Decode(b, &back); err != nil {
			t.Fatal(err)
		}
		if again := written(t, back); !bytes.Equal(b, again) {
			t.Fatalf("written %x, and after it was read %x", b, again)
		}
		if fmt.Sprintf("%#v", flat(v)) != fmt.Sprintf("%#v", flat(back)) {
			t.Fatalf("%+v came back as %+v", v, back)
		}
	})
}

// flat is what fmt shows whole.
func flat(e everything) []any {
	var all []any
	for p := &e; p != nil; p = p.Next {
		c := *p
		all = append(all, c.Rate, c.Texts, c.Table, c.Pair, c.At.String(), c.Addr, c.Floats, c.Text, c.Nested == nil, len(c.Nested))
	}
	return all
}

// TestDifferentValuesAreWrittenDifferently: no value is the beginning of another, and
// no two are the same.
func TestDifferentValuesAreWrittenDifferently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, w := draw(t, 2), draw(t, 2)
		a, b := written(t, v), written(t, w)
		if !reflect.DeepEqual(v, w) && !strings.Contains(fmt.Sprint(v, w), "NaN") && (bytes.HasPrefix(a, b) || bytes.HasPrefix(b, a)) {
			t.Fatalf("%+v and %+v are written alike", v, w)
		}
	})
}

type celsius float64
type kelvin float64

// TestTellsApart what is easily taken for equal.
func TestTellsApart(t *testing.T) {
	type pair struct{ A, B string }
	type held struct{ V any }
	type list struct{ L []int }
	zone := time.FixedZone("CET", 3600)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, p := range map[string][2]any{
		"the limit between two texts":      {pair{"ab", "c"}, pair{"a", "bc"}},
		"nil and empty":                    {list{nil}, list{[]int{}}},
		"nil and empty bytes":              {inner{B: nil}, inner{B: []byte{}}},
		"zero and minus zero":              {0.0, math.Copysign(0, -1)},
		"NaNs of other bits":               {math.NaN(), math.Float64frombits(math.Float64bits(math.NaN()) ^ 1)},
		"types in an interface":            {held{celsius(1)}, held{kelvin(1)}},
		"a nil in an interface and none":   {held{(*int)(nil)}, held{nil}},
		"a number and its text":            {held{1}, held{"1"}},
		"zones of one instant":             {at, at.In(zone)},
		"an element moved to the next row": {[][]int{{1, 2}, {3}}, [][]int{{1}, {2, 3}}},
		"keys and values of a map":         {map[string]string{"a": "b"}, map[string]string{"b": "a"}},
	} {
		if a, b := written(t, p[0]), written(t, p[1]); bytes.Equal(a, b) {
			t.Errorf("%s: %+v and %+v are written alike: %x", name, p[0], p[1], a)
		}
	}
	if a, b := written(t, math.NaN()), written(t, math.NaN()); !bytes.Equal(a, b) {
		t.Error("one NaN is written in two ways")
	}
}

// TestMapsAreWrittenInOneOrder, however they were made.
func TestMapsAreWrittenInOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "keys")
		order := rapid.Permutation(keys).Draw(t, "order")
		a, b := map[string]int{}, map[string]int{}
		for _, k := range keys {
			a[k] = len(k)
		}
		for _, k := range order {
			b[k] = len(k)
		}
		if x, y := written(t, a), written(t, b); !bytes.Equal(x, y) {
			t.Fatalf("%x and %x", x, y)
		}
	})
}

type hidden struct{ Open, secret int }

type deep struct {
	Config struct{ Done []chan int }
}

type ring struct{ Next *ring }

type oneWay struct{ secret int }

func (o oneWay) MarshalText() ([]byte, error) { return fmt.Append(nil, o.secret), nil }

type failing struct{ secret int }

func (f failing) MarshalBinary() ([]byte, error) { return nil, fmt.Errorf("no %d", f.secret) }
func (*failing) UnmarshalBinary([]byte) error    { panic("never") }

// TestRefusesByName: what cannot be written is named by its path and type.
func TestRefusesByName(t *testing.T) {
	for want, v := range map[string]any{
		".secret (int) is not exported":       hidden{1, 2},
		".Config.Done[] (chan int) cannot":    deep{},
		"func()":                              func() {},
		".state (sync.Mutex) is not exported": struct{ state sync.Mutex }{},
	} {
		if _, err := Of(reflect.TypeOf(v)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: error %v, want one with %q", v, err, want)
		}
	}
	r := &ring{}
	r.Next = r
	for want, v := range map[string]any{
		"contains itself":             r,
		"does not write itself: no":   failing{},
		".V holds a chan int: chan i": struct{ V any }{make(chan int)},
	} {
		c, err := Of(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Append(nil, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: error %v, want one with %q", v, err, want)
		}
	}
	for want, typ := range map[string]reflect.Type{
		".V (interface {}) is an interface": reflect.TypeFor[struct{ V any }](),
		"give it UnmarshalText":             reflect.TypeFor[oneWay](),
	} {
		c, err := Of(typ)
		if err != nil {
			t.Fatal(err)
		}
		if c.OneWay() == nil || !strings.Contains(c.OneWay().Error(), want) {
			t.Errorf("%v: %v, want %q", typ, c.OneWay(), want)
		}
	}
}

// TestTypesThatWriteThemselves are asked to where they cannot be seen, and only there:
// a text may hide what the value is.
func TestTypesThatWriteThemselves(t *testing.T) {
	u, _ := url.Parse("https://user:word@example.org/a?b=c#d")
	n := new(big.Int).Exp(big.NewInt(7), big.NewInt(200), nil)
	f := new(big.Float).SetPrec(300).Quo(big.NewFloat(1), big.NewFloat(3))
	for _, v := range []any{u, n, f} {
		c, err := Of(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := c.Decode(written(t, v), back.Interface()); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(back.Elem()); got != fmt.Sprint(v) {
			t.Errorf("%v came back as %v", v, got)
		}
	}
	if bytes.Equal(written(t, secret("a")), written(t, secret("b"))) {
		t.Error("two texts that print alike were taken for equal")
	}
}

type secret string

func (secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// TestTimesKeepTheirZone, by name where the place is known.
func TestTimesKeepTheirZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := Of(reflect.TypeFor[time.Time]())
	for _, want := range []time.Time{{}, time.Unix(1e9, 5).UTC(), time.Unix(1e9, 5).In(berlin), time.Unix(1e9, 0).In(time.FixedZone("X", 61)),
		time.Unix(1e9, 0).In(time.FixedZone("UTC", 3600)), time.Unix(1e9, 0).In(time.FixedZone("Local", 61)), time.Unix(1e9, 0).In(time.FixedZone("", 0)), time.Now()} {
		var got time.Time
		if err := c.Decode(written(t, want), &got); err != nil {
			t.Fatal(err)
		}
		if want = want.Round(0); got.String() != want.String() || !got.Equal(want) || got.Location().String() != want.Location().String() {
			t.Errorf("%v in %v came back as %v in %v", want, want.Location(), got, got.Location())
		}
	}
}

// TestTypesAreToldApart: the text of a type changes with what it consists of.
func TestTypesAreToldApart(t *testing.T) {
	texts := map[string]reflect.Type{}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[int32](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]int8](),
		reflect.TypeFor[*int](), reflect.TypeFor[[2]int](), reflect.TypeFor[[3]int](), reflect.TypeFor[map[string]int](), reflect.TypeFor[map[int]string](),
		reflect.TypeFor[struct{ A int }](), reflect.TypeFor[struct{ B int }](), reflect.TypeFor[struct{ A, B int }](),
		reflect.TypeFor[struct{ A struct{ B int } }](), reflect.TypeFor[ring](), reflect.TypeFor[big.Int](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[time.Time](), reflect.TypeFor[any](),
	} {
		c, err := Of(typ)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := texts[c.Types()]; ok {
			t.Errorf("%v and %v are both %q", typ, other, c.Types())
		}
		texts[c.Types()] = typ
	}
}

// FuzzDecode: damaged bytes are an error, and never more memory or time than good ones.
func FuzzDecode(f *testing.F) {
	f.Add(mustWrite(everything{Text: "a", Table: map[string]int{"b": 1}, At: time.Unix(0, 0).UTC(), Next: &everything{}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	c, err := Of(reflect.TypeFor[everything]())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v everything
		if c.Decode(b, &v) != nil {
			return
		}
		again := mustWrite(v)
		var w everything
		if err := c.Decode(again, &w); err != nil {
			t.Fatalf("%x was read, written as %x, and then: %v", b, again, err)
		}
		if third := mustWrite(w); !bytes.Equal(again, third) {
			t.Fatalf("%x was written as %x and then as %x", b, again, third)
		}
	})
}

func mustWrite(v any) []byte {
	c, err := Of(reflect.TypeOf(v))
	if err != nil {
		panic(err)
	}
	b, err := c.Append(nil, v)
	if err != nil {
		panic(err)
	}
	return b
}
