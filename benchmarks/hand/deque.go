package hand

import "sync/atomic"

// A deque is a bounded Chase-Lev deque of nodes (Chase and Lev, "Dynamic
// Circular Work-Stealing Deque", SPAA 2005): its owner pushes and pops at the
// bottom, others steal at the top. It is as long as the graph, so that it
// never has to grow.
type deque struct {
	top, bottom atomic.Int64
	_           [48]byte // keeps two owners' ends off one cache line
	ring        []atomic.Int32
	mask        int64
}

// none is no node.
const none int32 = -1

func (d *deque) push(node int32) {
	b := d.bottom.Load()
	d.ring[b&d.mask].Store(node)
	d.bottom.Store(b + 1)
}

func (d *deque) pop() int32 {
	b := d.bottom.Load() - 1
	d.bottom.Store(b)
	t := d.top.Load()
	if t > b {
		d.bottom.Store(b + 1)
		return none
	}
	node := d.ring[b&d.mask].Load()
	if t == b { // the last one: a thief may want it too
		if !d.top.CompareAndSwap(t, t+1) {
			node = none
		}
		d.bottom.Store(b + 1)
	}
	return node
}

func (d *deque) steal() int32 {
	for {
		t := d.top.Load()
		if t >= d.bottom.Load() {
			return none
		}
		node := d.ring[t&d.mask].Load()
		if d.top.CompareAndSwap(t, t+1) {
			return node
		}
	}
}

func (d *deque) empty() bool { return d.top.Load() >= d.bottom.Load() }
