package runnel

import (
	"runtime"
	"sync/atomic"
	"time"
)

// chunking says how many items are handed out at a time. The zero value is one.
type chunking struct {
	size        int // of each chunk
	count       int // of chunks
	least, most int // of items, by measured time
}

// chunkTime is how long an adaptive chunk should take.
const chunkTime = time.Millisecond

// chunker hands out the items 0 to n-1, in order.
type chunker struct {
	chunking
	n     int
	next  atomic.Int64 // the first item that was not handed out
	grain atomic.Int64 // of adaptive chunks

	// A bit for each item: that it is the first of a chunk that was handed out, and
	// the last of one. nil when each item is a chunk.
	firsts, lasts []atomic.Uint32
}

func (c *chunker) init(how chunking, n int) {
	c.chunking, c.n = how, n
	c.grain.Store(int64(how.least))
	if how.count > 0 || how.size > 1 || how.most > 1 {
		c.firsts, c.lasts = make([]atomic.Uint32, (n+31)/32), make([]atomic.Uint32, (n+31)/32)
	}
}

// claim takes the next chunk and returns its first item; more says that there are
// others.
func (c *chunker) claim() (first int32, more, ok bool) {
	if c.lasts == nil {
		i := int(c.next.Add(1))
		return int32(i - 1), i < c.n, i <= c.n
	}
	for {
		at := int(c.next.Load())
		if at >= c.n {
			return 0, false, false
		}
		end := at + min(c.length(at), c.n-at)
		if c.next.CompareAndSwap(int64(at), int64(end)) {
			c.firsts[at/32].Or(1 << (at % 32))
			c.lasts[(end-1)/32].Or(1 << ((end - 1) % 32))
			return int32(at), end < c.n, true
		}
	}
}

// length is how many items the chunk that begins with item at has.
func (c *chunker) length(at int) int {
	switch {
	case c.count >= c.n:
		return 1
	case c.count > 0:
		// Chunk k begins with item k·n/count, rounded down.
		k := (at*c.count + c.n - 1) / c.n
		return (k+1)*c.n/c.count - at
	case c.most > 0:
		// Towards the end smaller ones, so that the last chunk does not keep the
		// others waiting.
		share := (c.n - at) / (2 * runtime.GOMAXPROCS(0))
		return max(c.least, min(int(c.grain.Load()), share))
	}
	return c.size
}

// isFirst reports whether an item that was handed out begins a chunk.
func (c *chunker) isFirst(item int32) bool {
	return c.firsts == nil || c.firsts[item/32].Load()&(1<<(item%32)) != 0
}

// isLast reports whether an item that was handed out ends a chunk.
func (c *chunker) isLast(item int32) bool {
	return c.lasts == nil || c.lasts[item/32].Load()&(1<<(item%32)) != 0
}

// measured adapts the size of chunks to one that took so long.
func (c *chunker) measured(items int, took time.Duration) {
	if items == 0 || c.most == 0 {
		return
	}
	best := int64(c.most)
	if each := took / time.Duration(items); each > 0 {
		best = min(best, int64(chunkTime/each))
	}
	// Doubled at most, since one chunk is a small sample.
	c.grain.Store(max(int64(c.least), min(best, 2*int64(items))))
}
