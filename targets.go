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
		p.countUses(c)
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

// countUses notes how often each output is used as a whole, so that a run can let go
// of it after the last time, and who takes its elements. Targets are kept.
func (p *plan) countUses(c *runConfig) {
	p.uses = make([]int32, len(p.outputs))
	for _, m := range p.maps {
		m.holds = make([]int32, p.nodes[m.node].outputs.len())
	}
	for task, links := range p.of.links {
		n := p.at(int32(task))
		if n < 0 || len(p.from(&p.nodes[n])) == 0 {
			continue
		}
		for i, l := range links {
			if l.external != nil {
				continue
			}
			if k := p.nodes[n].mapped; k >= 0 && p.maps[k].inputs[i].from >= 0 {
				p.maps[p.maps[k].inputs[i].from].holds[l.output]++
				continue
			}
			p.uses[p.nodes[p.at(l.task)].outputs.start+l.output]++
		}
	}
	for _, name := range c.targets {
		if from, ok := p.of.producers[name]; ok {
			p.uses[p.nodes[p.at(from.task)].outputs.start+from.output] = kept
		}
	}
	for _, m := range p.maps {
		for k, uses := range p.uses[p.nodes[m.node].outputs.start:p.nodes[m.node].outputs.end] {
			switch {
			case uses == kept || uses > 0 && m.holds[k] == 0, c.cache != nil: // which has them too
				m.holds[k] = kept
			case uses > 0:
				m.holds[k]++
			}
		}
	}
}

// kept in plan.uses and mapPlan.holds: not let go.
const kept = -1
