// Package benchmarks measures Runnel beside executors written by hand and
// beside other libraries, on the same graphs, in one process. See README.md.
package benchmarks

import (
	"slices"

	"github.com/runnelflow/runnel/benchmarks/hand"
	"github.com/runnelflow/runnel/benchmarks/library"
	"github.com/runnelflow/runnel/benchmarks/runnelgraph"
	"github.com/runnelflow/runnel/benchmarks/shape"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// Subjects are all executors, in the order of the tables.
func Subjects() []subject.Subject {
	return slices.Concat(hand.Subjects(), library.Subjects(), runnelgraph.Subjects())
}

// Shapes are the graphs that every executor runs.
func Shapes() []*shape.Graph {
	return []*shape.Graph{
		shape.Chain(1000),
		shape.Fan(runnelgraph.WideDegree),
		shape.Tree(512),
		shape.Random(100, 100),
	}
}
