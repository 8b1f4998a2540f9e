package engine

import (
	"runtime"
	"sync/atomic"
	"time"
)

// standby is for runs that follow each other closely. At the end of one its processors
// go to sleep, but for that of whoever waited for it, and to wake one takes longer than
// many a task: tens of microseconds on a virtual machine, and some of the next run's own
// time. So of the workers that leave a run one may stand by for a moment: it keeps its
// processor until a run, of whatever graph, begins or wakes a worker that needs another
// one.
//
// How long is learned as in [Worker.linger]: not at all until a run has begun soon after
// the end of another, and half as long each time it was in vain.
var standby struct {
	calls  atomic.Int32 // for a processor
	rounds atomic.Int32 // of looking for a call
	taken  atomic.Bool  // by the one that stands by
	ended  atomic.Int64 // when the last run did, in nanoseconds since epoch
}

var epoch = time.Now()

// mostStandby rounds take about as long as shortSleep, which ends the wait too: beside
// goroutines that compute, a round takes longer. In virtual time the number ends it.
const mostStandby = 768

// followsClosely is told of the begin of a run.
func followsClosely() {
	if gap := int64(time.Since(epoch)) - standby.ended.Load(); 0 <= gap && gap < int64(shortSleep) {
		standby.rounds.Store(mostStandby)
	}
}

// standBy waits for a call, unless another worker does. calls is what there were when
// the run ended.
func standBy(calls int32) {
	rounds := standby.rounds.Load()
	if rounds == 0 || !standby.taken.CompareAndSwap(false, true) {
		return
	}
	defer standby.taken.Store(false)
	began := time.Now()
	for k := int32(0); k < rounds && time.Since(began) < shortSleep; k++ {
		for range spinLooks {
			if standby.calls.Load() != calls {
				return
			}
		}
		runtime.Gosched()
	}
	standby.rounds.CompareAndSwap(rounds, rounds/2)
}
