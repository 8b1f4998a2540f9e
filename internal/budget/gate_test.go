package budget

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newGate makes a gate whose resumed items go to the slice.
func newGate(t testing.TB, c Config) (g *Gate, resumed *[]uint64) {
	resumed = new([]uint64)
	if c.Resume == nil {
		c.Resume = func(item uint64) { *resumed = append(*resumed, item) }
	}
	c.Min = max(1, c.Min)
	g = New(c)
	t.Cleanup(g.Close)
	return g, resumed
}

func wantResumed(t *testing.T, resumed *[]uint64, want ...uint64) {
	t.Helper()
	if !slices.Equal(*resumed, want) {
		t.Errorf("resumed are %v, want %v", *resumed, want)
	}
	*resumed = nil
}

// asks asks for an item, and says whether it is admitted at once.
func asks(t *testing.T, g *Gate, need int32, item uint64, want bool) {
	t.Helper()
	if got := g.Ask(need, item, false); got != want {
		t.Errorf("item %d is admitted: %v, want %v", item, got, want)
	}
}

// TestWhatFitsIsAdmitted: the rest waits in line, and goes on when there is room.
func TestWhatFitsIsAdmitted(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 4, Memory: 100}, Needs: []Need{{CPU: 3}, {CPU: 2, Memory: 60}, {Memory: 50}, {}}})
	asks(t, g, 0, 1, true)
	asks(t, g, 1, 2, false) // the CPU
	asks(t, g, 2, 3, true)  // goes ahead
	asks(t, g, 2, 4, true)
	asks(t, g, 2, 5, false) // the memory
	asks(t, g, 3, 6, true)
	g.Leave(0, time.Second)
	wantResumed(t, resumed)
	g.Leave(2, time.Second)
	wantResumed(t, resumed, 5) // 2 needs 60
	g.Leave(2, time.Second)
	g.Leave(2, time.Second)
	wantResumed(t, resumed, 2)
	if got, want := g.Peak(), (Need{CPU: 3, Memory: 100}); got != want {
		t.Errorf("the peak is %v, want %v", got, want)
	}
	c := g.Of(2)
	if c.Attempts != 3 || c.Time != 3*time.Second || c.Waits != 1 || c.Waited[ForMemory] <= 0 || c.Waited[ForCPU] != 0 {
		t.Errorf("of the third need: %+v", c)
	}
	if c := g.Of(1); c.Waits != 1 || c.Waited[ForCPU] <= 0 || c.Waited[ForMemory] != 0 {
		t.Errorf("of the second need: %+v", c)
	}
}

// TestWhatIsLargerThanTheLimitRunsAlone: beside those alone that need nothing.
func TestWhatIsLargerThanTheLimitRunsAlone(t *testing.T) {
	for _, large := range []Need{{CPU: 5}, {Memory: 11}, {CPU: Unlimited, Memory: Unlimited}} {
		g, resumed := newGate(t, Config{Limit: Need{CPU: 4, Memory: 10}, Needs: []Need{large, {CPU: 1}, {Memory: 1}, {}}})
		if !large.Exceeds(g.Limit) {
			t.Fatalf("%v does not exceed %v", large, g.Limit)
		}
		asks(t, g, 1, 1, true)
		asks(t, g, 0, 2, false)
		g.Leave(1, 0)
		wantResumed(t, resumed, 2)
		asks(t, g, 1, 3, false)
		asks(t, g, 2, 4, false)
		asks(t, g, 3, 5, true)
		asks(t, g, 0, 6, false)
	}
}

// TestARetryGoesFirst: it waits for room, and not behind those that are new.
func TestARetryGoesFirst(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 1}, Needs: []Need{{CPU: 1}, {CPU: 1}}})
	asks(t, g, 0, 1, true)
	asks(t, g, 0, 2, false)
	asks(t, g, 1, 3, false)
	if g.Ask(0, 4, true) || g.Ask(1, 5, true) {
		t.Error("there was no room")
	}
	for range 4 {
		g.Leave(0, 0)
	}
	wantResumed(t, resumed, 4, 5, 2, 3)
}

// TestNeedsTakeTurns: a thousand of one kind do not hide one of another.
func TestNeedsTakeTurns(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 1}, Needs: []Need{{CPU: 1}, {CPU: 1}}})
	asks(t, g, 0, 0, true)
	for i := range uint64(1000) {
		asks(t, g, 0, i+1, false)
	}
	asks(t, g, 1, 5000, false)
	for range 3 {
		g.Leave(0, 0)
	}
	wantResumed(t, resumed, 1, 5000, 2)
}

