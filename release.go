package runnel

// release lets go of the values that were used for the last time by a task that
// has ended, if the run's plan says so.
func (x *execution) release(n int32) {
	if x.uses == nil {
		return
	}
	node := &x.plan.nodes[n]
	m := x.mapped(n)
	sources := x.plan.from(node)
	for i := range sources {
		from := &sources[i]
		switch {
		case m == nil || m.plan.inputs[i].axes == nil:
			if from.node >= 0 {
				x.used(from)
			}
		case m.plan.inputs[i].from >= 0:
			if !m.ready { // it never took the elements
				x.maps[m.plan.inputs[i].from].dropWhole(m.plan.inputs[i].output)
			}
		case !m.ready || !m.inputs[i].lets:
			x.tookApart(from)
		}
	}
	if m != nil {
		return
	}
	for k, at := range x.plan.into(node) {
		if x.plan.uses[node.outputs.start+int32(k)] == 0 {
			x.slabs[at.slab].Clear(int(at.index))
		}
	}
}

// used counts one use of the whole of an output.
func (x *execution) used(from *source) {
	if x.plan.uses[from.output] == kept || x.uses[from.output].Add(-1) > 0 {
		return
	}
	x.slabs[from.slab].Clear(int(from.index))
	m := x.mapped(from.node)
	if m == nil {
		return
	}
	output := from.output - x.plan.nodes[from.node].outputs.start
	switch {
	case m.letsGo(output):
		m.shared[output].Store(nil)
		m.dropWhole(output)
	case x.config.cache == nil:
		m.forget(output)
	}
}

// takenWhole reports whether anybody takes the whole of an output of a mapped task.
func (x *execution) takenWhole(m *mapRun, output int) bool {
	return x.uses == nil || x.config.cache != nil || x.plan.uses[x.plan.nodes[m.plan.node].outputs.start+int32(output)] != 0
}

// ownsElements reports whether a task that takes data apart has elements of its own,
// since nobody keeps the data: a run does not change it, but lets go of the whole at
// once.
func (x *execution) ownsElements(from *source) bool {
	switch {
	case x.uses == nil || x.config.cache != nil:
		return false
	case from.node < 0:
		return x.reading(from.slot) != nil // another value is the caller's
	}
	return x.plan.uses[from.output] != kept
}

// takenApart notes that a task that opens has elements of its own.
func (x *execution) takenApart(m *mapRun) {
	if x.uses == nil {
		return
	}
	sources := x.plan.from(&x.plan.nodes[m.plan.node])
	for i := range m.inputs {
		if e := &m.inputs[i]; e.lets && e.feed == nil {
			x.tookApart(&sources[i])
		}
	}
}

// tookApart counts one use of data by a task that takes it apart.
func (x *execution) tookApart(from *source) {
	if from.node >= 0 {
		x.used(from)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.unread[from.slot]--; x.unread[from.slot] == 0 {
		delete(x.readings, from.slot)
	}
}
