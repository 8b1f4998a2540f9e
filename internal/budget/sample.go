package budget

import "time"

// interval is how often the load is sampled while something runs.
const interval = 100 * time.Millisecond

// sample samples the load until nothing has run for an interval.
func (g *Gate) sample() {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	if time.Since(g.made) >= interval { // else New has taken a sample just now
		g.take()
	}
	for {
		select {
		case <-ticks.C:
		case <-g.stop:
			return
		}
		if g.idles() {
			return
		}
		g.take()
	}
}

// take takes a sample, and admits those who have waited for it.
func (g *Gate) take() {
	cpu, memory := false, false
	if g.Load != nil {
		cpu, memory = g.Load()
	}
	var some [8]uint64
	g.lock()
	g.shortCPU, g.shortMemory = cpu, memory
	g.solo.look()
	g.alone = g.running <= 1 // others may have left since the last one was admitted
	ready := g.serve(some[:0])
	g.unlock()
	g.resume(ready)
}

// idles reports whether nothing runs: then the load is of no interest until something
// does.
func (g *Gate) idles() bool {
	g.lock()
	defer g.unlock()
	if g.running > 0 {
		return false
	}
	g.sampling = false
	return true
}
