package taskbench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/runnelflow/runnel/benchmarks/measure"
)

// A Point is what was measured with one size of task.
type Point struct {
	Iterations  int
	Granularity float64 // nanoseconds: elapsed · cores / tasks
	Efficiency  float64 // flops in that time, of those that the kernel does outside any executor on as many cores
}

// METG is the minimum effective task granularity, in nanoseconds: the least at
// which the efficiency is at least one half. The points go from large tasks to
// small ones. Between the last size that is efficient and the next smaller one, if
// its granularity is smaller, it is interpolated. When not both are there it is not known:
// infinite and false when no size is efficient; false and the least granularity, which it
// does not exceed, when the smallest size is.
func METG(points []Point) (float64, bool) {
	const half = 0.5
	best := -1
	for i, p := range points {
		if p.Efficiency >= half && (best < 0 || p.Granularity < points[best].Granularity) {
			best = i
		}
	}
	switch best {
	case -1:
		return math.Inf(1), false
	case len(points) - 1:
		return points[best].Granularity, false
	}
	in, out := points[best], points[best+1]
	if out.Efficiency >= half || out.Granularity >= in.Granularity {
		return in.Granularity, true
	}
	share := (half - out.Efficiency) / (in.Efficiency - out.Efficiency)
	return out.Granularity + share*(in.Granularity-out.Granularity), true
}

// A Sweep measures METG: executors with tasks that become half as long from size to
// size.
type Sweep struct {
	Cores  int // of the machine that are used: GOMAXPROCS
	Rounds int
	Window time.Duration // of one executor at one size in one round
	// Together takes as the kernel's rate what each of the cores does while all compute,
	// and not what one does alone: cores may share what they compute with, and then no
	// executor reaches the other one.
	Together bool

	rate func(cores int, window time.Duration) float64 // nil is KernelRate: tests have virtual time
}

// largest is the number of iterations that a sweep begins with, most the one that
// it goes up to when that is too little for an executor.
const largest, most = 1 << 9, 1 << 11

// Run measures Benches with executors. For each round, Bench and size each executor has a
// turn, and so has the kernel alone: what the machine does meanwhile falls on all. A round
// goes through all of the Benches before the next one begins, so that a bad minute of the
// machine is one round of many and not all that is known of a Bench; and it builds them
// anew, as where things lie in memory matters too. The points, by Bench and executor, are
// medians of the rounds.
func (s Sweep) Run(benches []*Bench, executors []Executor) ([][][]Point, error) {
	curves := make([][]curve, len(benches))
	for round := range s.Rounds {
		for i, b := range benches {
			if round == 0 {
				curves[i] = make([]curve, len(executors))
			}
			if err := s.round(b, executors, curves[i], round); err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name, err)
			}
		}
	}
	points := make([][][]Point, len(benches))
	for i := range curves {
		for k := range curves[i] {
			points[i] = append(points[i], curves[i][k].medians(s.Rounds))
		}
	}
	return points, nil
}

// round measures all sizes, from large ones to those that are too small for all.
func (s Sweep) round(b *Bench, executors []Executor, curves []curve, round int) error {
	cases := make([]measure.Case, len(executors))
	for i, e := range executors {
		run, err := e.Build(b)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		cases[i] = measure.Case{Name: e.Name, Tasks: b.Graph.N(), Run: func() error { return run(context.Background()) }}
	}
	for i := range cases { // up, for those that begin below one half
		for n := 2 * largest; n <= most && round == 0; n *= 2 {
			p, err := s.point(b, cases[i], n/2)
			if err != nil {
				return err
			}
			if curves[i].begin = n / 2; p.Efficiency >= 0.5 {
				break
			}
		}
	}
	for i := range curves {
		curves[i].below = 0
	}
	start := slices.MaxFunc(curves, func(a, b curve) int { return a.begin - b.begin }).begin
	for n := start; n >= 1; n /= 2 {
		for k := range cases {
			i := (round + k) % len(cases)
			if c := &curves[i]; c.wants(n) {
				p, err := s.point(b, cases[i], n)
				if err != nil {
					return err
				}
				c.add(p)
			}
		}
	}
	return nil
}

