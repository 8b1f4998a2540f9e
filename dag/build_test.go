package dag_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/dag"
)

func TestNewReportsEachProblem(t *testing.T) {
	for _, c := range []struct {
		name  string
		specs []dag.Spec
		want  string
	}{
		{"task without a name", []dag.Spec{{Name: "a"}, {}},
			`dag: the task at place 1 has no name; every task needs one`},
		{"ports without a name", []dag.Spec{{Name: "a", Inputs: ports(""), Outputs: ports("", "x")}},
			"dag: 2 problems:\n" +
				`  - task "a" has an input without a name; name the data` + "\n" +
				`  - task "a" has an output without a name; name the data`},
		{"task given twice", []dag.Spec{{Name: "a", Outputs: ports("x")}, {Name: "b"}, {Name: "a", Outputs: ports("x")}},
			`dag: 2 tasks are named "a" (at places 0 and 2); rename all but one`},
		{"three producers", []dag.Spec{{Name: "c", Outputs: ports("x")}, {Name: "a", Outputs: ports("x")}, {Name: "b", Outputs: ports("x")}},
			`dag: data "x" is produced by tasks "a", "b" and "c"; rename the output of all but one`},
		{"output listed twice", []dag.Spec{{Name: "a", Outputs: ports("x", "x")}},
			`dag: task "a" lists its output "x" 2 times; list it once`},
		{"unknown task, near", []dag.Spec{{Name: "extract"}, {Name: "b", After: []string{"exract"}}},
			`dag: task "b" is to run after "exract", but there is no such task; did you mean "extract"?`},
		{"unknown task, far", []dag.Spec{{Name: "b", After: []string{"something"}}},
			`dag: task "b" is to run after "something", but there is no such task; add that task or drop the order`},
		{"its own consumer", []dag.Spec{{Name: "a", Inputs: ports("x"), Outputs: ports("x")}},
			`dag: cycle: a → a (a needs "x" from a); take one of these needs away`},
		{"after itself", []dag.Spec{{Name: "a", After: []string{"a"}}},
			`dag: cycle: a → a (a runs after a); take one of these needs away`},
		{"data and order in one cycle", []dag.Spec{
			{Name: "c", Inputs: ports("y", "x"), Outputs: ports("z")},
			{Name: "a", Inputs: ports("z", "in"), Outputs: ports("w")},
			{Name: "b", After: []string{"a"}, Outputs: ports("x", "y")},
		}, `dag: cycle: a → b → c → a (b runs after a; c needs "x" and "y" from b; a needs "z" from c); take one of these needs away`},
		{"two cycles", []dag.Spec{
			{Name: "a", After: []string{"b"}}, {Name: "b", After: []string{"a"}},
			{Name: "d", After: []string{"c"}}, {Name: "c", After: []string{"d"}}, {Name: "e", After: []string{"d"}},
		}, "dag: 2 problems:\n" +
			"  - cycle: a → b → a (b runs after a; a runs after b); take one of these needs away\n" +
			"  - cycle: c → d → c (d runs after c; c runs after d); take one of these needs away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := dag.New(c.specs)
			if g != nil || err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %v", err, c.want)
			}
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := dag.New([]dag.Spec{
		{Name: "a", Inputs: ports("y"), Outputs: ports("x")},
		{Name: "b", Inputs: ports("x"), Outputs: ports("y"), After: []string{"a", "nobody"}},
		{Name: "c", Outputs: ports("x")},
		{Name: "c"},
		{},
	})
	wrapped := fmt.Errorf("building: %w", err)

	var all *dag.Error
	if !errors.As(wrapped, &all) || len(all.Problems) != 5 {
		t.Fatalf("not one *Error with five problems: %v", err)
	}
	var unnamed *dag.UnnamedError
	if !errors.As(wrapped, &unnamed) || unnamed.Spec != 4 {
		t.Errorf("unnamed: %+v", unnamed)
	}
	var task *dag.DuplicateTaskError
	if !errors.As(wrapped, &task) || task.Task != "c" || !slices.Equal(task.Specs, []int{2, 3}) {
		t.Errorf("duplicate task: %+v", task)
	}
	var producer *dag.DuplicateProducerError
	if !errors.As(wrapped, &producer) || producer.Data != "x" ||
		!slices.Equal(producer.Producers, []string{"a", "c"}) || !slices.Equal(producer.Specs, []int{0, 2}) {
		t.Errorf("duplicate producer: %+v", producer)
	}
	var unknown *dag.UnknownTaskError
	if !errors.As(wrapped, &unknown) || unknown.Task != "b" || unknown.After != "nobody" || unknown.Nearest != "" {
		t.Errorf("unknown task: %+v", unknown)
	}
	var cycle *dag.CycleError
	want := []dag.CycleStep{{Task: "a", Data: []string{"x"}, After: true}, {Task: "b", Data: []string{"y"}}}
	if !errors.As(wrapped, &cycle) || !reflect.DeepEqual(cycle.Steps, want) ||
		!slices.Equal(cycle.Path(), []string{"a", "b", "a"}) {
		t.Errorf("cycle: %+v", cycle)
	}
}

func TestEmptyGraph(t *testing.T) {
	built, err := dag.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]*dag.Graph{"built": built, "zero": {}} {
		path, total := g.CriticalPath(nil)
		sub, err := g.Subgraph()
		if g.Len() != 0 || len(g.Nodes()) != 0 || len(g.Levels()) != 0 || len(g.Edges()) != 0 || len(g.DataNames()) != 0 ||
			len(g.Ready()) != 0 || len(g.Ancestors("a")) != 0 || len(g.ParallelGroups()) != 0 ||
			path != nil || total != 0 || err != nil || sub.Len() != 0 {
			t.Errorf("%s: something in an empty graph", name)
		}
		if got := g.String(); got != "0 tasks in 0 levels" {
			t.Errorf("%s: %q", name, got)
		}
		text, err := g.MarshalJSON()
		if want := `{"nodes":[],"edges":[],"levels":[],"external_inputs":[],"outputs":[]}`; err != nil || string(text) != want {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		if g.Fingerprint() != built.Fingerprint() {
			t.Errorf("%s: another fingerprint", name)
		}
	}
}

// What the caller does to its specs, or to a slice it was given, must not
// reach the graph.
func TestGraphKeepsNothingOfItsCallers(t *testing.T) {
	specs := []dag.Spec{
		{Name: "a", Outputs: ports("x"), Meta: map[string]any{"owner": "me"}},
		{Name: "b", Inputs: ports("x", "in"), Outputs: ports("y"), After: []string{"a"}},
	}
	g, err := dag.New(specs)
	if err != nil {
		t.Fatal(err)
	}
	text, sum := g.String(), g.Fingerprint()
	encoded, _ := g.MarshalJSON()

	specs[0].Meta["owner"] = "you"
	specs[0].Outputs[0].Name = "changed"
	specs[1].Inputs[0].Name = "changed"
	specs[1].After[0] = "changed"
	b, _ := g.Node("b")
	clear(g.Nodes())
	clear(g.Levels()[0])
	clear(g.DataNames())
	clear(g.Edges()[0].Data)
	clear(b.InputPorts())
	clear(b.OutputPorts())
	clear(b.Producers())
	d, _ := g.Data("x")
	clear(d.Consumers)
	_ = append(b.Inputs, "grown")
	_ = append(b.Outputs, "grown")
	_ = append(b.After, "grown")

	after, _ := g.MarshalJSON()
	if g.String() != text || g.Fingerprint() != sum || string(after) != string(encoded) {
		t.Errorf("the graph changed:\n%s\n%s", g, after)
	}
}

// A chain as long as this would exhaust the stack of anything recursive.
func TestLongChain(t *testing.T) {
	const n = 100_000
	specs := make([]dag.Spec, n)
	for i := range specs {
		specs[i] = dag.Spec{
			Name:    fmt.Sprint("t", i),
			Inputs:  ports(fmt.Sprint("d", i)),
			Outputs: ports(fmt.Sprint("d", i+1)),
		}
	}
	g, err := dag.New(specs)
	if err != nil {
		t.Fatal(err)
	}
	path, total := g.CriticalPath(nil)
	if len(path) != n || total != n || len(g.Levels()) != n || len(g.Ancestors(fmt.Sprint("t", n-1))) != n-1 {
		t.Fatalf("path of %d, total %v, %d levels", len(path), total, len(g.Levels()))
	}
	if sub, err := g.Subgraph(fmt.Sprint("d", n/2)); err != nil || sub.Len() != n/2 {
		t.Fatalf("subgraph: %v", err)
	}

	specs[0].Inputs[0].Name = fmt.Sprint("d", n)
	_, err = dag.New(specs)
	var cycle *dag.CycleError
	if !errors.As(err, &cycle) || len(cycle.Path()) != n+1 || !strings.Contains(err.Error(), "t9 → t10 → t11") {
		t.Fatal("the ring was not reported as one cycle through all tasks")
	}
}

// Each unknown name is compared with every known one; the number of those
// searches must not grow with the number of mistakes.
func TestManyUnknownNames(t *testing.T) {
	specs := make([]dag.Spec, 20_000)
	for i := range specs {
		specs[i] = dag.Spec{Name: fmt.Sprintf("task%05d", i), After: []string{fmt.Sprintf("taks%05d", i)}}
	}
	_, err := dag.New(specs)
	var all *dag.Error
	if !errors.As(err, &all) || len(all.Problems) != len(specs) {
		t.Fatal("not every unknown name is reported")
	}
	first, last := all.Problems[0].(*dag.UnknownTaskError), all.Problems[len(specs)-1].(*dag.UnknownTaskError)
	if first.Nearest != "task00000" || last.Nearest != "" {
		t.Fatalf("nearest to the first %q, to the last %q", first.Nearest, last.Nearest)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			specs := make([]dag.Spec, n)
			for i := range specs {
				specs[i] = dag.Spec{
					Name:    fmt.Sprint("task_", i),
					Inputs:  ports(fmt.Sprint("data_", i/2), fmt.Sprint("data_", i*9/10)),
					Outputs: ports(fmt.Sprint("data_", i+1)),
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dag.New(specs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/task")
		})
	}
}
