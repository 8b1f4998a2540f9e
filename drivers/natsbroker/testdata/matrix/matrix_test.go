// Package runnel_test, here, is a file of the library's own tests, put among them by
// "go test -overlay": the library must not require this module. It has each of their
// runs done by a worker over NATS JetStream. `bash .ci/run nats` runs it.
package runnel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/drivers/natsbroker"
)

// over has a server and a broker for all runs, and counts them.
var over struct {
	*natsbroker.Broker
	types sync.Map // reflect.Type to bool
	runs  atomic.Int64

	mu    sync.Mutex
	lanes []string // that are free
	made  int

	nats, unsendable, bubble atomic.Int64
}

// TestMain takes the place of that in main_test.go.
func TestMain(m *testing.M) { os.Exit(matrix(m)) }

func matrix(m *testing.M) (code int) {
	if os.Getenv("RUNNEL_TEST_BROKER") != "nats" {
		return leakChecked(m.Run())
	}
	dir, err := os.MkdirTemp("", "matrix")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	over.Broker, err = natsbroker.Embedded(context.Background(), dir, natsbroker.InMemory(), natsbroker.Namespace("matrix"))
	if err != nil {
		panic(err)
	}
	floor, _ := strconv.ParseInt(os.Getenv("RUNNEL_TEST_FLOOR"), 10, 64)
	os.Unsetenv("RUNNEL_TEST_FLOOR") // of processes that tests start
	runnel.EachRunHas(overNATS)
	code = m.Run()
	over.Close()
	fmt.Printf("%d runs over NATS; %d in the process since a value would not come back as it was, %d since their time is virtual\n",
		over.nats.Load(), over.unsendable.Load(), over.bubble.Load())
	if over.nats.Load() < floor {
		fmt.Printf("expected at least %d runs over NATS\n", floor)
		code = max(code, 1)
	}
	return leakChecked(code)
}

// leakChecked is the status of tests that must have left no goroutine.
func leakChecked(code int) int {
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	return code
}

// overNATS is the broker of a run, nil if the run cannot have one.
func overNATS(p *runnel.Pipeline) broker.Broker {
	// A server is outside of the bubbles of testing/synctest.
	if isVirtual() {
		over.bubble.Add(1)
		return nil
	}
	types, err := runnel.TypesSent(p)
	if err != nil || slices.ContainsFunc(types, unsendable) {
		return nil
	}
	over.nats.Add(1)
	return &siding{Broker: over.Broker, pipeline: p, prefix: fmt.Sprintf("%d-", over.runs.Add(1)), queue: takeLane()}
}

// isVirtual reports whether time is that of a bubble, which the system knows nothing of.
func isVirtual() bool {
	var real syscall.Timeval
	if err := syscall.Gettimeofday(&real); err != nil {
		panic(err)
	}
	return time.Since(time.Unix(real.Unix())).Abs() > time.Hour
}

// unsendable reports whether a value of a type does not come back as it was. What an
// interface holds comes back as JSON has it.
func unsendable(t reflect.Type) bool {
	known, ok := over.types.Load(t)
	if !ok {
		known = over.CheckType(t) != nil || holdsInterface(t, map[reflect.Type]bool{})
		over.types.Store(t, known)
	}
	if known.(bool) {
		over.unsendable.Add(1)
	}
	return known.(bool)
}

