package cli

import (
	"fmt"
	"strings"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// flow is a pipeline as the command line sees it.
type flow struct {
	name   string // its word on the command line, empty when it has none
	p      *runnel.Pipeline
	graph  *dag.Graph // empty when there is an error
	err    error      // why it cannot be used
	inputs []*input   // by name
}

func newFlow(p *runnel.Pipeline, place int) *flow {
	f := &flow{p: p, graph: new(dag.Graph)}
	if p == nil {
		f.err = fmt.Errorf("pipeline %d is nil: look at the error of the call that made it", place+1)
		return f
	}
	f.name = strings.TrimLeft(strings.Join(strings.Fields(p.Name()), "-"), "-")
	g, err := p.Graph()
	if err != nil {
		f.err = err
		return f
	}
	f.graph, f.inputs = g, inputsOf(g)
	return f
}

// checkNames sees to it that each of several pipelines can be named.
func (c *call) checkNames() {
	if len(c.flows) < 2 {
		return
	}
	by := map[string]int{}
	for i, f := range c.flows {
		if f.name == "" && f.err == nil {
			f.err = fmt.Errorf("pipeline %d of %d has no name: give it one with runnel.PipelineName", i+1, len(c.flows))
		}
		if f.name == "" {
			f.name = fmt.Sprintf("pipeline-%d", i+1)
		}
		if other, there := by[f.name]; there {
			f.err = fmt.Errorf("pipelines %d and %d are both called %q: give one of them another runnel.PipelineName", other+1, i+1, f.name)
			f.name = fmt.Sprintf("%s-%d", f.name, i+1)
			continue
		}
		by[f.name] = i
	}
}

// input finds an external input by its name.
func (f *flow) input(name string) *input {
	for _, in := range f.inputs {
		if in.name == name {
			return in
		}
	}
	return nil
}