// TestOneThatWaitsUnseenKeepsItsPlace: behind so many groups that nobody looks as far, it
// goes before a later one with the same need, which would fit.
func TestOneThatWaitsUnseenKeepsItsPlace(t *testing.T) {
	needs := []Need{{CPU: 7}, {CPU: 2}}
	for range lookahead {
		needs = append(needs, Need{CPU: 5})
	}
	g, resumed := newGate(t, Config{Limit: Need{CPU: 10}, Needs: needs})
	asks(t, g, 0, 0, true)
	asks(t, g, 1, 1, true)
	for k := range lookahead {
		asks(t, g, int32(2+k), uint64(100+k), false)
	}
	asks(t, g, 1, 2, false)
	g.Leave(1, 0)
	wantResumed(t, resumed)
	asks(t, g, 1, 3, false)
	g.Leave(0, 0)
	for k := 0; k < len(*resumed); k++ { // it grows
		if item := (*resumed)[k]; item < 100 {
			g.Leave(1, 0)
		} else {
			g.Leave(int32(item-100+2), 0)
		}
	}
	if first, second := slices.Index(*resumed, 2), slices.Index(*resumed, 3); first < 0 || second < first || len(*resumed) != lookahead+2 {
		t.Errorf("resumed are %v, want all, and 2 before 3", *resumed)
	}
}

// TestSmallOnesOvertakeABigOneSoOften: then nobody is admitted until it is.
func TestSmallOnesOvertakeABigOneSoOften(t *testing.T) {
	for _, again := range []bool{false, true} { // also those that are tried again go first no more often
		g, resumed := newGate(t, Config{Limit: Need{CPU: 4}, Needs: []Need{{CPU: 4}, {CPU: 1}}})
		asks(t, g, 1, 1, true)
		asks(t, g, 0, 2, false)
		overtaken := 0
		for item := uint64(3); g.Ask(1, item, again); item++ {
			if overtaken++; overtaken > 1000 {
				t.Fatal("the big one is overtaken for ever")
			}
			g.Leave(1, 0)
		}
		if overtaken != mostPassed {
			t.Errorf("it was overtaken %d times, want %d", overtaken, mostPassed)
		}
		wantResumed(t, resumed)
		g.Leave(1, 0)
		wantResumed(t, resumed, 2)
		if c := g.Of(1); c.Waits != 0 {
			t.Errorf("a small one was admitted together with it: %+v", c)
		}
		g.Leave(0, 0)
		if c := g.Of(1); len(*resumed) != 1 || c.Waits != 1 || c.Waited[ForTurn] <= 0 {
			t.Errorf("resumed are %v, and %+v", *resumed, c)
		}
	}
}

