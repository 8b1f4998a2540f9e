package runneltest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
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
// word of one letter, count as a series: part_1 and part_2, side_a and side_b. A
// series is reported once. Names that differ in a whole word are different names:
// in_file and out_file, features and raw_features. A name declared with
// [runnel.External] is meant as it is.
//
// Nothing runs. Of more than about 2,000 series of names only the first are
// looked up, in the order of the alphabet. Check may be called from several goroutines.
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
	declared := map[string]bool{}
	for _, name := range p.Externals() {
		declared[name] = true
	}
	external, outputs := g.ExternalInputs(), newNames(g.Outputs())
	inputs := newNames(external)
	at := sync.OnceValue(func() places { return placesOf(p) })
	// Of two inputs that are near each other, the first that is not declared
	// speaks for both; of a series, its first that is not declared speaks for all.
	var texts []string
	told := map[string]bool{}
	for _, name := range external {
		want := newStem(name)
		if declared[name] || told[want.joined] {
			continue
		}
		told[want.joined] = true
		if near, ok := outputs.near(want, nil); ok {
			data, _ := g.Data(near)
			texts = append(texts, fmt.Sprintf("input %q of %s is produced by no task; was %q meant, which %s produces? Correct one of the names, or declare the input with External[T](%q)",
				name, at().consumers(g, name), near, at().task(data.Producer.Name), name))
			continue
		}
		if near, ok := inputs.near(want, told); ok {
			texts = append(texts, fmt.Sprintf("inputs %q of %s and %q of %s are both supplied by the caller; is one name a misspelling of the other? Correct it, or declare both with External",
				name, at().consumers(g, name), near, at().consumers(g, near)))
		}
	}
	return texts
}

// places tell where each task of a pipeline was declared.
type places map[string]string

func placesOf(p *runnel.Pipeline) places {
	all := places{}
	for _, t := range p.Tasks() {
		all[t.Name()] = t.Location()
	}
	return all
}

// task names a task and the place of its declaration. Those of nested pipelines
// are known by their path alone.
func (p places) task(name string) string {
	if at, ok := p[name]; ok {
		return fmt.Sprintf("task %q (%s)", name, at)
	}
	return fmt.Sprintf("task %q", name)
}

// consumers names the tasks that take an external input.
func (p places) consumers(g *dag.Graph, data string) string {
	const most = 3
	d, _ := g.Data(data)
	var names []string
	for i, n := range d.Consumers {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(d.Consumers)-most))
			break
		}
		names = append(names, p.task(n.Name))
	}
	return strings.Join(names, ", ")
}
