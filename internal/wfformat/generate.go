package wfformat

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Chain returns n tasks, each of which reads the file of the one before. Fewer
// than one task gives an empty workflow. Runtimes differ from task to task and
// are the same at every call.
func Chain(n int) *Workflow {
	w := &Workflow{Name: fmt.Sprintf("chain-%d", n)}
	for i := range n {
		t := newTask(i, "link", stepRuntime(i))
		if i > 0 {
			t.read(&w.Tasks[i-1])
		}
		w.Tasks = append(w.Tasks, t)
	}
	return w
}

// ForkJoin returns n+2 tasks: a fork, n branches that read its file, and a
// join that reads every branch's. With n below one the join reads nothing and
// awaits nothing. Runtimes differ from branch to branch and are the same at
// every call.
func ForkJoin(n int) *Workflow {
	w := &Workflow{Name: fmt.Sprintf("forkjoin-%d", n)}
	w.Tasks = append(w.Tasks, newTask(0, "fork", stepRuntime(0)))
	for i := range n {
		t := newTask(i+1, "branch", stepRuntime(i+1))
		t.read(&w.Tasks[0])
		w.Tasks = append(w.Tasks, t)
	}
	join := newTask(len(w.Tasks), "join", stepRuntime(len(w.Tasks)))
	for i := 1; i < len(w.Tasks); i++ {
		join.read(&w.Tasks[i])
	}
	w.Tasks = append(w.Tasks, join)
	return w
}

// Random returns n tasks with up to four parents each, among them parents that
// pass no file (see [Workflow.OrderOnly]), files that many tasks read, tasks
// with two output files, and tasks that take no time. Equal arguments give
// equal workflows. Fewer than one task gives an empty workflow.
func Random(seed uint64, n int) *Workflow {
	w := &Workflow{Name: fmt.Sprintf("random-%d-%d", seed, n)}
	r := rand.New(rand.NewPCG(seed, uint64(max(n, 0))))
	for i := range n {
		t := newTask(i, "step", time.Duration(r.IntN(10_000))*time.Millisecond)
		if r.IntN(10) == 0 {
			t.Runtime = 0
		}
		if r.IntN(6) == 0 {
			t.Outputs = append(t.Outputs, t.ID+".log")
		}
		// Mostly near parents, so that the graph grows deep as well as wide.
		taken := make(map[int]bool)
		for range min(i, r.IntN(5)) {
			parent := r.IntN(i)
			if r.IntN(4) > 0 {
				parent = i - 1 - r.IntN(min(i, 16))
			}
			if taken[parent] {
				continue
			}
			taken[parent] = true
			if r.IntN(8) == 0 {
				t.Parents = append(t.Parents, w.Tasks[parent].ID)
			} else {
				t.read(&w.Tasks[parent])
			}
		}
		if len(t.Inputs) == 0 {
			t.Inputs = append(t.Inputs, "external.dat")
		}
		w.Tasks = append(w.Tasks, t)
	}
	return w
}

func newTask(i int, kind string, runtime time.Duration) Task {
	id := fmt.Sprintf("%s_%06d", kind, i)
	return Task{ID: id, Name: kind, Outputs: []string{id + ".dat"}, Runtime: runtime}
}

// read makes parent's files inputs of t.
func (t *Task) read(parent *Task) {
	t.Parents = append(t.Parents, parent.ID)
	t.Inputs = append(t.Inputs, parent.Outputs...)
}

// stepRuntime is between 100 ms and 1.2 s, and uneven, so that a barrier
// between levels would show in the makespan.
func stepRuntime(i int) time.Duration {
	return time.Duration(100+(i*37)%12*100) * time.Millisecond
}