// TestARandomLine: whatever is asked for and leaves, the sum fits, nobody is overtaken
// too often, items of one need keep their order, and nobody waits when nothing runs.
func TestARandomLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Need{CPU: 8, Memory: 8}
		needs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Need {
			return Need{CPU: rapid.Int64Range(0, 10).Draw(t, "cpu"), Memory: rapid.Int64Range(0, 10).Draw(t, "memory")}
		}), 1, 20).Draw(t, "needs")
		type one struct {
			need  int32
			ahead int // groups in line when it came
			later int // how many that came later were admitted before it
		}
		var items []one
		running, waiting := map[uint64]bool{}, []uint64{}
		short := false
		var g *Gate
		admitted := func(item uint64) {
			running[item] = true
			for _, w := range waiting {
				// One that takes a single resource may take nothing from who is at the head.
				if n := needs[items[item].need]; w < item && n.CPU > 0 && n.Memory > 0 {
					items[w].later++
				}
			}
			for _, w := range waiting {
				if w < item && items[w].need == items[item].need {
					t.Fatalf("item %d was admitted before %d, of the same need", item, w)
				}
			}
		}
		g = New(Config{Limit: limit, Needs: needs, Min: 1, Resume: func(item uint64) {
			at := slices.Index(waiting, item)
			waiting = slices.Delete(waiting, at, at+1)
			admitted(item)
		}})
		g.sampling = true // nobody but this test tells of load
		var seats []*Seat
		for range 3 {
			seats = append(seats, g.NewSeat())
		}
		at := func(item uint64) *Seat { return seats[item%uint64(len(seats))] }
		check := func() {
			var cpu, memory int64
			needy := 0
			for item := range running {
				n := needs[items[item].need]
				cpu, memory = cpu+n.CPU, memory+n.Memory
				if !n.None() {
					needy++
				}
			}
			if needy > 1 && (cpu > limit.CPU || memory > limit.Memory) {
				t.Fatalf("%d run that need %d CPU and %d memory", needy, cpu, memory)
			}
			if len(running) == 0 && len(waiting) > 0 {
				t.Fatalf("nothing runs and %v wait", waiting)
			}
			for _, w := range waiting {
				if most := (items[w].ahead + 1) * (mostPassed + 1); items[w].later > most {
					t.Fatalf("item %d was overtaken %d times, %d at most are right", w, items[w].later, most)
				}
			}
		}
		leave := func(t *rapid.T) {
			of := []uint64{}
			for item := range running {
				of = append(of, item)
			}
			slices.Sort(of)
			item := rapid.SampledFrom(of).Draw(t, "item")
			delete(running, item)
			at(item).Leave(items[item].need, 0)
		}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				item := uint64(len(items))
				need := int32(rapid.IntRange(0, len(needs)-1).Draw(t, "need"))
				groups := map[int32]bool{}
				for _, w := range waiting {
					groups[items[w].need] = true
				}
				// Of its own group all are ahead of it, and each goes to the end between.
				own := 0
				for _, w := range waiting {
					if items[w].need == need {
						own++
					}
				}
				items = append(items, one{need: need, ahead: len(groups) + own*len(needs)})
				var cpu, memory int64
				needy := false
				for other := range running {
					n := needs[items[other].need]
					cpu, memory, needy = cpu+n.CPU, memory+n.Memory, needy || !n.None()
				}
				n := needs[need]
				free := !needy || n.None() || cpu+n.CPU <= limit.CPU && memory+n.Memory <= limit.Memory
				switch {
				case at(item).Try(need, false) || g.Ask(need, item, false):
					admitted(item)
				case free && len(waiting) == 0 && !(short && len(running) > 0):
					t.Fatalf("item %d waits for what nobody has", item)
				default:
					waiting = append(waiting, item)
				}
			},
			"leave": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("nothing runs")
				}
				leave(t)
			},
			"load": func(t *rapid.T) { // as the sampler does it
				short = !short
				g.lock()
				g.shortMemory = short
				var ready []uint64
				if !short {
					ready = g.serve(nil)
				}
				g.unlock()
				g.resume(ready)
			},
			"": func(*rapid.T) { check() },
		})
		for len(running) > 0 {
			leave(t)
			check()
		}
	})
}

// TestWhoTakesNothingFromTheFirst goes ahead of it, however often others did; and of
// those who take something from it only so many do, whatever the order.
func TestWhoTakesNothingFromTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Need{CPU: 8, Memory: 8}
		draw := func(name string) Need {
			n := Need{CPU: rapid.Int64Range(0, 4).Draw(t, name+" cpu"), Memory: rapid.Int64Range(0, 4).Draw(t, name+" memory"), IO: rapid.Bool().Draw(t, name+" io")}
			if n.IO {
				n.CPU = 0
			}
			return n
		}
		first := Need{CPU: rapid.Int64Range(1, 9).Draw(t, "cpu"), Memory: rapid.Int64Range(0, 9).Draw(t, "memory")}
		needs := []Need{first, {CPU: 8, Memory: 1}} // the second is there first
		for range 8 {
			needs = append(needs, draw("other"))
		}
		in := false
		g := New(Config{Limit: limit, Needs: needs, Min: 1, Resume: func(uint64) { in = true }})
		g.sampling = true
		g.shortCPU = rapid.Bool().Draw(t, "short")
		g.Ask(1, 1, false)
		if g.Ask(0, 0, false) {
			t.Fatal("the first does not wait")
		}
		running := []int32{1}
		took := 0 // how many were admitted that take something from it
		sums := func() (cpu, memory int64) {
			for _, need := range running {
				cpu, memory = cpu+needs[need].CPU, memory+needs[need].Memory
			}
			return cpu, memory
		}
		t.Repeat(map[string]func(*rapid.T){
			"try": func(t *rapid.T) {
				need := int32(rapid.IntRange(2, len(needs)-1).Draw(t, "need"))
				n := needs[need]
				cpu, memory := sums()
				harmless := n.None() || first.CPU <= limit.CPU && first.Memory <= limit.Memory &&
					(n.CPU == 0 || cpu+n.CPU+first.CPU <= limit.CPU) && (n.Memory == 0 || memory+n.Memory+first.Memory <= limit.Memory)
				harmless = harmless && (!g.shortCPU || n.IO)
				ok := g.Try(need, false)
				if ok {
					running = append(running, need)
				}
				switch {
				case in:
				case ok && !harmless:
					if took++; took > mostPassed {
						t.Fatalf("%d that take something from the first went ahead", took)
					}
				case !ok && harmless:
					t.Fatalf("one with %+v waits, and takes nothing from the first, %+v, beside %d CPU and %d memory", n, first, cpu, memory)
				}
			},
			"leave": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("nothing runs")
				}
				k := rapid.IntRange(0, len(running)-1).Draw(t, "one")
				need := running[k]
				running = slices.Delete(running, k, k+1)
				g.Leave(need, 0)
			},
			"": func(t *rapid.T) {
				cpu, memory := sums()
				computing := slices.ContainsFunc(running, func(need int32) bool { return !needs[need].IO })
				if !in && (cpu+memory == 0 || cpu+first.CPU <= limit.CPU && memory+first.Memory <= limit.Memory) && !(g.shortCPU && computing) {
					t.Fatalf("the first, %+v, waits beside %d CPU and %d memory", first, cpu, memory)
				}
			},
		})
	})
}

