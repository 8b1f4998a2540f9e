package natsbroker

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// stamped has methods of its own beside those of what it embeds.
type stamped struct {
	time.Time
	Name string
}

func (s stamped) text() string { return s.Name + "@" + s.Format(time.RFC3339) }

func (s *stamped) parse(text string) (err error) {
	name, at, _ := strings.Cut(text, "@")
	s.Name = name
	s.Time, err = time.Parse(time.RFC3339, at)
	return err
}

func (s stamped) MarshalJSON() ([]byte, error)       { return json.Marshal(s.text()) }
func (s stamped) MarshalBinary() ([]byte, error)     { return []byte(s.text()), nil }
func (s *stamped) UnmarshalBinary(data []byte) error { return s.parse(string(data)) }
func (s *stamped) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return s.parse(text)
}

// half declares how it is encoded, and not how it is decoded.
type half struct {
	time.Time
	Name string
}

func (h half) MarshalJSON() ([]byte, error)   { return json.Marshal(h.Name) }
func (h half) MarshalBinary() ([]byte, error) { return []byte(h.Name), nil }

// point is a key as a text, and nothing else.
type point struct{ X, Y int }

func (p point) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d,%d", p.X, p.Y), nil }
func (p *point) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d,%d", &p.X, &p.Y)
	return err
}

// shouted is a number that only says how it is encoded.
type shouted int

func (s shouted) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d!", s), nil }

// tagged is a struct of fields A, B and so on. Go vet would not have some of them.
func tagged(tags ...reflect.StructTag) any {
	var fields []reflect.StructField
	for i, tag := range tags {
		fields = append(fields, reflect.StructField{Name: string(rune('A' + i)), Type: reflect.TypeFor[int](), Tag: tag})
	}
	return reflect.Zero(reflect.StructOf(fields)).Interface()
}

