package runnel

import (
	"fmt"
	"reflect"

	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/internal/binding"
)

// broken is the error of the element that stands for a row which cannot be made.
func (r *ragged) broken(elem int32) error {
	if g := r.of(elem).gone; g != nil {
		return g.err
	}
	return nil
}

// cursor is where an element is in an input.
func (r *ragged) cursor(i int, elem int32) cursor {
	b := r.of(elem)
	return r.step(i, b.level, b.cursors[i], elem-b.first)
}

// set fills in one input of an element.
func (r *ragged) set(f filler, i int, elem int32) error {
	c := r.cursor(i, elem)
	if c.at == absent || r.m.x.uneven.Load() && !r.succeeded(i, c) {
		return nil // optional, or the element would be skipped
	}
	from, at := r.source(i, c)
	return f.Set(i, from, at)
}

// reader is where one input of an element is read; nil when it is absent.
func (r *ragged) reader(i int, elem int32) (binding.Reader, int) {
	if r.of(elem).gone != nil {
		return nil, 0
	}
	c := r.cursor(i, elem)
	if c.at == absent || !r.succeeded(i, c) {
		return nil, 0
	}
	return r.source(i, c)
}

// source is where the value at a cursor is read.
func (r *ragged) source(i int, c cursor) (binding.Reader, int) {
	e, output := &r.m.inputs[i], int(r.m.plan.inputs[i].output)
	switch {
	case c.row != nil:
		return c.row, int(c.at)
	case e.feed == nil || e.feed.ragged == nil:
		return e.from, int(c.at)
	case len(e.lengths) < len(e.feed.dims):
		return raggedRow{e.feed.ragged, c.at, output}, 0
	}
	columns, at := e.feed.ragged.place(c.at)
	return columns[output], at
}

// succeeded reports whether the value at a cursor is there.
func (r *ragged) succeeded(i int, c cursor) bool {
	e := &r.m.inputs[i]
	switch {
	case c.at == absent:
		return false
	case c.row != nil || e.feed == nil:
		return true
	case e.feed.ragged == nil:
		return e.feed.succeeded(int(c.at), e.width)
	case len(e.lengths) < len(e.feed.dims):
		return !e.feed.ragged.hasHoles(c.at)
	}
	return stateOf(e.feed.statusOf(c.at)) == Succeeded
}

// blocked says why an element cannot run, or is empty; and the error of the element
// that is missing.
func (r *ragged) blocked(elem int32) (reason string, cause error) {
	if g := r.of(elem).gone; g != nil {
		return g.reason, g.cause
	}
	node := &r.m.x.plan.nodes[r.m.plan.node]
	for i, f := range r.flowOf {
		if f == nil || r.m.x.plan.from(node)[i].optional {
			continue
		}
		c := r.cursor(i, elem)
		if r.succeeded(i, c) {
			continue
		}
		story := ""
		switch {
		case f.from.ragged == nil:
			story, cause = f.from.story(int(c.at), r.m.inputs[i].width)
		case f.takes() < len(f.from.dims):
			story, cause = f.from.ragged.story(c.at)
		default:
			story, cause = f.from.fate(c.at), f.from.errorOf(c.at)
		}
		return fmt.Sprintf("its input %q is missing: %s", node.task.inputs[i].name, story), cause
	}
	return "", nil
}

func (r *ragged) hasHoles(id int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.branches.at(id).holes
}

// story says what became of the first element below a branch that has no value.
func (r *ragged) story(id int32) (text string, cause error) {
	r.inOrder(id, func(elem int32) {
		if text == "" && stateOf(r.m.statusOf(elem)) != Succeeded {
			text, cause = r.m.fate(elem), r.m.errorOf(elem)
		}
	}, nil)
	return text, cause
}

// inOrder goes through the elements below a branch in the order of their indices,
// and through the branches whose children are not known, if asked to.
func (r *ragged) inOrder(id int32, elem, unknown func(int32)) {
	b := r.branches.at(id)
	switch {
	case b.n == notKnown:
		if unknown != nil {
			unknown(id)
		}
	case b.gone != nil || b.level == r.last():
		for k := range b.n {
			elem(b.first + k)
		}
	default:
		for k := range b.n {
			r.inOrder(b.first+k, elem, unknown)
		}
	}
}

