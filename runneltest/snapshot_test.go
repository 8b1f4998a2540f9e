package runneltest

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type inner struct {
	Tempo  []float64
	name   string
	next   *inner
	byName map[string]*inner
	any    any
}

type odd struct {
	b    bool
	i    int8
	u    uint16
	f    float32
	c    complex128
	s    string
	a    [3]int
	ch   chan int
	fn   func()
	p    *int
	nest []([]string)
	set  map[point]bool
	pps  *[]int
}

type point struct{ X, Y int }

func TestEveryKindOfChangeIsFoundAtItsPlace(t *testing.T) {
	five, six := 5, 6
	fresh := func() *odd {
		return &odd{ch: make(chan int), p: &five, nest: [][]string{{"a"}, {"b", "c"}}, set: map[point]bool{{1, 2}: true}, pps: &[]int{1, 2}, s: "old"}
	}
	for _, c := range []struct {
		name, path, text string
		change           func(*odd)
	}{
		{"bool", ".b", "was false, is true", func(o *odd) { o.b = true }},
		{"int", ".i", "was 0, is -3", func(o *odd) { o.i = -3 }},
		{"uint", ".u", "was 0, is 65535", func(o *odd) { o.u = 65535 }},
		{"float", ".f", "was 0, is 1.5", func(o *odd) { o.f = 1.5 }},
		{"negative zero", ".f", "was 0, is -0", func(o *odd) { o.f = float32(math.Copysign(0, -1)) }},
		{"complex", ".c", "was (0+0i), is (0+2i)", func(o *odd) { o.c = 2i }},
		{"string", ".s", `was "old", is "new"`, func(o *odd) { o.s = "new" }},
		{"long string", ".s", "and 60 bytes more", func(o *odd) { o.s = strings.Repeat("x", 100) }},
		{"array", ".a[1]", "was 0, is 7", func(o *odd) { o.a[1] = 7 }},
		{"channel", ".ch", "refers to another chan", func(o *odd) { o.ch = make(chan int) }},
		{"function", ".fn", "was nil", func(o *odd) { o.fn = func() {} }},
		{"pointer", ".p", "refers to another ptr", func(o *odd) { o.p = &six }},
		{"pointer dropped", ".p", "is nil, was not before", func(o *odd) { o.p = nil }},
		{"inner slice", ".nest[1][0]", `was "b", is "B"`, func(o *odd) { o.nest[1][0] = "B" }},
		{"slice longer", ".nest", "had length 2, has 3", func(o *odd) { o.nest = append(o.nest, nil) }},
		{"slice replaced", ".nest[0]", "refers to another slice", func(o *odd) { o.nest[0] = []string{"a"} }},
		{"map value", ".set[{1 2}]", "was true, is false", func(o *odd) { o.set[point{1, 2}] = false }},
		{"map key added", ".set", "had length 1, has 2", func(o *odd) { o.set[point{}] = true }},
		{"map key swapped", ".set[{1 2}]", "is gone", func(o *odd) { delete(o.set, point{1, 2}); o.set[point{}] = true }},
		{"pointer to slice", ".pps[1]", "was 2, is 9", func(o *odd) { (*o.pps)[1] = 9 }},
		{"pointer to slice, longer", ".pps", "had length 2, has 3", func(o *odd) { *o.pps = append(*o.pps, 3) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := fresh()
			before := take(o)
			if d := before.compare(o); d != nil {
				t.Fatalf("a value that nobody changed differs: %+v", d)
			}
			c.change(o)
			d := before.compare(o)
			if d == nil || d.path != c.path || !strings.Contains(d.text, c.text) {
				t.Errorf("got %+v, want %s: %s", d, c.path, c.text)
			}
		})
	}
}

func TestReferencesAreFollowedRoundCycles(t *testing.T) {
	a := &inner{name: "a", byName: map[string]*inner{}}
	b := &inner{name: "b", next: a, Tempo: []float64{1, 2, 3, 4}}
	a.next, a.byName["b"], b.any = b, b, any(inner{name: "held"})
	before := take(a)
	if d := before.compare(a); d != nil {
		t.Fatalf("a ring that nobody changed differs: %+v", d)
	}
	b.Tempo[3] = 0
	if d := before.compare(a); d == nil || d.path != ".next.Tempo[3]" {
		t.Errorf("got %+v, want .next.Tempo[3]", d)
	}
	b.Tempo[3] = 4
	fresh := &inner{}
	a.byName["b"], fresh.next = fresh, b
	if d := before.compare(a); d == nil || d.path != `.byName["b"]` {
		t.Errorf("got %+v, want .byName[\"b\"]", d)
	}
	a.byName["b"] = b
	b.any = any(inner{name: "other"})
	if d := before.compare(a); d == nil || d.path != ".next.any.name" {
		t.Errorf("got %+v, want .next.any.name", d)
	}
	for _, other := range []any{nil, 3, &inner{}} {
		b.any = other
		if d := before.compare(a); d == nil || d.path != ".next.any" {
			t.Errorf("got %+v, want .next.any", d)
		}
	}
}