// TestTypesThatCannotBeSent are refused with the field and the mend.
func TestTypesThatCannotBeSent(t *testing.T) {
	type hidden struct{ secret int } //lint:ignore U1000 that it is there is what counts
	type inner struct{ Ch chan int }
	type node struct {
		Next *node
		Name string
	}
	type dated struct {
		time.Time
		Name string
	}
	type base struct{ ID int }
	type other struct{ ID string }
	type itself *itself
	for _, c := range []struct {
		value any
		want  string // empty: it can be sent
		codec Codec  // 0: with each
	}{
		{0, "", 0}, {"", "", 0}, {[]byte{}, "", 0}, {map[string][]float64{}, "", 0}, {time.Time{}, "", 0}, {node{}, "", 0}, {struct{}{}, "", 0},
		{map[int]string{}, "", 0}, {[3]int{}, "", 0}, {struct {
			Skip chan int `json:"-" cbor:"-"`
		}{}, "", 0},
		{make(chan int), "it is a channel", 0},
		{func() {}, "it is a function", 0},
		{1i, "it is a complex number", 0},
		{hidden{}, "field secret is unexported and would be lost", 0},
		{struct{ Deep []inner }{}, "field Deep.Ch is a channel", 0},
		{struct{ M map[string]inner }{}, "field M[].Ch is a channel", 0},
		{struct{ Err error }{}, "field Err is the interface error", 0},
		{map[float64]int{}, "it has keys of type float64", 0},

		// Methods of an embedded field stand for the whole struct.
		{struct {
			time.Time
			Name string
		}{}, "field Name would be lost, because Marshal", 0},
		{[]dated{}, "of the embedded Time stands for all of natsbroker.dated: make Time a field with a name, or give the struct a Marshal", 0},
		{struct{ Deep map[string]*dated }{}, "field Deep[].Name would be lost", 0},
		{struct {
			*time.Time
			Name string
		}{}, "field Name would be lost, because Marshal", 0},
		{struct {
			*time.Time `json:"at"`
			name       string
		}{}, "field name would be lost, because Marshal", 0},
		{struct{ dated }{}, "field dated.Name would be lost", 0},
		{half{}, "field Name would be lost, because Unmarshal", 0},
		{struct {
			time.Time
			netip.Addr
		}{}, "field Time is embedded, where the methods of time.Time to encode it are not called: make it a field with a name", CBOR},
		{struct {
			big.Float
			netip.Addr
		}{}, "field Float is embedded, where the methods of big.Float to encode it are not called", JSON},
		{struct{ big.Int }{}, "field Int is embedded, where the methods of big.Int", CBOR},
		{struct {
			big.Int
			Name string
		}{}, "field Name would be lost, because MarshalJSON of the embedded Int", JSON},
		{stamped{}, "", 0}, {struct{ time.Time }{}, "", 0},
		{struct {
			time.Time
			Name string `json:"-"`
		}{}, "", 0},

		// Methods that want a pointer are not called within maps.
		{big.Int{}, "", 0}, {struct{ N big.Int }{}, "", 0}, {[]big.Int{}, "", 0}, {[2]big.Int{}, "", 0}, {map[string]*big.Int{}, "", 0}, {map[string][]big.Int{}, "", 0},
		{map[string]big.Int{}, "field [] is a big.Int within a map, where MarshalJSON is not called because it wants a pointer: use *big.Int", JSON},
		{map[string]big.Int{}, "", CBOR},
		{struct {
			M map[string][2]struct{ N big.Float }
		}{}, "field M[].N is a big.Float within a map, where MarshalText", JSON},
		{struct {
			A struct{ N big.Int }
			B map[string]struct{ N big.Int }
		}{}, "field B[].N is a big.Int within a map", JSON},

		// Fields of one name.
		{tagged(`json:"x"`, `json:"x,omitempty"`), `fields A and B are both written as "x", so that not both arrive: give one another name in its tag`, 0},
		{struct {
			X int
			B int `json:"X"`
		}{}, `fields X and B are both written as "X"`, 0},
		{struct {
			base
			other
		}{}, `fields base.ID and other.ID are both written as "ID"`, 0},
		{struct {
			base
			ID int
		}{}, `fields base.ID and ID are both written as "ID"`, 0},
		{struct{ In struct{ A, B int } }{}, "", 0},
		{struct {
			base
			Other other
		}{}, "", 0},
		{tagged(`json:"x" cbor:"a"`, `json:"x" cbor:"b"`), `fields A and B are both written as "x"`, JSON},
		{tagged(`json:"x" cbor:"a"`, `json:"x" cbor:"b"`), "", CBOR},
		{tagged(`cbor:"1,keyasint"`, `cbor:"1"`, `cbor:"+1,keyasint"`), `fields A and C are both written as "1"`, CBOR},
		{tagged(`json:"-,"`, `json:"-"`), "", 0},

		// Keys.
		{map[point]int{}, "", JSON},
		{map[point]int{}, "it has keys of type natsbroker.point: use strings, whole numbers, or a type with MarshalBinary", CBOR},
		{map[netip.Addr]int{}, "", 0},
		{map[shouted]int{}, "it has keys of type natsbroker.shouted", JSON},
		{map[shouted]int{}, "", CBOR},
		{struct{ M map[dated]int }{}, "field M[].Name would be lost, because Marshal", 0},
		{map[stamped]int{}, "field [].Name would be lost, because MarshalText", JSON},
		{map[stamped]int{}, "", CBOR},
		{map[time.Time]int{}, "", 0},
		{itself(nil), "", 0},
	} {
		for _, codec := range []Codec{JSON, CBOR} {
			if c.codec != 0 && c.codec != codec {
				continue
			}
			b := &Broker{config: &config{codec: codec}}
			err := b.CheckType(reflect.TypeOf(c.value))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%c %T: %v", codec, c.value, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%c %T: got %v, want %q", codec, c.value, err, c.want)
			}
		}
	}
}

