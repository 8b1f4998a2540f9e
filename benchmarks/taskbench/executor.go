package taskbench

import (
	"context"
	"sync/atomic"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/library"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// An Executor runs the graph of a Bench.
type Executor struct {
	Name string
	Kind subject.Kind
	// Build makes the graph once; what it returns runs it again and again, one run
	// after the other, and returns the error of the first task that was handed
	// something wrong.
	Build func(b *Bench) (func(context.Context) error, error)
}

// The names of the executors that targets refer to.
const (
	Own      = "Runnel"
	Untimed  = "Runnel, Timings(false)"
	Stealing = "work stealing by hand"
)

// Executors are those of the tables.
func Executors() []Executor {
	all := []Executor{overSlots("static schedule by hand", hand.Static()), overSlots(Stealing, hand.WorkStealing())}
	for _, s := range library.Subjects() {
		all = append(all, overSlots(s.Name, s))
	}
	return append(all, overSlots("pond, counters", library.Pond()), own(Own), own(Untimed, runnel.Timings(false)))
}

// Find is the executor of that name; it panics when there is none.
func Find(name string) Executor {
	for _, e := range Executors() {
		if e.Name == name {
			return e
		}
	}
	panic("no executor is called " + name)
}

// overSlots is an executor that hands on no values: its tasks read those of their
// producers from a slice, where each task has a slot. That is how one would write
// it by hand, and costs less than handing values over.
func overSlots(name string, s subject.Subject) Executor {
	return Executor{Name: name, Kind: s.Kind, Build: func(b *Bench) (func(context.Context) error, error) {
		t := &slots{bench: b, values: make([]Payload, b.Graph.N())}
		run, err := s.Build(b.Graph, t.visit)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if _, err := run(ctx); err != nil {
				return err
			}
			if err := t.failure.Swap(nil); err != nil {
				return *err
			}
			return nil
		}, nil
	}}
}

type slots struct {
	bench   *Bench
	values  []Payload
	failure atomic.Pointer[error] // the first one
}

func (s *slots) visit(n int) {
	for k, d := range s.bench.Graph.Deps(n) {
		if err := s.bench.check(n, k, d, s.values[d]); err != nil {
			s.fail(err)
			return
		}
	}
	out, err := s.bench.work(n)
	if err != nil {
		s.fail(err)
		return
	}
	s.values[n] = out
}

func (s *slots) fail(err error) { s.failure.CompareAndSwap(nil, &err) }

// own is Runnel.
func own(name string, opts ...runnel.RunOption) Executor {
	return Executor{Name: name, Kind: subject.Runnel, Build: func(b *Bench) (func(context.Context) error, error) {
		tasks, err := b.Declare()
		if err != nil {
			return nil, err
		}
		p, err := runnel.FromTasks(tasks...)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := p.Run(ctx, nil, opts...)
			return err
		}, nil
	}}
}