func TestNothingDoesNotChange(t *testing.T) {
	var none *inner
	for _, v := range []any{nil, none, []int(nil), map[string]int(nil), struct{}{}, [0]int{}} {
		if d := take(v).compare(v); d != nil {
			t.Errorf("%#v differs from itself: %+v", v, d)
		}
	}
}

func TestAnAppendIntoSpareCapacityIsAChange(t *testing.T) {
	all := []int{1, 2, 3}
	part := all[:2]
	before := take(part)
	_ = append(part, 9)
	if d := before.compare(part); d == nil || !strings.HasPrefix(d.path, "[2], behind the end") {
		t.Errorf("got %+v, want place [2] behind the end", d)
	}
	before = take(part[:2:2])
	_ = append(part[:2:2], 8)
	if d := before.compare(part[:2:2]); d != nil {
		t.Errorf("an append that had to copy is no change: %+v", d)
	}
}

func TestStructsThatGuardThemselvesAreLeftOut(t *testing.T) {
	type cache struct {
		mu    sync.Mutex
		known map[string]int
	}
	type counter struct{ n *atomic.Int64 }
	v := struct {
		C *cache
		N counter
		T time.Time
	}{&cache{known: map[string]int{}}, counter{new(atomic.Int64)}, time.Now()}
	before := take(v)
	v.C.mu.Lock()
	v.C.known["a"] = 1
	v.N.n.Add(1)
	_ = v.T.Local().String()
	if d := before.compare(v); d != nil {
		t.Errorf("a guarded struct may change: %+v", d)
	}
}

func TestKeysThatEqualNothingAreCounted(t *testing.T) {
	m := map[float64]int{math.NaN(): 1, 2: 2}
	before := take(m)
	if d := before.compare(m); d != nil {
		t.Fatalf("a map that nobody changed differs: %+v", d)
	}
	m[math.NaN()] = 3
	if d := before.compare(m); d == nil || !strings.Contains(d.text, "length 2, has 3") {
		t.Errorf("got %+v, want the new length", d)
	}
}

func TestALongListExhaustsNoStack(t *testing.T) {
	first := &inner{}
	last := first
	for range 300_000 {
		last.next = &inner{}
		last = last.next
	}
	before := take(first)
	last.name = "changed"
	d := before.compare(first)
	if d == nil || !strings.HasSuffix(d.path, ".next.name") || !strings.Contains(d.path, "steps)") || len(d.path) > 300 {
		t.Errorf("got %+v, want a shortened path that ends in .next.name", d)
	}
}

// Whatever is in a tree of values: two walks agree, and one changed leaf is
// found.
func TestAnyChangedLeafIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var leaves []*int
		var grow func(depth int) any
		grow = func(depth int) any {
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			if depth == 0 || kind == 0 {
				leaf := new(int)
				leaves = append(leaves, leaf)
				return leaf
			}
			n := rapid.IntRange(0, 4).Draw(t, "size")
			switch kind {
			case 1:
				m := map[int]any{}
				for i := range n {
					m[i] = grow(depth - 1)
				}
				return m
			case 2:
				return struct{ a, b any }{grow(depth - 1), grow(depth - 1)}
			case 3:
				v := grow(depth - 1)
				return &v
			case 4:
				return [2]any{grow(depth - 1), nil}
			}
			s := make([]any, n)
			for i := range s {
				s[i] = grow(depth - 1)
			}
			return s
		}
		v := grow(4)
		before := take(v)
		if d := before.compare(v); d != nil {
			t.Fatalf("a value that nobody changed differs: %+v", d)
		}
		if len(leaves) == 0 {
			return
		}
		*rapid.SampledFrom(leaves).Draw(t, "leaf") = 1
		if d := before.compare(v); d == nil || d.text != "was 0, is 1" {
			t.Fatalf("the changed leaf was not found: %+v", d)
		}
	})
}
