package hand

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/runnelflow/runnel/benchmarks/subject"
)

// workStealing is what an engineer with a week to spare writes: a deque per
// worker, the first ready successor inline, panics turned into errors, workers
// started and woken only when there is more than one ready node, and all state
// but the slots kept from run to run. The caller is the first worker.
func workStealing(p *plan) subject.Run {
	workers := runtime.GOMAXPROCS(0)
	size := int64(1) << bits.Len(uint(len(p.jobs)))
	pool := sync.Pool{New: func() any {
		r := &stealing{
			plan:   p,
			left:   make([]atomic.Int32, len(p.jobs)),
			deques: make([]deque, workers),
			wake:   make(chan struct{}, workers),
		}
		for i := range r.deques {
			r.deques[i].ring = make([]atomic.Int32, size)
			r.deques[i].mask = size - 1
		}
		return r
	}}
	return func(ctx context.Context) (subject.Values, error) {
		r := pool.Get().(*stealing)
		slots := p.slots()
		if err := r.run(ctx, slots); err != nil {
			return nil, err
		}
		r.ctx, r.vals = nil, nil
		pool.Put(r)
		return p.results(slots), nil
	}
}

// stealing is one run.
type stealing struct {
	*plan
	ctx     context.Context
	vals    []subject.Value
	left    []atomic.Int32
	deques  []deque
	rest    atomic.Int64 // nodes not yet run, less those a worker has not reported
	started atomic.Int32 // workers, the caller included
	idle    atomic.Int32 // workers parked or about to be
	stop    atomic.Bool
	wake    chan struct{}
	wg      sync.WaitGroup
	errMu   sync.Mutex
	err     error
}

func (r *stealing) run(ctx context.Context, slots []subject.Value) error {
	r.ctx, r.vals, r.err = ctx, slots, nil
	for i, n := range r.needs {
		r.left[i].Store(n)
	}
	for i := range r.deques {
		r.deques[i].top.Store(0)
		r.deques[i].bottom.Store(0)
	}
	r.rest.Store(int64(len(r.jobs)))
	r.started.Store(1)
	r.idle.Store(0)
	r.stop.Store(false)
	for _, n := range r.roots {
		r.deques[0].push(n)
	}
	if len(r.roots) > 1 {
		r.signal()
	}
	r.work(0)
	r.wg.Wait()
	for len(r.wake) > 0 {
		<-r.wake
	}
	return r.err
}

// work runs nodes until the run is over.
func (r *stealing) work(me int) {
	own := &r.deques[me]
	done := int64(0)
	node := none
	for {
		for node >= 0 {
			if r.stop.Load() {
				return
			}
			if err := r.call(node); err != nil {
				r.fail(err)
				return
			}
			done++
			node = r.release(node, own)
		}
		if node = own.pop(); node >= 0 {
			continue
		}
		if r.rest.Add(-done) == 0 {
			r.quit()
			return
		}
		done = 0
		if node = r.find(me); node == none {
			return
		}
	}
}

// release counts down the successors, returns the first one that became ready
// and pushes the others.
func (r *stealing) release(node int32, own *deque) int32 {
	next, pushed := none, false
	for _, s := range r.g.Succ(int(node)) {
		// A node with one dependency needs no counter.
		if r.needs[s] != 1 && r.left[s].Add(-1) != 0 {
			continue
		}
		if next < 0 {
			next = s
		} else {
			own.push(s)
			pushed = true
		}
	}
	if pushed {
		r.signal()
	}
	return next
}

func (r *stealing) call(node int32) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("node %d panicked: %v", node, v)
		}
	}()
	return r.jobs[node](r.ctx, r.vals)
}

func (r *stealing) fail(err error) {
	r.errMu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.errMu.Unlock()
	r.quit()
}

// quit ends the run for every worker.
func (r *stealing) quit() {
	r.stop.Store(true)
	for r.callIdle() {
	}
}
