package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkMeeting runs two nodes side by side and then one that waits for both, again
// and again. It reports by how much a step takes longer than a node: with two processors
// or more, the time that it takes to bring in the other worker and to meet it. Beside
// goroutines that compute, one for each processor, it is for what a run of few steps
// takes then.
func BenchmarkMeeting(b *testing.B) {
	for _, takes := range []time.Duration{20 * time.Microsecond, 300 * time.Microsecond} {
		b.Run(takes.String(), func(b *testing.B) { meet(b, 100, takes) })
	}
	b.Run("20µs beside others", func(b *testing.B) {
		var others sync.WaitGroup
		var over atomic.Bool
		for range runtime.GOMAXPROCS(0) {
			others.Go(func() {
				for !over.Load() {
				}
			})
		}
		meet(b, 20, 20*time.Microsecond)
		over.Store(true)
		others.Wait()
	})
}

func meet(b *testing.B, steps int, takes time.Duration) {
	var widths []int
	for range steps {
		widths = append(widths, 2, 1)
	}
	g := layeredGraph(widths...)
	for b.Loop() {
		r := New(g, Config{Exec: func(w *Worker, it Item) Item {
			for began := time.Now(); time.Since(began) < takes; {
			}
			return w.Finish(int32(it))
		}})
		r.Start()
		<-r.Done()
	}
	each := b.Elapsed() / time.Duration(b.N*2*steps)
	b.ReportMetric(float64((each - takes).Nanoseconds()), "ns/step")
}
