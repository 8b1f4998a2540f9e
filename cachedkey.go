package runnel

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/resultcache"
)

// digest is the SHA-256 of the content of an input.
type digest = [sha256.Size]byte

// wholeDigests are those of the inputs that all elements of a mapped task take, each
// worked out once a run.
type wholeDigests []atomic.Pointer[digest]

var encodings = sync.Pool{New: func() any { return new([]byte) }}

// unencodable is the error of an input whose content cannot be written as bytes.
type unencodable struct{ err error }

func (e *unencodable) Error() string { return e.err.Error() }

// key is what the result of a unit would be kept under. ok is false when its inputs are
// not what they seem, such as data with holes, or cannot be had: the attempt then says
// why. The error is an *unencodable.
func (m *memo) key(u unit, p *memoPlan) (key resultcache.Key, ok bool, err error) {
	x := m.x
	node := &x.plan.nodes[u.node]
	d := node.task
	if r := x.mapped(u.node); r != nil && r.ragged != nil && r.ragged.broken(u.elem) != nil {
		return key, false, nil
	}
	buf := encodings.Get().(*[]byte)
	defer encodings.Put(buf)
	text := make([]byte, 0, len(p.prefix)+len(d.inputs)*(1+sha256.Size))
	text = append(text, p.prefix[:]...)
	to := &jobInputs{inputs: make([]broker.Input, len(d.inputs)), whole: u.elem == whole, reads: true, node: node}
	for i := range d.inputs {
		in := &d.inputs[i]
		var known *atomic.Pointer[digest]
		if u.elem != whole && in.axes == nil {
			known = &m.wholes[p.number][i]
			if sum := known.Load(); sum != nil {
				text = append(append(text, 1), sum[:]...)
				continue
			}
		}
		if x.fillJob(to, i, u) != nil {
			return key, false, nil
		}
		value, preset := to.inputs[i].Value, in.preset
		switch {
		case to.inputs[i].Holes != nil, value == nil && in.asks:
			return key, false, nil
		case value == nil && preset == nil:
			text = append(text, 0)
			continue
		case value == nil:
			value = broker.Go{V: preset}
		}
		if *buf, err = p.in[i].Append((*buf)[:0], value.(broker.Go).V); err != nil {
			return key, false, &unencodable{fmt.Errorf("Cached: input %q (%s): its content cannot be told from others: %w: pass it in another form, or drop Cached", in.name, in.label, err)}
		}
		sum := digest(sha256.Sum256(*buf))
		if known != nil {
			known.Store(&sum)
		}
		text = append(append(text, 1), sum[:]...)
	}
	return sha256.Sum256(text), true, nil
}

// values are the outputs of a unit that has succeeded.
func (x *execution) values(u unit) ([]any, error) {
	values := make([]any, x.plan.nodes[u.node].outputs.len())
	for k := range values {
		var err error
		slab, at := x.placeOf(u, k)
		if values[k], err = slab.Load(at); err != nil {
			return nil, err
		}
	}
	return values, nil
}
