package docs

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/runnelflow/runnel"
)

// buffer is a value of some size, whose end is noticed.
type buffer struct{ data []byte }

// counter counts the buffers that the collector has not taken.
type counter struct{ live, most atomic.Int64 }

func (c *counter) make(size int) *buffer {
	// What nobody refers to any more is taken now, so that only the rest counts.
	runtime.GC()
	runtime.Gosched()
	b := &buffer{make([]byte, size)}
	c.most.Store(max(c.most.Load(), c.live.Add(1)))
	runtime.AddCleanup(b, func(live *atomic.Int64) { live.Add(-1) }, &c.live)
	return b
}

// peak runs a pipeline and returns how many buffers there were at once.
func (c *counter) peak(t *testing.T, p *runnel.Pipeline, opts ...runnel.RunOption) int64 {
	t.Helper()
	for c.live.Load() > 0 {
		runtime.GC()
		runtime.Gosched()
	}
	c.most.Store(0)
	res, err := p.Run(t.Context(), nil, append(opts, runnel.MaxParallel(1))...)
	if err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(res)
	return c.most.Load()
}
