package dag_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/dag"
)

// FuzzNew reads bytes as specs over a few names, so that every kind of problem
// is common, and holds New to either a sound graph or an explained error.
func FuzzNew(f *testing.F) {
	f.Add([]byte("a>b|b>c|c>d"))
	f.Add([]byte("a>b|b>a"))
	f.Add([]byte("a>b^1|c>b|a>|>"))
	f.Add([]byte("ab?c>de^23|e>a|^1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var specs []dag.Spec
		for k, line := range strings.Split(string(text), "|") {
			s := dag.Spec{Name: fmt.Sprint("t", k)}
			line, after, _ := strings.Cut(line, "^")
			inputs, outputs, _ := strings.Cut(line, ">")
			for _, r := range after {
				s.After = append(s.After, fmt.Sprintf("t%c", r))
			}
			optional := false
			for _, r := range inputs {
				if r == '?' {
					optional = true
					continue
				}
				s.Inputs = append(s.Inputs, dag.Port{Name: strings.TrimSpace(string(r)), Optional: optional})
				optional = false
			}
			for _, r := range outputs {
				s.Outputs = append(s.Outputs, dag.Port{Name: strings.TrimSpace(string(r))})
			}
			if len(outputs) > 3 {
				s.Name = outputs[:1]
			}
			specs = append(specs, s)
		}
		g, err := dag.New(specs)
		if err != nil {
			var all *dag.Error
			if g != nil || !errors.As(err, &all) || len(all.Problems) == 0 || strings.Count(err.Error(), "\n") > len(all.Problems) {
				t.Fatalf("%v, %v", g, err)
			}
			var cycle *dag.CycleError
			if errors.As(err, &cycle) {
				for _, s := range cycle.Steps {
					if len(s.Data) == 0 && !s.After {
						t.Fatalf("nothing joins %s to the next in %v", s.Task, cycle)
					}
				}
			}
			return
		}
		done := map[string]bool{}
		for _, n := range g.TopologicalSort() {
			for _, a := range g.Ancestors(n.Name) {
				if !done[a.Name] {
					t.Fatalf("%s before %s", n, a)
				}
			}
			done[n.Name] = true
		}
		if len(done) != len(specs) {
			t.Fatalf("%d tasks of %d", len(done), len(specs))
		}
		if _, err := g.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
		again, err := g.Subgraph(g.DataNames()...)
		if err != nil || again.Len() > g.Len() {
			t.Fatalf("subgraph %v, %v", again, err)
		}
		_ = g.String()
	})
}
