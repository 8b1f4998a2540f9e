package runnel

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// sealed is a slab of a run with workers. What a worker has made stays in it as it came
// until something in this process reads it, and goes on to other workers as it is.
type sealed struct {
	binding.Slab // what was opened, or made here
	r            *remote
	typ          reflect.Type
	letters      []atomic.Pointer[letter]
}

// letter is an output of a unit that this process may not have read.
type letter struct {
	unit   unit
	output int32

	mu     sync.Mutex
	value  broker.Value // nil for the whole of a mapped task until a worker takes it
	opened bool
	err    error // why it could not be opened
}

// unreadError is the error of who reads a value that a worker has made and this process
// cannot have.
type unreadError struct {
	task, output, location string
	err                    error
}

func (e *unreadError) Error() string {
	return fmt.Sprintf("output %q of task %q (%s), which a worker has made, cannot be read: %v", e.output, e.task, e.location, e.err)
}

func (e *unreadError) Unwrap() error { return e.err }

// seal makes a slab for values of an output that may go on to other workers.
func (r *remote) seal(s binding.Slab, typ reflect.Type, n int) *sealed {
	return &sealed{s, r, typ, make([]atomic.Pointer[letter], n)}
}

// put puts an output of a unit at a position, as it came.
func (s *sealed) put(i int, u unit, output int, v broker.Value) {
	s.letters[i].Store(&letter{unit: u, output: int32(output), value: v})
}

// open reads the value at a position, unless that was done.
func (s *sealed) open(i int) error {
	l := s.letters[i].Load()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened || l.err != nil {
		return l.err
	}
	x := s.r.x
	if m := x.mapped(l.unit.node); m != nil && l.unit.elem == whole {
		v, err := m.nested(int(l.output))
		if l.err = err; err == nil {
			s.Slab.Store(i, v)
		}
	} else {
		into := reflect.New(s.typ)
		if err := s.r.decode(l.value, into.Interface()); err != nil {
			l.err = l.unread(x, err)
		} else {
			s.Slab.CopyFrom(i, into.Interface())
		}
	}
	l.opened = l.err == nil
	return l.err
}

// forgo gives up the value at a position, unless it was read.
func (s *sealed) forgo(i int, why error) error {
	l := s.letters[i].Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened && l.err == nil {
		l.err = l.unread(s.r.x, why)
	}
	return l.err
}

func (l *letter) unread(x *execution, why error) error {
	d := x.plan.nodes[l.unit.node].task
	return &unreadError{label(d.Name(), x.index(l.unit)), d.outputs[l.output].name, d.Location(), why}
}

// CopyTo implements [binding.Slab].
func (s *sealed) CopyTo(i int, dst any) error {
	if err := s.open(i); err != nil {
		return err
	}
	return s.Slab.CopyTo(i, dst)
}

// Load implements [binding.Slab].
func (s *sealed) Load(i int) (any, error) {
	if err := s.open(i); err != nil {
		return nil, err
	}
	return s.Slab.Load(i)
}

// Slice implements [binding.Slab].
func (s *sealed) Slice(from, to int) (any, error) {
	for i := from; i < to; i++ {
		if err := s.open(i); err != nil {
			return nil, err
		}
	}
	return s.Slab.Slice(from, to)
}

// Clear implements [binding.Slab].
func (s *sealed) Clear(i int) {
	s.letters[i].Store(nil)
	s.Slab.Clear(i)
}

// forwarder is a reader of what may go on to a worker as another one has made it.
type forwarder interface {
	// forward is the value at a position for a task that takes it as a type; nil if it
	// has to be read.
	forward(at int, t reflect.Type) broker.Value
}

var _ = []forwarder{(*sealed)(nil), denseRows{}, heldRows{}, raggedRow{}, (*raggedRows)(nil)}

// forward implements forwarder.
func (s *sealed) forward(i int, t reflect.Type) broker.Value {
	l := s.letters[i].Load()
	if l == nil || t != s.typ {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.value == nil {
		l.value = s.r.x.mapped(l.unit.node).forward(int(l.output), t)
	}
	return l.value
}

// forwardRow is a part of a slab, nested by the lengths of its axes; see forwarder.
func forwardRow(from binding.Slab, at int, dims []int, t reflect.Type) broker.Value {
	s, ok := from.(*sealed)
	if !ok || t != nested(s.typ, len(dims)) || s.typ.Kind() == reflect.Uint8 { // bytes are written in one piece
		return nil
	}
	width := product(dims)
	for i := at * width; i < (at+1)*width; i++ {
		if s.letters[i].Load() != nil {
			return s.list(at*width, dims)
		}
	}
	return nil
}

// list is the values from a position on as nested lists.
func (s *sealed) list(from int, dims []int) broker.List {
	all := make(broker.List, dims[0])
	width := product(dims[1:])
	for i := range all {
		at := from + i*width
		switch l := s.letters[at].Load(); {
		case len(dims) > 1:
			all[i] = s.list(at, dims[1:])
		case l != nil:
			all[i] = l.value
		default:
			v, _ := s.Slab.Load(at) // made here
			all[i] = broker.Go{V: v}
		}
	}
	return all
}

// denseRows reads rows of a dense output.
type denseRows struct {
	binding.Reader
	of   binding.Slab
	dims []int
}

// forward implements forwarder.
func (r denseRows) forward(at int, t reflect.Type) broker.Value {
	return forwardRow(r.of, at, r.dims, t)
}

// forward is the whole of output k of a mapped task that has ended; see forwarder.
func (m *mapRun) forward(k int, t reflect.Type) broker.Value {
	if m.ragged != nil {
		return m.ragged.forward(0, k, t)
	}
	return forwardRow(m.columns[k], 0, m.dims, t)
}

// decode reads what a worker has made, or a result cache has if r is nil. When the run
// has ended early it does not wait for long.
func (r *remote) decode(v broker.Value, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	if r == nil {
		return v.Decode(context.Background(), into)
	}
	ctx := r.reading
	if r.x.ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(r.ctx, endPatience, errUnread)
		defer cancel()
	}
	return v.Decode(ctx, into)
}

var errUnread = fmt.Errorf("the run ended early, and the value was not there %v later", endPatience)
