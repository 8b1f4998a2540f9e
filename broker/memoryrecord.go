package broker

import "context"

// Finish implements [Broker].
func (m *Memory) Finish(ctx context.Context, d *Delivery, results ...*Result) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := d.Token.(*entry)
	if m.runs[e.run.id] != e.run {
		return 0, nil
	}
	current, cancel := e.current, e.cancel
	first := m.record(e, results)
	if first > 0 && e.left == 0 && current != d && cancel != nil {
		cancel(ErrLeaseLost)
	}
	return first, nil
}

// record keeps the first results of jobs of a batch, and returns how many of these were
// that. A stopped job is not known any more. m.mu is held.
func (m *Memory) record(e *entry, results []*Result) (first int) {
	r := e.run
	for _, res := range results {
		id := res.ID()
		if r.jobs[id] != e {
			continue
		}
		first++
		if res.Failure == nil || res.Failure.Kind != Stopped {
			r.jobs[id] = nil
			switch {
			case !e.once:
				r.results = append(r.results, res)
				r.recorded++
				continue
			case len(r.followers) == 0:
				r.unheard = append(r.unheard, res)
			}
		} else {
			delete(r.jobs, id)
		}
		for f := range r.followers {
			f.once = append(f.once, res)
		}
	}
	if first > 0 {
		for f := range r.followers {
			f.wake()
		}
		m.strike(e, first)
		e.batch = e.rest()
	}
	return first
}

// strike takes jobs that are over off a batch, which ends with the last one. m.mu is
// held.
func (m *Memory) strike(e *entry, n int) {
	if e.left -= n; e.left > 0 {
		return
	}
	e.batch = nil
	if e.lease == nil {
		m.dequeue(e)
	} else {
		m.leases.Remove(e.lease)
	}
	e.lease, e.current, e.cancel = nil, nil, nil
	m.left(1)
}

// left counts batches that are neither queued nor with workers any more. m.mu is held.
func (m *Memory) left(n int) {
	if m.live -= n; m.room != nil && m.live < m.MaxJobs {
		close(m.room)
		m.room = nil
	}
}

// abandonAll stops what is left of a batch whose worker has gone after the end of the
// run. m.mu is held.
func (m *Memory) abandonAll(e *entry) {
	var results []*Result
	for _, j := range e.rest() {
		results = append(results, abandon(j))
	}
	m.record(e, results)
}

// abandon is the result of a job whose worker has gone after the end of the run.
func abandon(j *Job) *Result {
	r := ResultOf(j)
	r.Failure = &Failure{Err: ErrEnded, Text: ErrEnded.Error(), Kind: Stopped}
	return r
}
