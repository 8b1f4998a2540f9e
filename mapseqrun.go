package runnel

import (
	"context"
	"iter"
	"math"
	"runtime/debug"
	"sync/atomic"

	"github.com/runnelflow/runnel/internal/engine"
)

// stream is a run over a sequence: a batch whose elements are slots, each of which
// has one item after another.
type stream[T, R any] struct {
	x         *execution
	config    *batchConfig
	completed bool
	slots     []seqSlot[T, R]
	indices   []atomic.Int64 // of the items in the slots; a task may ask late

	free  chan int32 // slots without an item, in the order in which they were freed
	ended chan int32 // slots whose item has ended
	fed   chan int   // how many items there were, once the sequence has ended

	reader chan struct{} // closed when no goroutine reads the sequence any more
	broken error         // how the sequence ended instead of coming to its end; valid once fed

	// Of the loop that takes the results.
	given, total int
	failures     int
	first        *ItemError // that failed, with SkipFailed
}

// seqSlot is an item under way, or its result.
type seqSlot[T, R any] struct {
	item   T
	result R
	failed *ItemError
}

// mostAhead bounds the slots, whatever MaxParallel says.
const mostAhead = 1 << 16

func newStream[T, R any](ctx context.Context, c *batchConfig, items iter.Seq[T], fn func(context.Context, T) (R, error)) *stream[T, R] {
	n := min(c.limit, mostAhead)
	s := &stream[T, R]{config: c, completed: c.completed, slots: make([]seqSlot[T, R], n), indices: make([]atomic.Int64, n), total: math.MaxInt,
		free: make(chan int32, n), ended: make(chan int32, n), fed: make(chan int, 1), reader: make(chan struct{})}
	for k := range n {
		s.free <- int32(k)
	}
	d := &declaration{name: "MapSeq", config: &c.task, body: &itemBody{do: func(ctx context.Context, k int32) error {
		v := &s.slots[k]
		r, err := fn(ctx, v.item)
		if err == nil {
			v.result = r
		}
		return err
	}}}
	s.x = newBatch(ctx, c, d, n)
	s.x.maps[0].items = s
	s.x.watch(false)
	s.x.engine.Start()
	go s.read(items)
	return s
}

// read takes items from the sequence, each when there is a slot for it. It tells of
// the sequence's end unless the stream was stopped before.
func (s *stream[T, R]) read(items iter.Seq[T]) {
	defer close(s.reader)
	n, k, ok := 0, int32(0), false
	s.broken = ErrGoexit // unless it comes to its end, or panics
	defer func() {
		if v := recover(); v != nil {
			s.broken = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if ok {
			s.fed <- n
		}
	}()
	if k, ok = s.slot(); !ok {
		return
	}
	for item := range items {
		s.slots[k].item = item
		s.indices[k].Store(int64(n))
		atomic.StoreUint32(&s.x.maps[0].status[k], 0)
		n++
		s.x.engine.Resume(unit{0, k}.item())
		if k, ok = s.slot(); !ok {
			break
		}
	}
	s.broken = nil
}

// slot waits for a free slot; ok is false when the stream is stopped first.
func (s *stream[T, R]) slot() (k int32, ok bool) {
	if s.x.ctx.Err() != nil {
		return 0, false
	}
	select {
	case k = <-s.free:
		return k, true
	case <-s.x.ctx.Done():
		return 0, false
	}
}

// close ends the stream, wherever it is.
func (s *stream[T, R]) close() {
	s.x.cancel(nil)
	s.x.engine.Stop()
	<-s.x.engine.Done()
	s.x.disarm()
	<-s.reader
}

// launch implements itemFlow: elements come by [engine.Run.Resume] only.
func (s *stream[T, R]) launch(*engine.Worker) engine.Item { return engine.None }

// over notes how an item failed, and forgets what the run knows of it, since the
// next one in the slot has the same number.
func (s *stream[T, R]) over(_ *engine.Worker, k int32) engine.Item {
	x, u := s.x, unit{0, k}
	status := x.status(u)
	if failed := stateOf(status) == Failed; failed || attemptsOf(status) > 1 {
		x.mu.Lock()
		if failed {
			s.slots[k].failed = &ItemError{Index: int(s.indices[k].Load()), Attempt: attemptsOf(status), Err: x.causes[u]}
			x.failed = nil
		}
		delete(x.causes, u)
		delete(x.waits, u)
		x.mu.Unlock()
	}
	s.ended <- k
	return engine.None
}

// putOff implements itemFlow.
func (s *stream[T, R]) putOff(*engine.Worker, int32) engine.Item { return engine.None }

func (s *stream[T, R]) index(k int32) []int { return []int{int(s.indices[k].Load())} }
