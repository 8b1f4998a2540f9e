package budget

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
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

// TestWhatIsKeptIsLeftAlone by one who fits beside it and makes no new peak.
func TestWhatIsKeptIsLeftAlone(t *testing.T) {
	g, _ := newGate(t, Config{Limit: Need{CPU: 9}, Needs: []Need{{CPU: 1}, {CPU: 2}}})
	here, there := g.NewSeat(), g.NewSeat()
	if !here.Try(0, false) || !there.Try(0, false) || !g.Try(1, false) {
		t.Fatal("three that fit are not admitted")
	}
	g.Leave(1, 0)
	here.Leave(0, 0)
	asks(t, g, 1, 1, true) // 3 of a peak of 4, beside 1 that is kept
	if !here.kept.Load() || g.Peak().CPU != 4 {
		t.Errorf("the peak is %d, want 4; kept: %v", g.Peak().CPU, here.kept.Load())
	}
	asks(t, g, 1, 2, true) // 5, so that what is kept counts
	if here.kept.Load() || g.Peak().CPU != 5 {
		t.Errorf("the peak is %d, want 5; kept: %v", g.Peak().CPU, here.kept.Load())
	}
	for range 2 {
		g.Leave(1, 0)
	}
	if !here.Try(0, false) {
		t.Fatal("it is not admitted")
	}
	here.Leave(0, 0)
	there.Leave(0, 0)
	asks(t, g, 0, 3, true) // what is kept does not run
	g.Leave(0, 0)
	if c := g.Of(0); c.Alone != 1 {
		t.Errorf("%d were measured, want the one that nothing ran beside", c.Alone)
	}
}

// TestOneThatRunsAloneIsMeasuredNowAndThen, and keeps what it has in between; and always
// when it is not known how long it ran.
func TestOneThatRunsAloneIsMeasuredNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		needs := make([]Need, 2+freeMeasured/mostMeasured)
		g, _ := newGate(t, Config{Limit: Need{CPU: 1}, Needs: needs})
		s := g.NewSeat()
		run := func(need int32, took time.Duration) {
			t.Helper()
			if !s.Try(need, false) {
				t.Fatal("it is not admitted")
			}
			time.Sleep(took) // in virtual time
			s.Leave(need, took)
		}
		for i := range int32(freeMeasured) {
			run(2+i/mostMeasured, time.Nanosecond)
		}
		kept := 0
		for range 10 * 8 {
			run(0, measureEvery/8)
			if s.kept.Load() {
				kept++
			}
		}
		if c := g.Of(0); c.Alone < 8 || c.Alone > 11 || kept < 60 {
			t.Errorf("%d were measured and %d kept, want about 10 and 60 of 80", c.Alone, kept)
		}
		for range 4 { // the first of which may have what was kept
			run(1, 2*measureEvery)
		}
		if c := g.Of(1); c.Alone < 3 {
			t.Errorf("%d of 4 that ran for long were measured", c.Alone)
		}
		run(0, 0)
		if s.kept.Load() {
			t.Error("one that ran for an unknown time keeps what it had")
		}
	})
}

// TestSeatsCountExactly: whatever runs on seats, and beside them, the peak is of what ran
// at once, and nobody is refused for what is kept.
func TestSeatsCountExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Need{CPU: 12, Memory: 12}
		needs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Need {
			return Need{CPU: rapid.Int64Range(0, 4).Draw(t, "cpu"), Memory: rapid.Int64Range(0, 4).Draw(t, "memory")}
		}), 1, 4).Draw(t, "needs")
		g := New(Config{Limit: limit, Needs: needs, Min: 1})
		g.sampling = true
		const without = 4 // the last place has no seat
		seats := make([]*Seat, without)
		for i := range seats {
			seats[i] = g.NewSeat()
		}
		running := [without + 1]int32{nobody, nobody, nobody, nobody, nobody}
		var peak Need
		left := make([]int, len(needs))
		sum := func() (n Need) {
			for _, need := range running {
				if need != nobody {
					n.CPU, n.Memory = n.CPU+needs[need].CPU, n.Memory+needs[need].Memory
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) {
				at := rapid.IntRange(0, without).Draw(t, "at")
				if need := running[at]; need != nobody {
					running[at] = nobody
					left[need]++
					if at == without {
						g.Leave(need, 1)
					} else {
						seats[at].Leave(need, 1)
					}
					return
				}
				need := int32(rapid.IntRange(0, len(needs)-1).Draw(t, "need"))
				ok := false
				if at == without {
					ok = g.Try(need, false)
				} else {
					ok = seats[at].Try(need, false)
				}
				n, now := needs[need], sum()
				if free := n.None() || now.CPU+n.CPU <= limit.CPU && now.Memory+n.Memory <= limit.Memory; free != ok {
					t.Fatalf("beside %+v of %+v one with %+v is admitted: %v", now, limit, n, ok)
				}
				if ok {
					running[at] = need
					now = sum()
					peak.CPU, peak.Memory = max(peak.CPU, now.CPU), max(peak.Memory, now.Memory)
				}
			},
			"": func(t *rapid.T) {
				if got := g.Peak(); got != peak {
					t.Fatalf("the peak is %+v, want %+v", got, peak)
				}
				for need := range needs {
					if c := g.Of(int32(need)); c.Attempts != left[need] {
						t.Fatalf("%d have left with need %d, want %d", c.Attempts, need, left[need])
					}
				}
			},
		})
		g.lock()
		defer g.unlock()
		if now := sum(); g.cpu != now.CPU || g.memory != now.Memory {
			t.Fatalf("%d CPU and %d memory are given, want %+v", g.cpu, g.memory, now)
		}
	})
}

// TestWhoAsksFromASeat has given back what the seat kept, and waits for the rest.
func TestWhoAsksFromASeat(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 3}, Needs: []Need{{CPU: 1}, {CPU: 2}}})
	s := g.NewSeat()
	asks(t, g, 0, 1, true)
	asks(t, g, 0, 2, true)
	if !s.Ask(0, 3, false) {
		t.Fatal("it is not admitted")
	}
	s.Leave(0, 1)
	if !s.kept.Load() {
		t.Fatal("nothing is kept")
	}
	if !s.Ask(0, 4, false) {
		t.Fatal("the next is not admitted")
	}
	s.Leave(0, 1)
	if s.Ask(1, 5, false) {
		t.Fatal("4 of 3 are admitted")
	}
	g.Leave(0, 1)
	wantResumed(t, resumed, 5)
	s.Leave(1, 1)
	g.Leave(0, 1)
	if g.running != 0 || g.cpu != 0 || g.Peak().CPU != 3 {
		t.Errorf("%d run with %d, and the peak is %d; want none and 3", g.running, g.cpu, g.Peak().CPU)
	}
}
