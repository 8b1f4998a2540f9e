package runnel

import "github.com/runnelflow/runnel/internal/prefetch"

// mostCached is how many tasks a graph may have whose memory a processor's cache holds:
// with their nodes and records alone, 96 bytes each, so many fill 1.5 MB.
const mostCached = 1 << 14

// soon has the memory of a task fetched that starts before long.
func (x *execution) soon(n int32) {
	if int(n) < len(x.records) { // else it is the step that opens a mapped task
		prefetch.Lines(&x.plan.nodes[n], &x.records[n])
	}
}