// TestTasksThatOnlyWait are not held up by one that waits for processors, be they taken or
// loaded, and do not hold it up.
func TestTasksThatOnlyWait(t *testing.T) {
	for _, loaded := range []bool{false, true} {
		g, resumed := newGate(t, Config{Limit: Need{CPU: 2, Memory: 10}, Min: 1, Needs: []Need{{CPU: 2}, {CPU: 1, Memory: 1}, {Memory: 1, IO: true}}})
		g.sampling, g.shortCPU = true, loaded
		asks(t, g, 0, 0, true)
		asks(t, g, 1, 1, false)
		for range 5 * mostPassed {
			asks(t, g, 2, 2, true)
			g.Leave(2, 0)
		}
		asks(t, g, 2, 3, true) // and goes on
		g.Leave(0, 0)
		wantResumed(t, resumed, 1)
	}
}

// TestManyAtOnce: from many goroutines.
func TestManyAtOnce(t *testing.T) {
	const n = 64
	go_ := make([]chan struct{}, n)
	for i := range go_ {
		go_[i] = make(chan struct{}, 1)
	}
	var mu sync.Mutex
	var now, peak int64
	g, _ := newGate(t, Config{Limit: Need{CPU: 10}, Needs: []Need{{CPU: 1}, {CPU: 3}, {CPU: 7}, {CPU: 12}}, Load: func() (bool, bool) { return false, false },
		Resume: func(item uint64) { go_[item] <- struct{}{} }})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			need := int32(i % 4)
			seat := g.NewSeat()
			for round := range 200 {
				if !seat.Try(need, round > 0) && !g.Ask(need, uint64(i), round > 0) {
					<-go_[i]
				}
				mu.Lock()
				now += g.Needs[need].CPU
				peak = max(peak, now)
				mu.Unlock()
				mu.Lock()
				now -= g.Needs[need].CPU
				mu.Unlock()
				seat.Leave(need, time.Microsecond)
			}
		})
	}
	all.Wait()
	if peak > 12 {
		t.Errorf("%d were taken of 10, or by 12 that are alone", peak)
	}
	for need := range int32(4) {
		if c := g.Of(need); c.Attempts != n/4*200 {
			t.Errorf("%d attempts of need %d", c.Attempts, need)
		}
	}
}

