package runnel

import (
	"context"
	"runtime/debug"

	"github.com/runnelflow/runnel/internal/binding"
)

// reading is an iter.Seq that is read, or was: once in a run, since it may be
// one that can be read only once, and not by two at a time.
type reading struct {
	done     chan struct{} // closed when what follows is there
	elements any           // a slice
	err      error
}

// indexable is data that a mapped task takes elements of, a sequence as a slice.
// Reading one calls code that is not ours.
func (x *execution) indexable(from *source) (any, error) {
	v, err := x.slabs[from.slab].Load(int(from.index))
	if err != nil {
		return nil, err
	}
	if !isSequence(v) {
		return v, nil
	}
	x.mu.Lock()
	r, known := x.readings[from.slot]
	if !known {
		r = &reading{done: make(chan struct{}), err: ErrGoexit} // unless it comes back
		if x.readings == nil {
			x.readings = map[slot]*reading{}
		}
		x.readings[from.slot] = r
	}
	x.mu.Unlock()
	if known {
		<-r.done
		return r.elements, r.err
	}
	r.read(x.ctx, v)
	return r.elements, r.err
}

// reading is that of the sequence in a slot, if it has been read and somebody needs
// it yet.
func (x *execution) reading(at slot) *reading {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.readings[at]
}

// unread is how many mapped tasks take data apart, by where it is.
func (p *plan) unread() map[slot]int32 {
	unread := map[slot]int32{}
	for _, m := range p.maps {
		for i, from := range p.from(&p.nodes[m.node]) {
			if m.inputs[i].axes != nil && m.inputs[i].from < 0 {
				unread[from.slot]++
			}
		}
	}
	return unread
}

// read reads a sequence, as long as the run goes on. Those who wait for it are told whatever happens.
func (r *reading) read(ctx context.Context, seq any) {
	defer close(r.done)
	defer func() {
		if p := recover(); p != nil {
			r.err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	r.elements, r.err = collected(ctx, seq)
}

// collected is a value, or a slice of what it yields if it is an iter.Seq. That is
// read as long as ctx goes on, and calls code that is not ours.
func collected(ctx context.Context, v any) (any, error) {
	if !isSequence(v) {
		return v, nil
	}
	return binding.Collect(v, func() bool { return ctx.Err() == nil }), context.Cause(ctx)
}
