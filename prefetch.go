package runnel

import (
	"github.com/runnelflow/runnel/internal/cpuhint"
	"github.com/runnelflow/runnel/internal/engine"
)

// mostCached is how many tasks a graph may have whose memory a processor's cache holds:
// with their nodes and records alone, 96 bytes each, so many fill 1.5 MB.
const mostCached = 1 << 14

// soon has the memory of a task fetched that starts before long: its node and record at
// once, and what a node with inputs leads to at the worker's next call, when it is there to
// be read: where the inputs are, and what its function closes over.
func (x *execution) soon(w *engine.Worker, n int32) {
	if int(n) >= len(x.records) {
		return // it is the step that opens a mapped task
	}
	cpuhint.Lines(&x.plan.nodes[n], &x.records[n])
	s, ok := w.Local.(*scratch)
	if !ok {
		return // it has run nothing yet
	}
	if last := &x.plan.nodes[s.soon]; last.sources.len() > 0 {
		cpuhint.Lines(&x.plan.reads[last.sources.start], cpuhint.Held(last.invoked))
	}
	s.soon = n
}
