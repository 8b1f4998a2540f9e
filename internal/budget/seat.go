package budget

import (
	"sync/atomic"
	"time"
)

// A Seat is where one worker runs items one after another. It keeps what the last of
// them had for the next one that needs as much, so that neither takes the gate's lock,
// for which all workers would wait.
//
// What is kept counts as if it ran. Somebody else who comes to the gate is let in beside
// it where that makes no difference; otherwise he takes it back from all seats before he
// looks at what is left. So nobody is refused for it, the peak is of what ran, and
// nothing is kept while anybody waits or while the load is high. Where only one runs at a
// time, it comes to the gate often enough to be measured. A Seat belongs to one goroutine
// at a time.
type Seat struct {
	gate       *Gate
	taken      bool          // it is one of gate.seats
	repeats    bool          // the item that runs here has what one before it had
	unmeasured time.Duration // how long items ran here since one could be measured

	kept atomic.Bool
	need int32    // what is kept is as much as that; changed with gate.mu held
	ran  ran      // items with just this need, which the gate has not counted
	_    [16]byte // seats of two workers are in lines of their own
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

// What seats may keep.
const (
	keepNothing uint32 = iota
	keepBrief          // what one has that runs alone, until the next is worth a measure
	keepAll
)

// mostSeats is how many seats of a gate keep something. Those of further workers do not:
// who takes back what is kept goes through all of them.
const mostSeats = 64

// NewSeat makes a seat for a worker.
func (g *Gate) NewSeat() *Seat { return &Seat{gate: g, need: nobody, unmeasured: measureEvery} }

// Try is [Gate.Try] for an item that is to run here.
func (s *Seat) Try(need int32, again bool) bool {
	if s.reuse(need) {
		return true
	}
	g := s.gate
	g.enter()
	defer g.unlock()
	_, ok := s.try(need, again)
	return ok
}

// Ask is [Gate.Ask] for an item that is to run here if it does not wait.
func (s *Seat) Ask(need int32, item uint64, again bool) bool {
	if s.reuse(need) {
		return true
	}
	g := s.gate
	g.enter()
	defer g.unlock()
	why, ok := s.try(need, again)
	if !ok {
		g.join(need, item, again, why)
	}
	return ok
}

// reuse takes what is kept for an item that needs as much.
func (s *Seat) reuse(need int32) bool {
	s.repeats = s.as(need) && s.gate.keeps.Load() != keepNothing && s.kept.CompareAndSwap(true, false)
	return s.repeats
}

// try is [Gate.try] for an item that is to run here. g.mu is held.
func (s *Seat) try(need int32, again bool) (Reason, bool) {
	g := s.gate
	s.empty()
	why, ok := g.try(need, again, s.unmeasured >= measureEvery)
	if ok {
		s.keepFor(need)
		if g.alone { // and was measured, if any could be
			s.unmeasured %= measureEvery
		}
	}
	return why, ok
}

// Leave is [Gate.Leave] for an item that ran here.
func (s *Seat) Leave(need int32, took time.Duration) {
	g := s.gate
	if s.unmeasured += took; took <= 0 { // nobody knows how long it ran
		s.unmeasured += measureEvery
	}
	if s.as(need) && !s.kept.Load() && s.mayKeep() {
		if s.repeats && s.need == need { // else the next one here may have another need
			s.ran.add(1, int64(took))
		} else {
			g.ran[need].add(1, int64(took))
		}
		s.kept.Store(true)
		// Who takes back what is kept has keeps say no first, and then looks at the
		// seats: one of the two sees the other.
		if g.keeps.Load() != keepNothing || !s.kept.CompareAndSwap(true, false) {
			return
		}
		var some [8]uint64
		g.mu.Lock()
		g.giveBack(g.Needs[need], some[:0])
		return
	}
	g.Leave(need, took)
}

// as reports whether a need is as much as what the seat may keep.
func (s *Seat) as(need int32) bool {
	return s.need == need || s.need != nobody && s.gate.Needs[s.need] == s.gate.Needs[need]
}

// mayKeep reports whether the seat may keep what an item had. Where one runs at a time it
// is no once they have run for as long as a measure is worth: then the next one comes to
// the gate.
func (s *Seat) mayKeep() bool {
	keeps := s.gate.keeps.Load()
	return keeps == keepAll || keeps == keepBrief && s.unmeasured < measureEvery
}

// keepFor has the seat keep as much as a need, once the item that has it leaves. g.mu is
// held, and nothing is kept.
func (s *Seat) keepFor(need int32) {
	g := s.gate
	if s.need == need {
		return
	}
	if !s.taken {
		if len(g.seats) == mostSeats {
			return
		}
		s.taken = true
		g.seats = append(g.seats, s)
	}
	if s.need != nobody && s.ran.attempts.Load() > 0 {
		g.ran[s.need].add(s.ran.attempts.Swap(0), s.ran.time.Swap(0))
	}
	s.need = need
}

// empty gives back what the seat keeps. g.mu is held. Nobody waits for it: then it would
// not be kept.
func (s *Seat) empty() {
	if s.kept.Load() && s.kept.CompareAndSwap(true, false) {
		s.gate.drop(s.gate.Needs[s.need])
	}
}

// takeBack takes back what seats keep, and has them keep nothing more. g.mu is held.
func (g *Gate) takeBack() {
	if g.keeps.Load() == keepNothing {
		return // and nothing has been kept since
	}
	g.keeps.Store(keepNothing)
	for _, s := range g.seats {
		s.empty()
	}
}

// spins is about how often a lock is looked at while another worker is at the gate.
const spins = 1000

// enter locks the gate. A worker that sleeps takes longer to wake than another one to be
// through, and while further goroutines are ready a Mutex puts it to sleep at once.
func (g *Gate) enter() {
	for range spins {
		if g.mu.TryLock() {
			return
		}
	}
	g.mu.Lock()
}

// lock locks the gate and takes back what seats keep.
func (g *Gate) lock() {
	g.mu.Lock()
	g.takeBack()
}

// fitsBeside reports whether an item may be admitted as if all that seats keep ran: it
// fits, is no new peak and not the only one that runs. g.mu is held.
func (g *Gate) fitsBeside(n Need) bool {
	cpu, memory := g.cpu+n.CPU, g.memory+n.Memory
	return cpu <= g.peak.CPU && memory <= g.peak.Memory && cpu <= g.Limit.CPU && memory <= g.Limit.Memory && g.runs()
}

// runs reports whether more is admitted than seats keep. g.mu is held.
func (g *Gate) runs() bool {
	most := len(g.seats) // that may keep something
	for _, s := range g.seats {
		if g.running > most {
			break
		}
		if !s.kept.Load() {
			most--
		}
	}
	return g.running > most
}

// unlock unlocks the gate, and lets seats keep what they have if nobody would miss it.
// Whoever has changed that has taken back what they kept.
func (g *Gate) unlock() {
	keeps := keepAll
	switch {
	case g.line.waiting > 0, g.shortCPU, g.shortMemory, g.closed, g.solo.on, g.alone && g.solo.free():
		keeps = keepNothing
	case g.alone:
		keeps = keepBrief
	}
	if keeps != g.keeps.Load() {
		g.keeps.Store(keeps)
	}
	g.mu.Unlock()
}
