package engine

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel/internal/graph"
	"pgregory.net/rapid"
)

func TestStopBeforeStartRunsNothing(t *testing.T) {
	within(t)
	for _, limit := range limits {
		for _, n := range []int{0, 1, 100} {
			p := newProbe(graph.New(n, nil, nil))
			r := New(p.graph, Config{Limit: limit, Exec: p.exec})
			r.Stop()
			<-r.Done() // nothing runs, so the end needs no Start
			r.Start()
			r.Stop()
			<-r.Done()
			for node, runs := range p.runs {
				if runs != 0 {
					t.Fatalf("limit %d: node %d ran after Stop", limit, node)
				}
			}
		}
	}
}

// TestStopFromExec: what runs ends, nothing else starts, at every place of a
// graph.
func TestStopFromExec(t *testing.T) {
	within(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t, 40)
		if g.N() == 0 {
			return
		}
		at := rapid.Int32Range(0, int32(g.N()-1)).Draw(t, "stop at")
		for _, limit := range limits {
			p := newProbe(g)
			var r *Run
			p.during = func(n int32) {
				if n == at {
					r.Stop()
					r.Stop()
				}
			}
			r = New(g, Config{Limit: limit, Exec: p.exec})
			r.Start()
			<-r.Done()
			r.Stop()
			if p.runs[at] != 1 {
				t.Fatalf("limit %d: the node that stops the run ran %d times", limit, p.runs[at])
			}
			for n, runs := range p.runs {
				for _, pred := range g.Pred(int32(n)) {
					if runs > 0 && (p.runs[pred] == 0 || pred == at) {
						t.Fatalf("limit %d: node %d ran, but its predecessor %d did not or had stopped the run", limit, n, pred)
					}
				}
				if runs > 1 {
					t.Fatalf("limit %d: node %d ran %d times", limit, n, runs)
				}
			}
		}
	})
}

// TestStopAtLimitOneIsExact: with one worker the node that stops the run is the
// last.
func TestStopAtLimitOneIsExact(t *testing.T) {
	within(t)
	const nodes, last = 1000, 500
	p := newProbe(graph.New(nodes, nil, nil))
	var r *Run
	ran := 0
	p.during = func(int32) {
		if ran++; ran == last {
			r.Stop()
		}
	}
	r = New(p.graph, Config{Limit: 1, Exec: p.exec})
	r.Start()
	<-r.Done()
	if ran != last {
		t.Errorf("%d nodes ran, the run was stopped by number %d", ran, last)
	}
}

// TestDoneWaitsForRunningItems: after Stop, Done is open as long as an item
// runs.
func TestDoneWaitsForRunningItems(t *testing.T) {
	within(t)
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(layeredGraph(3, 3))
		p.during = func(n int32) { time.Sleep(time.Duration(n+1) * time.Second) }
		r := New(p.graph, Config{Exec: p.exec})
		start := time.Now()
		r.Start()
		time.Sleep(1500 * time.Millisecond)
		r.Stop() // nodes 1 and 2 run for another 0.5 and 1.5 seconds
		synctest.Wait()
		select {
		case <-r.Done():
			t.Fatal("Done is closed while two items run")
		default:
		}
		<-r.Done()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Done was closed after %v, the last item ended after 3s", took)
		}
		for n := 3; n < 6; n++ {
			if p.runs[n] != 0 {
				t.Errorf("node %d was started after Stop", n)
			}
		}
	})
}

// TestStopWakesParkedWorkers: workers that wait for work go home.
func TestStopWakesParkedWorkers(t *testing.T) {
	within(t)
	synctest.Test(t, func(t *testing.T) {
		// A fan leaves ten workers; its last node keeps one of them busy.
		g := fanGraph(10)
		p := newProbe(g)
		p.during = func(int32) { time.Sleep(time.Second) }
		r := New(g, Config{Exec: p.exec})
		r.Start()
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		if idle, _ := r.counts(); idle != 9 {
			t.Errorf("%d workers are parked, want 9 of 10", idle)
		}
		r.Stop()
		synctest.Wait()
		if _, alive := r.counts(); alive != 1 {
			t.Errorf("%d workers are left, want the one that runs an item", alive)
		}
		<-r.Done()
	})
}

func (r *Run) counts() (idle, alive int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.idle), r.alive
}

// TestStopFromManySides: Stop, Start, Resume and the run's own end may meet.
func TestStopFromManySides(t *testing.T) {
	within(t)
	g := fanGraph(20)
	for range 500 {
		p := newProbe(g)
		r := New(g, Config{Limit: 3, Exec: p.exec})
		var sides sync.WaitGroup
		sides.Go(r.Start)
		sides.Go(r.Stop)
		sides.Go(r.Stop)
		sides.Wait()
		<-r.Done()
		r.Resume(0)
		r.Stop()
		for n, runs := range p.runs {
			if runs > 1 {
				t.Fatalf("node %d ran %d times", n, runs)
			}
		}
	}
}
