package taskbench

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// golden is Task Bench's own count of tasks and dependencies of each pattern, for
// 16 points, 100 steps, radix 5, period 3 and a fraction of a quarter.
var golden = []struct {
	pattern     Pattern
	tasks, deps int
}{
	{Trivial, 1600, 0},
	{NoComm, 1600, 1584},
	{Stencil1D, 1600, 4554},
	{Stencil1DPeriodic, 1600, 4752},
	{Dom, 1360, 2619},
	{Tree, 1551, 1550},
	{FFT, 1600, 4018},
	{AllToAll, 1600, 25344},
	{Nearest, 1600, 7326},
	{Spread, 1600, 7920},
	{RandomNearest, 1600, 2805},
}

func goldenSpec(p Pattern) Spec {
	s := Default(p, 100, 16)
	s.Radix = 5
	return s
}

func newBench(t *testing.T, specs ...Spec) *Bench {
	t.Helper()
	b, err := New(string(specs[0].Pattern), specs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenCounts(t *testing.T) {
	for _, c := range golden {
		b := newBench(t, goldenSpec(c.pattern))
		if b.Graph.N() != c.tasks || b.Graph.Edges() != c.deps {
			t.Errorf("%s: %d tasks and %d dependencies, want %d and %d", c.pattern, b.Graph.N(), b.Graph.Edges(), c.tasks, c.deps)
		}
	}
	if len(golden) != len(Patterns) {
		t.Errorf("%d patterns are counted, there are %d", len(golden), len(Patterns))
	}
}

// The edges of the Runnel graph are those of the definition, not only as many.
func TestTheRunnelGraphHasTheEdges(t *testing.T) {
	for _, c := range golden {
		b := newBench(t, goldenSpec(c.pattern))
		tasks, err := b.Declare()
		if err != nil {
			t.Fatal(err)
		}
		p, err := runnel.FromTasks(tasks...)
		if err != nil {
			t.Fatal(err)
		}
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		edges := 0
		for _, e := range g.Edges() {
			edges += len(e.Data)
		}
		if len(g.Nodes()) != c.tasks || edges != c.deps {
			t.Errorf("%s: %d nodes and %d edges, want %d and %d", c.pattern, len(g.Nodes()), edges, c.tasks, c.deps)
		}
	}
}

func TestDependencies(t *testing.T) {
	nearest := Default(Nearest, 10, 8)
	nearest.Radix = 5
	spread := Default(Spread, 10, 16)
	for _, c := range []struct {
		spec Spec
		t, i int
		want []int
	}{
		{Default(Trivial, 10, 8), 1, 4, nil},
		{Default(NoComm, 10, 8), 1, 4, []int{4}},
		{Default(NoComm, 10, 8), 0, 4, nil},
		{Default(Stencil1D, 10, 8), 1, 0, []int{0, 1}},
		{Default(Stencil1D, 10, 8), 1, 4, []int{3, 4, 5}},
		{Default(Stencil1DPeriodic, 10, 8), 1, 0, []int{7, 0, 1}},
		{Default(Dom, 10, 4), 1, 0, []int{0}},
		{Default(Dom, 10, 4), 1, 1, []int{0}}, // point 1 is not live in step 0
		{Default(Dom, 10, 4), 9, 3, []int{2, 3}},
		{Default(Tree, 10, 8), 3, 7, []int{3}},
		{Default(Tree, 10, 8), 4, 7, []int{3}},
		{Default(FFT, 10, 8), 1, 4, []int{3, 4, 5}},
		{Default(FFT, 10, 8), 2, 4, []int{2, 4, 6}},
		{Default(FFT, 10, 8), 3, 4, []int{0, 4}},
		{Default(AllToAll, 10, 4), 1, 2, []int{0, 1, 2, 3}},
		{nearest, 1, 0, []int{0, 1, 2}},
		{nearest, 1, 4, []int{2, 3, 4, 5, 6}},
		{spread, 3, 4, []int{4, 9, 14}},
		{spread, 4, 4, []int{4, 10, 15}},
	} {
		if got := c.spec.Deps(c.t, c.i); !slices.Equal(got, c.want) {
			t.Errorf("%s, step %d, point %d: %v, want %v", c.spec.Pattern, c.t, c.i, got, c.want)
		}
	}
}

func TestBadSpecs(t *testing.T) {
	spread := Default(Spread, 10, 4)
	spread.Radix = 5
	period := Default(RandomNearest, 10, 4)
	period.Period = 0
	long := Default(Spread, 10, 4)
	fraction := Default(RandomNearest, 10, 4)
	fraction.Fraction = math.NaN()
	radix := Default(Nearest, 10, 4)
	radix.Radix = -1
	for _, s := range []Spec{
		{}, Default("star", 10, 4), Default(Stencil1D, 0, 4), Default(Stencil1DPeriodic, 10, 2), Default(FFT, 10, 1),
		spread, period, long, fraction, radix,
	} {
		if _, err := New("bad", s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// Every executor runs every graph, and no task finds a wrong payload.
func TestEveryExecutorKeepsThePayloads(t *testing.T) {
	benches := []*Bench{newBench(t, Default(Nearest, 20, 4), Default(RandomNearest, 20, 4), Default(Nearest, 20, 4))}
	for _, p := range Patterns {
		benches = append(benches, newBench(t, goldenSpec(p)))
	}
	for _, b := range benches {
		b.SetIterations(1)
		for _, e := range Executors() {
			run, err := e.Build(b)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := run(context.Background()); err != nil {
					t.Errorf("%s: %s: %v", b.Name, e.Name, err)
				}
			}
		}
	}
}

// victims are a node with a consumer, of each pattern that has one.
func victims(t *testing.T) map[*Bench]int {
	found := map[*Bench]int{}
	for _, p := range Patterns {
		b := newBench(t, goldenSpec(p))
		for n := b.Graph.N() / 2; n < b.Graph.N(); n++ {
			if len(b.Graph.Succ(n)) > 0 {
				found[b] = n
				break
			}
		}
	}
	if len(found) != len(Patterns)-1 {
		t.Fatalf("%d patterns have edges, want all but %s", len(found), Trivial)
	}
	return found
}

func checkFound(t *testing.T, b *Bench, victim int, err error) {
	t.Helper()
	found, ok := errors.AsType[*PayloadError](err)
	if !ok {
		t.Errorf("%s: node %d hands on something wrong, and the run returns %v", b.Name, victim, err)
		return
	}
	if found.Want != b.want[victim] || found.Got != (Payload{7, 1 << 40}) || found.At.Step != found.Want.Step+1 {
		t.Errorf("%s: node %d is wrong: %v", b.Name, victim, found)
	}
}

func TestAChangedPayloadIsNoticedByTheConsumer(t *testing.T) {
	for b, victim := range victims(t) {
		tasks, err := b.Declare()
		if err != nil {
			t.Fatal(err)
		}
		var inputs []string
		for _, d := range b.Graph.Deps(victim) {
			inputs = append(inputs, subject.NodeName(int(d)))
		}
		output := subject.NodeName(victim)
		tasks[victim] = runnel.NewValuesTask("liar", inputs, []string{output}, func(context.Context, runnel.Values) (runnel.Values, error) {
			return runnel.Values{output: Payload{7, 1 << 40}}, nil
		})
		p, err := runnel.FromTasks(tasks...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Run(context.Background(), nil)
		checkFound(t, b, victim, err)
	}
}

func TestAChangedPayloadIsNoticedByHand(t *testing.T) {
	for b, victim := range victims(t) {
		s := &slots{bench: b, values: make([]Payload, b.Graph.N())}
		run, err := hand.WorkStealing().Build(b.Graph, func(n int) {
			s.visit(n)
			if n == victim {
				s.values[n] = Payload{7, 1 << 40}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := s.failure.Load(); err == nil {
			t.Errorf("%s: nothing was noticed", b.Name)
		} else {
			checkFound(t, b, victim, *err)
		}
	}
}

func TestKernel(t *testing.T) {
	// a = 1.2345; then a(a+1), 64 times.
	if got, want := Kernel(0), 64*1.2345; math.Abs(got-want) > 1e-9 {
		t.Errorf("no iteration: %v, want %v", got, want)
	}
	if got, want := Kernel(1), 64*1.2345*2.2345; math.Abs(got-want) > 1e-9 {
		t.Errorf("one iteration: %v, want %v", got, want)
	}
	if got := Flops(10); got != 1344 {
		t.Errorf("10 iterations are %v operations, want 1344", got)
	}
}

func TestMETG(t *testing.T) {
	for _, c := range []struct {
		name   string
		points []Point
		want   float64
		known  bool
	}{
		{"none", nil, math.Inf(1), false},
		{"never efficient", []Point{{4, 100, 0.4}, {2, 50, 0.2}}, math.Inf(1), false},
		{"always efficient", []Point{{4, 100, 0.9}, {2, 50, 0.6}}, 50, false},
		{"between", []Point{{8, 200, 0.9}, {4, 100, 0.6}, {2, 60, 0.4}}, 80, true},
		{"at one half", []Point{{8, 200, 0.9}, {4, 100, 0.5}, {2, 60, 0.4}}, 100, true},
		{"a smaller size that takes longer", []Point{{4, 100, 0.6}, {2, 120, 0.4}}, 100, true},
	} {
		got, known := METG(c.points)
		if known != c.known || got != c.want && math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, known, c.want, c.known)
		}
	}
}

// In virtual time, where the kernel does an operation a nanosecond, an executor that
// adds as much to each task as the kernel takes at one size is half efficient there.
func TestSweepFindsTheCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Default(NoComm, 50, 1))
		adding := func(cost float64) Executor {
			return Executor{Name: "adding", Build: func(b *Bench) (func(context.Context) error, error) {
				return func(context.Context) error {
					time.Sleep(time.Duration(float64(b.Graph.N()) * (Flops(b.iterations) + cost)))
					return nil
				}, nil
			}}
		}
		sweep := Sweep{Cores: 1, Rounds: 3, rate: func(int, time.Duration) float64 { return 1 }}
		costs := []float64{Flops(4), Flops(64), Flops(largest), 1000 * Flops(most)}
		var executors []Executor
		for _, c := range costs {
			executors = append(executors, adding(c))
		}
		points, err := sweep.Run([]*Bench{b}, executors)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range costs {
			got, known := METG(points[0][i])
			if c > Flops(most) {
				if known {
					t.Errorf("a cost of %v ns that no size of task makes up for: METG %v", c, got)
				}
				continue
			}
			if !known || math.Abs(got-2*c) > 1e-6*c {
				t.Errorf("a cost of %v ns: METG %v, %v; want twice the cost\n%v", c, got, known, points[0][i])
			}
		}
	})
}

// What disturbs one round, be it all of it, changes nothing: later rounds go as far down
// as they have to, and a round goes through all graphs before the next one begins.
func TestSweepOutlivesABadRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var built []string
		cost := Flops(64)
		disturbed := Executor{Name: "disturbed", Build: func(b *Bench) (func(context.Context) error, error) {
			built = append(built, b.Name)
			each := cost
			if len(built) <= 2 { // the first round
				each *= 8
			}
			return func(context.Context) error {
				time.Sleep(time.Duration(float64(b.Graph.N()) * (Flops(b.iterations) + each)))
				return nil
			}, nil
		}}
		sweep := Sweep{Cores: 1, Rounds: 3, rate: func(int, time.Duration) float64 { return 1 }}
		benches := []*Bench{newBench(t, Default(NoComm, 50, 1)), newBench(t, Default(Tree, 50, 1))}
		benches[0].Name, benches[1].Name = "a", "b"
		points, err := sweep.Run(benches, []Executor{disturbed})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(built, ""); got != "ababab" {
			t.Errorf("built in the order %s, want ababab", got)
		}
		for i := range points {
			if got, known := METG(points[i][0]); !known || math.Abs(got-2*cost) > 1e-6*cost {
				t.Errorf("%s: METG %v, %v; want %v\n%v", benches[i].Name, got, known, 2*cost, points[i][0])
			}
		}
	})
}

