package runnel

import "github.com/runnelflow/runnel/internal/engine"

// open opens a mapped task and, with it, all whose turn has come or comes by that,
// before any of them starts: an element that ends then finds its consumers there, and
// goes on. What has a sequence to read is left to others, since that may take long.
func (x *execution) open(w *engine.Worker, m *mapRun) engine.Item {
	if !m.taken.CompareAndSwap(false, true) {
		return engine.None
	}
	s := x.scratch(w)
	s.opening, s.opened = append(s.opening[:0], m), 0
	if !x.begun.Swap(true) {
		for _, k := range x.plan.first {
			x.alongside(s, x.maps[k])
		}
	}
	return x.openRest(w, s)
}

// alongside opens a task in the same go as others, if it is not taken. It reports
// whether somebody does.
func (x *execution) alongside(s *scratch, m *mapRun) bool {
	if m.reads() {
		return false
	}
	if m.taken.CompareAndSwap(false, true) {
		s.opening = append(s.opening, m)
	}
	return true
}

// reads reports whether opening a task reads a sequence, or what a worker has made.
func (m *mapRun) reads() bool {
	from := m.x.plan.from(&m.x.plan.nodes[m.plan.node])
	for i, p := range m.plan.inputs {
		if p.axes == nil || p.from >= 0 {
			continue
		}
		slab, at := m.x.slabs[from[i].slab], int(from[i].index)
		if s, ok := slab.(*sealed); ok && s.letters[at].Load() != nil {
			return true
		}
		if v, err := slab.Load(at); err == nil && isSequence(v) {
			return true
		}
	}
	return false
}

// openRest opens the tasks that this worker has taken, then launches them, those
// furthest down the stream first.
func (x *execution) openRest(w *engine.Worker, s *scratch) engine.Item {
	for s.opened < len(s.opening) {
		if x.ctx.Err() != nil {
			return engine.None
		}
		m := s.opening[s.opened]
		var err error
		if x.uneven.Load() || x.broken.Load() {
			m.reason, _ = m.blocked(whole)
		}
		if m.reason == "" {
			m.opening.Store(true)
			err = m.measure()
			m.opening.Store(false)
			if x.ctx.Err() != nil {
				return engine.None
			}
		}
		x.finishOpening(w, s, err)
	}
	w.Clock = 0 // it may have taken its time
	v := wave{w: w, next: engine.None}
	for _, it := range s.others {
		v.push(it)
	}
	opened := s.opening
	s.opening, s.others = nil, nil
	for k := len(opened) - 1; k >= 0; k-- {
		v.push(opened[k].launch(w))
	}
	return v.next
}

// finishOpening follows from the opening of a task, with the error that it ended
// with. It takes what this made ready, or notes it for others.
func (x *execution) finishOpening(w *engine.Worker, s *scratch, err error) {
	m := s.opening[s.opened]
	if m.broken = err; m.reason == "" && err == nil {
		m.prepare()
		m.ready = true
	} else {
		x.broken.Store(true)
	}
	s.opened++
	nodes := int32(len(x.plan.nodes))
	for _, it := range w.FinishAll(nodes+x.plan.nodes[m.plan.node].mapped, nil) {
		// What is no opener is the launch of this task, which comes in its turn.
		if k := unitOf(it).node - nodes; k >= 0 && !x.alongside(s, x.maps[k]) {
			s.others = append(s.others, it)
		}
	}
}

// openingUnwound goes on after the opening of a task has ended its goroutine.
func (x *execution) openingUnwound(w *engine.Worker) engine.Item {
	s := x.scratch(w)
	s.opening[s.opened].opening.Store(false)
	x.finishOpening(w, s, ErrGoexit)
	return x.openRest(w, s)
}
