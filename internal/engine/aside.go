package engine

import (
	"runtime"
	"sync/atomic"
	"time"
)

// stepAside lets another processor take the worker, which has just begun or woken
// another. The runtime keeps that one for the processor of the caller, and others
// take it only after a sleep (runqgrab in runtime/proc.go), which lasts tens of
// microseconds. The caller itself is taken at once, if a processor is free.
//
// If none is, it waits behind all else that can run, with an item in its hands. Whether
// one is free cannot be asked, so it is learned, as what is true of the whole process.
func (w *Worker) stepAside() {
	if aside.skips() {
		return
	}
	w.Clock = 0
	began := time.Now()
	runtime.Gosched()
	aside.took(time.Since(began))
}

// stepping is how stepping aside has gone.
type stepping struct {
	skip  atomic.Int32 // so many times it is not done
	pause atomic.Int32 // so many times it was not after the last long wait
}

var aside stepping

const (
	longWait              = time.Millisecond // longer than a thread takes to wake
	leastPause, mostPause = 16, 1024         // times
)

func (s *stepping) skips() bool {
	return s.skip.Load() > 0 && s.skip.Add(-1) >= 0
}

// took is told how long it took to be taken. After a wait that was long it is not done for
// a while, and for three times as long if the next one is long again.
func (s *stepping) took(d time.Duration) {
	pause := int32(0)
	if d > longWait {
		pause = min(max(leastPause, 3*s.pause.Load()), mostPause)
	}
	s.pause.Store(pause)
	s.skip.Store(pause)
}
