package canon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

// writer appends to bytes. After an error what it writes is of no use.
type writer struct {
	buf   []byte
	depth int
	err   error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) uint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (w *writer) bytes(b []byte) {
	w.uint(uint64(len(b)))
	w.buf = append(w.buf, b...)
}

var errDeep = errors.New("the value contains itself, or goes more than 1000 levels deep")

// down goes one level deeper, if it may.
func (w *writer) down() bool {
	if w.depth++; w.depth > deepest {
		w.fail(errDeep)
	}
	return w.err == nil
}

func (w *writer) up() { w.depth-- }

// reader takes bytes from the front.
type reader struct {
	buf   []byte
	depth int
	err   error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = nil
}

var errShort = errors.New("it ends too early")

func (r *reader) uint() uint64 {
	n, width := binary.Uvarint(r.buf)
	if width <= 0 {
		r.fail(errShort)
		return 0
	}
	r.buf = r.buf[width:]
	return n
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.buf)) {
		r.fail(errShort)
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) bytes() []byte { return r.take(r.uint()) }

func (r *reader) down() bool {
	if r.depth++; r.depth > deepest {
		r.fail(errDeep)
	}
	return r.err == nil
}

func (r *reader) up() { r.depth-- }

// dynamic writes what is in an interface, and what tells its type from others.
func dynamic(path string) func(*writer, reflect.Value) {
	if path == "" {
		path = "the value"
	}
	return func(w *writer, v reflect.Value) {
		w.flag(!v.IsNil())
		if v.IsNil() || !w.down() {
			return
		}
		defer w.up()
		v = v.Elem()
		c, err := Of(v.Type())
		if err != nil {
			w.fail(fmt.Errorf("%s holds a %s: %w", path, v.Type(), err))
			return
		}
		w.buf = append(w.buf, c.id...)
		c.root.write(w, v)
	}
}
