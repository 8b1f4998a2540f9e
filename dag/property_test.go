package dag_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/runnelflow/runnel/dag"
	"pgregory.net/rapid"
)

// drawSpecs draws a graph without problems: a task consumes and follows only
// tasks that were drawn before it. Their places are then shuffled.
func drawSpecs(t *rapid.T) []dag.Spec {
	var specs []dag.Spec
	data := []string{"in0", "in1"}
	for k, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}).Draw(t, "names")[:rapid.IntRange(0, 9).Draw(t, "tasks")] {
		s := dag.Spec{Name: fmt.Sprint("t", i)}
		for range rapid.IntRange(0, 3).Draw(t, "inputs") {
			s.Inputs = append(s.Inputs, dag.Port{
				Name:     rapid.SampledFrom(data).Draw(t, "input"),
				Optional: rapid.Bool().Draw(t, "optional"),
			})
		}
		if k > 0 && rapid.IntRange(0, 3).Draw(t, "order") == 0 {
			s.After = append(s.After, specs[rapid.IntRange(0, k-1).Draw(t, "after")].Name)
		}
		specs = append(specs, s)
		for o := range rapid.IntRange(0, 2).Draw(t, "outputs") {
			name := fmt.Sprint("d", i, "_", o)
			specs[k].Outputs = append(specs[k].Outputs, dag.Port{Name: name})
			data = append(data, name)
		}
	}
	if len(specs) == 0 {
		return nil
	}
	return rapid.Permutation(specs).Draw(t, "places")
}

// model is the naive reading of specs: every question is answered by a scan.
type model []dag.Spec

func (m model) spec(name string) dag.Spec {
	return m[slices.IndexFunc(m, func(s dag.Spec) bool { return s.Name == name })]
}

func has(ports []dag.Port, name string) bool {
	return slices.ContainsFunc(ports, func(p dag.Port) bool { return p.Name == name })
}

