package budget

import (
	"runtime/metrics"
	"time"
)

// Count tells of the items with one need.
type Count struct {
	Attempts int           // that have left
	Time     time.Duration // that those ran, all together
	Waits    int           // how many had to wait and were admitted
	Waited   [reasons]time.Duration
	Alone    int           // attempts of which nothing else ran at any time, and that were measured
	Wall     time.Duration // that those ran, all together
	CPU      time.Duration // processor time of the process meanwhile
	Memory   int64         // the most by which the heap grew meanwhile, in bytes
}

// Of tells of the items with one need, by now.
func (g *Gate) Of(need int32) Count {
	g.mu.Lock()
	defer g.mu.Unlock()
	var c Count
	if counted := g.counts[need]; counted != nil {
		c = *counted
	}
	add := func(r *ran) {
		c.Attempts += int(r.attempts.Load())
		c.Time += time.Duration(r.time.Load())
	}
	add(&g.ran[need])
	for _, s := range g.seats {
		if s.need == need {
			add(&s.ran)
		}
	}
	return c
}

// count is where the items with one need are counted, of which few come to the lock.
// g.mu is held.
func (g *Gate) count(need int32) *Count {
	if g.counts[need] == nil {
		g.counts[need] = new(Count)
	}
	return g.counts[need]
}

// Peak is the most that was admitted at once, of each resource.
func (g *Gate) Peak() Need {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

// mostMeasured is how many attempts with one need are measured: that takes longer
// than to admit them.
const mostMeasured = 16

// Measuring takes some microseconds. It is to be no more than a share of the run: after
// some that are free, one for so much time.
const (
	freeMeasured = 16
	measureEvery = 200 * time.Microsecond
)

// solo measures an attempt while nothing else runs: what the process takes then is
// taken by that one.
type solo struct {
	on    bool
	began time.Time
	cpu   time.Duration // of the process, when it began
	heap  int64         // the same
	most  int64         // of the heap, since
	read  [1]metrics.Sample
	taken int // measures since the gate was made
}

// admitted is told of an attempt that begins alone, what is counted of its need, if
// anything, and when the gate was made.
func (s *solo) admitted(c *Count, made time.Time) {
	if c != nil && c.Alone >= mostMeasured || !s.free() && time.Since(made) < time.Duration(s.taken-freeMeasured)*measureEvery {
		return
	}
	s.on = true
	s.taken++
	s.heap = s.heapBytes()
	s.most = s.heap
	s.cpu = processTime()
	s.began = time.Now()
}

// free reports whether the next one may be measured at any time.
func (s *solo) free() bool { return s.taken < freeMeasured }

// look looks at the heap while an attempt goes on.
func (s *solo) look() {
	if s.on {
		s.most = max(s.most, s.heapBytes())
	}
}

// left is told that the attempt which is measured has ended.
func (s *solo) left(c *Count) {
	s.on = false
	c.Alone++
	c.Wall += time.Since(s.began)
	c.CPU += processTime() - s.cpu
	s.most = max(s.most, s.heapBytes())
	c.Memory = max(c.Memory, s.most-s.heap)
}

// heapBytes is what the heap has, garbage that was not collected yet included.
func (s *solo) heapBytes() int64 {
	s.read[0].Name = "/memory/classes/heap/objects:bytes"
	metrics.Read(s.read[:])
	if s.read[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s.read[0].Value.Uint64())
}
