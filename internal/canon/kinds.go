package canon

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

// basics are the codecs of values without parts.
var basics = map[reflect.Kind]codec{}

func init() {
	for _, k := range []reflect.Kind{reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64} {
		basics[k] = codec{
			func(w *writer, v reflect.Value) { w.buf = binary.AppendVarint(w.buf, v.Int()) },
			func(r *reader, v reflect.Value) {
				n, width := binary.Varint(r.buf)
				if width <= 0 || v.OverflowInt(n) {
					r.fail(errShort)
					return
				}
				r.buf = r.buf[width:]
				v.SetInt(n)
			},
		}
	}
	for _, k := range []reflect.Kind{reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64} {
		basics[k] = codec{
			func(w *writer, v reflect.Value) { w.uint(v.Uint()) },
			func(r *reader, v reflect.Value) {
				n := r.uint()
				if v.OverflowUint(n) {
					r.fail(errShort)
					return
				}
				v.SetUint(n)
			},
		}
	}
	basics[reflect.Bool] = codec{
		func(w *writer, v reflect.Value) { w.flag(v.Bool()) },
		func(r *reader, v reflect.Value) { v.SetBool(r.flag()) },
	}
	basics[reflect.Float64] = codec{
		func(w *writer, v reflect.Value) { w.float(v.Float()) },
		func(r *reader, v reflect.Value) { v.SetFloat(r.float()) },
	}
	basics[reflect.Float32] = basics[reflect.Float64]
	basics[reflect.Complex128] = codec{
		func(w *writer, v reflect.Value) { w.float(real(v.Complex())); w.float(imag(v.Complex())) },
		func(r *reader, v reflect.Value) { re := r.float(); v.SetComplex(complex(re, r.float())) },
	}
	basics[reflect.Complex64] = basics[reflect.Complex128]
	basics[reflect.String] = codec{
		func(w *writer, v reflect.Value) { w.text(v.String()) },
		func(r *reader, v reflect.Value) { v.SetString(string(r.bytes())) },
	}
}

func (w *writer) flag(b bool) {
	if b {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (r *reader) flag() bool {
	b := r.take(1)
	if len(b) == 1 && b[0] > 1 {
		r.fail(errShort)
	}
	return len(b) == 1 && b[0] == 1
}

func (w *writer) float(f float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}

func (r *reader) float() float64 {
	if b := r.take(8); len(b) == 8 {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func writeBytes(w *writer, v reflect.Value) {
	if v.IsNil() {
		w.uint(0)
		return
	}
	w.uint(uint64(v.Len()) + 1)
	w.buf = append(w.buf, v.Bytes()...)
}

func readBytes(r *reader, v reflect.Value) {
	n := r.uint()
	if n == 0 {
		v.SetZero()
		return
	}
	b := r.take(n - 1)
	if r.err == nil {
		v.SetBytes(append([]byte{}, b...))
	}
}

// writeTime writes the instant, and the zone by all that it is called: whoever reads
// it may not know the place.
func writeTime(w *writer, v reflect.Value) {
	t := v.Interface().(time.Time)
	zone, offset := t.Zone()
	w.buf = binary.AppendVarint(w.buf, t.Unix())
	w.uint(uint64(t.Nanosecond()))
	w.text(t.Location().String())
	w.text(zone)
	w.buf = binary.AppendVarint(w.buf, int64(offset))
}

func readTime(r *reader, v reflect.Value) {
	sec, width := binary.Varint(r.buf)
	if width <= 0 {
		r.fail(errShort)
		return
	}
	r.buf = r.buf[width:]
	nsec := r.uint()
	place, zone := string(r.bytes()), string(r.bytes())
	offset, width := binary.Varint(r.buf)
	if width <= 0 || nsec >= 1e9 {
		r.fail(errShort)
		return
	}
	r.buf = r.buf[width:]
	v.Set(reflect.ValueOf(inZone(time.Unix(sec, int64(nsec)), place, zone, int(offset))))
}

// inZone is a time in the place of that name, if it has that zone there. Places of a
// user's own may be called as others are.
func inZone(t time.Time, place, zone string, offset int) time.Time {
	t = t.In(time.FixedZone(zone, offset))
	there := time.Local
	switch place {
	case "":
		return t
	case "UTC":
		there = time.UTC
	case "Local":
	default:
		l, err := time.LoadLocation(place)
		if err != nil {
			return t
		}
		there = l
	}
	if name, at := t.In(there).Zone(); at == offset && name == zone {
		return t.In(there)
	}
	return t
}
