package budget

import "time"

// interval is how often the load is sampled while something runs.
const interval = 100 * time.Millisecond

// sample samples the load until nothing has run for an interval.
func (g *Gate) sample() {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		cpu, memory := false, false
		if g.Load != nil {
			cpu, memory = g.Load()
		}
		var some [8]uint64
		g.mu.Lock()
		g.shortCPU, g.shortMemory = cpu, memory
		g.solo.look()
		ready := g.serve(some[:0])
		g.mu.Unlock()
		g.resume(ready)
		select {
		case <-ticks.C:
		case <-g.stop:
			return
		}
		if g.idles() {
			return
		}
	}
}

// idles reports whether nothing runs: then the load is of no interest until something
// does.
func (g *Gate) idles() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running > 0 {
		return false
	}
	g.sampling = false
	return true
}
