package taskbench

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/benchmarks/subject"
)

// The inputs of tasks with so many producers. Nothing but payloads is in them, so
// that they can be read as one slice.
type (
	in0  struct{}
	in1  struct{ A Payload }
	in2  struct{ A, B Payload }
	in3  struct{ A, B, C Payload }
	in4  struct{ A, B, C, D Payload }
	in5  struct{ A, B, C, D, E Payload }
	in6  struct{ A, B, C, D, E, F Payload }
	in7  struct{ A, B, C, D, E, F, G Payload }
	in8  struct{ A, B, C, D, E, F, G, H Payload }
	in9  struct{ A, B, C, D, E, F, G, H, I Payload }
	in10 struct{ A, B, C, D, E, F, G, H, I, J Payload }
	in11 struct{ A, B, C, D, E, F, G, H, I, J, K Payload }
	in12 struct{ A, B, C, D, E, F, G, H, I, J, K, L Payload }
	in13 struct{ A, B, C, D, E, F, G, H, I, J, K, L, M Payload }
	in14 struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N Payload }
	in15 struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N, O Payload }
	in16 struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P Payload }
)

// declarers make a task of a node, by the number of its producers.
var declarers = [...]func(*Bench, int) runnel.AnyTask{
	declare[in0], declare[in1], declare[in2], declare[in3], declare[in4], declare[in5], declare[in6], declare[in7], declare[in8],
	declare[in9], declare[in10], declare[in11], declare[in12], declare[in13], declare[in14], declare[in15], declare[in16],
}

// Declare makes the tasks of a Runnel pipeline: one NewTask a node, whose input
// struct has a field for each producer. More than 16 producers are an error.
func (b *Bench) Declare() ([]runnel.AnyTask, error) {
	tasks := make([]runnel.AnyTask, b.Graph.N())
	for n := range tasks {
		degree := len(b.Graph.Deps(n))
		if degree >= len(declarers) {
			return nil, fmt.Errorf("%s: node %d has %d dependencies; there are input structs for 0 to %d", b.Name, n, degree, len(declarers)-1)
		}
		tasks[n] = declarers[degree](b, n)
	}
	return tasks, nil
}

func declare[In any](b *Bench, n int) runnel.AnyTask {
	deps := b.Graph.Deps(n)
	task := runnel.NewTask(subject.NodeName(n), func(_ context.Context, in In) (Payload, error) {
		for k, got := range payloads(&in) {
			if err := b.check(n, k, deps[k], got); err != nil {
				return Payload{}, err
			}
		}
		return b.work(n)
	})
	for k, d := range deps {
		task = task.Bind(string(rune('a'+k)), subject.NodeName(int(d)))
	}
	return task
}

// payloads are the fields of an input struct in order, without a copy.
func payloads[In any](in *In) []Payload {
	return unsafe.Slice((*Payload)(unsafe.Pointer(in)), unsafe.Sizeof(*in)/unsafe.Sizeof(Payload{}))
}
