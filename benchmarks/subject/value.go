package subject

import "github.com/runnelflow/runnel/benchmarks/shape"

// A Value is what every task produces: three words, one of them a pointer, so
// that copying it, and the collector's scan of it, cost what a small result of
// a real task costs.
type Value struct {
	Sum uint64
	Tag string
}

// Inputs of tasks with no, one, two and three producers.
type (
	In0 = struct{}
	In1 struct{ A Value }
	In2 struct{ A, B Value }
	In3 struct{ A, B, C Value }
)

// The functions of the tasks. The sum depends on every input and on its
// position, so that a value that went to the wrong place is seen in a test.

// Of0 is the output of a task without inputs. It differs from node to node, so
// that the two sides of a tree differ too.
func Of0(node int, _ In0) Value { return Value{Sum: uint64(node) + 1, Tag: "source"} }

// Of1 is the output of a task with one input.
func Of1(in In1) Value { return Value{Sum: mix(1, in.A), Tag: in.A.Tag} }

// Of2 is the output of a task with two inputs.
func Of2(in In2) Value { return Value{Sum: mix(mix(1, in.A), in.B), Tag: in.A.Tag} }

// Of3 is the output of a task with three inputs.
func Of3(in In3) Value { return Value{Sum: mix(mix(mix(1, in.A), in.B), in.C), Tag: in.A.Tag} }

// OfMany is the output of a task with any number of inputs above three.
func OfMany(in []Value) Value {
	sum := uint64(1)
	for _, v := range in {
		sum = mix(sum, v)
	}
	return Value{Sum: sum, Tag: in[0].Tag}
}

func mix(sum uint64, v Value) uint64 { return sum*31 + v.Sum }

// Expected computes every node's value in a plain loop.
func Expected(g *shape.Graph) []Value {
	values := make([]Value, g.N())
	for i := range values {
		var in []Value
		for _, d := range g.Deps(i) {
			in = append(in, values[d])
		}
		if len(in) == 0 {
			values[i] = Of0(i, In0{})
		} else {
			values[i] = OfMany(in)
		}
	}
	return values
}
