package runnel

import "maps"

// partial makes the plan of a run with targets or a data cache, and says which
// of its nodes have their outputs already.
func (g *built) partial(c *runConfig) (*plan, []bool) {
	given := g.cached(c)
	if len(c.targets) == 0 && given == nil {
		return g.whole, nil
	}
	var keep []bool
	if len(c.targets) > 0 {
		keep = g.needed(c, given)
	}
	p := compile(g, keep, given)
	if keep != nil {
		p.countUses(c.targets)
	}
	if given == nil {
		return p, nil
	}
	nodes := make([]bool, len(p.nodes))
	for task := range g.tasks {
		if n := p.at(int32(task)); n >= 0 {
			nodes[n] = given[task]
		}
	}
	return p, nodes
}

// needed marks the tasks that the targets need. What a given task needed is not
// needed again.
func (g *built) needed(c *runConfig, given []bool) []bool {
	keep := make([]bool, len(g.tasks))
	var todo []int32
	want := func(task int32) {
		if !keep[task] {
			keep[task] = true
			if given == nil || !given[task] {
				todo = append(todo, task)
			}
		}
	}
	for _, name := range c.targets {
		from, ok := g.producers[name]
		if !ok {
			if g.externals[name] != nil {
				c.problem("target %q is an input of the run, which no task produces: name an output", name)
				continue
			}
			c.problem("target %q is produced by no task"+hintMark, name)
			hintFor(c.problems, name, maps.Keys(g.producers))
			continue
		}
		want(from.task)
	}
	for len(todo) > 0 {
		task := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range g.graph.Pred(task) {
			want(p)
		}
	}
	return keep
}

// countUses notes how often each output is used, so that a run can let go of it
// after the last time. Targets are kept.
func (p *plan) countUses(targets []string) {
	p.uses = make([]int32, len(p.outputs))
	for task, links := range p.of.links {
		n := p.at(int32(task))
		if n < 0 || len(p.from(&p.nodes[n])) == 0 {
			continue
		}
		for _, l := range links {
			if l.external == nil {
				p.uses[p.nodes[p.at(l.task)].outputs.start+l.output]++
			}
		}
	}
	// A consumer by elements may end before the task: it uses its output itself.
	for _, m := range p.maps {
		outputs := p.nodes[m.node].outputs
		for use := outputs.start; use < outputs.end; use++ {
			p.uses[use]++
		}
	}
	for _, name := range targets {
		if from, ok := p.of.producers[name]; ok {
			p.uses[p.nodes[p.at(from.task)].outputs.start+from.output] = kept
		}
	}
	p.countUsers()
}

// countUsers finds the mapped tasks whose elements are taken by elements only, each
// by the one at the same place: these are let go one by one.
func (p *plan) countUsers() {
	users := make([]int32, len(p.maps))
	for _, m := range p.maps {
		for _, f := range m.feeds {
			if f.aligned {
				users[f.from]++
			}
		}
	}
	for k, m := range p.maps {
		uses := int32(0) // but its own
		outputs := p.nodes[m.node].outputs
		for _, n := range p.uses[outputs.start:outputs.end] {
			if n == kept {
				uses = kept
				break
			}
			uses += n - 1
		}
		if uses == users[k] {
			m.users = uses
		}
	}
}

// kept in plan.uses: never let go.
const kept = -1
