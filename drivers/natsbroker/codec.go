package natsbroker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// A Codec says how values are written. Each value says which one wrote it, so that
// brokers with different codecs understand each other.
type Codec byte

const (
	// JSON is that of encoding/json: readable, and the default. A value that goes
	// through any comes back as JSON has it: numbers as float64.
	JSON Codec = 'j'
	// CBOR (RFC 8949) is smaller and faster, above all for numbers and bytes. A
	// value that goes through any keeps whole numbers.
	CBOR Codec = 'c'
)

// Encoding chooses how values are written; [JSON] by default.
func Encoding(c Codec) Option {
	return option(func(conf *config) {
		if c != JSON && c != CBOR {
			conf.problem("Encoding must be JSON or CBOR, got Codec(%d)", c)
		}
		conf.codec = c
	})
}

// cborOut keeps times to the nanosecond, and orders maps, so that equal values are
// stored once. cborIn bounds what a message may claim to hold.
var (
	cborOut = must(cbor.EncOptions{Sort: cbor.SortCanonical, Time: cbor.TimeRFC3339Nano}.EncMode())
	cborIn  = must(cbor.DecOptions{
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		IntDec:           cbor.IntDecConvertSignedOrFail,
		MaxArrayElements: 1<<31 - 1,
		MaxMapPairs:      1<<31 - 1,
	}.DecMode())
)

// must is for what is constant, and tested by every test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (c Codec) encode(v any) ([]byte, error) {
	if c == CBOR {
		return cborOut.Marshal(v)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(addressable(v)); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// addressable is a value, or a pointer to a copy of it if it may have methods that
// want one: encoding/json calls them only on what has an address.
func addressable(v any) any {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() == reflect.Pointer || t.PkgPath() == "" && t.Kind() != reflect.Struct && t.Kind() != reflect.Array {
		return v
	}
	p := reflect.New(t)
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

func (c Codec) decode(data []byte, into any) error {
	switch c {
	case JSON:
		return json.Unmarshal(data, into)
	case CBOR:
		return cborIn.Unmarshal(data, into)
	}
	return fmt.Errorf("the value was written by codec %q, which this version does not know: bring the processes to one version", byte(c))
}