// TestLoadClosesTheGate above the least that runs, until it is over; short processors do
// not hold up what waits for other things.
func TestLoadClosesTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu, memory := true, false
		var mu sync.Mutex
		samples := 0
		g, resumed := newGate(t, Config{Limit: Need{CPU: Unlimited, Memory: Unlimited}, Needs: []Need{{CPU: 1}, {Memory: 1, IO: true}}, Min: 2,
			Load: func() (bool, bool) { mu.Lock(); defer mu.Unlock(); samples++; return cpu, memory }})
		set := func(c, m bool) {
			mu.Lock()
			cpu, memory = c, m
			mu.Unlock()
			time.Sleep(interval) // in virtual time
			synctest.Wait()
		}
		asks(t, g, 0, 1, true)
		synctest.Wait() // for the first sample
		asks(t, g, 0, 2, true)
		asks(t, g, 0, 3, false)
		asks(t, g, 1, 4, true)
		set(true, true)
		asks(t, g, 1, 5, false)
		set(true, false)
		wantResumed(t, resumed, 5)
		set(false, false)
		wantResumed(t, resumed, 3)
		if c := g.Of(0); c.Waits != 1 || c.Waited[ForLoad] != 3*interval {
			t.Errorf("of what waited: %+v", c)
		}
		for _, need := range []int32{0, 0, 0, 1, 1} {
			g.Leave(need, 0)
		}
		time.Sleep(time.Hour)
		before := samples
		time.Sleep(time.Hour)
		if samples != before {
			t.Errorf("%d samples were taken in an hour in which nothing ran", samples-before)
		}
		set(true, true) // while nothing runs, nobody looks, and the next one is admitted
		asks(t, g, 0, 6, true)
		synctest.Wait()
		if samples == before {
			t.Error("no sample was taken when something ran again")
		}
	})
}

// TestACloseEndsTheGate: at any time, and twice; nobody is admitted after it.
func TestACloseEndsTheGate(t *testing.T) {
	g, resumed := newGate(t, Config{Limit: Need{CPU: 1}, Needs: []Need{{CPU: 1}}, Load: func() (bool, bool) { return true, true }})
	asks(t, g, 0, 1, true)
	asks(t, g, 0, 2, false)
	g.Close()
	g.Close()
	g.Leave(0, 0)
	wantResumed(t, resumed)
}

var sink []byte

// TestAnAttemptAloneIsMeasured: and one that was not alone at any time is not.
func TestAnAttemptAloneIsMeasured(t *testing.T) {
	g, _ := newGate(t, Config{Limit: Need{CPU: Unlimited}, Needs: []Need{{CPU: 1}, {}, {}}})
	asks(t, g, 0, 1, true)
	sink = make([]byte, 50_000_000)
	for start := processTime(); processTime()-start < 20*time.Millisecond; {
		sink[len(sink)/2]++
	}
	g.Leave(0, 0)
	c := g.Of(0)
	if c.Alone != 1 || c.Memory < 45_000_000 || c.Memory > 60_000_000 || c.CPU < 20*time.Millisecond || c.Wall <= 0 {
		t.Errorf("alone: %+v", c)
	}
	asks(t, g, 1, 2, true)
	asks(t, g, 2, 3, true)
	g.Leave(1, 0)
	g.Leave(2, 0)
	for need := range int32(2) {
		if c := g.Of(need + 1); c.Alone != 0 {
			t.Errorf("need %d was not alone: %+v", need+1, c)
		}
	}
	for range 2 * mostMeasured {
		asks(t, g, 1, 4, true)
		g.Leave(1, 0)
	}
	if c := g.Of(1); c.Alone != mostMeasured {
		t.Errorf("%d were measured, want %d", c.Alone, mostMeasured)
	}
}

// BenchmarkAdmission is what it costs to admit an item and let it go, when it fits at
// once, and when others wait: a few, or a thousand of different needs.
func BenchmarkAdmission(b *testing.B) {
	b.Run("at once", func(b *testing.B) {
		g, _ := newGate(b, Config{Limit: Need{CPU: Unlimited, Memory: Unlimited}, Needs: []Need{{CPU: 1}, {CPU: 1, Memory: 1}}})
		g.Ask(0, 0, false) // so that it is not alone
		b.ReportAllocs()
		for b.Loop() {
			g.Ask(1, 1, false)
			g.Leave(1, 0)
		}
	})
	for _, kinds := range []int{1, 1000} {
		b.Run(fmt.Sprintf("in line with %d", kinds), func(b *testing.B) {
			needs := make([]Need, kinds)
			for i := range needs {
				needs[i] = Need{CPU: 2, Memory: int64(1 + i)}
			}
			var next uint64
			g, _ := newGate(b, Config{Limit: Need{CPU: 3, Memory: Unlimited}, Needs: needs, Resume: func(item uint64) { next = item }})
			g.Ask(0, 0, false)
			for i := range uint64(1000) {
				g.Ask(int32(i)%int32(kinds), i, false)
			}
			b.ReportAllocs()
			for b.Loop() {
				g.Leave(int32(next)%int32(kinds), 0)
				g.Ask(int32(next)%int32(kinds), next, false)
			}
		})
	}
}
