package dag

import "container/heap"

// Makespan says how long a graph takes on that many workers, each of which does
// one task at a time and waits for nothing else; 0 workers, or fewer, are
// unlimited.
//
// No schedule ends before least: the larger of the critical path and of the
// work divided by the workers. reached is what one schedule needs that can be
// had without trying: list scheduling, in which a free worker takes the ready
// task with the longest path from it to the end, of equals the first by level,
// then name. The best makespan is between the two. It is not computed, since
// that is NP-hard; reached is at most 2-1/workers times it (R. L. Graham,
// "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17(2),
// 1969). With unlimited workers, and with one, all three are the same.
func (a *Analysis) Makespan(workers int) (least, reached float64) {
	switch {
	case workers <= 0 || workers >= len(a.Tasks):
		return a.Total, a.Total
	case workers == 1:
		return a.Work, a.Work
	}
	least = max(a.Total, a.Work/float64(workers))
	return least, max(least, a.listSchedule(workers)) // which rounding could put below
}

// listSchedule is the time at which the last task ends.
func (a *Analysis) listSchedule(workers int) (now float64) {
	waits := make([]int32, len(a.Tasks))
	ready := queue{key: a.tail, descending: true}
	running := queue{key: make([]float64, len(a.Tasks))} // by the time they end at
	for i := range a.Tasks {
		waits[i] = int32(len(a.graph.links.Pred(int32(i))))
		if waits[i] == 0 {
			ready.items = append(ready.items, int32(i))
		}
	}
	heap.Init(&ready)
	for {
		for running.Len() < workers && ready.Len() > 0 {
			i := heap.Pop(&ready).(int32)
			running.key[i] = now + a.Tasks[i].Cost
			heap.Push(&running, i)
		}
		if running.Len() == 0 {
			return now
		}
		now = running.key[running.items[0]]
		for running.Len() > 0 && running.key[running.items[0]] == now {
			for _, s := range a.graph.links.Succ(heap.Pop(&running).(int32)) {
				if waits[s]--; waits[s] == 0 {
					heap.Push(&ready, s)
				}
			}
		}
	}
}

// queue is a heap of tasks by a key, then by number.
type queue struct {
	items      []int32
	key        []float64
	descending bool
}

func (q *queue) Len() int { return len(q.items) }

func (q *queue) Less(i, j int) bool {
	a, b := q.items[i], q.items[j]
	if q.key[a] != q.key[b] {
		return (q.key[a] < q.key[b]) != q.descending
	}
	return a < b
}

func (q *queue) Swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }
func (q *queue) Push(x any)    { q.items = append(q.items, x.(int32)) }

func (q *queue) Pop() any {
	last := q.items[len(q.items)-1]
	q.items = q.items[:len(q.items)-1]
	return last
}
