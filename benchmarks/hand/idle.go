package hand

import "runtime"

// signal brings in one more worker, if there is one to bring in.
func (r *stealing) signal() {
	if r.callIdle() {
		return
	}
	for {
		n := r.started.Load()
		if int(n) >= len(r.deques) {
			return
		}
		if r.started.CompareAndSwap(n, n+1) {
			r.wg.Go(func() { r.work(int(n)) })
			return
		}
	}
}

// callIdle wakes one worker that is parked or about to be. Whoever lowers idle
// owes one message, so a worker that was counted out always gets its own.
func (r *stealing) callIdle() bool {
	for {
		n := r.idle.Load()
		if n == 0 {
			return false
		}
		if r.idle.CompareAndSwap(n, n-1) {
			r.wake <- struct{}{}
			return true
		}
	}
}

// find steals a node or parks until there is one; none means the run is over.
func (r *stealing) find(me int) int32 {
	for {
		for try := range 4 {
			if node := r.stealFrom(me); node >= 0 {
				return node
			}
			if r.stop.Load() {
				return none
			}
			if try > 0 {
				runtime.Gosched()
			}
		}
		r.idle.Add(1)
		// A push before idle was raised sent no signal: look once more.
		if node := r.stealFrom(me); node >= 0 {
			r.cancelIdle()
			return node
		}
		if r.stop.Load() {
			return none
		}
		<-r.wake
		if r.stop.Load() {
			return none
		}
	}
}

// stealFrom takes a node from another worker and passes the word on when that
// worker has more.
func (r *stealing) stealFrom(me int) int32 {
	for k := 1; k < len(r.deques); k++ {
		victim := &r.deques[(me+k)%len(r.deques)]
		if node := victim.steal(); node >= 0 {
			if !victim.empty() {
				r.signal()
			}
			return node
		}
	}
	return none
}

// cancelIdle takes back one idle count or, when this worker has already been
// counted out, one message. It must not block on the message: another worker
// that parks meanwhile may take it and leave its own count instead.
func (r *stealing) cancelIdle() {
	for {
		if n := r.idle.Load(); n > 0 {
			if r.idle.CompareAndSwap(n, n-1) {
				return
			}
			continue
		}
		select {
		case <-r.wake:
			return
		default:
			runtime.Gosched()
		}
	}
}
