package taskbench

import (
	"fmt"

	"github.com/runnelflow/runnel/benchmarks/shape"
)

// A Payload is what a task hands on: where in the grid it stands. A task checks
// each of its inputs against the point that it should come from.
type Payload struct{ Step, Point int64 }

// A Bench is one graph, or several that run side by side, as tasks to be executed.
// It is safe for concurrent use, but for SetIterations.
type Bench struct {
	Name string
	// Graph is the tasks as nodes: graph after graph, step after step.
	Graph *shape.Graph

	want       []Payload // of each node
	graph      []int32   // which of the specs each node belongs to
	iterations int
}

// New makes a Bench. With several specs the index of each is its place.
func New(name string, specs ...Spec) (*Bench, error) {
	b := &Bench{Name: name}
	var deps [][]int
	for g, s := range specs {
		s.Index = g
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		before, first := 0, 0 // the node of point first of the step before
		for t := range s.Steps {
			from, end := s.live(t)
			start := len(deps)
			for i := from; i < end; i++ {
				nodes := s.Deps(t, i)
				for k, j := range nodes {
					nodes[k] = before + j - first
				}
				deps = append(deps, nodes)
				b.want = append(b.want, Payload{int64(t), int64(i)})
				b.graph = append(b.graph, int32(g))
			}
			before, first = start, from
		}
	}
	b.Graph = shape.Of(name, deps)
	return b, nil
}

// SetIterations says how long the kernels are from now on. No run may be going on.
func (b *Bench) SetIterations(n int) { b.iterations = n }

// check says whether input k of a node is what its producer should have made.
func (b *Bench) check(node, k int, dep int32, got Payload) error {
	if got == b.want[dep] {
		return nil
	}
	return b.wrong(node, k, dep, got)
}

func (b *Bench) wrong(node, k int, dep int32, got Payload) error {
	return &PayloadError{At: b.want[node], Graph: int(b.graph[node]), Input: k, Want: b.want[dep], Got: got}
}

// work computes, and returns what the node hands on.
func (b *Bench) work(node int) (Payload, error) {
	if sum := Kernel(b.iterations); !(sum > 0) {
		return Payload{}, fmt.Errorf("the kernel's sum is %v, which cannot be", sum)
	}
	return b.want[node], nil
}

// A PayloadError tells that a task was handed something that its producer did not
// make.
type PayloadError struct {
	At        Payload // the task
	Graph     int
	Input     int // from 0
	Want, Got Payload
}

func (e *PayloadError) Error() string {
	return fmt.Sprintf("graph %d, step %d, point %d: input %d carries step %d, point %d, want step %d, point %d",
		e.Graph, e.At.Step, e.At.Point, e.Input, e.Got.Step, e.Got.Point, e.Want.Step, e.Want.Point)
}
