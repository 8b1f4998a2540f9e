// Package budget admits what is to run as long as the sum of what it needs fits a
// limit. It knows numbers of needs and items, and no tasks.
//
// Those that do not fit wait in line. Who comes later, and is smaller, may go ahead
// of the first in line, but only so often: then everybody waits until that one fits,
// except those that take nothing from it.
// One that needs more than the whole limit fits when nothing else needs anything.
// Besides, live load closes the gate: then only so many run as there have to be.
package budget

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Need is what an item takes of the limit while it runs.
type Need struct {
	CPU    int64 // millionths of a processor
	Memory int64 // bytes
	IO     bool  // short processors do not hold it up
}

// None is a need of nothing.
func (n Need) None() bool { return n.CPU == 0 && n.Memory == 0 }

// Exceeds reports whether a need is more than the whole of a limit.
func (n Need) Exceeds(limit Need) bool { return n.CPU > limit.CPU || n.Memory > limit.Memory }

// Unlimited, in a limit, is more than any need may be. Sums of two do not overflow.
const Unlimited = math.MaxInt64 / 2

// Config describes a gate.
type Config struct {
	Limit Need
	Needs []Need // what items ask for: they name one by its number
	// Min is how many may run whatever the load is, if they fit the limit.
	Min int
	// Load tells whether processors or memory are short just now. It is called by one
	// goroutine at a time; nil is never.
	Load func() (cpu, memory bool)
	// Resume is called with an item that has waited and is admitted now. No lock is
	// held. It may be called from any goroutine.
	Resume func(item uint64)
}

// Reason is why an item waited.
type Reason uint8

const (
	ForCPU    Reason = iota // the CPU that it needs was not free
	ForMemory               // the memory that it needs was not free
	ForLoad                 // processors or memory were short
	ForTurn                 // one that could not run yet had waited for too long
	reasons
)

// Gate admits items. Its methods are safe for concurrent use.
type Gate struct {
	Config

	made time.Time

	mu        sync.Mutex // let go by unlock
	running   int
	needy     int   // of those, how many need something
	computing int   // and how many are not bound by IO
	cpu       int64 // that they need together
	memory    int64
	peak      Need
	line      line
	counts    []*Count // of each need, without what is in ran; nil while that is all there is
	ran       []ran    // of each need
	alone     bool     // the last one that was admitted
	solo      solo
	seats     []*Seat
	keeps     atomic.Uint32 // what seats may keep

	shortCPU, shortMemory bool
	sampling, closed      bool
	stop                  chan struct{}
	sampler               sync.WaitGroup
}

// New makes a gate. It samples the load, so that what begins under load begins slowly.
// [Gate.Close] ends it.
func New(c Config) *Gate {
	g := &Gate{Config: c, made: time.Now(), counts: make([]*Count, len(c.Needs)), ran: make([]ran, len(c.Needs)), line: newLine(), stop: make(chan struct{})}
	if c.Load != nil {
		g.shortCPU, g.shortMemory = c.Load()
	}
	return g
}

// Ask reports whether an item may run now. Otherwise it waits, and Resume is called
// with it once. Those that are asked for again, after they have run, go first.
func (g *Gate) Ask(need int32, item uint64, again bool) bool {
	g.mu.Lock()
	defer g.unlock()
	why, ok := g.try(need, again, true)
	if !ok {
		g.join(need, item, again, why)
	}
	return ok
}

// join puts an item in line. g.mu is held.
func (g *Gate) join(need int32, item uint64, again bool, why Reason) {
	g.line.join(g.Needs, need, again, waiter{item: item, since: time.Since(g.made), why: why})
}

// Try is Ask for an item that does not wait.
func (g *Gate) Try(need int32, again bool) bool {
	g.mu.Lock()
	defer g.unlock()
	_, ok := g.try(need, again, true)
	return ok
}

// try admits an item if it may run now, or says why not. It may be worth a measure, if it
// runs alone. g.mu is held.
func (g *Gate) try(need int32, again, worth bool) (Reason, bool) {
	if g.keeps.Load() != keepNothing && !g.fitsBeside(g.Needs[need]) {
		g.takeBack()
	}
	why, fits := g.fits(g.Needs[need])
	if g.line.waiting > 0 {
		r := g.line.reserved
		if fits && (g.line.has(need, again) || r != nobody && !g.spares(g.Needs[need], g.line.groups[r].need)) {
			why, fits = ForTurn, false
		}
		if fits { // what waits did not, and nothing has changed
			g.line.pass(nobody, g.Needs[need], g.spares)
		}
	}
	if fits {
		g.admit(need, worth)
	}
	return why, fits
}