func holdsInterface(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsInterface(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if holdsInterface(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// CheckType implements [broker.TypeChecker].
func (l *siding) CheckType(t reflect.Type) error { return over.CheckType(t) }

func takeLane() string {
	over.mu.Lock()
	defer over.mu.Unlock()
	if n := len(over.lanes); n > 0 {
		l := over.lanes[n-1]
		over.lanes = over.lanes[:n-1]
		return l
	}
	over.made++
	return fmt.Sprint("lane", over.made)
}

// siding is the broker of one run, which brings its worker. Tests use the same names
// again and again, so the run has an id of its own at the server, and a queue that no
// other run has at the same time. Runs are not kept.
//
// Tests compare errors with the ones that they made. Only their texts travel: siding
// puts the errors back.
type siding struct {
	broker.Broker
	pipeline      *runnel.Pipeline
	prefix, queue string
	jobs          sync.Map // string, the ID, to *broker.Job as it was submitted
	errs          sync.Map // string, the ID, to error
	start, leave  sync.Once
	stop          context.CancelFunc
	worker        sync.WaitGroup
}

// free lets another run have the lane.
func (l *siding) free() {
	l.leave.Do(func() {
		over.mu.Lock()
		defer over.mu.Unlock()
		over.lanes = append(over.lanes, l.queue)
	})
}

// served is a worker as the server knows it: of this lane only.
func (l *siding) served(w *broker.Worker) *broker.Worker {
	out := *w
	out.ID, out.Queues = l.queue, nil
	for _, q := range w.Queues {
		out.Queues = append(out.Queues, l.queue+"."+q)
	}
	return &out
}

// serve starts the worker: elements are submitted once there is one that can do them.
func (l *siding) serve(ctx context.Context) {
	l.start.Do(func() {
		var working context.Context
		working, l.stop = context.WithCancel(context.WithoutCancel(ctx))
		w := runnel.NewWorker(l, l.pipeline, runnel.Concurrency(1<<12), runnel.DrainTimeout(1<<62))
		l.worker.Go(func() {
			defer l.free()
			if err := w.Run(working); err != nil && !errors.Is(err, context.Canceled) {
				panic(err)
			}
		})
	})
}

func (l *siding) Submit(ctx context.Context, batches []broker.Batch) error {
	l.serve(ctx)
	out := make([]broker.Batch, len(batches))
	for i, batch := range batches {
		for _, j := range batch {
			l.jobs.Store(j.ID(), j)
			c := *j
			c.Run, c.Queue = l.prefix+j.Run, l.queue+"."+j.Queue
			out[i] = append(out[i], &c)
		}
	}
	return l.Broker.Submit(ctx, out)
}

func (l *siding) Receive(ctx context.Context, w *broker.Worker, n int) ([]*broker.Delivery, error) {
	got, err := l.Broker.Receive(ctx, l.served(w), n)
	for i, d := range got {
		own := &broker.Delivery{Number: d.Number, Context: d.Context, Token: d}
		for _, j := range d.Jobs {
			c := *j
			c.Run, c.Queue = strings.TrimPrefix(j.Run, l.prefix), strings.TrimPrefix(j.Queue, l.queue+".")
			l.putBack(&c)
			own.Jobs = append(own.Jobs, &c)
		}
		got[i] = own
	}
	return got, err
}

// putBack gives a job the errors that it was submitted with.
func (l *siding) putBack(j *broker.Job) {
	v, ok := l.jobs.Load(j.ID())
	if !ok {
		return
	}
	was := v.(*broker.Job)
	if j.Cause != nil {
		j.Cause.Err = was.Cause.Err
	}
	for i := range j.Inputs {
		for at, f := range j.Inputs[i].Holes {
			f.Err = was.Inputs[i].Holes[at].Err
		}
	}
}

func inner(held []*broker.Delivery) []*broker.Delivery {
	out := make([]*broker.Delivery, len(held))
	for i, d := range held {
		out[i] = d.Token.(*broker.Delivery)
	}
	return out
}

func (l *siding) Extend(ctx context.Context, w *broker.Worker, held []*broker.Delivery) (time.Duration, error) {
	return l.Broker.Extend(ctx, l.served(w), inner(held))
}

func (l *siding) Release(ctx context.Context, held []*broker.Delivery, after time.Duration) error {
	return l.Broker.Release(ctx, inner(held), after)
}

func (l *siding) Finish(ctx context.Context, d *broker.Delivery, results ...*broker.Result) (int, error) {
	out := make([]*broker.Result, len(results))
	for i, r := range results {
		if r.Failure != nil {
			l.errs.Store(r.ID(), r.Failure.Err)
		}
		c := *r
		c.Run = l.prefix + r.Run
		out[i] = &c
	}
	return l.Broker.Finish(ctx, d.Token.(*broker.Delivery), out...)
}

func (l *siding) Results(ctx context.Context, run string, deliver func([]*broker.Result)) error {
	return l.Broker.Results(ctx, l.prefix+run, func(results []*broker.Result) {
		for _, r := range results {
			r.Run = strings.TrimPrefix(r.Run, l.prefix)
			if err, ok := l.errs.Load(r.ID()); ok && r.Failure != nil {
				r.Failure.Err, _ = err.(error)
			}
		}
		deliver(results)
	})
}

func (l *siding) Workers(ctx context.Context, deliver func([]*broker.Worker)) error {
	l.serve(ctx)
	return l.Broker.Workers(ctx, func(all []*broker.Worker) {
		var own []*broker.Worker
		for _, w := range all {
			if w.ID != l.queue {
				continue
			}
			c := *w
			c.Queues = nil
			for _, q := range w.Queues {
				c.Queues = append(c.Queues, strings.TrimPrefix(q, l.queue+"."))
			}
			own = append(own, &c)
		}
		deliver(own)
	})
}

func (l *siding) End(ctx context.Context, run string, e broker.End) ([]string, error) {
	l.start.Do(func() {}) // a run that was that short needs no worker any more
	held, err := l.Broker.End(ctx, l.prefix+run, e)
	for i := range held {
		held[i] = strings.TrimPrefix(held[i], l.prefix)
	}
	if l.stop == nil {
		l.free()
		return held, err
	}
	l.stop()
	if len(held) == 0 { // else the run waits for them, and the worker ends soon after
		l.worker.Wait()
	}
	return held, err
}
