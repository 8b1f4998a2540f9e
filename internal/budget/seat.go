package budget

import (
	"sync/atomic"
	"time"
)

// A Seat is where one worker runs items one after another. It keeps what the last of
// them had for the next one that needs as much, so that neither takes the gate's lock,
// for which all workers would wait.
//
// What is kept counts as if it ran, until somebody else comes to the gate: he takes it
// back from all seats before he looks at what is left. So nobody is refused for it, and
// nothing is kept while anybody waits, while the load is high, or by one that runs alone,
// which may have to be measured. A Seat belongs to one goroutine at a time.
type Seat struct {
	gate  *Gate
	taken bool // it is one of gate.seats

	kept atomic.Bool
	need int32    // what is kept is as much as that; changed with gate.mu held
	ran  ran      // items with just this need
	_    [24]byte // seats of two workers are in lines of their own
}

// ran counts items that have left.
type ran struct {
	attempts atomic.Int64
	time     atomic.Int64
}

func (r *ran) add(attempts, time int64) {
	r.attempts.Add(attempts)
	r.time.Add(time)
}

// mostSeats is how many seats of a gate keep something. Those of further workers do not:
// who comes to the gate goes through all of them.
const mostSeats = 64

// NewSeat makes a seat for a worker.
func (g *Gate) NewSeat() *Seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Seat{gate: g, need: nobody}
	if s.taken = len(g.seats) < mostSeats; s.taken {
		g.seats = append(g.seats, s)
	}
	return s
}

// Try is [Gate.Try] for an item that is to run here.
func (s *Seat) Try(need int32, again bool) bool {
	g := s.gate
	if s.as(need) && g.keeps.Load() && s.kept.CompareAndSwap(true, false) {
		return true
	}
	return g.Try(need, again)
}

// Leave is [Gate.Leave] for an item that ran here.
func (s *Seat) Leave(need int32, took time.Duration) {
	g := s.gate
	if s.as(need) && g.keeps.Load() && !s.kept.Load() {
		if s.need == need {
			s.ran.add(1, int64(took))
		} else {
			g.ran[need].add(1, int64(took))
		}
		s.kept.Store(true)
		// Who comes to the gate first has keeps say no, and then takes back what is kept:
		// one of the two sees the other.
		if g.keeps.Load() || !s.kept.CompareAndSwap(true, false) {
			return
		}
		var some [8]uint64
		g.lock()
		g.giveBack(g.Needs[need], some[:0])
		return
	}
	g.leave(need, took, s)
}

// as reports whether a need is as much as what the seat may keep.
func (s *Seat) as(need int32) bool {
	return s.need == need || s.need != nobody && s.gate.Needs[s.need] == s.gate.Needs[need]
}

// keepFor has the seat keep as much as a need. g.mu is held, and nothing is kept.
func (s *Seat) keepFor(need int32) {
	if s.need == need || !s.taken {
		return
	}
	if s.need != nobody {
		s.gate.ran[s.need].add(s.ran.attempts.Swap(0), s.ran.time.Swap(0))
	}
	s.need = need
}

// lock locks the gate, and takes back what seats keep.
func (g *Gate) lock() {
	g.mu.Lock()
	if !g.keeps.Load() {
		return // and nothing has been kept since
	}
	g.keeps.Store(false)
	for _, s := range g.seats {
		if s.kept.CompareAndSwap(true, false) {
			g.drop(g.Needs[s.need])
		}
	}
}

// unlock unlocks the gate, and lets seats keep what they have if nobody would miss it.
func (g *Gate) unlock() {
	if keeps := len(g.seats) > 0 && !g.alone && g.line.waiting == 0 && !g.shortCPU && !g.shortMemory && !g.closed; keeps != g.keeps.Load() {
		g.keeps.Store(keeps)
	}
	g.mu.Unlock()
}
