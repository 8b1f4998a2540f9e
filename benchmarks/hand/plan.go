// Package hand holds executors as an engineer would write them for one known
// graph: no names, no checks, no report; the graph is compiled to integers
// once and run many times.
//
// Each comes in two forms. The plain form only calls the tasks. The typed form
// does the job that a library of typed tasks does: every task gets a struct of
// its producers' values and its output is stored in its slot of a typed slice,
// without boxing.
package hand

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// A job runs one node. slots is nil in the plain form.
type job func(ctx context.Context, slots []subject.Value) error

// A plan is a graph ready to run.
type plan struct {
	g     *shape.Graph
	typed bool
	needs []int32 // number of dependencies, by node
	roots []int32
	jobs  []job
}

func newPlan(g *shape.Graph, visit subject.Visit, typed bool) *plan {
	p := &plan{g: g, typed: typed, needs: make([]int32, g.N()), jobs: make([]job, g.N())}
	for i := range g.N() {
		deps := g.Deps(i)
		p.needs[i] = int32(len(deps))
		if len(deps) == 0 {
			p.roots = append(p.roots, int32(i))
		}
		if typed {
			p.jobs[i] = typedJob(i, deps, visit)
		} else {
			p.jobs[i] = func(context.Context, []subject.Value) error { visit(i); return nil }
		}
	}
	return p
}

// typedJob is the code that a hand-written program has around each call: fill
// the input struct from the slots, call, keep the output.
func typedJob(i int, deps []int32, visit subject.Visit) job {
	switch len(deps) {
	case 0:
		task := func(_ context.Context, in subject.In0) (subject.Value, error) {
			visit(i)
			return subject.Of0(i, in), nil
		}
		return func(ctx context.Context, slots []subject.Value) (err error) {
			slots[i], err = task(ctx, subject.In0{})
			return err
		}
	case 1:
		a := deps[0]
		task := func(_ context.Context, in subject.In1) (subject.Value, error) {
			visit(i)
			return subject.Of1(in), nil
		}
		return func(ctx context.Context, slots []subject.Value) (err error) {
			slots[i], err = task(ctx, subject.In1{A: slots[a]})
			return err
		}
	case 2:
		a, b := deps[0], deps[1]
		task := func(_ context.Context, in subject.In2) (subject.Value, error) {
			visit(i)
			return subject.Of2(in), nil
		}
		return func(ctx context.Context, slots []subject.Value) (err error) {
			slots[i], err = task(ctx, subject.In2{A: slots[a], B: slots[b]})
			return err
		}
	case 3:
		a, b, c := deps[0], deps[1], deps[2]
		task := func(_ context.Context, in subject.In3) (subject.Value, error) {
			visit(i)
			return subject.Of3(in), nil
		}
		return func(ctx context.Context, slots []subject.Value) (err error) {
			slots[i], err = task(ctx, subject.In3{A: slots[a], B: slots[b], C: slots[c]})
			return err
		}
	}
	task := func(_ context.Context, in []subject.Value) (subject.Value, error) {
		visit(i)
		return subject.OfMany(in), nil
	}
	return func(ctx context.Context, slots []subject.Value) (err error) {
		in := make([]subject.Value, len(deps))
		for k, d := range deps {
			in[k] = slots[d]
		}
		slots[i], err = task(ctx, in)
		return err
	}
}

// slots are made for every run: the caller keeps them as the run's results.
func (p *plan) slots() []subject.Value {
	if !p.typed {
		return nil
	}
	return make([]subject.Value, len(p.jobs))
}

func (p *plan) results(slots []subject.Value) subject.Values {
	if !p.typed {
		return nil
	}
	return func(node int) (subject.Value, error) {
		if node < 0 || node >= len(slots) {
			return subject.Value{}, fmt.Errorf("node %d: the graph has the nodes 0 to %d", node, len(slots)-1)
		}
		return slots[node], nil
	}
}

// counters are the dependencies that each node still waits for.
func (p *plan) counters() []atomic.Int32 {
	left := make([]atomic.Int32, len(p.needs))
	for i, n := range p.needs {
		left[i].Store(n)
	}
	return left
}
