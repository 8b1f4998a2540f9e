package gate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnelflow/runnel/benchmarks/measure"
	"github.com/runnelflow/runnel/benchmarks/taskbench"
)

// computing is a case whose task takes so many iterations of the kernel.
func computing(iterations int) measure.Case {
	return measure.Case{Name: "kernel", Tasks: 100, Run: func() error {
		for range 100 {
			taskbench.Kernel(iterations)
		}
		return nil
	}}
}

// Twenty times the work is seen on any machine: no neighbour takes as much of the
// processor time of one of two that are measured turn by turn.
func TestMeasureSeesMoreWork(t *testing.T) {
	more := Pair{"more", computing(2000), computing(100), 0.5}
	less := Pair{"less", more.Base, more.Own, 0.5}
	got, err := Measure([]Pair{more, less}, Plan{Rounds: 9, Window: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !(got["more"] > 2) || !(got["less"] < 0.5) {
		t.Errorf("of twenty times and a twentieth of the work: %v", got)
	}
}

// readings gives a pair named "kernel" one ratio after the other, the last one for
// ever, and tells of the rounds that were asked for.
func readings(rounds *[]int, ratios ...float64) func([]Pair, Plan) (map[string]float64, error) {
	return func(pairs []Pair, plan Plan) (map[string]float64, error) {
		i := min(len(*rounds), len(ratios)-1)
		*rounds = append(*rounds, plan.Rounds)
		return map[string]float64{pairs[0].Name: ratios[i]}, nil
	}
}

// The gate lets through what is as fast as the baseline says, measures again what was
// outside of its band by chance, and stops what is outside each time.
func TestTheGateStopsASlowedExecutor(t *testing.T) {
	for _, c := range []struct {
		name   string
		ratios []float64
		want   Finding
		rounds []int
	}{
		{"as fast", []float64{1}, Finding{"kernel", 2, 2, 0.5, false}, []int{9}},
		{"faster", []float64{0.1}, Finding{"kernel", 0.2, 2, 0.5, false}, []int{9}},
		{"at the edge", []float64{1.5}, Finding{"kernel", 3, 2, 0.5, false}, []int{9}},
		{"outside once", []float64{4, 1.1}, Finding{"kernel", 2.2, 2, 0.5, false}, []int{9, 18}},
		{"outside but for the last time", []float64{4, 4, 4, 4, 1}, Finding{"kernel", 2, 2, 0.5, false}, []int{9, 18, 36, 72, 144}},
		{"slower", []float64{4, 1.75, 4}, Finding{"kernel", 3.5, 2, 0.5, true}, []int{9, 18, 36, 72, 144}},
	} {
		for i := range c.ratios {
			c.ratios[i] *= 2
		}
		var rounds []int
		b := Baseline{Procs: 2, Ratios: map[string]float64{"kernel": 2}}
		found, err := b.check([]Pair{{Name: "kernel", Band: 0.5}}, Plan{Rounds: 9}, readings(&rounds, c.ratios...))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || found[0] != c.want || !slices.Equal(rounds, c.rounds) {
			t.Errorf("%s: got %+v after %v rounds, want %+v after %v", c.name, found, rounds, c.want, c.rounds)
		}
	}
}

// Only the pairs that are outside are measured again.
func TestWhatIsInsideIsNotMeasuredAgain(t *testing.T) {
	var asked [][]string
	b := Baseline{Procs: 2, Ratios: map[string]float64{"a": 1, "b": 1}}
	_, err := b.check([]Pair{{Name: "a"}, {Name: "b"}}, Plan{Rounds: 1}, func(pairs []Pair, _ Plan) (map[string]float64, error) {
		var names []string
		for _, p := range pairs {
			names = append(names, p.Name)
		}
		asked = append(asked, names)
		return map[string]float64{"a": 1, "b": 3 - float64(len(asked))}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"a", "b"}, {"b"}}; !reflect.DeepEqual(asked, want) {
		t.Errorf("measured %v, want %v", asked, want)
	}
}

func TestTheBaselineAndThePairsAgree(t *testing.T) {
	b, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := Pairs()
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != len(b.Ratios) {
		t.Errorf("%d pairs, %d ratios", len(pairs), len(b.Ratios))
	}
	for _, p := range pairs {
		if !(b.Ratios[p.Name] > 0) {
			t.Errorf("the baseline has no ratio of %q", p.Name)
		}
	}
	_, err = b.Check(pairs[1:], Plan{})
	if err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("with a pair missing: %v", err)
	}
}

func TestBadBaselines(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `{"procs": 0, "ratios": {"a": 1}}`, `{"procs": 2}`,
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
