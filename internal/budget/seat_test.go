package budget

import (
	"testing"
	"time"
)

// TestASeatKeepsWhatNobodyMisses: the next item there has it without the gate's lock, and
// whoever comes to the gate has it too.
func TestASeatKeepsWhatNobodyMisses(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 3}, Needs: []Need{{CPU: 1}, {CPU: 2}, {CPU: 1}}})
	here, there := g.NewSeat(), g.NewSeat()
	if !here.Try(0, false) || !there.Try(0, false) {
		t.Fatal("two that fit are not admitted")
	}
	here.Leave(0, time.Second) // the seat now knows what it is to keep
	if !here.Try(0, false) {
		t.Fatal("the next is not admitted")
	}
	here.Leave(0, time.Second)
	if !here.kept.Load() {
		t.Fatal("nothing is kept")
	}
	g.mu.Lock() // without which these do
	if !here.Try(2, false) {
		t.Fatal("another one that needs as much is not admitted")
	}
	here.Leave(2, time.Minute)
	g.mu.Unlock()
	asks(t, g, 1, 7, true) // 2 of 3, of which one is kept
	if here.kept.Load() || g.Peak().CPU != 3 {
		t.Errorf("the peak is %d, want 3; kept: %v", g.Peak().CPU, here.kept.Load())
	}
	if here.Try(0, false) {
		t.Error("4 of 3 are admitted")
	}
	asks(t, g, 0, 8, false)
	there.Leave(0, time.Second) // for the one that waits, and not for the seat
	wantResumed(t, resumed, 8)
	if there.kept.Load() {
		t.Error("a seat keeps what another one waited for")
	}
	if a, b := g.Of(0), g.Of(2); a.Attempts != 3 || a.Time != 3*time.Second || b.Attempts != 1 || b.Time != time.Minute {
		t.Errorf("counted %+v and %+v", a, b)
	}
}

// TestOneThatRunsAloneKeepsNothing, so that each is measured.
func TestOneThatRunsAloneKeepsNothing(t *testing.T) {
	g, _ := newGate(t, Config{Limit: Need{CPU: 3}, Needs: []Need{{CPU: 1}, {CPU: 1}}})
	s := g.NewSeat()
	for range 3 {
		for need := range int32(2) {
			if !s.Try(need, false) {
				t.Fatal("it is not admitted")
			}
			s.Leave(need, 0)
		}
	}
	if a, b := g.Of(0).Alone, g.Of(1).Alone; a != 3 || b != 3 {
		t.Errorf("%d and %d were measured, want 3 of each", a, b)
	}
}
