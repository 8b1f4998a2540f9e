package runneltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/dag"
)

// Check builds a pipeline and reports each of its problems as an error of the
// test: all that [runnel.Pipeline.Build] refuses, and names that are probably
// misspelled.
//
// A name that no task produces is an external input, so a typing error in it is
// no fault of the graph: a required input then has to be supplied by the
// caller, and an optional one is silently absent for ever. Check reports an
// external input whose name is near that of some task's output, or near that of
// another external input. Names that differ only in their numbers, or in a last
// word of one letter, count as a series: part_1 and part_2, side_a and side_b.
// A name declared with [runnel.External] is meant as it is.
//
// Nothing runs. Check may be called from several goroutines.
func Check(t testing.TB, p *runnel.Pipeline) {
	t.Helper()
	for _, text := range problems(p) {
		t.Errorf("runneltest: %s", text)
	}
}

func problems(p *runnel.Pipeline) []string {
	if p == nil {
		return []string{"the pipeline is nil: give Check the one that FromTasks, NewPipeline or Registry.Build returned, after looking at the error"}
	}
	g, err := p.Graph()
	if build, ok := errors.AsType[*runnel.BuildError](err); ok {
		texts := make([]string, len(build.Problems))
		for i, problem := range build.Problems {
			texts[i] = problem.String()
		}
		return texts
	}
	if err != nil {
		return []string{err.Error()}
	}
	return misspelled(p, g)
}

// misspelled finds the external inputs whose names were probably meant to be
// other ones.
func misspelled(p *runnel.Pipeline, g *dag.Graph) []string {
	declared := p.Externals()
	external := g.ExternalInputs()
	var texts []string
	for i, name := range external {
		if slices.Contains(declared, name) {
			continue
		}
		if near, ok := nearOne(name, g.Outputs()); ok {
			data, _ := g.Data(near)
			texts = append(texts, fmt.Sprintf("input %q of %s is produced by no task; was %q meant, which %s produces? Correct one of the names, or declare the input with External[T](%q)",
				name, consumers(p, g, name), near, task(p, data.Producer.Name), name))
			continue
		}
		// Of two inputs that are near each other, the first that is not declared
		// speaks for both.
		others := slices.DeleteFunc(slices.Clone(external), func(other string) bool {
			k := slices.Index(external, other)
			return k == i || k < i && !slices.Contains(declared, other)
		})
		if near, ok := nearOne(name, others); ok {
			texts = append(texts, fmt.Sprintf("inputs %q of %s and %q of %s are both supplied by the caller; is one name a misspelling of the other? Correct it, or declare both with External",
				name, consumers(p, g, name), near, consumers(p, g, near)))
		}
	}
	return texts
}

// consumers names the tasks that take an external input.
func consumers(p *runnel.Pipeline, g *dag.Graph, data string) string {
	const most = 3
	d, _ := g.Data(data)
	var names []string
	for i, n := range d.Consumers {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(d.Consumers)-most))
			break
		}
		names = append(names, task(p, n.Name))
	}
	return strings.Join(names, ", ")
}

// task names a task and the place of its declaration.
func task(p *runnel.Pipeline, name string) string {
	for _, t := range p.Tasks() {
		if t.Name() == name {
			return fmt.Sprintf("task %q (%s)", name, t.Location())
		}
	}
	return fmt.Sprintf("task %q", name)
}
