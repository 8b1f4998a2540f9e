package runnel

import (
	"fmt"
	"maps"
	"slices"

	"github.com/runnelflow/runnel/broker"
)

// AllowChanges lets a run with a [RunID] go on though its graph, or its inputs, differ
// from those that it was begun with. Then what the change touches runs again, and only
// that: tasks that are new or whose types or data have changed, those that take an
// input that has changed, and all that take data from these. A mapped task runs again
// as a whole. Without it such a run is refused, with the difference.
//
// What cannot be seen counts as the same: the code of a task, and inputs without a
// digest, as functions have none.
func AllowChanges() RunOption {
	return runOption(func(c *runConfig) { c.changes = true })
}

// change is how a run that was asked for differs from the one that is kept.
type change struct {
	problems []Problem
	touched  map[string]bool // tasks whose results count no more
}

// compareRuns compares a run of a graph with the one that is kept. It is nil when they
// are the same, and an error when they are not and must be.
func compareRuns(g *built, kept, asked *broker.Run, allowed bool) (*change, error) {
	c := &change{touched: map[string]bool{}}
	c.compareGraphs(g, kept, asked)
	c.compareInputs(g, kept, asked)
	if len(c.problems) == 0 {
		return nil, nil
	}
	if !allowed {
		sortProblems(c.problems)
		return nil, &ChangedError{Pipeline: asked.Pipeline, RunID: asked.ID, Problems: c.problems}
	}
	c.spread(g)
	return c, nil
}

// A ChangedError says how a run differs from the one that was begun under its
// [RunID]. Nothing of it has run. Give it another id, or [AllowChanges].
type ChangedError struct {
	Pipeline string
	RunID    string
	Problems []Problem

	attached bool // it was only to be followed
}

// Error lists the differences, a line each, and the mend.
func (e *ChangedError) Error() string {
	mend := "give this one another RunID, or AllowChanges to do anew what has changed"
	if e.attached {
		mend = "attach by the pipeline as it was then"
	}
	return list(fmt.Sprintf("runnel: run %s of %s was begun as another one: %s", e.RunID, pipelineLabel(e.Pipeline), mend), e.Problems)
}

func (c *change) add(p Problem) { c.problems = append(c.problems, p) }

// compareGraphs finds how the pipelines differ.
func (c *change) compareGraphs(g *built, before, after *broker.Run) {
	if before.Pipeline != after.Pipeline {
		c.add(Problem{Text: fmt.Sprintf("the run is one of %s", pipelineLabel(before.Pipeline))})
	}
	if before.Graph != after.Graph {
		c.compareNodes(g, before.Nodes, after.Nodes)
	}
}

// compareNodes finds the tasks that have changed.
func (c *change) compareNodes(g *built, before, after []*broker.Node) {
	old := make(map[string]*broker.Node, len(before))
	for _, n := range before {
		old[n.Task] = n
	}
	for _, n := range after {
		was := old[n.Task]
		delete(old, n.Task)
		text := ""
		switch {
		case was == nil:
			text = "it is new"
		case was.Fingerprint != n.Fingerprint:
			text = "its types have changed: " + difference(n.Types, was.Types, "now", "before")
		case !slices.Equal(was.Inputs, n.Inputs):
			text = fmt.Sprintf("it takes %s now, and took %s before", quoted(n.Inputs), quoted(was.Inputs))
		case !slices.Equal(was.Outputs, n.Outputs):
			text = fmt.Sprintf("it makes %s now, and made %s before", quoted(n.Outputs), quoted(was.Outputs))
		case !slices.Equal(was.After, n.After):
			c.add(g.problemOf(n.Task, fmt.Sprintf("it runs after %s now, and ran after %s before", quoted(n.After), quoted(was.After))))
			continue // its data are the same
		default:
			continue
		}
		c.touched[n.Task] = true
		c.add(g.problemOf(n.Task, text))
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		c.touched[name] = true
		c.add(Problem{Text: fmt.Sprintf("task %q is gone", name)})
	}
}

// problemOf is a problem of a task.
func (g *built) problemOf(task, text string) Problem {
	return Problem{Task: task, Location: g.tasks[g.names[task]].Location(), Text: text}
}

// compareInputs finds the inputs that have changed, and who takes them.
func (c *change) compareInputs(g *built, before, after *broker.Run) {
	has := func(r *broker.Run) map[string]bool {
		names := make(map[string]bool, len(r.Inputs))
		for _, in := range r.Inputs {
			names[in.Name] = true
		}
		return names
	}
	was, is := has(before), has(after)
	all := maps.Clone(was)
	maps.Copy(all, is)
	changed := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := ""
		switch {
		case !was[name]:
			text = "was not given before"
		case !is[name]:
			text = "is not given any more"
		case before.Digests[name] != after.Digests[name]:
			text = "has another value"
		default:
			continue
		}
		changed[name] = true
		c.add(Problem{Text: fmt.Sprintf("input %q %s", name, text)})
	}
	if len(changed) == 0 {
		return
	}
	for _, d := range g.tasks {
		if slices.ContainsFunc(d.inputs, func(in input) bool { return changed[in.name] }) || d.stays && changed[d.outputs[0].name] {
			c.touched[d.Name()] = true
		}
	}
}

// spread touches all tasks that take data from one that is touched.
func (c *change) spread(g *built) {
	takers := make([][]int32, len(g.tasks))
	var todo []int32
	for i, links := range g.links {
		for _, l := range links {
			if l.external == nil {
				takers[l.task] = append(takers[l.task], int32(i))
			}
		}
		if c.touched[g.tasks[i].Name()] {
			todo = append(todo, int32(i))
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, t := range takers[i] {
			if name := g.tasks[t].Name(); !c.touched[name] {
				c.touched[name] = true
				todo = append(todo, t)
			}
		}
	}
}

// sameNames reports whether two lists have the same names.
func sameNames(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// checkKept says what a run that a broker is to keep cannot have.
func (c *runConfig) checkKept(in Values) {
	if c.changes && !c.isKept() {
		c.problem("AllowChanges is for runs that a broker keeps: give a RunID and WithBroker a broker that keeps runs, or drop it")
	}
	if !c.isKept() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if isSequence(in[name]) {
			c.problem("input %q is a sequence, which only this process can read: give a slice of its elements, or drop RunID to have nothing kept", name)
		}
	}
}
