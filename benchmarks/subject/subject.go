// Package subject says what an executor under measurement is, and what its
// tasks take and give.
package subject

import (
	"context"
	"strconv"

	"github.com/runnelflow/runnel/benchmarks/shape"
)

// Kind groups the executors.
type Kind int

// The kinds, in the order of the tables.
const (
	Hand    Kind = iota // written by hand over integers
	Library             // another library, with a graph of its own
	Runnel
)

// A Visit is called by every task, once, with its node. It is the same
// function value for every executor, so that a test can look inside and a
// measurement pays the same for it everywhere.
type Visit func(node int)

// A Run executes a built graph once. It returns the values that the tasks
// produced, or nil when the executor hands no values from task to task.
type Run func(context.Context) (Values, error)

// Values is the output of one node in a run that has ended.
type Values func(node int) (Value, error)

// A Subject is one executor.
type Subject struct {
	Name string
	Kind Kind
	// Typed: every task gets its inputs as typed values and its output is kept.
	Typed bool
	// Build makes the graph; its Run may be called again and again, one call
	// after the other.
	Build func(g *shape.Graph, visit Visit) (Run, error)
}

// NodeName is the name of a node's task, and of the data that it produces,
// where an executor wants names.
func NodeName(node int) string { return "n" + strconv.Itoa(node) }

// NoOp is the Visit of measurements.
func NoOp(int) {}
