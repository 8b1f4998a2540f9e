package runnelgraph

import (
	"fmt"
	"unsafe"

	"github.com/runnelflow/runnel/benchmarks/subject"
)

//go:generate go run ./widegen -n 1000 -o wide.go

// The struct has no padding, so that its fields can be read as one slice.
var _ = [1]struct{}{}[unsafe.Sizeof(wide{})-WideDegree*unsafe.Sizeof(subject.Value{})]

// values are the fields in order, without a copy.
func (w *wide) values() []subject.Value {
	return unsafe.Slice(&w.N1, WideDegree)
}

// checkWide makes sure that the dependencies are the nodes that the fields of
// wide are named after.
func checkWide(deps []int32) error {
	for k, d := range deps {
		if int(d) != k+1 {
			return fmt.Errorf("dependency %d of the wide node is node %d; its input struct takes node %d there", k, d, k+1)
		}
	}
	return nil
}
