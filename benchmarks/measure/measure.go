// Package measure takes times and allocations per task, in rounds that give
// every case its turn, so that what the machine does meanwhile falls on all.
package measure

import (
	"fmt"
	"runtime"
	"time"
)

// A Case is one thing to measure. Run handles Tasks tasks a call.
type Case struct {
	Name  string
	Tasks int
	Run   func() error
}

// A Cost is what one task took, on average over the calls of one turn.
type Cost struct {
	Nanoseconds float64
	CPU         float64 // nanoseconds that the process computed, on all processors; 0 where that is not known
	Bytes       float64 // allocated, in the whole process
	Allocations float64
}

// A Series is the costs of one case, by round.
type Series []Cost

// Interleave calls every case once to warm up and then gives each a turn in
// every round. A turn repeats the case for at least the window and starts after a
// garbage collection. Rounds begin with different cases, so that none is
// always the one after the same neighbour. The series come in the order of
// the cases; the first error ends the measurement.
func Interleave(cases []Case, rounds int, window time.Duration) ([]Series, error) {
	series := make([]Series, len(cases))
	for _, c := range cases {
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	for round := range rounds {
		for k := range cases {
			i := (round + k) % len(cases)
			cost, err := Turn(cases[i], window, 1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", cases[i].Name, err)
			}
			series[i] = append(series[i], cost)
		}
	}
	return series, nil
}

// Calls measures one case on its own: a turn of so many calls, as often as there are rounds.
func Calls(c Case, rounds, calls int) (Series, error) {
	var series Series
	for range rounds {
		cost, err := Turn(c, 0, calls)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		series = append(series, cost)
	}
	return series, nil
}

// Turn starts with a garbage collection and then calls the case for at least the
// window, and at least so many times.
func Turn(c Case, window time.Duration, least int) (Cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	calls, computed, began, took := 0, cpuTime(), time.Now(), time.Duration(0)
	for calls < least || took < window {
		if err := c.Run(); err != nil {
			return Cost{}, err
		}
		calls++
		took = time.Since(began)
	}
	computed = cpuTime() - computed
	runtime.ReadMemStats(&after)
	n := float64(calls) * float64(c.Tasks)
	return Cost{
		Nanoseconds: float64(took.Nanoseconds()) / n,
		CPU:         float64(computed.Nanoseconds()) / n,
		Bytes:       float64(after.TotalAlloc-before.TotalAlloc) / n,
		Allocations: float64(after.Mallocs-before.Mallocs) / n,
	}, nil
}

// LiveHeap is the number of bytes of reachable objects.
func LiveHeap() int64 {
	// The second collection frees what the first one only took from pools.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
