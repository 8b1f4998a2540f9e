package runnel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnelflow/runnel/internal/engine"
	"github.com/runnelflow/runnel/internal/graph"
)

// A batch is a run of one mapped task, so that attempts, retries, timeouts, panics
// and cancellation are those of every run. Its elements need nothing of each other
// and the task has no inputs, so an itemFlow takes the place of the window, and the
// engine's own limit is the window: a slot is a worker.

// itemFlow says which elements of a batch follow each other.
type itemFlow interface {
	// launch is called by a worker that has joined: it returns an element to begin
	// with. It may push the same item once more, for another worker to join.
	launch(w *engine.Worker) engine.Item
	// over follows from an element that has ended.
	over(w *engine.Worker, elem int32) engine.Item
	// putOff follows from an element that waits for its next attempt. The lock of
	// the run is held.
	putOff(w *engine.Worker, elem int32) engine.Item
	// index is what the element is called in errors, nil for the only one.
	index(elem int32) []int
}

// itemBody is the body of a batch's task.
type itemBody struct {
	do func(ctx context.Context, elem int32) error
}

func (b *itemBody) call(ctx context.Context, s *scratch, _ *node) error { return b.do(ctx, s.elem) }

// oneNode is the graph of every batch.
var oneNode = graph.New(1, nil, nil)

// newBatch prepares a run of n elements.
func newBatch(ctx context.Context, c *batchConfig, d *declaration, n int) *execution {
	retry := &d.config.retry
	p := &plan{
		of:    &built{config: &pipelineConfig{}},
		nodes: []node{{task: d, invoked: d.invoked(), frame: -1, outFrame: -1, retries: retry.retries > 0, limited: retry.timeout > 0}},
		graph: oneNode,
		steps: oneNode,
		maps:  []*mapPlan{{rank: 1}},
	}
	x := &execution{plan: p, config: runConfig{limit: c.limit, mode: c.mode, untimed: true}}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.id = sync.OnceValue(func() string { return fmt.Sprintf("%016x", rand.Uint64()) })
	x.allocate()
	m := x.maps[0]
	m.window.size = math.MaxInt // the engine's limit bounds it
	m.status = make([]uint32, n)
	return x
}

// batchOutcome is what became of a batch.
type batchOutcome struct {
	items    int
	status   []uint32
	failed   []*ItemError // in the order in which they failed
	stopped  error        // what the items that did not end were stopped by, nil if all ended
	cause    error        // of a cancellation by the caller
	kind     error        // of that cancellation
	progress error        // how the function given to Progress failed
	took     time.Duration
}

// runItems calls do for each of n items.
func runItems(ctx context.Context, c *batchConfig, name string, n int, inTurn bool, do func(ctx context.Context, i int32) error) *batchOutcome {
	return runFlow(ctx, c, name, n, inTurn, func(*handOut) func(context.Context, int32) error { return do })
}

// runFlow is runItems for what needs to know the chunks.
func runFlow(ctx context.Context, c *batchConfig, name string, n int, inTurn bool, of func(*handOut) func(context.Context, int32) error) *batchOutcome {
	f := &handOut{inTurn: inTurn}
	f.init(c.chunks, n)
	d := &declaration{name: name, config: &c.task, body: &itemBody{do: of(f)}}
	x := newBatch(ctx, c, d, n)
	f.x = x
	f.left.Store(int64(n))
	f.progress = newProgress(c.progress, n)
	x.maps[0].items = f
	out := &batchOutcome{items: n, status: x.maps[0].status}
	x.runBatch(out, n)
	if c.mode == FailFast {
		f.progress.add(len(out.failed)) // they ended the batch, and were not counted
	}
	out.progress = f.progress.close()
	x.cancel(nil)
	return out
}

// runBatch runs a batch of n elements to its end.
func (x *execution) runBatch(out *batchOutcome, n int) {
	x.start = time.Now()
	if x.ctx.Err() != nil {
		x.engine.Stop()
	}
	if n > 0 {
		x.engine.Start()
		select {
		case <-x.engine.Done():
		case <-x.ctx.Done():
			x.engine.Stop()
			<-x.engine.Done()
		}
	}
	x.disarm()
	out.took = time.Since(x.start)
	for _, f := range x.failed {
		e := &ItemError{Attempt: f.Attempt, Err: f.Err}
		if f.Index != nil {
			e.Index = f.Index[0]
		}
		out.failed = append(out.failed, e)
	}
	if x.ctx.Err() == nil {
		return
	}
	for e := range out.status {
		if s := stateOf(&out.status[e]); s.Ended() && s != Cancelled {
			continue
		}
		kind, cause := x.ctx.Err(), context.Cause(x.ctx)
		if !x.isStop(cause) {
			out.cause, out.kind = cause, kind
		}
		if out.stopped = cause; !errors.Is(cause, kind) {
			out.stopped = fmt.Errorf("%w: %w", kind, cause)
		}
		return
	}
}

// handOut hands out the items of a batch in order, chunk by chunk.
type handOut struct {
	chunker
	x *execution
	// inTurn says that each item of a chunk waits for the one before it, all its
	// attempts included.
	inTurn   bool
	left     atomic.Int64 // items that have not ended
	progress *progress
}

// worked is what a worker keeps of the chunk that it has: how many items it took
// of it, since when.
type worked struct {
	items int
	since time.Time
}

func (f *handOut) launch(w *engine.Worker) engine.Item {
	first, more, ok := f.take(w)
	if more {
		w.Push(unit{0, whole}.item())
	}
	if !ok {
		return engine.None
	}
	return unit{0, first}.item()
}

// take begins a chunk.
func (f *handOut) take(w *engine.Worker) (first int32, more, ok bool) {
	if f.most > 0 {
		s, now := f.x.scratch(w), time.Now()
		f.measured(s.chunk.items, now.Sub(s.chunk.since))
		defer func() { s.chunk = worked{0, now} }()
	}
	return f.claim()
}

func (f *handOut) over(w *engine.Worker, elem int32) engine.Item {
	f.progress.add(1)
	if f.left.Add(-1) == 0 {
		f.x.set(unit{0, whole}, Succeeded, 1)
		return w.Finish(0)
	}
	if f.resumed(w) {
		return engine.None
	}
	return f.after(w, elem, true)
}

func (f *handOut) putOff(w *engine.Worker, elem int32) engine.Item {
	if f.resumed(w) {
		return engine.None
	}
	return f.after(w, elem, !f.inTurn)
}

// resumed reports whether a worker has made a further attempt at an item whose
// chunk went on without it. The worker may have put off an item of its own for
// it, which comes next; if not, it joins again.
func (f *handOut) resumed(w *engine.Worker) bool {
	return !f.inTurn && f.x.scratch(w).attempt > 1
}

// after goes on with the chunk of an item, or begins another one.
func (f *handOut) after(w *engine.Worker, elem int32, goOn bool) engine.Item {
	if f.most > 0 {
		f.x.scratch(w).chunk.items++
	}
	if goOn && !f.isLast(elem) {
		return unit{0, elem + 1}.item()
	}
	if first, _, ok := f.take(w); ok {
		return unit{0, first}.item()
	}
	return engine.None
}

func (f *handOut) index(elem int32) []int { return []int{int(elem)} }
