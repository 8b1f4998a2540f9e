package engine

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
	"pgregory.net/rapid"
)

// TestSchedulesAreGreedy runs random graphs in virtual time and looks at the
// schedule: a node that is ready and does not run is only right while as many
// run as the limit allows. A wake-up that gets lost shows as a node that waits
// beside a free slot, or as a deadlock of the bubble.
//
// The bubbles come one after the other in one process, each with its own run.
func TestSchedulesAreGreedy(t *testing.T) {
	within(t)
	rapid.Check(t, func(rt *rapid.T) {
		g := drawGraph(rt, 40)
		seconds := rapid.SliceOfN(rapid.IntRange(0, 3), g.N(), g.N()).Draw(rt, "seconds")
		announces := rapid.Bool().Draw(rt, "announces")
		for _, limit := range limits {
			var s schedule
			synctest.Test(t, func(*testing.T) { s = record(g, limit, seconds, announces) })
			s.probe.check(rt, limit)
			if err := s.idled(limit); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// A schedule says when each node ran, since the start of the run.
type schedule struct {
	probe      *probe
	start, end []time.Duration
}

func record(g *graph.Graph, limit int, seconds []int, announces bool) schedule {
	s := schedule{newProbe(g), make([]time.Duration, g.N()), make([]time.Duration, g.N())}
	s.probe.announces = announces
	began := time.Now()
	s.probe.during = func(n int32) {
		s.start[n] = time.Since(began)
		if seconds[n] > 0 {
			time.Sleep(time.Duration(seconds[n]) * time.Second)
		}
		s.end[n] = time.Since(began)
	}
	s.probe.run(limit)
	return s
}

// idled finds a node that waited while a slot was free.
func (s schedule) idled(limit int) error {
	for n := range s.start {
		ready := time.Duration(0)
		for _, p := range s.probe.graph.Pred(int32(n)) {
			ready = max(ready, s.end[p])
		}
		// Whole seconds: nothing changes within one.
		for at := ready; at < s.start[n]; at += time.Second {
			running := 0
			for m := range s.start {
				if s.start[m] <= at && at < s.end[m] {
					running++
				}
			}
			if limit == 0 || running < limit {
				return fmt.Errorf("limit %d: node %d was ready after %v and started after %v, but %d ran after %v", limit, n, ready, s.start[n], running, at)
			}
		}
	}
	return nil
}

// TestEverythingReadyStarts: each layer's nodes wait for each other, so that a
// single lost wake-up stops the run for good.
func TestEverythingReadyStarts(t *testing.T) {
	within(t)
	widths := []int{1, 5, 2, 9, 1, 1, 16, 3}
	g := layeredGraph(widths...)
	layer := make([]int, 0, g.N())
	for l, width := range widths {
		layer = append(layer, slices.Repeat([]int{l}, width)...)
	}
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			meet := make([]sync.WaitGroup, len(widths))
			for l, width := range widths {
				meet[l].Add(width)
			}
			p := newProbe(g)
			p.during = func(n int32) {
				meet[layer[n]].Done()
				meet[layer[n]].Wait()
			}
			p.run(0)
			p.check(t, 0)
			if peak := p.peak.Load(); peak != 16 {
				t.Errorf("%d nodes ran at once, want the widest layer's 16", peak)
			}
		})
	}
}

// TestManyShortRuns is the same search for lost wake-ups in real time, where
// threads race: work that comes in drops, so that workers park and wake all the
// time.
func TestManyShortRuns(t *testing.T) {
	within(t)
	graphs := []*graph.Graph{
		layeredGraph(1, 2, 1, 2, 1, 2, 1, 3, 1),
		layeredGraph(2, 2, 2, 2),
		graph.New(3, nil, nil),
		chainGraph(5),
		fanGraph(4),
	}
	for i := range 4000 {
		g := graphs[i%len(graphs)]
		limit := limits[i/len(graphs)%len(limits)]
		p := newProbe(g)
		p.during = func(n int32) {
			if (int(n)+i)%3 == 0 {
				runtime.Gosched()
			}
		}
		p.run(limit)
		p.check(t, limit)
	}
}

// TestHandOver: two items that can only end together, made ready one after the
// other by a worker that blocks at once; whoever gets the second must have been
// told of it.
func TestHandOver(t *testing.T) {
	within(t)
	// 0 makes 1, 2 and 3 ready: its worker runs 1, which waits for the two others.
	g := layeredGraph(1, 3, 1)
	for range 2000 {
		var others atomic.Int32
		both := make(chan struct{})
		p := newProbe(g)
		p.during = func(n int32) {
			switch n {
			case 1:
				<-both
			case 2, 3:
				if others.Add(1) == 2 {
					close(both)
				}
				<-both
			}
		}
		p.run(3)
		p.check(t, 3)
	}
}

// TestPushWhileAnotherParks aims at the moment in which the only other worker
// has found nothing and is about to park: two workers meet at every stage, one
// of them then works a moment of varying length and pushes for the other. In a
// bubble a push that nobody hears is a deadlock.
func TestPushWhileAnotherParks(t *testing.T) {
	within(t)
	const stages, limit = 10_000, 2
	widths := make([]int, 0, 2*stages)
	for range stages {
		widths = append(widths, 1, 2)
	}
	g := layeredGraph(widths...)
	for _, procs := range []int{1, 2} { // on one nobody watches before it parks
		synctest.Test(t, func(t *testing.T) {
			meet := make([]sync.WaitGroup, stages)
			p := newProbe(g)
			r := New(g, Config{Limit: limit, Exec: p.exec})
			r.procs = procs
			r.spins.Store(int32(procs-1) * mostSpins)
			spun := 0
			p.during = func(n int32) {
				stage := int(n) / 3
				if n%3 != 0 {
					meet[stage].Done()
					meet[stage].Wait()
					return
				}
				meet[stage].Add(2)
				if stage%500 == 0 {
					r.mu.Lock()
					defer r.mu.Unlock()
					if slots := int(r.spare.Load()) + r.alive - len(r.idle); slots != limit {
						t.Errorf("stage %d: %d slots are in use or spare, want %d", stage, slots, limit)
					}
				}
				for range stage % 500 * 4 {
					spun++
				}
			}
			r.Start()
			<-r.Done()
			p.check(t, limit)
		})
	}
}

// TestParkLooksAgain: a worker that is about to park while there is work, roots,
// a resumed item or another's deque, goes on searching, and the books are as
// before.
func TestParkLooksAgain(t *testing.T) {
	within(t)
	for name, leave := range map[string]func(*Run){
		"root":    func(*Run) {},
		"resumed": func(r *Run) { r.nextRoot.Add(1); r.Resume(7) },
		"pushed":  func(r *Run) { r.nextRoot.Add(1); (&Worker{run: r}).put(7) },
		"stopped": func(r *Run) { r.nextRoot.Add(1); r.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			r := New(graph.New(1, nil, nil), Config{Limit: 3, Exec: func(*Worker, Item) Item { return None }})
			r.spare.Store(2) // of three slots this worker has one
			r.searching.Store(1)
			r.alive = 1
			leave(r)
			(&Worker{run: r}).park() // it would block
			if r.spare.Load() != 2 || r.searching.Load() != 1 || len(r.idle) != 0 {
				t.Errorf("%d spare, %d searching, %d idle; want 2, 1 and none", r.spare.Load(), r.searching.Load(), len(r.idle))
			}
		})
	}
}