// TestValuesArrive as they were, small and large, packed or not, with each codec.
func TestValuesArrive(t *testing.T) {
	url := startURL(t)
	type record struct {
		Name  string
		At    time.Time
		Data  []byte
		Ratio float64
		Tags  map[string]int
		Size  big.Int
		Sizes [1]big.Int
		Seen  stamped
		Hosts map[netip.Addr]int
	}
	huge := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(3), 100))
	for _, codec := range []Codec{JSON, CBOR} {
		for _, size := range []int{0, 100, 100_000, 3_000_000} {
			t.Run(fmt.Sprintf("%c %d", codec, size), func(t *testing.T) {
				b, err := Connect(t.Context(), url, Namespace(fmt.Sprintf("v%d", namespaces.Add(1))), Encoding(codec))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				data := make([]byte, size)
				for k := range data {
					data[k] = byte(k * k >> 3)
				}
				want := record{"größe", time.Date(2026, 3, 29, 1, 2, 3, 456789, time.UTC), data, math.Pi, map[string]int{"a": 1},
					*huge, [1]big.Int{*huge}, stamped{time.Date(2026, 3, 29, 1, 2, 3, 0, time.UTC), "début"}, map[netip.Addr]int{netip.IPv6Loopback(): 1}}
				if err := b.CheckType(reflect.TypeOf(want)); err != nil {
					t.Fatal(err)
				}
				if err := b.Submit(t.Context(), []broker.Batch{{job("r", 1, want)}}); err != nil {
					t.Fatal(err)
				}
				_, got := receive[record](t, b, worker(t, b, "w"))
				if len(got.Data) == 0 {
					got.Data = want.Data
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("the record of %d bytes came back otherwise", size)
				}
			})
		}
	}
}

// TestMethodsThatWantAPointer are called with values too, and what they write arrives.
func TestMethodsThatWantAPointer(t *testing.T) {
	n := big.NewInt(-5)
	for _, want := range []any{*n, [2]big.Int{*n, *n}, []big.Int{*n}, struct{ N big.Int }{*n}, struct{ N *big.Int }{n}, map[string]*big.Int{"a": n}, map[string][]big.Int{"a": {*n}}} {
		for _, codec := range []Codec{JSON, CBOR} {
			data, err := codec.encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(want))
			if err := codec.decode(data, got.Interface()); err != nil || !reflect.DeepEqual(got.Elem().Interface(), want) {
				t.Errorf("%c %T: %s came back as %v, %v", codec, want, data, got.Elem(), err)
			}
		}
	}
}

// TestTooLargeIsAResult: the run learns at once, by name and limit.
func TestTooLargeIsAResult(t *testing.T) {
	b := embedded(t, t.TempDir(), MaxValue(1000), Compress(-1))
	results := make(chan []*broker.Result, 2)
	go b.Results(t.Context(), "r", func(r []*broker.Result) { results <- r })
	<-results
	if err := b.Submit(t.Context(), []broker.Batch{{job("r", 1, strings.Repeat("x", 2000))}}); err != nil {
		t.Fatal(err)
	}
	r := (<-results)[0]
	want := `input "in" of task "task" has 2002 bytes, and at most 1000 are possible: raise MaxValue`
	if r.Failure == nil || !strings.Contains(r.Failure.Text, want) || !r.Failure.Permanent {
		t.Errorf("got %+v, want %q", r.Failure, want)
	}
}