// nested is output k of all that is below a branch that has ended, one level of
// slices for each axis.
func (r *ragged) nested(id int32, k int) (any, error) {
	v, err := r.nest(id, k)
	if err != nil {
		return nil, err
	}
	return v.Interface(), nil
}

func (r *ragged) nest(id int32, k int) (reflect.Value, error) {
	b, out := r.branches.at(id), &r.m.x.plan.nodes[r.m.plan.node].task.outputs[k]
	t := nested(out.elem, len(out.axes)-b.level)
	switch {
	case b.n == notKnown || b.gone != nil:
		return reflect.Zero(t), nil
	case b.level == r.last():
		row, err := b.columns[k].Slice(0, int(b.n))
		if err != nil {
			return reflect.Value{}, err
		}
		return r.copied(reflect.ValueOf(row), k), nil
	}
	v := reflect.MakeSlice(t, int(b.n), int(b.n))
	for i := range b.n {
		row, err := r.nest(b.first+i, k)
		if err != nil {
			return v, err
		}
		v.Index(int(i)).Set(row)
	}
	return v, nil
}

// forward is output k of all that is below a branch that has ended; see forwarder.
func (r *ragged) forward(id int32, k int, t reflect.Type) broker.Value {
	b, out := r.branches.at(id), &r.m.x.plan.nodes[r.m.plan.node].task.outputs[k]
	switch {
	case t != nested(out.elem, len(out.axes)-b.level) || b.n == notKnown || b.gone != nil:
		return nil
	case b.level == r.last():
		return forwardRow(b.columns[k], 0, []int{int(b.n)}, t)
	}
	some := false
	rows := make(broker.List, b.n)
	for i := range rows {
		row := r.forward(b.first+int32(i), k, t.Elem())
		if some = some || row != nil; row != nil {
			rows[i] = row
			continue
		}
		v, err := r.nest(b.first+int32(i), k) // made here, if anything
		if err != nil {
			return nil
		}
		rows[i] = broker.Go{V: v.Interface()}
	}
	if !some {
		return nil
	}
	return rows
}

// raggedRow reads a row of a ragged task.
type raggedRow struct {
	of     *ragged
	branch int32
	output int
}

// CopyTo implements binding.Reader.
func (r raggedRow) CopyTo(at int, dst any) error { return copyFrom(r, at, dst) }

// Load implements binding.Reader.
func (r raggedRow) Load(int) (any, error) { return r.of.row(r.branch, r.output) }

// forward implements forwarder.
func (r raggedRow) forward(_ int, t reflect.Type) broker.Value {
	return r.of.forward(r.branch, r.output, t)
}

// find is the branch with an index. The axes so far have lengths.
func (r *ragged) find(index []int) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := int32(0)
	for _, k := range index {
		id = r.branches.at(id).first + int32(k)
	}
	return id
}

// ended lists the indices of all branches of a level that have ended.
func (r *ragged) ended(level int) (all [][]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.branches.n {
		if b := r.branches.at(id); b.level == level && b.left == 0 {
			all = append(all, r.path(id))
		}
	}
	return all
}

// raggedRows reads the rows of a ragged task by their place, for a task whose axes
// have lengths.
type raggedRows struct {
	of      *ragged
	output  int
	lengths []int
}

// CopyTo implements binding.Reader.
func (r *raggedRows) CopyTo(at int, dst any) error { return r.row(at).CopyTo(0, dst) }

// Load implements binding.Reader.
func (r *raggedRows) Load(at int) (any, error) { return r.row(at).Load(0) }

// forward implements forwarder.
func (r *raggedRows) forward(at int, t reflect.Type) broker.Value { return r.row(at).forward(0, t) }

func (r *raggedRows) row(at int) raggedRow {
	return raggedRow{r.of, r.of.find(indexAt(r.lengths, at)), r.output}
}

// rowSucceeded reports whether all of the row at a place is there.
func (r *ragged) rowSucceeded(lengths []int, at int) bool {
	return !r.hasHoles(r.find(indexAt(lengths, at)))
}

// rowStory says what became of the first element of a row that has no value.
func (r *ragged) rowStory(lengths []int, at int) (text string, cause error) {
	return r.story(r.find(indexAt(lengths, at)))
}
