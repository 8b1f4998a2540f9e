package runnel

import (
	"reflect"

	"github.com/runnelflow/runnel/internal/binding"
)

// storage is where the outputs of a task are kept. Bodies that are no function have one of
// their own.
type storage interface {
	// slab makes room for n values of output k.
	slab(k, n int) binding.Slab
	// compiled says that slab is of a type known to the compiler, which is the faster one.
	compiled() bool
}

// shape is what kinds of functions differ in: where inputs come from, and where outputs
// go.
type shape interface {
	storage
	// fill puts the inputs into a frame, nil when there are none.
	fill(s *scratch, n *node) (*binding.Frame, error)
	// place is where the output goes; nil when there are several.
	place(s *scratch, n *node) (binding.Slab, int)
}

func (d *declaration) storage() storage {
	if d.shape != nil {
		return d.shape
	}
	return d.body.(storage)
}

// frames are the types that a worker keeps one frame for, of the inputs and of several
// outputs; nil when there is nothing to fill.
func (d *declaration) frames() (in, out reflect.Type) {
	if d.sig != nil && len(d.sig.inputs) > 0 {
		in = d.sig.typ
	}
	if d.outs != nil {
		out = d.outs.typ
	}
	return in, out
}

// plain is the shape of a task of whole values with one output.
type plain struct {
	values func(n int) binding.Slab
}

func plainOf[Out any]() plain { return plain{binding.NewValues[Out]} }

func (plain) fill(s *scratch, n *node) (*binding.Frame, error) { return s.fill(n) }

func (plain) place(s *scratch, n *node) (binding.Slab, int) {
	at := s.run.plan.outputs[n.outputs.start]
	return s.run.slabs[at.slab], int(at.index)
}

func (p plain) slab(_, n int) binding.Slab { return p.values(n) }

func (plain) compiled() bool { return true }

// fill puts the whole inputs of a node into the worker's frame; nil when it has none.
func (s *scratch) fill(n *node) (*binding.Frame, error) {
	if n.frame < 0 {
		return nil, nil
	}
	f := s.frames[n.frame]
	if f == nil {
		f = s.newFrame(n.frame, n.task.sig)
	}
	run := s.run
	for i, at := range run.plan.readsOf(n) {
		var err error
		if at.slab >= 0 {
			// As Set does, which would have to make a Reader of the Slab each time.
			err = run.slabs[at.slab].CopyTo(int(at.index), f.Target(i))
		} else {
			err = run.fill(f, i, &run.plan.from(n)[i])
		}
		if err != nil {
			f.Clear()
			return nil, run.mismatch(n, i, err)
		}
	}
	return f, nil
}

// frame is this worker's own for a struct.
func (s *scratch) frame(i int32, sig *signature) *binding.Frame {
	if f := s.frames[i]; f != nil {
		return f
	}
	return s.newFrame(i, sig)
}

func (s *scratch) newFrame(i int32, sig *signature) *binding.Frame {
	f, _ := s.run.plan.frames[i].Get().(*binding.Frame)
	if f == nil {
		f = binding.NewFrame(sig.fields, sig.template)
	}
	s.frames[i] = f
	return f
}

// spread puts the fields of an output struct where they go, and empties its frame.
func (s *scratch) spread(n *node, f *binding.Frame) {
	if n.mapped >= 0 {
		columns, at := s.run.maps[n.mapped].place(s.elem)
		for k := range columns {
			f.Get(k, columns[k], at)
		}
	} else {
		for k, at := range s.run.plan.into(n) {
			f.Get(k, s.run.slabs[at.slab], int(at.index))
		}
	}
	f.Clear()
}