// FuzzMessages: hostile ones are refused without a panic or a large allocation.
func FuzzMessages(f *testing.F) {
	b := &Broker{config: &config{codec: JSON, maxValue: 1 << 20}}
	good, err := cborOut.Marshal(&wireJob{Version: wireVersion, Run: "r", Task: "t", Inputs: []wireInput{{Name: "in", Value: &wireValue{Codec: JSON, Data: []byte("1")}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	other, err := cborOut.Marshal(&wireOther{Element: 2, Inputs: []wireInput{{Same: true}}})
	if err != nil {
		f.Fatal(err)
	}
	many, err := parcelOut(&wireJob{Version: wireVersion, Run: "r", Task: "t", Inputs: []wireInput{{Name: "in"}}}, []cbor.RawMessage{other})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(many)
	other = must(cborOut.Marshal(&wireOther{Task: "u", Inputs: []wireInput{{Name: "in"}, {Same: true}}}))
	f.Add(must(parcelOut(&wireJob{Version: wireMixed, Run: "r", Task: "t", Inputs: []wireInput{{Name: "in"}}}, []cbor.RawMessage{other})))
	row := must(cborOut.Marshal([]*wireValue{{Codec: JSON, Data: []byte(`"a"`)}, nil}))
	rows := must(cborOut.Marshal([]*wireValue{{Codec: listed, Data: row}, {Codec: JSON, Data: []byte(`["b"]`)}}))
	f.Add(must(cborOut.Marshal(&wireJob{Version: wireListed, Run: "r", Task: "t", Inputs: []wireInput{{Name: "in", Value: &wireValue{Codec: listed, Data: rows}}}})))
	f.Add([]byte{0xbb, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte(`{"run":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := b.parcelIn(data); err == nil {
			for _, j := range p.jobs {
				for _, in := range j.Inputs {
					if v, ok := in.Value.(*value); ok && isInMessage(v) {
						var into any
						_ = v.Decode(t.Context(), &into)
						var rows [][]string
						_ = v.Decode(t.Context(), &rows)
					}
				}
			}
		}
		_, _ = b.recordIn(data)
	})
}

// isInMessage reports whether nothing of a value is stored elsewhere.
func isInMessage(v *value) bool {
	data := v.wire.Data
	if v.wire.Packed {
		data, _ = v.b.unpack(data)
	}
	if v.wire.Ref != "" || v.wire.Codec != listed {
		return v.wire.Ref == ""
	}
	l, _ := v.list(data)
	return !slices.ContainsFunc(l, func(part broker.Value) bool { return part != nil && !isInMessage(part.(*value)) })
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Option{Namespace("a b"), Lease(time.Millisecond), MaxDeliveries(0), Lifetime(0), Replicas(9), MaxJobs(0), MaxBytes(1), Inline(-1), MaxValue(0), Encoding('x'), nil} {
		if _, err := newConfig([]Option{o}); err == nil {
			t.Errorf("a wrong option was taken")
		}
	}
	if _, err := Open(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the connection is nil") {
		t.Error(err)
	}
	if _, err := Connect(t.Context(), "nats://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "nats-server/v2@v2.15.2 -js") {
		t.Error(err)
	}
}

// TestMoreBytesThanThereAre: a server that cannot set aside what a stream may have refuses
// it, and the error says which option to change.
func TestMoreBytesThanThereAre(t *testing.T) {
	for name, opts := range map[string][]Option{"files": nil, "memory": {InMemory()}} {
		_, err := Embedded(t.Context(), t.TempDir(), append(opts, MaxBytes(1<<60))...)
		if err == nil || !strings.Contains(err.Error(), "lower MaxBytes") || !strings.Contains(err.Error(), "stream runnel-jobs") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestOptionsReachTheStreams as they are given.
func TestOptionsReachTheStreams(t *testing.T) {
	b := embedded(t, t.TempDir(), InMemory(), Replicas(1), MaxBytes(2<<20), Lifetime(time.Hour), Inline(10), SyncAlways(), Connection())
	info, err := b.stream("jobs").Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := info.Config; c.Storage != jetstream.MemoryStorage || c.MaxBytes != 2<<20 || c.MaxAge != time.Hour || c.Replicas != 1 {
		t.Errorf("the stream of jobs is %+v", c)
	}
	if err := b.Submit(t.Context(), []broker.Batch{{job("r", 1, "longer than ten bytes")}}); err != nil {
		t.Fatal(err)
	}
	if _, in := receive[string](t, b, worker(t, b, "w")); in != "longer than ten bytes" {
		t.Errorf("got %q", in)
	}
	values, err := b.stream("values").Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if values.State.Msgs != 1 {
		t.Errorf("%d values are stored, want the one that is too long for its message", values.State.Msgs)
	}
}