// Two cores that do half as much each while both compute: an executor that costs nothing
// reaches one half of what one does alone, and all of what both do at once.
func TestSweepOfCoresThatShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Default(NoComm, 50, 2))
		free := Executor{Name: "free", Build: func(b *Bench) (func(context.Context) error, error) {
			return func(context.Context) error {
				time.Sleep(time.Duration(float64(b.Graph.N()) * Flops(b.iterations)))
				return nil
			}, nil
		}}
		rate := func(cores int, _ time.Duration) float64 { return 1 / float64(cores) }
		for together, want := range map[bool]float64{false: 0.5, true: 1} {
			points, err := Sweep{Cores: 2, Rounds: 1, Together: together, rate: rate}.Run([]*Bench{b}, []Executor{free})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range points[0][0] {
				if math.Abs(p.Efficiency-want) > 1e-6 {
					t.Errorf("together %v: the efficiency at %d iterations is %v, want %v", together, p.Iterations, p.Efficiency, want)
				}
			}
		}
	})
}

// BenchmarkKernel is the kernel as METG takes its rate, and as a task has it. Efficiency is
// right only if the two are alike.
func BenchmarkKernel(b *testing.B) {
	const iterations = 1 << 10
	bench, err := New("one", Default(Trivial, 1, 1))
	if err != nil {
		b.Fatal(err)
	}
	bench.SetIterations(iterations)
	b.Run("outside", func(b *testing.B) {
		sum := 0.0
		for b.Loop() {
			sum += kernelRate(time.Millisecond)
		}
		b.ReportMetric(sum/float64(b.N), "Gflop/s")
	})
	b.Run("in a task", func(b *testing.B) {
		for b.Loop() {
			if _, err := bench.work(0); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*Flops(iterations)/float64(b.Elapsed().Nanoseconds()), "Gflop/s")
	})
}
