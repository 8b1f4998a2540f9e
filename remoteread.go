package runnel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnelflow/runnel/internal/binding"
)

// carried says of each output of a plan whether it stays as a worker has made it: some
// task takes it as the type that it has, or nobody asks for what no task takes. None may
// look inside its elements.
func (p *plan) carried(unasked bool) []bool {
	carried := make([]bool, len(p.outputs))
	inside := make([]bool, len(p.outputs))
	for k := range carried {
		carried[k] = unasked
	}
	for n := range p.nodes {
		node := &p.nodes[n]
		if node.task.stays {
			continue
		}
		for i, from := range p.from(node) {
			if from.node < 0 {
				continue
			}
			in, d := &node.task.inputs[i], p.nodes[from.node].task
			out := &d.outputs[from.output-p.nodes[from.node].outputs.start]
			switch {
			case d.axes != nil && len(in.axes) > len(d.axes):
				inside[from.output] = true
			case in.partial:
				whole := out.elem != nil && len(out.axes) == len(d.axes) && in.typ == nested(out.elem, 1)
				carried[from.output] = carried[from.output] || whole
			case len(in.axes) == 0:
				carried[from.output] = carried[from.output] || in.typ == out.typ
			case d.axes != nil:
				carried[from.output] = carried[from.output] || in.typ == nested(out.elem, len(out.axes)-len(in.axes))
			}
		}
	}
	for k, is := range inside {
		carried[k] = carried[k] && !is
	}
	return carried
}

// sealSlabs has the slabs of the run keep what workers have made as it comes.
func (r *remote) sealSlabs() {
	p := r.x.plan
	r.carried = p.carried(r.x.config.unasked)
	for n := range p.nodes {
		d := p.nodes[n].task
		for k, at := range p.into(&p.nodes[n]) {
			if r.carries(int32(n), k) {
				if s := r.x.slabs[at.slab]; !isSealed(s) {
					r.x.slabs[at.slab] = r.seal(s, d.outputs[k].typ, p.slabs[at.slab].n)
				}
			}
		}
	}
}

func isSealed(s binding.Slab) bool {
	_, ok := s.(*sealed)
	return ok
}

// carries reports whether output k of a node may go on as it is. A nil remote has none.
func (r *remote) carries(node int32, k int) bool {
	return r != nil && r.carried[r.x.plan.nodes[node].outputs.start+int32(k)]
}

// column is the column of a mapped task for n elements of output k.
func (r *remote) column(s binding.Slab, node int32, k, n int) binding.Slab {
	if !r.carries(node, k) {
		return s
	}
	d := r.x.plan.nodes[node].task
	column := r.seal(s, d.sent(&d.outputs[k]), n)
	if !r.x.letGo(node, k) {
		r.mu.Lock()
		r.columns = append(r.columns, column)
		r.mu.Unlock()
	}
	return column
}

// readers is how many values are read at once at the end of a run. They mostly wait for
// the broker.
const readers = 16

// openKept reads what the result of the run has and nobody here has read, while the
// broker has it yet. Wholes are made of elements, and need not be made now.
func (r *remote) openKept() {
	if r.x.config.unasked {
		return
	}
	type place struct {
		of *sealed
		at int
	}
	var places []place
	for _, s := range r.columns {
		for i := range s.letters {
			if s.letters[i].Load() != nil {
				places = append(places, place{s, i})
			}
		}
	}
	for n := range r.x.plan.nodes {
		for k, at := range r.x.plan.into(&r.x.plan.nodes[n]) {
			s, ok := r.x.slabs[at.slab].(*sealed)
			if !ok || r.x.letGo(int32(n), k) || s.letters[at.index].Load() == nil {
				continue
			}
			if r.x.mapped(int32(n)) != nil {
				s.letters[at.index].Load().value = nil
				continue
			}
			places = append(places, place{s, int(at.index)})
		}
	}
	var next, failed atomic.Int64
	var late atomic.Bool
	var first atomic.Pointer[error]
	var reading sync.WaitGroup
	for range min(readers, len(places)) {
		reading.Go(func() {
			for i := next.Add(1); i <= int64(len(places)); i = next.Add(1) {
				p := places[i-1]
				var err error
				if late.Load() {
					err = p.of.forgo(p.at, errUnread)
				} else if err = p.of.open(p.at); errors.Is(err, errUnread) {
					late.Store(true) // nor will the others come
				}
				if err == nil {
					p.of.letters[p.at].Store(nil) // it need not be there twice
				} else if failed.Add(1) == 1 {
					first.Store(&err)
				}
			}
		})
	}
	reading.Wait()
	if err := first.Load(); err != nil {
		r.unread = fmt.Errorf("runnel: run %s: %d of its outputs or elements are not in the result: %w", r.x.runID(), failed.Load(), *err)
	}
}

// letRead makes the context of what is read while the run goes on. It outlives that of
// the run, and not for ever.
func (r *remote) letRead() {
	var waiting sync.WaitGroup
	reading, cancel := context.WithCancelCause(r.ctx)
	waiting.Add(1)
	stop := context.AfterFunc(r.x.ctx, func() {
		defer waiting.Done()
		late := time.NewTimer(endPatience)
		defer late.Stop()
		select {
		case <-late.C:
			cancel(errUnread)
		case <-reading.Done():
		}
	})
	r.reading = reading
	r.stopReading = func() {
		cancel(nil)
		if stop() {
			waiting.Done()
		}
		waiting.Wait()
	}
}
