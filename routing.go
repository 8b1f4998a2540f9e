package runnel

import (
	"errors"
	"fmt"
)

// absent reports whether an optional input is not there: its producer did not
// succeed, or nobody supplied it.
func (x *execution) absent(from *source) bool {
	if from.node < 0 {
		return !x.supplied[from.index]
	}
	return x.records[from.node].state() != Succeeded
}

// whyAbsent says why an input is not there whose task asks for that.
func (x *execution) whyAbsent(from *source) error {
	if from.node < 0 { // at a worker
		return x.holes[from.slot][0]
	}
	u := unit{from.node, whole}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch err := x.causes[u]; {
	case err != nil:
		return err
	case x.records[from.node].state() == Skipped:
		return fmt.Errorf("%w: %s", ErrSkipped, x.reasons[u])
	}
	return errors.New(x.reasons[u])
}

// blocked says why a task cannot run, or is empty: something it needs did not
// succeed. For an element there may be the error of that too.
func (x *execution) blocked(u unit) (reason string, cause error) {
	if m := x.mapped(u.node); m != nil {
		return m.blocked(u.elem)
	}
	return x.blockedNode(&x.plan.nodes[u.node]), nil
}

func (x *execution) blockedNode(node *node) string {
	sources := x.plan.from(node)
	for i := range sources {
		from := &sources[i]
		if from.node < 0 || from.optional {
			continue
		}
		fed := node.mapped >= 0 && x.plan.maps[node.mapped].inputs[i].from >= 0
		if fed {
			if !x.opened(from.node) {
				return fmt.Sprintf("its input %q is missing: task %q could not start", node.task.inputs[i].name, x.plan.nodes[from.node].task.Name())
			}
			continue // what is missing shows element by element
		}
		if s := x.records[from.node].state(); s != Succeeded && !(from.partial && x.opened(from.node)) {
			return fmt.Sprintf("its input %q is missing: task %q %s", node.task.inputs[i].name, x.plan.nodes[from.node].task.Name(), outcome(s))
		}
	}
	for _, t := range x.plan.after(node.task) {
		if s := x.records[t].state(); s != Succeeded {
			return fmt.Sprintf("it runs after task %q, which %s", x.plan.nodes[t].task.Name(), outcome(s))
		}
	}
	return ""
}

func outcome(s State) string {
	if s == Failed {
		return "failed"
	}
	return "was " + s.String()
}

// after lists the nodes that a task runs after without taking data from them.
func (p *plan) after(d *declaration) []int32 {
	if len(d.config.after) == 0 {
		return nil
	}
	tasks := p.of.after[p.of.names[d.Name()]]
	if p.place == nil {
		return tasks
	}
	nodes := make([]int32, len(tasks))
	for i, t := range tasks {
		nodes[i] = p.place[t]
	}
	return nodes
}

// mismatch is the error of a value whose type shows only when it is there.
func (x *execution) mismatch(n *node, i int, err error) error {
	by := "the run's inputs"
	if x.engine == nil { // at a worker, which gets all of them from the run
		by = "the run"
	}
	if from := x.plan.from(n)[i].node; from >= 0 {
		p := x.plan.nodes[from].task
		by = fmt.Sprintf("task %q (%s)", p.Name(), p.Location())
	}
	in := n.task.inputs[i]
	if unread, ok := errors.AsType[*unreadError](err); ok {
		return Permanent(fmt.Errorf("input %q (%s): %w", in.name, in.label, unread))
	}
	return Permanent(fmt.Errorf("input %q (%s) from %s: %w: hand over that type, or let the input take the other", in.name, in.label, by, err))
}

// inputs are the values that a task is called with.
func (x *execution) inputs(u unit) Values {
	if u.elem != whole {
		return x.mapped(u.node).inputValues(u.elem)
	}
	node := &x.plan.nodes[u.node]
	sources := x.plan.from(node)
	in := make(Values, len(sources))
	for i := range sources {
		from := &sources[i]
		if from.optional && x.absent(from) {
			continue
		}
		if v, err := x.slabs[from.slab].Load(int(from.index)); err == nil { // else the attempt fails with it
			in[node.task.inputs[i].name] = v
		}
	}
	return in
}

// store puts the outputs of a task into the run's data cache.
func (x *execution) store(n int32) {
	node := &x.plan.nodes[n]
	for k, at := range x.plan.into(node) {
		if v, err := x.slabs[at.slab].Load(int(at.index)); err == nil { // else who takes it fails with it
			x.config.cache.Set(node.task.outputs[k].name, v)
		}
	}
}