func (s Sweep) point(b *Bench, c measure.Case, iterations int) (Point, error) {
	kernelRate, cores := KernelRate, 1
	if s.rate != nil {
		kernelRate = s.rate
	}
	if s.Together {
		cores = s.Cores
	}
	rate := kernelRate(cores, s.Window/4)
	b.SetIterations(iterations)
	took, err := elapsed(c.Run, s.Window)
	if err != nil {
		return Point{}, err
	}
	each := took / float64(c.Tasks)
	// Another look behind it: the machine's speed may change meanwhile.
	rate = (rate + kernelRate(cores, s.Window/4)) / 2
	return Point{
		Iterations:  iterations,
		Granularity: each * float64(s.Cores),
		Efficiency:  Flops(iterations) / each / (rate * float64(s.Cores)),
	}, nil
}

// elapsed is the median of the times that the runs of a turn take, in nanoseconds. A turn
// starts after a garbage collection. On a virtual machine a processor is taken away now and
// then for longer than a run takes, and whoever needs both waits: a mean would be of that.
func elapsed(run func() error, window time.Duration) (float64, error) {
	runtime.GC()
	var runs []float64
	for began, now := time.Now(), time.Now(); len(runs) == 0 || now.Sub(began) < window; {
		if err := run(); err != nil {
			return 0, err
		}
		last := now
		now = time.Now()
		runs = append(runs, float64(now.Sub(last).Nanoseconds()))
	}
	return measure.Median(runs), nil
}

// KernelRate is what each of so many goroutines does with the kernel at once, outside any
// executor, in floating-point operations a nanosecond: the mean of them.
func KernelRate(cores int, window time.Duration) float64 {
	rates := make([]float64, cores)
	var all sync.WaitGroup
	for i := range rates {
		all.Go(func() { rates[i] = kernelRate(window) })
	}
	all.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum / float64(cores)
}

func kernelRate(window time.Duration) float64 {
	const iterations = 1 << 10
	took, err := elapsed(func() error {
		if !(Kernel(iterations) > 0) {
			return errors.New("the kernel's sum is not above zero")
		}
		return nil
	}, window)
	if err != nil {
		panic(err)
	}
	return Flops(iterations) / took
}

// A curve is the points of one executor, in all rounds.
type curve struct {
	begin  int             // iterations: what a round begins with
	end    int             // iterations: the least that an earlier round, or this one, came to
	below  int             // sizes in a row that were not efficient, in this round
	points map[int][]Point // by iterations
}

// wants says whether a size is to be measured: down to where three in a row were not
// efficient, since with noise one or two may be so by chance, and in each round at least
// as far as in those before.
func (c *curve) wants(iterations int) bool {
	return iterations <= c.begin && (c.below < 3 || iterations >= c.end)
}

func (c *curve) add(p Point) {
	if c.points == nil {
		c.points, c.end = map[int][]Point{}, p.Iterations
	}
	c.points[p.Iterations] = append(c.points[p.Iterations], p)
	c.end = min(c.end, p.Iterations)
	if c.below++; p.Efficiency >= 0.5 {
		c.below = 0
	}
}

// medians are the points from large tasks to small ones, of sizes that at least half of
// the rounds came to.
func (c *curve) medians(rounds int) []Point {
	var all []Point
	for n, points := range c.points {
		if 2*len(points) < rounds {
			continue
		}
		var g, e []float64
		for _, p := range points {
			g, e = append(g, p.Granularity), append(e, p.Efficiency)
		}
		all = append(all, Point{n, measure.Median(g), measure.Median(e)})
	}
	slices.SortFunc(all, func(a, b Point) int { return b.Iterations - a.Iterations })
	return all
}
