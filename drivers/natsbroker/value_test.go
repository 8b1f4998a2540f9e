package natsbroker

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/runnelflow/runnel/broker"
)

// TestTypesThatCannotBeSent are refused with the field and the mend.
func TestTypesThatCannotBeSent(t *testing.T) {
	type hidden struct{ secret int } //lint:ignore U1000 that it is there is what counts
	type inner struct{ Ch chan int }
	type node struct {
		Next *node
		Name string
	}
	for _, c := range []struct {
		value any
		want  string // empty: it can be sent
	}{
		{0, ""}, {"", ""}, {[]byte{}, ""}, {map[string][]float64{}, ""}, {time.Time{}, ""}, {node{}, ""}, {struct{}{}, ""},
		{map[int]string{}, ""}, {[3]int{}, ""}, {struct {
			Skip chan int `json:"-" cbor:"-"`
		}{}, ""},
		{make(chan int), "it is a channel"},
		{func() {}, "it is a function"},
		{1i, "it is a complex number"},
		{hidden{}, "field secret is unexported and would be lost"},
		{struct{ Deep []inner }{}, "field Deep.Ch is a channel"},
		{struct{ M map[string]inner }{}, "field M[].Ch is a channel"},
		{struct{ Err error }{}, "field Err is the interface error"},
		{map[float64]int{}, "it has keys of type float64"},
	} {
		for _, codec := range []Codec{JSON, CBOR} {
			b := &Broker{config: &config{codec: codec}}
			err := b.CheckType(reflect.TypeOf(c.value))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%T: %v", c.value, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%T: got %v, want %q", c.value, err, c.want)
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
	}
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
				want := record{"größe", time.Date(2026, 3, 29, 1, 2, 3, 456789, time.UTC), data, math.Pi, map[string]int{"a": 1}}
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