// flows returns the data that task a produces and b consumes.
func (m model) flows(a, b string) []string {
	var names []string
	for _, p := range m.spec(a).Outputs {
		if has(m.spec(b).Inputs, p.Name) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (m model) waits(b, a string) bool {
	return len(m.flows(a, b)) > 0 || slices.Contains(m.spec(b).After, a)
}

func (m model) level(name string) int {
	level := 0
	for _, s := range m {
		if m.waits(name, s.Name) {
			level = max(level, m.level(s.Name)+1)
		}
	}
	return level
}

func (m model) ancestor(a, of string) bool {
	return slices.ContainsFunc(m, func(s dag.Spec) bool {
		return m.waits(of, s.Name) && (s.Name == a || m.ancestor(a, s.Name))
	})
}

// heaviest is the largest sum of costs on a path that ends with the task.
func (m model) heaviest(name string, cost map[string]float64) float64 {
	most := 0.0
	for _, s := range m {
		if m.waits(name, s.Name) {
			most = max(most, m.heaviest(s.Name, cost))
		}
	}
	return most + cost[name]
}

func TestGraphAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		m := model(specs)
		g, err := dag.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		if g.Len() != len(specs) {
			t.Fatalf("%d tasks of %d", g.Len(), len(specs))
		}

		// Order and levels.
		var want []string
		for _, s := range specs {
			want = append(want, fmt.Sprintf("%03d %s", m.level(s.Name), s.Name))
		}
		slices.Sort(want)
		var got, names []string
		for l, level := range g.Levels() {
			for _, n := range level {
				got = append(got, fmt.Sprintf("%03d %s", l, n.Name))
				names = append(names, n.Name)
				if n.Level != l {
					t.Fatalf("%s: level %d, listed in %d", n, n.Level, l)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("levels %v, want %v", got, want)
		}
		if sorted := fmt.Sprint(g.TopologicalSort()); sorted != fmt.Sprint(g.Nodes()) || sorted != fmt.Sprint(names) {
			t.Fatalf("order %v, want %v", sorted, names)
		}

		// Neighbours, edges, ancestors.
		var edges, wantEdges []string
		for _, e := range g.Edges() {
			edges = append(edges, fmt.Sprintf("%v > %v %v %v", e.From, e.To, e.Data, e.After))
		}
		for _, a := range names {
			var consumers, descendants []string
			for _, b := range names {
				if len(m.flows(a, b)) > 0 {
					consumers = append(consumers, b)
				}
				if m.ancestor(a, b) {
					descendants = append(descendants, b)
				}
				if m.waits(b, a) {
					wantEdges = append(wantEdges, fmt.Sprintf("%v > %v %v %v", a, b, m.flows(a, b), slices.Contains(m.spec(b).After, a)))
				}
				n, _ := g.Node(b)
				if slices.ContainsFunc(n.Producers(), named(a)) != (len(m.flows(a, b)) > 0) {
					t.Fatalf("producers of %s: %v", b, n.Producers())
				}
				if slices.ContainsFunc(g.Ancestors(b), named(a)) != m.ancestor(a, b) {
					t.Fatalf("ancestors of %s: %v", b, g.Ancestors(b))
				}
			}
			n, _ := g.Node(a)
			if fmt.Sprint(n.Consumers()) != fmt.Sprint(consumers) || fmt.Sprint(g.Descendants(a)) != fmt.Sprint(descendants) {
				t.Fatalf("%s: consumers %v, want %v; descendants %v, want %v", a, n.Consumers(), consumers, g.Descendants(a), descendants)
			}
		}
		if !slices.Equal(edges, wantEdges) {
			t.Fatalf("edges %v, want %v", edges, wantEdges)
		}

		// Data.
		for _, name := range g.DataNames() {
			d, ok := g.Data(name)
			consumed, required := 0, false
			producer := ""
			for _, s := range specs {
				if has(s.Inputs, name) {
					consumed++
				}
				for _, p := range s.Inputs {
					required = required || p.Name == name && !p.Optional
				}
				if has(s.Outputs, name) {
					producer = s.Name
				}
			}
			if !ok || len(d.Consumers) != consumed || d.External != (producer == "") ||
				!d.External && d.Producer.Name != producer || d.Optional != (consumed > 0 && !required) {
				t.Fatalf("data %+v", d)
			}
			if slices.Contains(g.ExternalInputs(), name) != d.External || slices.Contains(g.Outputs(), name) == d.External {
				t.Fatalf("%s is external: %v; external %v, outputs %v", name, d.External, g.ExternalInputs(), g.Outputs())
			}
		}

		// What is ready.
		var completed []string
		for _, name := range names {
			if rapid.Bool().Draw(t, "completed "+name) {
				completed = append(completed, name)
			}
		}
		var ready []string
		for _, b := range names {
			blocked := slices.ContainsFunc(names, func(a string) bool { return m.waits(b, a) && !slices.Contains(completed, a) })
			if !blocked && !slices.Contains(completed, b) {
				ready = append(ready, b)
			}
		}
		if got := g.Ready(append(completed, "no such task")...); fmt.Sprint(got) != fmt.Sprint(ready) {
			t.Fatalf("ready after %v: %v, want %v", completed, got, ready)
		}

		// The critical path, with costs that add up exactly.
		cost := map[string]float64{}
		most := 0.0
		for _, name := range names {
			cost[name] = float64(rapid.IntRange(0, 4).Draw(t, "cost "+name))
		}
		for _, name := range names {
			most = max(most, m.heaviest(name, cost))
		}
		path, total := g.CriticalPath(func(n *dag.Node) float64 { return cost[n.Name] })
		sum := 0.0
		for k, n := range path {
			sum += cost[n.Name]
			if k == 0 && n.Level != 0 || k > 0 && !m.waits(n.Name, path[k-1].Name) {
				t.Fatalf("%v is no path from a root", path)
			}
		}
		if sum != total || total != most {
			t.Fatalf("path %v costs %v, said %v, want %v", path, sum, total, most)
		}
	})
}

func named(name string) func(*dag.Node) bool {
	return func(n *dag.Node) bool { return n.Name == name }
}

func TestOrderOfSpecsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		if len(specs) == 0 {
			return
		}
		// At times an edge is added that may close a cycle.
		if rapid.Bool().Draw(t, "spoil") {
			k := rapid.IntRange(0, len(specs)-1).Draw(t, "task")
			specs[k].After = append(slices.Clone(specs[k].After), rapid.SampledFrom(specs).Draw(t, "follows").Name)
		}
		show := func(specs []dag.Spec) string {
			g, err := dag.New(specs)
			if err != nil {
				return err.Error()
			}
			text, err := g.MarshalJSON()
			return fmt.Sprint(string(text), g, g.Fingerprint(), err)
		}
		other := rapid.Permutation(specs).Draw(t, "other places")
		if a, b := show(specs), show(other); a != b {
			t.Fatalf("%s\n\n%s", a, b)
		}
	})
}

func TestSubgraphAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		m := model(specs)
		g, err := dag.New(specs)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.DataNames()) == 0 {
			return
		}
		targets := rapid.SliceOfN(rapid.SampledFrom(g.DataNames()), 0, 3).Draw(t, "targets")
		sub, err := g.Subgraph(targets...)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range specs {
			needed := slices.ContainsFunc(specs, func(p dag.Spec) bool {
				produces := slices.ContainsFunc(targets, func(d string) bool { return has(p.Outputs, d) })
				return produces && (p.Name == s.Name || m.ancestor(s.Name, p.Name))
			})
			n, ok := sub.Node(s.Name)
			if ok != needed || ok && n.Level != m.level(s.Name) {
				t.Fatalf("targets %v: %s is there: %v, needed: %v", targets, s.Name, ok, needed)
			}
		}
	})
}
