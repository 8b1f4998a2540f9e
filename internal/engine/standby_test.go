package engine

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// setStandby has whoever stands by leave, and those to come wait for so many rounds. The
// last run has ended long ago.
func setStandby(rounds int32) {
	standby.ended.Store(int64(time.Since(epoch) - time.Hour))
	standby.calls.Add(1)
	for standby.taken.Load() {
		runtime.Gosched()
	}
	standby.rounds.Store(rounds) // which the one that has left may have halved
}

// TestWhoStandsByIsCalled has a worker stand by for good after a run of two: what ends
// its wait is the next one.
func TestWhoStandsByIsCalled(t *testing.T) {
	within(t)
	synctest.Test(t, func(t *testing.T) {
		pair := func() {
			r := New(layeredGraph(2), Config{Exec: func(w *Worker, it Item) Item {
				time.Sleep(time.Second)
				return w.Finish(int32(it))
			}})
			r.procs = 2 // wherever this runs
			r.Start()
			<-r.Done()
		}
		setStandby(1 << 30)
		pair()
		for !standby.taken.Load() {
			runtime.Gosched()
		}
		pair()
		for standby.taken.Load() {
			runtime.Gosched()
		}
	})
}

// TestHowLongToStandByIsLearned: half as long each time it was in vain, down to not at
// all, until a run begins soon after another.
func TestHowLongToStandByIsLearned(t *testing.T) {
	within(t)
	synctest.Test(t, func(t *testing.T) {
		setStandby(mostStandby)
		for want := int32(mostStandby / 2); ; want /= 2 {
			before := standby.rounds.Load()
			for standby.rounds.Load() == before { // the token may be taken for a moment
				standBy(standby.calls.Load())
			}
			if got := standby.rounds.Load(); got != want {
				t.Fatalf("after %d rounds in vain the next wait is for %d, want %d", before, got, want)
			}
			if want == 0 {
				break
			}
		}
		if followsClosely(); standby.rounds.Load() != 0 {
			t.Error("a run an hour after another has workers stand by")
		}
		standby.ended.Store(int64(time.Since(epoch)))
		time.Sleep(shortSleep)
		if followsClosely(); standby.rounds.Load() != 0 {
			t.Errorf("a run %v after another has workers stand by", shortSleep)
		}
		standby.ended.Store(int64(time.Since(epoch)))
		time.Sleep(shortSleep / 2)
		if followsClosely(); standby.rounds.Load() != mostStandby {
			t.Errorf("a run %v after another has workers stand by for %d rounds, want %d", shortSleep/2, standby.rounds.Load(), mostStandby)
		}
		setStandby(0)
	})
}
