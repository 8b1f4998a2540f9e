package runnel

import (
	"sync"

	"github.com/runnelflow/runnel/internal/binding"
)

// ragged holds the elements of a mapped task when rows along some axis differ in
// length, or have lengths that show one by one. It is a tree: a branch fixes the
// indices of the first axes, and has as many children as there are indices on the
// next one. On the last level the children are elements. They are numbered in the
// order in which their rows became known; all that comes out of a run is in the
// order of their indices.
//
// A branch that grows, and one whose elements have all ended, is told to those who
// take its elements or rows. Locks are taken from consumers to producers only.
type ragged struct {
	m        *mapRun
	carriers [][]int // of each axis: the inputs that have it
	flowOf   []*flow // of each input, nil for data that is there

	elements growing[leaf]
	branches growing[branch]

	mu                 sync.Mutex // guards the lists' ends, and of branches what changes
	launched, finished bool
}

// leaf is an element.
type leaf struct {
	status uint32 // as in record
	branch int32
	queued bool // it has all that it waits for; guarded by the lock
}

// branch is a part of the tree. What is known of its children does not change any
// more, and neither does anything once it has ended.
type branch struct {
	parent, place int32          // whose child it is, and which
	level         int            // how many axes are fixed
	first, n      int32          // of its children; n is notKnown at first
	left          int32          // children that have not ended
	holes         bool           // something below it has no value
	gone          *gone          // in the place of children it has one element, which cannot run
	cursors       []cursor       // nil when its children have theirs
	columns       []binding.Slab // the outputs of its elements
	held          []partHolds    // of each output, in a run with targets; empty where it is kept
}

const notKnown = -1

// gone says why a row cannot be made: something it needs is missing, of which cause is
// the error, or err.
type gone struct {
	reason string
	cause  error
	err    error
}

// cursor is where a branch is in an input: at an index of all axes that the two
// have in common.
type cursor struct {
	// at is a place in a dense array, the number of a branch or an element of a
	// ragged task, or absent.
	at  int32
	row *binding.Row // inside ragged data or an element; on its last level at is a place in it
}

const absent = -1

func newRagged(m *mapRun) *ragged {
	r := &ragged{m: m, carriers: make([][]int, len(m.dims)), flowOf: make([]*flow, len(m.inputs))}
	for i, p := range m.plan.inputs {
		if m.inputs[i].lengths == nil {
			continue
		}
		for _, axis := range p.axes {
			r.carriers[axis] = append(r.carriers[axis], i)
		}
	}
	return r
}

// open makes the root of the tree, and what else can be known now. It returns the
// elements that wait for nothing.
func (r *ragged) open() []int32 {
	for k := range r.m.flows {
		r.flowOf[r.m.flows[k].feed.input] = &r.m.flows[k]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.branches.add(1)
	root := r.branches.at(0)
	*root = branch{parent: -1, n: notKnown, left: 1, cursors: make([]cursor, len(r.m.inputs))}
	for i := range r.m.inputs {
		root.cursors[i].row = r.m.inputs[i].rows
		r.m.inputs[i].rows = nil
	}
	r.holdBranch(root)
	var n news // nobody can have asked for it yet
	r.grow(0, &n)
	for k := range root.held {
		if r.m.letsGo(int32(k)) {
			r.dropPart(int32(k), 0, 0)
		}
	}
	return n.ready
}

// last is the level of the branches that have elements.
func (r *ragged) last() int { return len(r.m.dims) - 1 }

// axisOf is which of an input's axes is that of the task, or -1.
func (r *ragged) axisOf(input, axis int) int {
	for p, a := range r.m.plan.inputs[input].axes {
		if a == axis {
			return p
		}
	}
	return -1
}

// total is how many elements are known.
func (r *ragged) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int(r.elements.n)
}

// of is the branch of an element.
func (r *ragged) of(elem int32) *branch { return r.branches.at(r.elements.at(elem).branch) }

// place is where the outputs of an element are kept; nowhere for that of a row that
// is gone.
func (r *ragged) place(elem int32) ([]binding.Slab, int) {
	b := r.of(elem)
	return b.columns, int(elem - b.first)
}

// path is the index of a branch.
func (r *ragged) path(id int32) []int {
	b := r.branches.at(id)
	index := make([]int, b.level, b.level+1)
	for ; b.parent >= 0; b = r.branches.at(b.parent) {
		index[b.level-1] = int(b.place)
	}
	return index
}

// coordinates are the indices of an element; those of the row for that of one that
// is gone.
func (r *ragged) coordinates(elem int32) []int {
	at := r.elements.at(elem).branch
	index, b := r.path(at), r.branches.at(at)
	if b.gone != nil {
		return index
	}
	return append(index, int(elem-b.first))
}

// closed reports whether all that is below a branch has ended.
func (r *ragged) closed(id int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.branches.at(id).left == 0
}

// launch says that elements may start, and reports whether the task is over: there
// may be none.
func (r *ragged) launch() (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.launched = true
	return r.over()
}

// over reports whether the task has come to its end, once. r.mu is held.
func (r *ragged) over() bool {
	if !r.launched || r.finished || r.branches.at(0).left > 0 {
		return false
	}
	r.finished = true
	return true
}