// fits reports whether a need fits what is left.
func (g *Gate) fits(n Need) (Reason, bool) {
	switch {
	case g.shortMemory && g.running >= g.Min, g.shortCPU && !n.IO && g.computing >= g.Min:
		return ForLoad, false
	case n.None() || g.needy == 0:
		return 0, true
	case g.cpu+n.CPU > g.Limit.CPU:
		return ForCPU, false
	case g.memory+n.Memory > g.Limit.Memory:
		return ForMemory, false
	}
	return 0, true
}

// spares reports whether an item with need n, which fits, takes nothing from another one
// that does not: of whatever it takes, the other one finds as much as it needs, so that
// it waits for something else.
func (g *Gate) spares(n, other Need) bool {
	switch {
	case g.shortMemory, g.shortCPU && !n.IO && !other.IO:
		return false // it is one more of those that run in spite of the load
	case n.None():
		return true
	case other.Exceeds(g.Limit): // and runs alone
		return false
	}
	return (n.CPU == 0 || g.cpu+n.CPU+other.CPU <= g.Limit.CPU) && (n.Memory == 0 || g.memory+n.Memory+other.Memory <= g.Limit.Memory)
}

// admit counts an item among those that run. g.mu is held.
func (g *Gate) admit(need int32, worth bool) {
	n := g.Needs[need]
	g.running++
	if !n.IO {
		g.computing++
	}
	g.alone = g.running == 1
	if !n.None() {
		g.needy++
	}
	g.cpu += n.CPU
	g.memory += n.Memory
	g.peak.CPU = max(g.peak.CPU, g.cpu)
	g.peak.Memory = max(g.peak.Memory, g.memory)
	g.solo.on = false
	if g.alone && (worth || g.solo.free()) {
		g.solo.admitted(g.counts[need], g.made)
	}
	if !g.sampling && !g.closed {
		g.sampling = true
		g.sampler.Go(g.sample)
	}
}

// Leave gives back what an item was admitted with that ran for a time.
func (g *Gate) Leave(need int32, took time.Duration) {
	var some [8]uint64
	g.mu.Lock()
	c := g.count(need)
	c.Attempts++
	c.Time += took
	if g.solo.on {
		g.solo.left(c)
	}
	g.giveBack(g.Needs[need], some[:0])
}

// Return gives back what an item was admitted with that does not run after all.
func (g *Gate) Return(need int32) {
	var some [8]uint64
	g.mu.Lock()
	g.solo.on = false
	g.giveBack(g.Needs[need], some[:0])
}

// giveBack ends an admission. g.mu is held, and let go.
func (g *Gate) giveBack(n Need, ready []uint64) {
	g.drop(n)
	ready = g.serve(ready)
	g.unlock()
	g.resume(ready)
}

// drop takes an item off those that run. g.mu is held.
func (g *Gate) drop(n Need) {
	g.running--
	if !n.IO {
		g.computing--
	}
	if !n.None() {
		g.needy--
	}
	g.cpu -= n.CPU
	g.memory -= n.Memory
}

// serve admits those in line that fit now. g.mu is held.
func (g *Gate) serve(ready []uint64) []uint64 {
	for g.line.waiting > 0 && !g.closed {
		q := g.line.first(func(n Need) bool { _, ok := g.fits(n); return ok }, g.spares)
		if q == nobody {
			break
		}
		need, w := g.line.take(q, g.spares)
		c := g.count(need)
		c.Waits++
		c.Waited[w.why] += time.Since(g.made) - w.since
		g.admit(need, true)
		ready = append(ready, w.item)
	}
	return ready
}

func (g *Gate) resume(ready []uint64) {
	for _, item := range ready {
		g.Resume(item)
	}
}

// Close ends the gate: nobody who waits is admitted any more. It returns when no
// goroutine of the gate is left.
func (g *Gate) Close() {
	g.lock()
	if !g.closed {
		g.closed = true
		close(g.stop)
	}
	g.unlock()
	g.sampler.Wait()
}
