package engine

import "sync/atomic"

// An Item is what the engine schedules: a number that means something to the
// caller only. The two largest are no items: see None and watched.
type Item uint64

// None is no item.
const None = ^Item(0)

// deque is a Chase-Lev work-stealing queue: its owner pushes and pops at the
// bottom, last in first out; thieves take from the top, first in first out.
// (Chase and Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005.) Go's
// atomics are sequentially consistent, so it needs no further fences.
type deque struct {
	// Thieves write top and the owner writes bottom: a cache line each, or every
	// steal would slow the owner down.
	_      [64]byte
	top    atomic.Int64
	_      [64]byte
	bottom atomic.Int64
	staged int64 // items above bottom, which thieves do not see yet
	ring   atomic.Pointer[ring]
	_      [64]byte
}

// ring is a circular buffer with a power of two of slots. A grown deque leaves
// its old ring to the thieves that still read it.
type ring struct {
	mask  int64
	slots []atomic.Uint64
}

const firstRing = 32

func newRing(size int64) *ring {
	return &ring{mask: size - 1, slots: make([]atomic.Uint64, size)}
}

func (r *ring) load(i int64) Item      { return Item(r.slots[i&r.mask].Load()) }
func (r *ring) store(i int64, it Item) { r.slots[i&r.mask].Store(uint64(it)) }

// push adds an item at the bottom. Owner only.
func (d *deque) push(it Item) {
	d.stage(it)
	d.publish()
}

// stage adds an item that thieves cannot see before publish: making several
// visible at once costs one store in place of several. Owner only, and nothing
// may be popped in between.
func (d *deque) stage(it Item) {
	b := d.bottom.Load() + d.staged
	r := d.ring.Load()
	if r == nil || b-d.top.Load() > r.mask {
		r = d.grow(r, b, 1)
	}
	r.store(b, it)
	d.staged++
}

// publish makes staged items visible.
func (d *deque) publish() {
	d.bottom.Store(d.bottom.Load() + d.staged)
	d.staged = 0
}

// reserve makes room for n more items at once. Owner only.
func (d *deque) reserve(n int) {
	b := d.bottom.Load() + d.staged
	if r := d.ring.Load(); r == nil || b-d.top.Load()+int64(n) > r.mask+1 {
		d.grow(r, b, int64(n))
	}
}

// grow makes a ring with room for n more items, at least twice as large, so that
// n pushes copy at most 2n items in all.
func (d *deque) grow(old *ring, b, n int64) *ring {
	top, size := d.top.Load(), int64(firstRing)
	if old != nil {
		size = 2 * (old.mask + 1)
	}
	for size < b-top+n {
		size *= 2
	}
	r := newRing(size)
	for i := top; i < b; i++ {
		r.store(i, old.load(i))
	}
	d.ring.Store(r)
	return r
}

// pop takes the item at the bottom, or None. Owner only.
func (d *deque) pop() Item {
	b := d.bottom.Load()
	// Only the owner raises bottom, and top never passes it: an empty deque needs
	// no write.
	if d.top.Load() >= b {
		return None
	}
	b--
	d.bottom.Store(b)
	t := d.top.Load()
	if t > b {
		d.bottom.Store(b + 1)
		return None
	}
	it := d.ring.Load().load(b)
	if t == b { // the last one: race the thieves for it
		if !d.top.CompareAndSwap(t, t+1) {
			it = None
		}
		d.bottom.Store(b + 1)
	}
	return it
}

// steal takes the item at the top, or None. Any goroutine.
func (d *deque) steal() Item {
	for {
		t := d.top.Load()
		if t >= d.bottom.Load() {
			return None
		}
		// Read before the swap: once top has moved the owner may reuse the slot.
		it := d.ring.Load().load(t)
		if d.top.CompareAndSwap(t, t+1) {
			return it
		}
	}
}

// size is how many items there are at this moment, at least 0.
func (d *deque) size() int64 { return max(0, d.bottom.Load()-d.top.Load()) }

// empty reports whether there is nothing to steal at this moment.
func (d *deque) empty() bool { return d.top.Load() >= d.bottom.Load() }
